// A browser's Worker on top of Node's, as far as jax-js uses it: a module from a Blob, messages
// both ways. With it, and with navigator.hardwareConcurrency as the number of threads, jax-js
// computes on threads in Node, which it does not on its own.

import { Worker as NodeWorker } from 'node:worker_threads';

const PRELUDE = `import { parentPort } from 'node:worker_threads';
globalThis.self = globalThis;
globalThis.postMessage = (message) => parentPort.postMessage(message);
parentPort.on('message', (data) => globalThis.onmessage({ data }));
`;

export function enableWorkers(threads) {
  const sources = new WeakMap();
  const { Blob } = globalThis;
  globalThis.Blob = class extends Blob {
    constructor(parts, options) {
      super(parts, options);
      if (parts.every((part) => typeof part === 'string')) sources.set(this, parts.join(''));
    }
  };
  URL.createObjectURL = (blob) =>
    `data:text/javascript;base64,${Buffer.from(PRELUDE + sources.get(blob)).toString('base64')}`;
  URL.revokeObjectURL = () => {};
  globalThis.Worker = class {
    #worker;
    constructor(url) {
      this.#worker = new NodeWorker(new URL(url));
      this.#worker.on('message', (data) => this.onmessage?.({ data }));
      this.#worker.on('error', (error) => this.onerror?.(error));
    }
    postMessage(message) {
      this.#worker.postMessage(message);
    }
  };
  Object.defineProperty(globalThis, 'navigator', {
    value: { hardwareConcurrency: threads },
    configurable: true,
  });
}

// A worker thread in whatever runtime: Node, Deno and Bun by node:worker_threads, pages by Worker.
// No import of Node's module stands in this text: bundlers for pages would stumble over it.

import { UsageError } from '../core/errors.ts';

/** What the pool needs of a worker. */
export interface WorkerThread {
  postMessage(message: object): void;
  terminate(): unknown;
  /** True for sure if the thread has ended, where the runtime tells a caller that waits. */
  isGone(): boolean;
}

interface NodePort {
  postMessage(message: unknown, transfer?: readonly unknown[]): unknown;
  once(event: 'message', listener: (message: never) => void): void;
}

interface NodeWorker extends Pick<NodePort, 'postMessage'> {
  on(event: string, listener: (value: { message?: string }) => void): NodeWorker;
  terminate(): unknown;
  unref(): void;
}

/** The part of node:worker_threads that is used. */
interface NodeThreads {
  Worker: new (url: URL, options: { execArgv: string[] }) => NodeWorker;
  MessageChannel: new () => { port1: NodePort; port2: NodePort };
  parentPort: NodePort | null;
}

interface NodeGlobals {
  process?: { versions?: { node?: string }; getBuiltinModule?(name: string): NodeThreads };
}

const MODULE = 'node:worker_threads';

/** Calls `use` with Node's module, or with undefined where there is none: at once, but in Node
 *  before 20.16 a little later. */
export function withNodeThreads(use: (node: NodeThreads | undefined) => void): void {
  const { process } = globalThis as NodeGlobals;
  if (process?.getBuiltinModule || !process?.versions?.node) {
    use(process?.getBuiltinModule?.(MODULE));
  } else import(/* webpackIgnore: true */ /* @vite-ignore */ MODULE).then(use);
}

const isNodeWorker = (worker: unknown): worker is NodeWorker =>
  typeof (worker as NodeWorker).on === 'function';

/** Starts a worker of a module, or takes the one that a function starts; `end` hears why it ended
 *  or cannot work. Throws what the runtime throws. */
export function startWorker(
  node: NodeThreads | undefined,
  source: URL | (() => unknown),
  end: (why: string) => void,
): WorkerThread {
  const isFunction = typeof source === 'function';
  // pages do not say why a module cannot be loaded
  const unknown = `${isFunction ? 'its module' : source} cannot be loaded`;
  const fail = ({ message }: { message?: string }): void =>
    end(`a thread failed: ${message ?? unknown}`);
  const given = isFunction ? source() : undefined;
  if (isFunction && Object(given) !== given) throw new UsageError('worker() gave no worker');
  if (node === undefined || (given !== undefined && !isNodeWorker(given))) {
    const worker = (given ?? new Worker(source as URL, { type: 'module' })) as Worker;
    worker.onerror = (event) => {
      event.preventDefault();
      fail(event);
    };
    return Object.assign(worker, { isGone: () => false });
  }
  // without the process's flags: with --eval or --input-type no worker starts
  const worker = given ?? new node.Worker(source as URL, { execArgv: [] });
  const { port1, port2 } = new node.MessageChannel();
  // Node says whether a port has another end, which ends with its thread; elsewhere nothing is said
  const isThere = (): boolean => port1.postMessage(0) === true;
  const tells = isThere();
  worker
    .on('error', fail)
    .on('exit', () => end('a thread ended'))
    .unref();
  return {
    postMessage: (message) => worker.postMessage({ ...message, port2 }, [port2]),
    terminate: () => worker.terminate(),
    isGone: () => tells && !isThere(),
  };
}

/** In a worker: calls `receive` with the first message. */
export function onFirstMessage(receive: (message: never) => void): void {
  withNodeThreads((node) => {
    if (node?.parentPort) node.parentPort.once('message', receive);
    else if (typeof addEventListener !== 'function') {
      const hint = 'call serve() in the module that the option worker starts';
      throw new UsageError('models are served outside of a worker', hint);
    } else {
      const listener = (event: Event): void => receive((event as MessageEvent).data as never);
      addEventListener('message', listener, { once: true });
    }
  });
}

// What rival engines expect of a browser and Node 20 lacks. Imported before the engine. Each shim does what the newer platform
// does; none is on a path that is timed, apart from jax-js's iterators, which run while it traces.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Where the .wasm files of tfjs are. */
export const TFJS_FOLDER = join(import.meta.dirname, 'node_modules/@tensorflow/tfjs-backend-wasm/dist/');

/** fetch of local files: engines load their .wasm with it. */
const { fetch } = globalThis;
globalThis.fetch = async (resource, options) => {
  const url = String(resource?.url ?? resource);
  if (!url.startsWith('file:')) return fetch(resource, options);
  return new Response(await readFile(new URL(url)), { headers: { 'content-type': 'application/wasm' } });
};

/** Iterator helpers (in Node from 22 on): jax-js calls map, filter and others on iterators. */
const iterator = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));
const helpers = {
  *map(f) { let i = 0; for (const value of this) yield f(value, i++); },
  *filter(f) { let i = 0; for (const value of this) if (f(value, i++)) yield value; },
  *take(n) { if (n > 0) for (const value of this) { yield value; if (--n <= 0) return; } },
  *drop(n) { for (const value of this) if (n-- <= 0) yield value; },
  *flatMap(f) { let i = 0; for (const value of this) yield* f(value, i++); },
  reduce(f, ...start) { return [...this].reduce(f, ...start); },
  forEach(f) { let i = 0; for (const value of this) f(value, i++); },
  some(f) { let i = 0; for (const value of this) if (f(value, i++)) return true; return false; },
  every(f) { let i = 0; for (const value of this) if (!f(value, i++)) return false; return true; },
  find(f) { let i = 0; for (const value of this) if (f(value, i++)) return value; return undefined; },
  toArray() { return [...this]; },
};
for (const [name, value] of Object.entries(helpers)) if (!(name in iterator)) Object.defineProperty(iterator, name, { value, writable: true, configurable: true });

/** Every WebAssembly memory that an engine makes, so that its size can be read. */
export const memories = [];
const { Memory } = WebAssembly;
WebAssembly.Memory = new Proxy(Memory, { construct: (target, args) => {
  const memory = new target(...args);
  memories.push(memory);
  return memory;
} });
/** Bytes of all of them. They never shrink. */
export const heapBytes = () => memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);

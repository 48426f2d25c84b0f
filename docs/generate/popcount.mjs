// Makes docs/examples/papers/binarized-networks/popcount.mjs, the compiled kernels of that system,
// so that a program in any runtime can have them: node docs/generate/popcount.mjs

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compile } from '../examples/kernel/compile.mjs';

const FOLDER = 'docs/examples/papers/binarized-networks';
const FILE = join(import.meta.dirname, '../..', FOLDER, 'popcount.mjs');

/** Lines of a text. */
const lines = (text) => text.match(/.{1,92}/g).map((line) => `  '${line}',`);

/** The text of the file. */
export async function popcount() {
  const bytes = await compile(`${FOLDER}/kernel/assembly.ts`, 'release', { sharedMemory: false });
  return `// Made by docs/generate/popcount.mjs from kernel/assembly.ts: for memory of one thread.

const BASE64 = [
${lines(Buffer.from(bytes).toString('base64')).join('\n')}
].join('');

const bytes = Uint8Array.from(atob(BASE64), (letter) => letter.charCodeAt(0));
const made = new WeakMap();

/** The kernels (kernel/contract.ts) on a back end's memory. */
export function kernelsOf({ memory }) {
  if (!made.has(memory)) {
    const module = new WebAssembly.Module(bytes);
    made.set(memory, new WebAssembly.Instance(module, { env: { memory } }).exports);
  }
  return made.get(memory);
}
`;
}

if (process.argv[1] === import.meta.filename) writeFileSync(FILE, await popcount());

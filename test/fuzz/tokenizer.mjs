// Bundles test/fuzz/tokenizer.ts, which imports the library's sources, into build/, from where it
// finds the packages that it compares with, and runs it.

import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

process.chdir(fileURLToPath(new URL('../..', import.meta.url)));
mkdirSync('build', { recursive: true });
const outfile = 'build/fuzz-tokenizer.mjs';
await build({
  entryPoints: ['test/fuzz/tokenizer.ts'],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  external: ['gpt-3-encoder', '@huggingface/tokenizers'],
  loader: { '.wasm': 'binary' },
  logLevel: 'warning',
});
await import(new URL(`../../${outfile}`, import.meta.url).href);

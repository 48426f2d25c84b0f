// Runs a TypeScript script of this folder: node bench/run.mjs NAME [arguments]. Bundles it into
// build/ first.

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const name = process.argv[2];
const root = join(import.meta.dirname, '..');
const outfile = join(root, 'build', `bench-${name}.mjs`);
await build({
  entryPoints: [join(root, 'bench', `${name}.ts`)],
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  outfile,
  loader: { '.wasm': 'binary' },
  logLevel: 'warning',
});
process.argv.splice(1, 2, outfile);
await import(pathToFileURL(outfile).href);

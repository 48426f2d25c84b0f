// Bundles test/fuzz/lockstep.ts, which imports the library's sources, and runs it in the project's
// root.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

process.chdir(fileURLToPath(new URL('../..', import.meta.url)));
const folder = mkdtempSync(join(tmpdir(), 'retrograd-lockstep-'));
const outfile = join(folder, 'lockstep.mjs');
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
await build({
  entryPoints: ['test/fuzz/lockstep.ts'],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  loader: { '.wasm': 'binary' },
  logLevel: 'warning',
});
await import(pathToFileURL(outfile).href);

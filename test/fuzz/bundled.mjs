// Fuzzers in TypeScript, which import the library's sources: bundled, and run in the project's
// root.

import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** Runs test/fuzz/NAME.ts. It is bundled into build/, from where it finds the packages that it
 *  compares with (`external`). */
export async function runBundled(name, external = []) {
  process.chdir(fileURLToPath(new URL('../..', import.meta.url)));
  mkdirSync('build', { recursive: true });
  const outfile = `build/fuzz-${name}.mjs`;
  await build({
    entryPoints: [`test/fuzz/${name}.ts`],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external,
    loader: { '.wasm': 'binary' },
    logLevel: 'warning',
  });
  await import(new URL(`../../${outfile}`, import.meta.url).href);
}

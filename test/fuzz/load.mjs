// What fuzzers call: the sources, bundled in memory, so that a fuzzer needs no step of its own and
// also reaches what no package exports: the command line's readers.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');
const wasm = {
  name: 'wasm',
  setup: (b) =>
    b.onLoad({ filter: /\.wasm$/ }, ({ path }) => {
      const text = readFileSync(path).toString('base64');
      return { contents: `export default () => Uint8Array.from(Buffer.from('${text}', 'base64'))` };
    }),
};

/** The exports of `lines`, TypeScript that is bundled as if it stood in the repository's root. */
export async function load(lines) {
  const folder = mkdtempSync(join(tmpdir(), 'retrograd-fuzz-'));
  const outfile = join(folder, 'bundle.mjs');
  try {
    const { outputFiles } = await build({
      stdin: { contents: lines, resolveDir: ROOT, loader: 'ts' },
      bundle: true,
      write: false,
      outfile,
      format: 'esm',
      platform: 'node',
      target: 'es2022',
      plugins: [wasm],
      logLevel: 'error',
    });
    writeFileSync(outfile, outputFiles[0].contents);
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

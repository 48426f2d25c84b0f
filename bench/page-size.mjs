// What a page loads that trains by the library: a program bundled by esbuild from dist/index.js,
// minified and compressed by gzip -9, WebAssembly included. test/package/package.test.ts holds the
// bounds.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { ROOT } from './stamp.mjs';

/** Most bytes of README's example, and of the same with all models and update rules. */
export const MOST_BYTES = { example: 40_000, everything: 55_000 };

/** README's example, as a file. */
const PROGRAM = 'docs/examples/node/train.mjs';

/** Uses every model and update rule; bundlers cannot leave out what is exported. */
const EVERYTHING = `
export { bdia, coupling, gpt, leapfrog, momentum, plain, translator, vit } from 'retrograd';
`;

/** Bytes of a bundled program, as they are and gzipped. */
export async function pageSize(contents) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: ROOT },
    alias: { retrograd: join(ROOT, 'dist/index.js') },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    platform: 'neutral',
    logLevel: 'error',
  });
  const bytes = outputFiles[0].contents;
  return { bytes: bytes.length, gzipped: gzipSync(bytes, { level: 9 }).length };
}

/** Of README's example, and of the same with everything. */
export async function pageSizes() {
  const program = readFileSync(join(ROOT, PROGRAM), 'utf8');
  return {
    example: await pageSize(program),
    everything: await pageSize(program + EVERYTHING),
  };
}

// Modules of src for programs that Node runs without a build.

import { build } from 'esbuild';
import { ROOT } from './stamp.mjs';

/** What these lines of TypeScript export; imports are from the root of the repository. */
export async function loadLines(contents) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: ROOT, loader: 'ts' },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'neutral',
    logLevel: 'error',
    loader: { '.wasm': 'empty' },
  });
  return import(
    `data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`
  );
}

/** A module of src, with what it imports. */
export const load = (file) => loadLines(`export * from './${file}';`);

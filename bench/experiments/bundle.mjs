// Bundles the command of the experiments into build/, beside the library in dist/, which it imports
// as users have it.

import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const ROOT = join(import.meta.dirname, '..', '..');

const LIBRARY = {
  '../index.ts': '../dist/index.js',
  '../tokenizer/index.ts': '../dist/tokenizer.js',
  '../verify/index.ts': '../dist/verify.js',
};
const library = {
  name: 'library',
  setup: (b) =>
    b.onResolve({ filter: /^\.\.\/((tokenizer|verify)\/)?index\.ts$/ }, ({ path }) => ({
      path: LIBRARY[path],
      external: true,
    })),
};

/** Commander is CommonJS and calls require, which ES modules do not have. */
const BANNER = `import { createRequire as __createRequire } from 'node:module';
const require = __createRequire(import.meta.url);`;

/** Returns the bundle's path. Processes may do this at once: each puts a whole file there. */
export async function bundleExperiments() {
  const path = join(ROOT, 'build', 'experiments.mjs');
  const own = `${path}.${process.pid}`;
  await build({
    entryPoints: [join(ROOT, 'bench', 'experiments', 'main.ts')],
    outfile: own,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    plugins: [library],
    banner: { js: BANNER },
    logLevel: 'warning',
  });
  renameSync(own, path);
  return path;
}

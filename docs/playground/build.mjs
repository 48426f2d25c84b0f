// npm run playground: bundles the playground into build/playground, a folder that any static host
// serves. With --serve it serves it on this machine, isolated, so that threads work; --port.

import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { serve } from '../site/serve.mjs';

const HERE = import.meta.dirname;
const ROOT = join(HERE, '../..');
export const FOLDER = join(ROOT, 'build/playground');
/** What the page imports is what every program of a user imports. */
const LIBRARY = {
  retrograd: 'dist/index.js',
  'retrograd/distributed': 'dist/distributed.js',
  'retrograd/generate': 'dist/generate.js',
  'retrograd/nats': 'dist/nats.js',
  'retrograd/receipt': 'dist/receipt.js',
  'retrograd/thread': 'dist/serve.js',
  'retrograd/tokenizer': 'dist/tokenizer.js',
  'retrograd/verify': 'dist/verify.js',
};
export const fromDist = {
  name: 'from-dist',
  setup: (b) =>
    b.onResolve({ filter: /^retrograd(\/|$)/ }, ({ path }) => ({
      path: join(ROOT, LIBRARY[path]),
      sideEffects: false,
    })),
};

/** How a page of this project is bundled into a folder. */
export const bundleOptions = (outdir) => ({
  outdir,
  bundle: true,
  format: 'esm',
  target: 'es2022',
  minify: true,
  legalComments: 'none', // they are in LICENSES.txt
  logLevel: 'warning',
  plugins: [fromDist],
});

/** Licences of what is in the bundle, as texts. */
export const licences = () =>
  ['LICENSE', 'node_modules/uplot/LICENSE', 'dist/THIRD-PARTY-LICENSES'].map((file) =>
    readFileSync(join(ROOT, file), 'utf8'),
  );

export async function buildPlayground() {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  const from = (...names) => ({ entryPoints: names.map((name) => join(HERE, name)) });
  const common = bundleOptions(FOLDER);
  await build({ ...common, ...from('main.ts', 'style.css') });
  // the worker and its threads share the library
  await build({ ...common, ...from('worker.ts', 'thread.ts'), splitting: true });
  copyFileSync(join(HERE, 'index.html'), join(FOLDER, 'index.html'));
  writeFileSync(join(FOLDER, 'LICENSES.txt'), licences().join('\n\n'));
}

/** Bytes of what a visitor's browser loads, gzipped, and of each file of it. */
export function sizesOf(folder) {
  const files = readdirSync(folder).filter((name) => /\.(html|js|css)$/.test(name));
  const sizes = files.map((name) => [name, gzipSync(readFileSync(join(folder, name))).length]);
  const total = sizes.reduce((sum, [, size]) => sum + size, 0);
  return { total, files: Object.fromEntries(sizes) };
}
export const playgroundSizes = () => sizesOf(FOLDER);

/** Serves the folder; `isIsolated`: with the headers that shared memory asks for; `more` headers.
 */
export const servePlayground = ({ port, isIsolated = true, more } = {}) =>
  serve(FOLDER, { port, isolates: () => isIsolated, more });

async function main(words) {
  await buildPlayground();
  console.log(`build/playground: ${playgroundSizes().total} bytes gzipped`);
  if (!words.includes('--serve')) return;
  const port = Number(words[words.indexOf('--port') + 1]) || 8080;
  const { origin } = await servePlayground({ port });
  console.log(`open ${origin} (Ctrl-C ends)`);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main(process.argv.slice(2));

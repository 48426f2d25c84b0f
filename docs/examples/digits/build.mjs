// npm run digits: bundles the page into build/digits, a folder that any static host serves. With
// --serve it serves it on this machine, isolated, so that threads work; --port.

import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { bundleOptions, licences, sizesOf } from '../../playground/build.mjs';
import { serve } from '../../site/serve.mjs';

const HERE = import.meta.dirname;
const ROOT = join(HERE, '../../..');
export const FOLDER = join(ROOT, 'build/digits');

export async function buildDigits() {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  const from = (...names) => ({ entryPoints: names.map((name) => join(HERE, name)) });
  const common = { ...bundleOptions(FOLDER), loader: { '.gz': 'binary' } };
  await build({ ...common, ...from('main.ts', 'style.css') });
  // the worker and its threads share the library
  await build({ ...common, ...from('worker.ts', 'thread.ts'), splitting: true });
  copyFileSync(join(HERE, 'index.html'), join(FOLDER, 'index.html'));
  const ofData = readFileSync(join(HERE, 'data/README.md'), 'utf8');
  writeFileSync(join(FOLDER, 'LICENSES.txt'), [ofData, ...licences()].join('\n\n'));
}

/** Bytes of what a visitor's browser loads, gzipped, and of each file of it. */
export const digitsSizes = () => sizesOf(FOLDER);

/** Serves the folder; `isIsolated`: with the headers that shared memory asks for; `more` headers.
 */
export const serveDigits = ({ port, isIsolated = true, more } = {}) =>
  serve(FOLDER, { port, isolates: () => isIsolated, more });

async function main(words) {
  await buildDigits();
  console.log(`build/digits: ${digitsSizes().total} bytes gzipped`);
  if (!words.includes('--serve')) return;
  const port = Number(words[words.indexOf('--port') + 1]) || 8080;
  const { origin } = await serveDigits({ port });
  console.log(`open ${origin} (Ctrl-C ends)`);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main(process.argv.slice(2));

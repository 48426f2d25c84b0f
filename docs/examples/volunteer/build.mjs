// npm run volunteer: bundles the page into build/volunteer, a folder that any static host serves.
// With --serve it serves it on this machine; --port.

import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { bundleOptions, sizesOf } from '../../playground/build.mjs';
import { serve } from '../../site/serve.mjs';

const HERE = import.meta.dirname;
const ROOT = join(HERE, '../../..');
export const FOLDER = join(ROOT, 'build/volunteer');

/** What retrograd/nats needs for a coordinator, and a worker does not. */
const withoutJetStream = {
  name: 'without-jetstream',
  setup: (b) =>
    b.onResolve({ filter: /^@nats-io\/jetstream$/ }, async ({ pluginData, ...args }) => {
      if (pluginData === 'asked') return undefined;
      const { path, kind, resolveDir, importer } = args;
      const found = await b.resolve(path, { kind, resolveDir, importer, pluginData: 'asked' });
      return { ...found, sideEffects: false };
    }),
};

/** Signatures: the page logs in by user and password. */
const withoutSignatures = {
  name: 'without-signatures',
  setup: (b) => {
    b.onResolve({ filter: /^tweetnacl$/ }, ({ path }) => ({ path, namespace: 'none' }));
    b.onLoad({ filter: /.*/, namespace: 'none' }, () => ({ contents: 'module.exports = {}' }));
  },
};

/** Bytes a weight on the network: the most that were measured. */
function bytesAWeight() {
  const file = join(ROOT, 'bench/results/distributed.json');
  const { rows } = JSON.parse(readFileSync(file, 'utf8'));
  const most = (what) => Math.max(...rows.map((row) => row[what].bytes));
  return { whole: most('whole'), change: most('change'), gradients: most('gradients') };
}

export async function buildVolunteer() {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  const from = (...names) => ({ entryPoints: names.map((name) => join(HERE, name)) });
  const common = bundleOptions(FOLDER);
  common.plugins.push(withoutJetStream, withoutSignatures);
  common.define = { BYTES_A_WEIGHT: JSON.stringify(bytesAWeight()) };
  await build({ ...common, ...from('main.ts', 'worker.ts', 'style.css') });
  copyFileSync(join(HERE, 'index.html'), join(FOLDER, 'index.html'));
  const licences = ['LICENSE', 'dist/THIRD-PARTY-LICENSES'].map((file) =>
    readFileSync(join(ROOT, file), 'utf8'),
  );
  writeFileSync(join(FOLDER, 'LICENSES.txt'), licences.join('\n\n'));
}

/** Bytes of what a visitor's browser loads, gzipped, and of each file of it. */
export const volunteerSizes = () => sizesOf(FOLDER);

/** Serves the folder; `more` headers. */
export const serveVolunteer = ({ port, more } = {}) =>
  serve(FOLDER, { port, isolates: () => false, more });

async function main(words) {
  await buildVolunteer();
  console.log(`build/volunteer: ${volunteerSizes().total} bytes gzipped`);
  if (!words.includes('--serve')) return;
  const port = Number(words[words.indexOf('--port') + 1]) || 8080;
  const { origin } = await serveVolunteer({ port });
  console.log(`open ${origin} (Ctrl-C ends)`);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main(process.argv.slice(2));

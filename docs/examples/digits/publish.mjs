// Writes published.json: digests of the weights of some runs, as Node computes them with the
// package alone. The page compares its own with them. node docs/examples/digits/publish.mjs; some
// seconds a run.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { Trainer } from '../../../dist/index.js';
import { fromDist } from '../../playground/build.mjs';

const HERE = import.meta.dirname;
const PARTS = `
  export * from './picture.ts';
  export * from './set.ts';
  export * from './settings.ts';
  export * from './strange.ts';
  export * from './views.ts';
  export * from './warp.ts';
`;

/** What the page is made of, for Node, and the digits. */
export async function pageParts() {
  const { outputFiles } = await build({
    stdin: { contents: PARTS, resolveDir: HERE, loader: 'ts' },
    bundle: true,
    write: false,
    format: 'esm',
    plugins: [fromDist],
  });
  const [{ text }] = outputFiles;
  const parts = await import(`data:text/javascript,${encodeURIComponent(text)}`);
  const set = await parts.readSet(readFileSync(join(HERE, 'data/optdigits.gz')));
  return { ...parts, set };
}

/** A run to its end: the trainer. */
export function trained({ Batches, BATCH, optionsOf, set }, settings) {
  const trainer = Trainer.create(optionsOf(settings));
  const batches = new Batches(set.known, settings.seed, BATCH);
  while (trainer.steps < settings.steps) trainer.step(batches.at(trainer.steps));
  return trainer;
}

async function main() {
  const parts = await pageParts();
  const { DEFAULTS, LENGTHS, toHash } = parts;
  const runs = [{ steps: 50, seed: 5 }, ...LENGTHS.map((steps) => ({ ...DEFAULTS, steps }))];
  const published = {};
  for (const settings of runs) {
    published[toHash(settings)] = await trained(parts, settings).weightsSha256();
    console.log(toHash(settings), published[toHash(settings)]);
  }
  writeFileSync(join(HERE, 'published.json'), `${JSON.stringify(published, null, 2)}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main();

// Writes published.json: digests of the weights of some runs, as Node computes them with the
// package alone. The page compares its own with them. node docs/playground/publish.mjs; some
// minutes.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { fillBatch, readText, Trainer } from '../../dist/index.js';
import { fromDist } from './build.mjs';

const HERE = import.meta.dirname;
const PARTS = `
  export { canonical } from './address.ts';
  export { DEFAULTS } from './settings.ts';
  export { BUILT_IN } from './texts.ts';
  export { optionsOf } from './worker/options.ts';
`;

/** What the page is made of, for Node. */
export async function pageParts() {
  const { outputFiles } = await build({
    stdin: { contents: PARTS, resolveDir: HERE, loader: 'ts' },
    bundle: true,
    write: false,
    format: 'esm',
    plugins: [fromDist],
  });
  const [{ text }] = outputFiles;
  return import(`data:text/javascript,${encodeURIComponent(text)}`);
}

/** The digest of a run's weights. */
export async function digestOf({ BUILT_IN, optionsOf }, settings) {
  const { context, batch, seed, steps, text } = settings;
  const bytes = new TextEncoder().encode(BUILT_IN[text].make());
  const { vocabulary, train } = readText(bytes, { context });
  const trainer = Trainer.create(optionsOf(settings, vocabulary.size));
  const inputs = new Int32Array(batch * context);
  const targets = new Int32Array(batch * context);
  while (trainer.steps < steps) {
    fillBatch(train, { seed, batch, context, step: trainer.steps }, inputs, targets);
    trainer.step({ inputs, targets });
  }
  return trainer.weightsSha256();
}

async function main() {
  const parts = await pageParts();
  const { DEFAULTS, canonical } = parts;
  const small = { ...DEFAULTS, layers: 3, channels: 32, context: 32, batch: 4, steps: 50, seed: 5 };
  const runs = [small, { ...small, rule: 'none' }, DEFAULTS, { ...DEFAULTS, rule: 'none' }];
  const published = {};
  for (const settings of runs) {
    published[canonical(settings)] = await digestOf(parts, settings);
    console.log(canonical(settings));
  }
  writeFileSync(join(HERE, 'published.json'), `${JSON.stringify(published, null, 2)}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main();

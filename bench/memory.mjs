// The memory plan of one model at growing depth, for both update rules: bytes by purpose, from the
// library's own plan, which is the layout that a run then uses (test/claims/memory.test.ts holds
// one against the other). Deterministic; runs nothing.
//
//   node bench/memory.mjs        writes bench/results/memory.json; `npm run docs` makes the
//                                tables from it

import { existsSync } from 'node:fs';
import { refuse, resultFile, writeResult } from './stamp.mjs';

const DEPTHS = [2, 4, 8, 16, 32, 64];
const MODEL = { vocabulary: 96, channels: 128, heads: 4, context: 128 };
const BATCH = 8;

const library = new URL('../dist/index.js', import.meta.url);
if (!existsSync(library)) refuse('dist/index.js is missing', 'run: npm run build');
const { bdia, gpt, plain, plan } = await import(library.href);

const planOf = (layers, rule) =>
  plan({ model: gpt({ ...MODEL, layers, rule }), batch: BATCH, steps: 1 });
const rows = DEPTHS.map((layers) => ({
  layers,
  bdia: planOf(layers, bdia()),
  none: planOf(layers, plain()),
}));
writeResult(resultFile('memory'), { ...MODEL, batch: BATCH, rows });
for (const { layers, bdia, none } of rows)
  console.log(
    `depth ${layers}: states ${bdia.bytes.states}, side bits ${bdia.bytes.sideBits}; stored ` +
      `${none.bytes.states}`,
  );

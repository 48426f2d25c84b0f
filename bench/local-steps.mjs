// node bench/local-steps.mjs [--text FILE] [--steps 400] [--seeds 1,2,3] [--write]: what training
// loses where machines exchange weights only now and then, and what they upload. At equal tokens:
// steps of a batch (synchronous), and rounds in which each of K shards of it makes H steps.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { computePart, encodePart, makeRound } from '../dist/distributed.js';
import { adamw, cosine, fillBatch, gpt, localSteps, Trainer, textWindows } from '../dist/index.js';
import { ROOT, resultFile, stamp, writeResult } from './stamp.mjs';

const { values } = parseArgs({
  options: {
    text: { type: 'string' },
    name: { type: 'string', default: "this repository's documents" },
    steps: { type: 'string', default: '400' },
    seeds: { type: 'string', default: '1,2,3' },
    write: { type: 'boolean', default: false },
  },
});
const CONTEXT = 64;
const BATCH = 32;
const STEPS = Number(values.steps);
/** Shards and local steps; none: steps of the whole batch, whose parts are as large as shards. */
const WAYS = [
  [4, 0],
  [4, 16],
];

const raw =
  values.text === undefined
    ? readdirSync(join(ROOT, 'docs'))
        .filter((name) => name.endsWith('.md'))
        .sort()
        .map((name) => readFileSync(join(ROOT, 'docs', name), 'latin1'))
        .join('\n')
    : readFileSync(values.text, 'latin1');
const characters = [...new Set(raw)].sort();
const numbers = new Map(characters.map((character, i) => [character, i]));
const tokens = Int32Array.from(raw, (character) => numbers.get(character));
const cut = Math.floor(tokens.length * 0.9);
const train = tokens.subarray(0, cut);
const judged = textWindows(tokens.subarray(cut, cut + 400 * CONTEXT + 1), CONTEXT);

const model = {
  layers: 4,
  channels: 64,
  heads: 4,
  context: CONTEXT,
  vocabulary: characters.length,
};
const trainerOf = (seed, shards, steps) => {
  const own = adamw({ weightDecay: 0.1 });
  return Trainer.create({
    model: gpt(model),
    optimizer: steps === 0 ? own : localSteps({ optimizer: own, shards, steps }),
    learningRate: cosine(0.003, { warmup: 40 }),
    batch: BATCH,
    microBatch: 8,
    steps: STEPS,
    seed,
    threads: 1,
  });
};

function batchesOf(seed) {
  const inputs = new Int32Array(BATCH * CONTEXT);
  const targets = new Int32Array(BATCH * CONTEXT);
  return (step) => {
    fillBatch(train, { seed, batch: BATCH, context: CONTEXT, step }, inputs, targets);
    return { inputs, targets };
  };
}

/** Validation loss at the end, and the bytes a token that a worker uploads of the last part. */
async function run([shards, steps], seed) {
  const trainer = trainerOf(seed, shards, steps);
  const batchOf = batchesOf(seed);
  const each = Math.max(1, steps);
  let bytes = 0;
  while (trainer.steps < STEPS) {
    const step = trainer.steps;
    if (step + each === STEPS) {
      const count = BATCH / shards;
      const part = computePart(trainer, batchOf, { step, first: 0, count });
      bytes = (await encodePart(trainer, part)).length / (count * CONTEXT * each);
    }
    if (steps === 0) trainer.step(batchOf(step));
    else await makeRound(trainer, batchOf);
  }
  return { loss: trainer.evaluate(judged).loss, bytes };
}

const seeds = values.seeds.split(',').map(Number);
const mean = (list) => list.reduce((a, b) => a + b, 0) / list.length;
const rows = [];
for (const way of WAYS) {
  const found = [];
  for (const seed of seeds) {
    found.push(await run(way, seed));
    console.log(`${way}, seed ${seed}: ${found.at(-1).loss.toFixed(4)}`);
  }
  const [shards, steps] = way;
  const bytesPerToken = mean(found.map(({ bytes }) => bytes));
  rows.push({ shards, localSteps: steps, losses: found.map(({ loss }) => loss), bytesPerToken });
  const price = (mean(rows.at(-1).losses) / mean(rows[0].losses) - 1) * 100;
  console.log(`${way}: ${price.toFixed(2)} %, ${bytesPerToken.toFixed(2)} bytes a token`);
}
const about = { steps: STEPS, batch: BATCH, model, text: values.name };
if (values.write) writeResult(resultFile('local-steps'), { stamp: stamp(), ...about, seeds, rows });

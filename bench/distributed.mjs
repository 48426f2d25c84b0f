// node bench/distributed.mjs [--steps 0,10,100] [--write]: bytes that gradients, changes and whole
// weights of a GPT need on their way between machines, and the time that coding, checking and
// adding them takes, beside the time of a step on one thread. The text is the repository's own
// documents. --write keeps the figures, of which a table of docs/distributed.md is made.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  computePart,
  copyWeights,
  decodePart,
  decodeWeights,
  encodePart,
  encodeWeights,
  PartSum,
} from '../dist/distributed.js';
import { adamw, cosine, gpt, Trainer } from '../dist/index.js';
import { ROOT, resultFile, stamp, writeResult } from './stamp.mjs';

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '0,10,100' },
    write: { type: 'boolean', default: false },
  },
});
const MODEL = { vocabulary: 256, layers: 6, channels: 128, heads: 4, context: 128 };
const BATCH = 8;
const RUNS = 5;

const text = Buffer.concat(
  readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => readFileSync(join(ROOT, 'docs', name))),
);

/** Windows of the text, others in every step. */
function batchOf(step) {
  const n = MODEL.context;
  const inputs = new Int32Array(BATCH * n);
  const targets = new Int32Array(BATCH * n);
  for (let s = 0; s < BATCH; s++) {
    const at = ((step * BATCH + s) * 7919) % (text.length - n - 1);
    inputs.set(text.subarray(at, at + n), s * n);
    targets.set(text.subarray(at + 1, at + n + 1), s * n);
  }
  return { inputs, targets };
}

/** What a function gives, and the least milliseconds that it took. */
async function timed(run) {
  let found;
  let least = Infinity;
  for (let i = 0; i < RUNS; i++) {
    const began = performance.now();
    found = await run();
    least = Math.min(least, performance.now() - began);
  }
  return [found, least];
}

const model = gpt(MODEL);
const learningRate = cosine(0.001, { warmup: 20 });
const trainer = Trainer.create({
  ...{ model, batch: BATCH, steps: 200, seed: 1, learningRate },
  optimizer: adamw({ weightDecay: 0.1 }),
});
const size = trainer.parameters;

/** Coded bytes a weight, and milliseconds for all of them. */
async function part(first, count) {
  const batch = batchOf(trainer.steps);
  const range = { step: trainer.steps, first, count };
  const found = computePart(trainer, batch, range);
  const [bytes, encode] = await timed(() => encodePart(trainer, found));
  const [, decode] = await timed(() => decodePart(trainer, bytes));
  const sum = await timed(() => new PartSum(trainer, batch).add(found));
  return { bytes: bytes.length / size, encode, decode, add: sum[1] };
}

async function coded(weights, base) {
  const [bytes, encode] = await timed(() => encodeWeights(weights, base));
  const [, decode] = await timed(() => decodeWeights(bytes, size, base));
  return { bytes: bytes.length / size, encode, decode };
}

const rows = [];
for (const step of values.steps.split(',').map(Number)) {
  while (trainer.steps < step) trainer.step(batchOf(trainer.steps));
  const gradients = await part(0, BATCH);
  const one = await part(0, 1);
  const before = copyWeights(trainer);
  const whole = await coded(before);
  trainer.step(batchOf(trainer.steps));
  const change = await coded(copyWeights(trainer), before);
  rows.push({ step, gradients, one, change, whole });
  console.log(
    `after ${step} steps, bytes a weight: gradients ${gradients.bytes.toFixed(2)}, of one sample ` +
      `${one.bytes.toFixed(2)}, change ${change.bytes.toFixed(2)}, whole ${whole.bytes.toFixed(2)}`,
  );
}
const batch = batchOf(trainer.steps);
const range = { step: trainer.steps, first: 0, count: BATCH };
const [, compute] = await timed(() => computePart(trainer, batch, range));
const tokens = BATCH * MODEL.context;
console.log(`${size} weights; a part of ${tokens} tokens takes ${compute.toFixed(0)} ms`);
const result = { stamp: stamp(), model: { ...MODEL, weights: size }, tokens, compute, rows };
if (values.write) writeResult(resultFile('distributed'), result);

// Measures learning on: a GPT that has learned one text learns another one, and so does a new one
// in as many steps; all of it, its upper half, and a low-rank adapter.
//
//   node bench/fine-tuning.mjs --base DIR --text FILE [--steps 120] [--out FILE]
//
// --base: a run of `train gpt --vocabulary bytes --reversible none`. Writes
// bench/results/fine-tuning.json; test/claims/fine-tuning-page.test.ts holds its claim.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  cosine,
  decodeCheckpoint,
  fillBatch,
  gpt,
  loadWeights,
  lora,
  matching,
  readText,
  Trainer,
  textWindows,
  Vocabulary,
} from '../dist/index.js';
import { resultFile, stamp, writeResult } from './stamp.mjs';

const { values } = parseArgs({
  options: {
    base: { type: 'string' },
    text: { type: 'string' },
    steps: { type: 'string', default: '120' },
    out: { type: 'string' },
  },
});
const steps = Number(values.steps);
const saved = await decodeCheckpoint(readFileSync(join(values.base, 'checkpoint.safetensors')));
const { config } = saved.options.model;
const { context, layers } = config;
const file = readFileSync(values.text);
const { train, validation } = readText(file, { context, vocabulary: Vocabulary.bytes() });
const windows = textWindows(validation.subarray(0, 64 * context + 1), context);
const { batch } = saved.options;

const lower = Array.from({ length: layers / 2 }, (_, k) => `block.${k}.*`);
const adapter = lora({ rank: 8, on: ['qkv', 'projection', 'up', 'down'] });
const VARIANTS = {
  scratch: { rate: 0.001, begins: false },
  whole: { rate: 0.0005, begins: true },
  'upper half': {
    rate: 0.0005,
    begins: true,
    freeze: matching(['token.*', 'position.*', ...lower]),
  },
  'adapter of rank 8': { rate: 0.002, begins: true, adapter },
};

async function learn({ rate, begins, freeze, adapter }) {
  const model = gpt({ ...config, adapter });
  const learningRate = cosine(rate, { warmup: Math.min(20, steps) });
  const trainer = Trainer.create({ model, batch, steps, learningRate, freeze });
  if (begins) loadWeights(trainer, saved.tensors);
  const before = trainer.evaluate(windows).loss;
  const inputs = new Int32Array(batch * context);
  const targets = new Int32Array(batch * context);
  while (trainer.steps < steps) {
    fillBatch(train, { seed: 1, batch, context, step: trainer.steps }, inputs, targets);
    trainer.step({ inputs, targets });
  }
  return {
    learningRate: rate,
    lossBefore: before,
    loss: trainer.evaluate(windows).loss,
    trained: trainer.plan.bytes.gradients / 8,
    saturated: trainer.totals.saturated,
    mismatchedElements: trainer.totals.mismatchedElements,
    weightsSha256: await trainer.weightsSha256(),
  };
}

const runs = {};
for (const [name, variant] of Object.entries(VARIANTS)) {
  runs[name] = await learn(variant);
  console.log(name, runs[name]);
}
const { rule, ...shape } = config;
const result = {
  ...stamp(),
  model: { ...shape, rule: rule.name },
  base: { step: saved.step, dataSha256: saved.dataSha256 },
  text: { name: basename(values.text), sha256: createHash('sha256').update(file).digest('hex') },
  batch,
  steps,
  runs,
};
writeResult(values.out ?? resultFile('fine-tuning'), result);

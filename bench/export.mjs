// node bench/export.mjs [--steps 300] [--write]: how far the engine's logits are from those of its
// own exported weights in float64, by width, and how far a float64 model is that rounds nothing but
// its state, to the bits of training and to those of inference. --write keeps the figures, of which
// docs/export.md has a table.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { exportHf } from '../dist/export.js';
import { fillBatch, gpt, readText, Trainer } from '../dist/index.js';
import { load } from '../test/fuzz/load.mjs';
import { resultFile, stamp, writeResult } from './stamp.mjs';

const {
  Gpt2,
  DEFAULT_STATE_FRACTION: TRAINING,
  INFERENCE_STATE_FRACTION: INFERENCE,
} = await load(`
export * from './test/helpers/gpt2-float64.ts';
export * from './src/memory/formats.ts';
`);
const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '300' },
    write: { type: 'boolean', default: false },
  },
});
const steps = Number(values.steps);
const CHANNELS = [32, 64, 128];
const WINDOWS = 8;
const context = 24;
const batch = 8;

/** A text that is soon known by heart, so that logits are as far apart as they become. */
const SENTENCE =
  'she sells sea shells by the sea shore; the shells she sells are sea shells, sure.\n';
const text = new TextEncoder().encode(SENTENCE.repeat(40));
const { train, validation, vocabulary } = readText(text, { context, vocabulary: 'characters' });
const windows = Array.from({ length: WINDOWS }, (_, i) =>
  validation.subarray(i * context, (i + 1) * context),
);

function trained(channels) {
  const model = gpt({ vocabulary: vocabulary.size, layers: 4, channels, heads: 4, context });
  const options = { model, batch, steps, learningRate: 0.005 };
  const trainer = Trainer.create(options);
  const [inputs, targets] = [new Int32Array(batch * context), new Int32Array(batch * context)];
  while (trainer.steps < steps) {
    fillBatch(train, { seed: 1, batch, context, step: trainer.steps }, inputs, targets);
    trainer.step({ inputs, targets });
  }
  return trainer;
}

/** What the exported directory is in float64, its state rounded if that is asked for. */
function elsewhere(trainer, round) {
  const folder = mkdtempSync(join(tmpdir(), 'retrograd-export-'));
  try {
    const files = exportHf(trainer, { vocabulary });
    for (const name of ['config.json', 'model.safetensors'])
      writeFileSync(join(folder, name), files[name].bytes());
    const { config, weights } = Gpt2.load(folder);
    const gpt2 = new Gpt2(config, weights, round);
    return windows.flatMap((window) => gpt2.logits(window));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const predicted = (trainer) =>
  windows.flatMap((window) =>
    Array.from(window, (_, t) => trainer.predict(window.subarray(0, t + 1))),
  );
const largest = (ours, theirs) =>
  Math.max(...ours.map((row, t) => Math.max(...row.map((l, v) => Math.abs(l - theirs[t][v])))));
const rounded = (value) => Number(value.toPrecision(3));

const rows = [];
for (const channels of CHANNELS) {
  const trainer = trained(channels);
  const exact = elsewhere(trainer);
  const spread = Math.max(...exact.map((row) => Math.max(...row) - Math.min(...row)));
  const stateAlone = [TRAINING, INFERENCE].map((bits) => {
    const unit = 2 ** bits;
    const round = (row) => row.map((v) => Math.floor(v * unit + 0.5) / unit);
    return rounded(largest(elsewhere(trainer, round), exact));
  });
  const engine = rounded(largest(predicted(trainer), exact));
  rows.push({ channels, spread: rounded(spread), engine, stateAlone });
  console.log(JSON.stringify(rows.at(-1)));
}
if (values.write)
  writeResult(resultFile('export'), {
    ...stamp(),
    layers: 4,
    steps,
    rows: windows.length * context,
    differences: rows,
  });

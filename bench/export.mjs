// node bench/export.mjs [--steps 300] [--write]: how far the engine's logits are from those of its
// own exported weights in float64, by width and fraction bits of the state, and how far a float64
// model is that rounds nothing but its state to as many bits. --write keeps the figures, of which
// docs/export.md has a table.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { exportHf } from '../dist/export.js';
import { fillBatch, gpt, loadWeights, readText, Trainer } from '../dist/index.js';
import { load } from '../test/fuzz/load.mjs';
import { resultFile, stamp, writeResult } from './stamp.mjs';

const { Gpt2 } = await load(`export * from './test/helpers/gpt2-float64.ts';`);
const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '300' },
    write: { type: 'boolean', default: false },
  },
});
const steps = Number(values.steps);
const CHANNELS = [32, 64, 128];
const BITS = [9, 10, 12, 14];
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

function trained(channels, fractionBits) {
  const model = gpt({ vocabulary: vocabulary.size, layers: 4, channels, heads: 4, context });
  const options = { model, batch, steps, learningRate: 0.005, fractionBits };
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
  const trainer = trained(channels, 9);
  const exact = elsewhere(trainer);
  const spread = Math.max(...exact.map((row) => Math.max(...row) - Math.min(...row)));
  for (const bits of BITS) {
    const finer = Trainer.create({ ...trainer.options, fractionBits: bits });
    loadWeights(finer, trainer.tensors());
    const unit = 2 ** bits;
    const state = elsewhere(trainer, (row) => row.map((v) => Math.floor(v * unit + 0.5) / unit));
    const row = {
      channels,
      spread: rounded(spread),
      fractionBits: bits,
      engine: rounded(largest(predicted(finer), exact)),
      stateAlone: rounded(largest(state, exact)),
    };
    rows.push(row);
    console.log(JSON.stringify(row));
  }
}
if (values.write)
  writeResult(resultFile('export'), {
    ...stamp(),
    layers: 4,
    steps,
    rows: windows.length * context,
    differences: rows,
  });

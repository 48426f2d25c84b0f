// Trains one of the models on two threads and says how good it is:
//   npm install && npm run build && npm start regression
//   npm start digits optdigits.tra optdigits.tes     also cnn
//   npm start masked input.txt                       also own-layer, own-rule and own-optimizer

import { readFileSync } from 'node:fs';
import type { ConfiguredModel, TextBatch, TrainOptions } from 'retrograd';
import { cosine, fillBatch, readDigits, readText, Trainer, textWindows } from 'retrograd';
import * as cnn from './cnn.js';
import * as digits from './digits.js';
import * as masked from './masked.js';
import * as ownLayer from './own-layer.js';
import * as ownOptimizer from './own-optimizer.js';
import * as ownRule from './own-rule.js';
import * as regression from './regression.js';

const [name = '', ...files] = process.argv.slice(2);
const worker = new URL(`./${name}-thread.js`, import.meta.url);
async function create<Batch>(options: TrainOptions<Batch>): Promise<Trainer<Batch>> {
  const trainer = Trainer.create({ ...options, threads: 2, worker });
  await trainer.ready();
  console.log(`${trainer.parameters} weights, ${trainer.threads} threads ${trainer.threadsNote}`);
  return trainer;
}

type Text = Partial<TrainOptions<TextBatch>> & { model: ConfiguredModel<unknown, TextBatch> };
type Change = (batch: TextBatch, step: number) => TextBatch;

/** Trains a model of bytes; `change` makes batches of windows of a text. */
async function text(options: Text, context: number, change: Change = (x) => x): Promise<string> {
  const data = readText(readFileSync(files[0] ?? 'input.txt'), { context, vocabulary: 'bytes' });
  const trainer = await create({ batch: 8, steps: 400, learningRate: cosine(0.005), ...options });
  const { batch, steps } = trainer.options;
  const [inputs, targets] = [0, 1].map(() => new Int32Array(batch * context));
  for (let step = 0; step < steps; step++) {
    fillBatch(data.train, { seed: 1, batch, context, step }, inputs, targets);
    trainer.step(change({ inputs, targets }, step));
  }
  const { loss } = trainer.evaluate(change(textWindows(data.validation, context), steps));
  trainer.close();
  return `validation loss ${loss.toFixed(3)} nats`;
}

async function images(options: typeof digits.options): Promise<string> {
  const [known, unseen] = files.map((file) => readDigits(readFileSync(file), file));
  if (known === undefined || unseen === undefined) return 'give optdigits.tra and optdigits.tes';
  return `${100 * digits.train(known, unseen, await create(options))} % of the unseen`;
}

const WAYS: Record<string, () => Promise<string>> = {
  regression: async () => `R^2 ${regression.train(await create(regression.options))}`,
  digits: () => images(digits.options),
  cnn: () => images(cnn.options),
  masked: () => text(masked.options, 24, ({ inputs }, step) => masked.hide(inputs, 256, step)),
  'own-layer': () => text({ model: ownLayer.model({ vocabulary: 256 }) }, 16),
  'own-rule': () => text({ model: ownRule.model(256), learningRate: 0.002 }, 16),
  'own-optimizer': () => text(ownOptimizer.options, 16),
};

console.log(await (WAYS[name]?.() ?? `expected one of ${Object.keys(WAYS).join(', ')}`));

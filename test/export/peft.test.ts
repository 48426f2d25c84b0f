// An adapter leaves as PEFT loads it: an implementation in float64 that reads nothing but the
// directory of the base and that of the adapter computes what the merged model is, and what the
// library computes with the adapter.

import { describe, expect, test } from 'vitest';
import { exportGguf, exportHf, exportPeft, exportSafetensors } from '../../src/export/index.ts';
import { importGpt2, openSafetensors } from '../../src/import/index.ts';
import {
  gpt,
  importedGpt,
  loadWeights,
  lora,
  mergeAdapter,
  type TextBatch,
  Trainer,
  type TrainOptions,
  Vocabulary,
} from '../../src/index.ts';
import { safetensorsFile, sourceOf } from '../helpers/foreign-files.ts';
import { Gpt2 } from '../helpers/gpt2-float64.ts';
import { loadPeft } from '../helpers/peft-float64.ts';
import { PLANTED, syntheticGpt2 } from '../helpers/synthetic-gpt2.ts';
import { trainedGpt, writeFiles } from './train.ts';

const ALL = ['qkv', 'projection', 'up', 'down'];
type Rows = readonly ArrayLike<number>[];
const largest = (ours: Rows, theirs: Rows): number =>
  Math.max(
    ...ours.map((row, t) => Math.max(...Array.from(row, (l, v) => Math.abs(l - theirs[t][v])))),
  );

/** A run of other text with an adapter on a base. */
function adaptedTo(
  base: { options: Trainer<TextBatch>['options']; tensors: Trainer['tensors'] },
  define: (config: never) => unknown,
  on: readonly string[],
  more: Partial<TrainOptions<TextBatch>> = {},
): Trainer<TextBatch> {
  const { config } = base.options.model;
  const model = define({ ...(config as object), adapter: lora({ rank: 3, on, seed: 9 }) } as never);
  const options = { batch: 2, steps: 60, learningRate: 0.02, ...more };
  const trainer = Trainer.create({ model: model as TrainOptions<TextBatch>['model'], ...options });
  loadWeights(trainer, base.tensors());
  const { context, vocabulary } = config as { context: number; vocabulary: number };
  const inputs = Int32Array.from({ length: 2 * context }, (_, i) => (i * i) % vocabulary);
  const targets = inputs.map((token) => (token + 5) % vocabulary);
  while (trainer.steps < trainer.options.steps) trainer.step({ inputs, targets });
  return trainer;
}

describe.each([[ALL], [['qkv']], [['up', 'projection']]])('an adapter on %j', (on) => {
  const { trainer: base, vocabulary, validation } = trainedGpt();
  const trainer = adaptedTo(base, gpt as never, on);
  const window = validation.subarray(0, 24);
  const theirs = () => {
    const adapter = writeFiles(exportPeft(trainer, { base: 'base' }));
    return loadPeft(writeFiles(exportHf(base, { vocabulary })), adapter);
  };

  test('base and adapter are the merged model, within float32', () => {
    const { gpt2, matrices } = theirs();
    expect(matrices).toBe(2 * on.length);
    const merged = Gpt2.load(writeFiles(exportHf(trainer, { vocabulary }))).logits(window);
    expect(largest(gpt2.logits(window), merged)).toBeLessThan(1e-4);
    const without = Gpt2.load(writeFiles(exportHf(base, { vocabulary }))).logits(window);
    expect(largest(without, merged)).toBeGreaterThan(1); // so that the bound says something
  });

  test('its logits are those of the run within 0.05', () => {
    const rows = theirs().gpt2.logits(window);
    const ours = rows.map((_, t) => trainer.predict(window.subarray(0, t + 1)));
    expect(largest(ours, rows)).toBeLessThanOrEqual(0.05);
  });
});

test('every other form has the merged weights, of a checkpoint as of a trainer', () => {
  const { trainer: base, vocabulary } = trainedGpt({}, { steps: 20 });
  const trainer = adaptedTo(base, gpt as never, ALL);
  const { config } = base.options.model;
  const options = { model: gpt(config as never), batch: 1, steps: 1 };
  const merged = Trainer.create(options);
  loadWeights(merged, mergeAdapter(trainer));
  const saved = { options: trainer.options, tensors: trainer.tensors() };
  for (const given of [trainer, saved]) {
    expect(exportSafetensors(given).bytes()).toEqual(exportSafetensors(merged).bytes());
    const [ours, theirs] = [given, merged].map((one) => exportGguf(one, { vocabulary }).bytes());
    expect(ours).toEqual(theirs);
  }
  const text = (file: { bytes(): Uint8Array }): string => new TextDecoder().decode(file.bytes());
  expect(text(exportHf(trainer, { vocabulary })['README.md'])).toBe(
    text(exportHf(merged, { vocabulary })['README.md']),
  );
});

describe('imported weights with outlier neurons', () => {
  const SHAPE = { vocab_size: 256, n_positions: 24, n_layer: 3, n_head: 2, n_embd: 128 };
  const vocabulary = Vocabulary.bytes();
  const tokens = Int32Array.from({ length: 24 }, (_, i) => (i * 83 + 7) % 256);

  test('base and adapter are the merged model, as near to the run as may be', async () => {
    const source = await openSafetensors(sourceOf(safetensorsFile(syntheticGpt2(SHAPE, PLANTED))));
    const { options, load } = await importGpt2(source, SHAPE, { calibrate: tokens });
    const base = Trainer.create({ ...options, batch: 1, steps: 1 });
    await load(base);
    const { formats } = base.options.model.config as { formats: { outliers: [number][][] } };
    expect(formats.outliers.flat().length).toBeGreaterThan(1);
    const { fractionBits } = base.options;
    const learning = { steps: 30, learningRate: 0.001, fractionBits };
    const trainer = adaptedTo(base as never, importedGpt as never, ALL, learning);
    const adapter = writeFiles(exportPeft(trainer));
    const { gpt2 } = loadPeft(writeFiles(exportHf(base, { vocabulary })), adapter);
    const rows = gpt2.logits(tokens);
    const merged = Gpt2.load(writeFiles(exportHf(trainer, { vocabulary }))).logits(tokens);
    expect(largest(rows, merged)).toBeLessThan(1e-3);
    const ours = rows.map((_, t) => trainer.predict(tokens.subarray(0, t + 1)));
    const before = rows.map((_, t) => base.predict(tokens.subarray(0, t + 1)));
    expect(largest(ours, before)).toBeGreaterThan(1);
    const plainly = Trainer.create({ ...base.options, steps: 1 });
    loadWeights(plainly, mergeAdapter(trainer));
    const rounded = rows.map((_, t) => plainly.predict(tokens.subarray(0, t + 1)));
    expect(largest(ours, rows)).toBeLessThan(1.5 * largest(rounded, rows));
  });
});

describe('refused', () => {
  const shape = { vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 };
  const create = (more: object): Trainer<TextBatch> =>
    Trainer.create({ model: gpt({ ...shape, ...more }), batch: 1, steps: 1 });
  test.each<[string, () => unknown, string]>([
    ['no adapter', () => exportPeft(create({})), 'the model has no adapter'],
    [
      'one of a head',
      () => exportPeft(create({ tied: false, adapter: lora({ rank: 1, on: ['head'] }) })),
      'the adapter is on "head", which PEFT has no place for',
    ],
    [
      'a base that is no text',
      () => exportPeft(create({ adapter: lora({ rank: 1, on: ['up'] }) }), { base: 3 as never }),
      'base is 3, expected a string',
    ],
    [
      'B of another rank',
      () => {
        const trainer = create({ adapter: lora({ rank: 1, on: ['up'] }) });
        const { config } = trainer.options.model;
        const adapter = lora({ rank: 2, on: ['up'] });
        const model = { name: 'gpt', config: { ...(config as object), adapter } };
        return mergeAdapter({ options: { model }, tensors: trainer.tensors() });
      },
      'block.0.up.lora.weight has shape [32,1], expected that of an adapter of rank 2 of [32,8]',
    ],
  ])('%s', (_, make, message) => expect(make).toThrow(message));
});

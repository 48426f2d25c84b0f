// A vision transformer with formats and a bias of its head: the same as without where all are 0,
// reversible by every rule, the same from a checkpoint.

import { describe, expect, test } from 'vitest';
import {
  bdia,
  decodeCheckpoint,
  encodeCheckpoint,
  type ImportedFormats,
  type ImportedVitConfig,
  importedVit,
  leapfrog,
  plain,
  sha256Hex,
  Trainer,
  type UpdateRule,
  UsageError,
  vit,
  withoutFormats,
} from '../../src/index.ts';

const IMAGE = { width: 8, height: 4, colours: 1, patch: 4, classes: 3 };
const SHAPE = { ...IMAGE, layers: 2, channels: 16, heads: 2, bias: true };
const FORMATS: ImportedFormats = {
  residual: 2,
  magnified: 4,
  logits: 3,
  outliers: [[[5, 1, -1]], []],
  norms: [
    [1, 0],
    [0, 2],
  ],
};
const NOTHING: ImportedFormats = { residual: 0, magnified: 0, logits: 0, outliers: [] };
const images = Uint8Array.from({ length: 6 * 32 }, (_, i) => (i * i * 7 + (i >> 5) * 40) % 256);
const batch = { images, labels: Int32Array.of(0, 1, 2, 2, 1, 0) };

function trained(config: Partial<ImportedVitConfig>, steps: number) {
  const model = importedVit({ ...SHAPE, ...config });
  const options = { model, batch: 6, steps: 40, learningRate: 0.01, fractionBits: 12 };
  const trainer = Trainer.create(options);
  while (trainer.steps < steps) trainer.step(batch);
  return trainer;
}

describe('a vision transformer', () => {
  test.each<[string, () => UpdateRule]>([
    ['bdia', () => bdia()],
    ['plain', plain],
  ])('with formats of 0 only is the same as without, with %s: 5 steps', async (_, make) => {
    const rule = make();
    const [a, b] = [trained({ rule }, 5), trained({ rule, formats: NOTHING }, 5)];
    expect(await a.weightsSha256()).toBe(await b.weightsSha256());
    expect(JSON.stringify(importedVit(SHAPE))).toBe(JSON.stringify(vit(SHAPE)));
  });

  test.each<[string, () => UpdateRule]>([
    ['bdia', () => bdia()],
    ['leapfrog', leapfrog],
    ['plain', plain],
  ])('with formats and a biased head learns, states exact, with %s: 40 steps', (_, rule) => {
    const trainer = trained({ rule: rule(), formats: FORMATS, headBias: true }, 39);
    const { loss } = trainer.step(batch);
    const { mismatchedElements, saturated, overflowed } = trainer.totals;
    expect({ mismatchedElements, saturated, overflowed }).toEqual({
      mismatchedElements: 0,
      saturated: 0,
      overflowed: 0,
    });
    expect(loss).toBeLessThan(0.8); // 1.1 at first
    const bias = trainer.tensors().find(({ name }) => name === 'head.bias');
    expect(bias?.data.some((raw) => raw !== 0)).toBe(true);
  });

  test('a bias of the head is added to the logits, exactly', () => {
    const [bare, biased] = [trained({}, 3), trained({ headBias: true }, 0)];
    const tensors = bare.tensors();
    const of = (name: string) => biased.tensors().find((one) => one.name === name)?.data;
    for (const { name, data } of tensors) of(name)?.set(data);
    of('head.bias')?.set([2 ** 24, -3 * 2 ** 23, 15 * 2 ** 24]);
    const image = images.subarray(0, 32);
    const logits = bare.predict(image);
    expect([...biased.predict(image)]).toEqual([1, -1.5, 15].map((more, i) => logits[i] + more));
  });

  test('goes on from a checkpoint bit for bit', async () => {
    const first = trained({ formats: FORMATS, headBias: true }, 3);
    const { options, steps: step } = first;
    const dataSha256 = await sha256Hex(new Uint8Array(0));
    const about = { vocabulary: null, dataSha256, libraryVersion: '0.1.0' };
    const file = await encodeCheckpoint({ tensors: first.tensors(), options, step, ...about });
    const read = await decodeCheckpoint(file);
    const second = Trainer.create(read.options);
    second.restore(read.tensors, read.step);
    for (const trainer of [first, second]) trainer.step(batch as never);
    expect(await second.weightsSha256()).toBe(await first.weightsSha256());
  });

  test('withoutFormats undoes the formats and keeps the bias of the head', () => {
    const { config, tensors, epsilon } = withoutFormats(
      importedVit({ ...SHAPE, formats: FORMATS, headBias: true }).config,
      trained({ formats: FORMATS, headBias: true }, 1).tensors(),
    );
    const fractions = Object.fromEntries(tensors.map(({ name, fraction }) => [name, fraction]));
    expect(fractions).toMatchObject({
      'patch.weight': 22,
      'class.weight': 22,
      'position.weight': 22,
      'block.1.down.bias': 22,
      'norm.gain': 21,
      'head.weight': 24,
      'head.bias': 24,
    });
    expect([epsilon, (config as ImportedVitConfig).headBias]).toEqual([1e-5 / 16, true]);
    expect(importedVit(config as ImportedVitConfig).config.formats).toBe(undefined);
  });

  test.each<[Partial<ImportedVitConfig>, RegExp]>([
    [{ headBias: 1 as never }, /headBias is 1, expected/],
    [{ formats: null as never, headBias: true }, /formats is null, expected an object/],
    [{ formats: { ...NOTHING, residual: 9 } }, /formats.residual is 9, expected/],
    [{ formats: { ...NOTHING, outliers: [[[64, 0, 0]]] } }, /is 64, expected .* 0 to 63/],
  ])('refuses %j', (config, message) => {
    const make = () => importedVit({ ...SHAPE, ...config });
    expect(make).toThrow(UsageError);
    expect(make).toThrow(message);
  });
});

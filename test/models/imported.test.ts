// A GPT with formats: the same as without where they are all 0, reversible by every rule, the same
// from a checkpoint.

import { describe, expect, test } from 'vitest';
import {
  bdia,
  coupling,
  decodeCheckpoint,
  encodeCheckpoint,
  gpt,
  type ImportedFormats,
  importedGpt,
  leapfrog,
  momentum,
  plain,
  sha256Hex,
  Trainer,
  type UpdateRule,
} from '../../src/index.ts';

const SHAPE = { vocabulary: 9, layers: 3, channels: 16, heads: 2, context: 6, bias: true };
const FORMATS: ImportedFormats = {
  residual: 2,
  magnified: 2,
  logits: 3,
  outliers: [
    [[5, 1, -1]],
    [],
    [
      [0, 0, 2],
      [63, -2, 0],
    ],
  ],
};
const NOTHING: ImportedFormats = { residual: 0, magnified: 0, logits: 0, outliers: [] };
const inputs = Int32Array.from({ length: 24 }, (_, i) => (i * 5) % 9);
const batch = { inputs, targets: inputs.map((token) => (token + 5) % 9) };

function trained(model: ReturnType<typeof gpt>, steps: number, fractionBits = 9) {
  const options = { model, batch: 4, steps: 40, learningRate: 0.01, fractionBits };
  const trainer = Trainer.create(options);
  while (trainer.steps < steps) trainer.step(batch);
  return trainer;
}
const RULES: [string, () => UpdateRule][] = [
  ['bdia', () => bdia()],
  ['bdia of 1/8', () => bdia({ gammaShift: 3 })],
  ['plain', plain],
  ['leapfrog', leapfrog],
  ['momentum', () => momentum()],
  ['coupling', coupling],
];

describe('a GPT with formats', () => {
  test.each(RULES)('of 0 only is the same as without, with %s: 5 steps', async (_, rule) => {
    const [a, b] = [
      gpt({ ...SHAPE, rule: rule() }),
      importedGpt({ ...SHAPE, rule: rule(), formats: NOTHING }),
    ].map((model) => trained(model, 5));
    expect(await a.weightsSha256()).toBe(await b.weightsSha256());
  });

  test.each(RULES)('learns, and every state is rebuilt exactly, with %s: 40 steps', (_, rule) => {
    const trainer = trained(importedGpt({ ...SHAPE, rule: rule(), formats: FORMATS }), 39);
    const { loss } = trainer.step(batch);
    const { mismatchedElements, saturated, overflowed } = trainer.totals;
    expect({ mismatchedElements, saturated, overflowed }).toEqual({
      mismatchedElements: 0,
      saturated: 0,
      overflowed: 0,
    });
    expect(loss).toBeLessThan(1.9); // 2.2 at first
  });

  test('goes on from a checkpoint bit for bit', async () => {
    const first = trained(importedGpt({ ...SHAPE, formats: FORMATS }), 3);
    const { options, steps: step } = first;
    const dataSha256 = await sha256Hex(new Uint8Array(0));
    const about = { vocabulary: null, dataSha256, libraryVersion: '0.1.0' };
    const file = await encodeCheckpoint({ tensors: first.tensors(), options, step, ...about });
    const read = await decodeCheckpoint(file);
    expect(read.options.model.config).toMatchObject({ formats: FORMATS });
    const second = Trainer.create(read.options);
    second.restore(read.tensors, read.step);
    expect(second.step(batch)).toEqual(first.step(batch));
    expect(await second.weightsSha256()).toBe(await first.weightsSha256());
  });

  test('a residual stream of a quarter, with logits times 4, is the same in real numbers', () => {
    const a = trained(gpt({ ...SHAPE, rule: plain() }), 20, 14);
    const formats = { ...NOTHING, residual: 2, magnified: 2, logits: 2 };
    const b = trained(importedGpt({ ...SHAPE, rule: plain(), formats }), 0, 14);
    const own = b.tensors();
    a.tensors()
      .slice(0, own.length / 3)
      .forEach(({ name, data }, i) => {
        const scale = /^(token|position)\.|\.(projection|down)\./.test(name) ? 4 : 1;
        own[i].data.set(data.map((raw) => raw / scale));
      });
    const [p, q] = [a, b].map((trainer) => trainer.predict(inputs.subarray(0, 6)));
    expect(Math.max(...p.map((logit, v) => Math.abs(logit - q[v])))).toBeLessThan(0.01);
  });

  test.each<[string, Partial<ImportedFormats>, RegExp]>([
    [
      'a residual of 9',
      { residual: 9 },
      /formats.residual is 9, expected a whole number from 0 to 8/,
    ],
    ['half a power', { magnified: 0.5 }, /formats.magnified is 0.5/],
    ['logits of 17', { logits: 17 }, /formats.logits is 17/],
    ['a neuron that is not there', { outliers: [[[64, 0, 0]]] }, /outliers\[0\]\[0\]\[0\] is 64/],
    ['a neuron without powers', { outliers: [[[1] as never]] }, /the length of formats.outliers/],
    ['another name', { scale: 1 } as never, /formats cannot have "scale"/],
  ])('refuses %s', (_, wrong, message) => {
    expect(() => importedGpt({ ...SHAPE, formats: { ...FORMATS, ...wrong } })).toThrow(message);
  });
});

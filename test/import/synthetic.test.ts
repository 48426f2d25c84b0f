// A GPT-2 with the outliers of trained ones: imported, it computes what float64 computes, and not
// one value leaves its range. With the formats of a model of one's own it does not.

import { describe, expect, test } from 'vitest';
import { Generator } from '../../src/generate/index.ts';
import { importGpt2 } from '../../src/import/import-gpt2.ts';
import { openSafetensors } from '../../src/import/safetensors.ts';
import { exportFloat32, gpt, isWeight, plain, Trainer } from '../../src/index.ts';
import { safetensorsFile, sourceOf } from '../helpers/foreign-files.ts';
import { type Judged, judge, NONE, PLANTED, synthetic } from '../helpers/synthetic-gpt2.ts';

const SHAPE = { vocab_size: 211, n_positions: 32, n_layer: 4, n_head: 4, n_embd: 256 };

/** Perplexity beside that of float64, divergence of the distributions, saturated values. */
async function imported(of: ReturnType<typeof synthetic>, calibrates: boolean) {
  const source = await openSafetensors(sourceOf(safetensorsFile(of.tensors)));
  const calibrate = calibrates ? of.calibrate : undefined;
  const result = await importGpt2(source, SHAPE, { calibrate });
  const options = { ...result.options, batch: 2, microBatch: 1, steps: 10, learningRate: 0.00001 };
  const trainer = Trainer.create(options);
  await result.load(trainer);
  const judged = await judge(trainer, Generator.create(trainer), of);
  return { result, trainer, judged, saturated: trainer.totals.saturated };
}

/** How far perplexity is off, in percent. */
const percent = ({ loss }: Judged): number => 100 * Math.abs(Math.exp(loss.mean) - 1);

describe('a residual of 3,000, gains of 0.1 to 10, a row of 300 deviations: 4 x 256', () => {
  const of = synthetic(SHAPE, PLANTED);

  test('calibrated: 0 saturated on other text, perplexity within 0.25 % of float64', async () => {
    const { result, judged, saturated, trainer } = await imported(of, true);
    const { report } = result;
    expect(report?.largest['block.0.mlp']).toBeGreaterThan(1850);
    expect(report?.largest['block.1']).toBeGreaterThan(2950);
    expect(report?.largest['block.3.up']).toBeGreaterThan(150);
    expect([...new Set(Object.values(report?.saturated ?? {}))]).toEqual([0]);
    expect(report?.outliers).toEqual([1, 1, 0, 1]);
    expect(saturated).toBe(0);
    expect(percent(judged)).toBeLessThan(0.25);
    expect(judged.divergence.mean).toBeLessThan(1e-3);
    expect(Math.abs(judged.evaluated - judged.loss.mean)).toBeLessThan(1e-4);
    // and it learns on: import and ten steps are the same bits everywhere
    while (trainer.steps < 10) trainer.step(of.batch);
    expect(trainer.totals).toMatchObject({ saturated: 0, overflowed: 0 });
    expect(await trainer.weightsSha256()).toBe(
      '43987672975461ce0e0e4ae8c0e752e2980f5a0a577aabe3fba5d72684b1a28c',
    );
  });

  test("with the formats of a model of one's own it cannot even be held", async () => {
    await expect(imported(of, false)).rejects.toThrow(/h\.0\.mlp\.c_fc\.bias\) has -\d+\.\d+ at/);
  });
});

test('gains and a row: over 100 saturate, perplexity 0.5 % off; calibrated, neither', async () => {
  const of = synthetic(SHAPE, { ...PLANTED, writes: [0, 0] });
  const without = await imported(of, false);
  expect(without.saturated).toBeGreaterThan(100);
  expect(percent(without.judged)).toBeGreaterThan(0.5);
  const calibrated = await imported(of, true);
  expect(calibrated.saturated).toBe(0);
  expect(percent(calibrated.judged)).toBeLessThan(0.25);
  const { divergence } = calibrated.judged;
  expect(divergence.mean).toBeLessThan(without.judged.divergence.mean / 100);
});

test('calibrating does not touch weights that fit: no formats, the same bits', async () => {
  const shape = { vocabulary: 31, layers: 2, channels: 32, heads: 2, context: 16, bias: true };
  const trainer = Trainer.create({ model: gpt({ ...shape, rule: plain() }), batch: 2, steps: 30 });
  const inputs = Int32Array.from({ length: 32 }, (_, i) => (i * 7) % 31);
  const batch = { inputs, targets: inputs.map((token) => (token + 7) % 31) };
  while (trainer.steps < 30) trainer.step(batch);
  const file = exportFloat32(trainer.tensors(), '1.0.0');
  const source = await openSafetensors(sourceOf(file));
  const [plainly, calibrated] = await Promise.all(
    [undefined, inputs.subarray(0, 16)].map((calibrate) =>
      importGpt2(source, shape, { calibrate }),
    ),
  );
  expect(calibrated.options.model.config.formats).toBe(undefined);
  expect((await calibrated.tensors()).map(({ data }) => data)).toEqual(
    (await plainly.tensors()).map(({ data }) => data),
  );
  expect(trainer.tensors().filter(isWeight).length).toBe((await plainly.tensors()).length);
});

test('queries and keys both beyond +-16 are reported, and what is clamped is counted', async () => {
  const of = synthetic(SHAPE, NONE);
  for (const { name, values } of of.tensors)
    if (/^h\.2\.attn\.c_attn\.weight$/.test(name))
      for (let i = 0; i < values.length; i++) if (i % 768 < 512) (values as Float32Array)[i] *= 100;
  const { result, saturated } = await imported(of, true);
  const wrong = Object.entries(result.report?.saturated ?? {}).filter(([, n]) => n > 0);
  expect(wrong.map(([place]) => place)).toEqual(['block.2.query', 'block.2.key']);
  expect(result.report?.largest['block.2.query']).toBeGreaterThan(100);
  expect(saturated).toBeGreaterThan(100);
});

test('random weights without outliers: perplexity within 0.05 % of float64', async () => {
  const { judged, saturated } = await imported(synthetic(SHAPE, NONE), true);
  expect(saturated).toBe(0);
  expect(percent(judged)).toBeLessThan(0.05);
});

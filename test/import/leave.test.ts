// In and out again: an export that is imported is the same integers; an import that is exported is
// the function that it was.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { exportGguf, exportHf, exportOnnx } from '../../src/export/index.ts';
import { importGpt2 } from '../../src/import/import-gpt2.ts';
import { openSafetensors } from '../../src/import/safetensors.ts';
import {
  bdia,
  type GptConfig,
  gpt,
  isWeight,
  Trainer,
  Vocabulary,
  withoutFormats,
} from '../../src/index.ts';
import { safetensorsFile, sourceOf } from '../helpers/foreign-files.ts';
import { Gpt2, readGpt2Weights } from '../helpers/gpt2-float64.ts';
import { PLANTED, syntheticGpt2 } from '../helpers/synthetic-gpt2.ts';

const vocabulary = Vocabulary.bytes();

describe('export, then import', () => {
  const SHAPE = { vocabulary: 256, layers: 2, channels: 16, heads: 2, context: 8 };
  const CASES: [string, Partial<GptConfig>][] = [
    ['with biases', { bias: true }],
    ['without biases', { bias: false }],
    ['with a head of its own', { tied: false }],
  ];
  test.each(CASES)('gives the same master weights, bit for bit: %s', async (_, config) => {
    const model = gpt({ ...SHAPE, ...config, rule: bdia() });
    const first = Trainer.create({ model, batch: 2, steps: 30, learningRate: 0.03 });
    const inputs = Int32Array.from({ length: 16 }, (_, i) => (i * 31) % 256);
    while (first.steps < 30) first.step({ inputs, targets: inputs.map((t) => (t + 31) % 256) });
    const beyond = first
      .tensors()
      .filter((one) => isWeight(one) && one.data.some((w) => w > 2 ** 24));
    expect(beyond.length).toBeGreaterThan(0);
    const files = exportHf(first, { vocabulary });
    const file = files['model.safetensors'].bytes();
    const config2 = JSON.parse(new TextDecoder().decode(files['config.json'].bytes()));
    for (const calibrate of [undefined, inputs.subarray(0, 8)])
      for (const given of [config2, {}]) {
        const source = await openSafetensors(sourceOf(file));
        const { options, load } = await importGpt2(source, given, { calibrate });
        const second = Trainer.create({ ...options, batch: 1, steps: 1 });
        await load(second);
        expect(await second.weightsSha256()).toBe(await first.weightsSha256());
      }
  });
});

describe('import, then export: a model with massive activations', () => {
  const SHAPE = { vocab_size: 256, n_positions: 24, n_layer: 3, n_head: 2, n_embd: 128 };
  const tensors = syntheticGpt2(SHAPE, PLANTED);
  const tokens = Int32Array.from({ length: 24 }, (_, i) => (i * 83 + 7) % 256);
  const weights = Object.fromEntries(
    tensors.map(({ name, values }) => [name, Float64Array.from(values)]),
  );
  const config = { ...SHAPE, activation_function: 'gelu', layer_norm_epsilon: 1e-5 };
  const imported = async () => {
    const source = await openSafetensors(sourceOf(safetensorsFile(tensors)));
    const result = await importGpt2(source, SHAPE, { calibrate: tokens });
    const trainer = Trainer.create({
      ...result.options,
      batch: 1,
      steps: 10,
      learningRate: 0.00001,
    });
    await result.load(trainer);
    return { result, trainer };
  };

  test('float64 computes the same logits of both directories, within 0.001', async () => {
    const { result, trainer } = await imported();
    expect(result.options.model.config.formats?.outliers.flat().length).toBeGreaterThan(1);
    const files = exportHf(trainer, { vocabulary });
    const folder = mkdtempSync(join(tmpdir(), 'retrograd-leave-'));
    try {
      const file = join(folder, 'model.safetensors');
      writeFileSync(file, files['model.safetensors'].bytes());
      const left = new Gpt2(config, readGpt2Weights(file)).logits(tokens);
      const came = new Gpt2(config, weights).logits(tokens);
      const worst = left.map((row, t) => Math.max(...row.map((l, v) => Math.abs(l - came[t][v]))));
      expect(Math.max(...worst)).toBeLessThan(0.001);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('comes back, goes on, and leaves as GGUF and ONNX too', async () => {
    const { trainer } = await imported();
    const targets = tokens.map((token) => (token + 83) % 256);
    trainer.step({ inputs: tokens, targets });
    const file = exportHf(trainer, { vocabulary })['model.safetensors'].bytes();
    const source = await openSafetensors(sourceOf(file));
    const again = await importGpt2(source, SHAPE, { calibrate: tokens });
    const second = Trainer.create({ ...again.options, batch: 1, steps: 10 });
    await again.load(second);
    const [a, b] = [trainer, second].map((one) => one.evaluate({ inputs: tokens, targets }).loss);
    expect(Math.abs(a - b)).toBeLessThan(1e-3);
    expect(second.totals.saturated).toBe(0);
    expect(exportGguf(trainer, { vocabulary }).size).toBeGreaterThan(1e6);
    expect(exportOnnx(trainer, { vocabulary })['onnx/model.onnx'].size).toBeGreaterThan(1e6);
  });

  test('of a model without formats, withoutFormats changes nothing', () => {
    const model = gpt({ vocabulary: 4, layers: 1, channels: 8, heads: 2, context: 4 });
    const trainer = Trainer.create({ model, batch: 1, steps: 1 });
    const { tensors: same, epsilon } = withoutFormats(model.config, trainer.tensors());
    expect(epsilon).toBe(1e-5);
    expect(same.map(({ data }) => data.slice())).toEqual(
      trainer
        .tensors()
        .filter(isWeight)
        .map(({ data }) => data.slice()),
    );
  });
});

// Vision transformers under the names of Hugging Face and this library: the same master weights,
// and what cannot be taken is refused by name.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { exportHf } from '../../src/export/index.ts';
import { importVit } from '../../src/import/import-vit.ts';
import { openSafetensors } from '../../src/import/safetensors.ts';
import { openSharded } from '../../src/import/sharded.ts';
import {
  bdia,
  exportFloat32,
  type ImportedVitConfig,
  importedVit,
  isWeight,
  type NamedTensor,
  Trainer,
} from '../../src/index.ts';
import { type Plain, safetensorsFile, sourceOf } from '../helpers/foreign-files.ts';
import { NONE, PLANTED } from '../helpers/synthetic-gpt2.ts';
import { syntheticImages, syntheticVit, writeVit } from '../helpers/synthetic-vit.ts';
import { Vit } from '../helpers/vit-float64.ts';

const IMAGE = { height: 8, width: 12, patch: 4, colours: 3 };
const SIZE = { ...IMAGE, channels: 8, layers: 2, heads: 2, classes: 5 };
const { config: CONFIG, tensors: HF, processor: PROCESSOR } = syntheticVit(SIZE, NONE);
const own = { preprocessor: { image_std: [64 / 255, 64 / 255, 64 / 255] } };
const open = (tensors: readonly Plain[]) => openSafetensors(sourceOf(safetensorsFile(tensors)));
const asText = (tensors: readonly NamedTensor[]) =>
  tensors.map(({ name, shape, data }) => `${name} [${shape}] ${data.join()}`);
const theirs = (name: string) => HF.find((tensor) => tensor.name === name) as Plain;
const without = (...names: string[]) => HF.filter(({ name }) => !names.includes(name));
const replaced = (name: string, change: Partial<Plain>) =>
  HF.map((tensor) => (tensor.name === name ? { ...tensor, ...change } : tensor));
const refusal = async (tensors: readonly Plain[], config: object = CONFIG, options = {}) =>
  importVit(await open(tensors), config, options).then(
    () => 'nothing',
    (error: Error) => error.message,
  );

describe('importVit', () => {
  test('every weight is where the layer that uses it reads it, times 2^24', async () => {
    const tensors = await (await importVit(await open(HF), CONFIG, own)).tensors();
    const of = (name: string) => tensors.find((tensor) => tensor.name === name)?.data ?? [];
    const raw = (values: ArrayLike<number>) => Array.from(values, (v) => Math.round(v * 2 ** 24));
    const layer = 'vit.encoder.layer.1';
    for (const [ours, other] of [
      ['class.weight', 'vit.embeddings.cls_token'],
      ['position.weight', 'vit.embeddings.position_embeddings'],
      ['patch.bias', 'vit.embeddings.patch_embeddings.projection.bias'],
      ['block.1.norm1.gain', `${layer}.layernorm_before.weight`],
      ['block.1.projection.weight', `${layer}.attention.output.dense.weight`],
      ['block.1.norm2.bias', `${layer}.layernorm_after.bias`],
      ['block.1.up.weight', `${layer}.intermediate.dense.weight`],
      ['block.1.down.bias', `${layer}.output.dense.bias`],
      ['norm.gain', 'vit.layernorm.weight'],
      ['head.weight', 'classifier.weight'],
      ['head.bias', 'classifier.bias'],
    ] as const)
      expect([...of(ours)]).toEqual(raw(theirs(other).values));
    const parts = ['query', 'key', 'value'].map((part) => `${layer}.attention.attention.${part}`);
    for (const kind of ['weight', 'bias'])
      expect([...of(`block.1.qkv.${kind}`)]).toEqual(
        parts.flatMap((part) => raw(theirs(`${part}.${kind}`).values)),
      );
    // [out; row, column, colour] of [out; colour, row, column]
    const kernel = theirs('vit.embeddings.patch_embeddings.projection.weight').values;
    [...of('patch.weight')].forEach((value, i) => {
      const [out, pixel, colour] = [Math.floor(i / 48), Math.floor(i / 3) % 16, i % 3];
      expect(value).toBe(Math.round(kernel[out * 48 + colour * 16 + pixel] * 2 ** 24));
    });
  });

  test('pixels are those of the preprocessor: its mean goes into the bias', async () => {
    const preprocessor = { image_mean: [0.2, 0.5, 0.7], image_std: [0.25, 0.5, 1] };
    const tensors = await (await importVit(await open(HF), CONFIG, { preprocessor })).tensors();
    const of = (name: string) => tensors.find((tensor) => tensor.name === name)?.data ?? [];
    const kernel = theirs('vit.embeddings.patch_embeddings.projection.weight').values;
    const bias = theirs('vit.embeddings.patch_embeddings.projection.bias').values;
    const bytes = Array.from({ length: 48 }, (_, i) => (i * 37) % 256); // [row, column, colour]
    for (let out = 0; out < 8; out++) {
      let [expected, found] = [bias[out], of('patch.bias')[out] / 2 ** 24];
      bytes.forEach((p, i) => {
        const [pixel, colour] = [Math.floor(i / 3), i % 3];
        const { image_mean: mean, image_std: deviation } = preprocessor;
        const x = (p / 255 - mean[colour]) / deviation[colour];
        expected += kernel[out * 48 + colour * 16 + pixel] * x;
        found += (of('patch.weight')[out * 48 + i] / 2 ** 24) * ((2 * p - 255) / 128);
      });
      expect(Math.abs(found - expected)).toBeLessThan(1e-5);
    }
  });

  test('without one they are those of ViTImageProcessor: 128 / 255 of the kernel', async () => {
    const source = await open(HF);
    const [given, absent] = await Promise.all(
      [{ preprocessor: PROCESSOR }, {}].map((options) => importVit(source, CONFIG, options)),
    );
    expect(asText(await absent.tensors())).toEqual(asText(await given.tensors()));
    const kernel = theirs('vit.embeddings.patch_embeddings.projection.weight').values;
    const [{ data }] = await given.tensors();
    expect(data[0]).toBe(Math.round(((kernel[0] * 128) / 255) * 2 ** 24));
  });

  const pooler = { name: 'vit.pooler.dense.weight', shape: [8, 8], values: Array(64).fill(1) };
  const half = HF.length / 2;
  const shards: Record<string, readonly Plain[]> = {
    'a.safetensors': HF.slice(0, half),
    'b.safetensors': HF.slice(half),
  };
  const map = Object.entries(shards).flatMap(([file, all]) => all.map(({ name }) => [name, file]));
  test.each<[string, () => ReturnType<typeof open>]>([
    ['a pooler that nobody reads', () => open([...HF, pooler])],
    ['no prefix', () => open(HF.map((one) => ({ ...one, name: one.name.replace(/^vit\./, '') })))],
    [
      'several files',
      () =>
        openSharded({ weight_map: Object.fromEntries(map) }, (file) =>
          sourceOf(safetensorsFile(shards[file])),
        ),
    ],
  ])('%s gives the same master weights', async (_, source) => {
    const expected = await (await importVit(await open(HF), CONFIG)).tensors();
    expect(asText(await (await importVit(await source(), CONFIG)).tensors())).toEqual(
      asText(expected),
    );
  });

  test('queries, keys and values without biases have zeros', async () => {
    const isQkv = ({ name }: Plain) => /\.(query|key|value)\.bias$/.test(name);
    const bare = HF.filter((tensor) => !isQkv(tensor));
    const { tensors } = await importVit(await open(bare), { ...CONFIG, qkv_bias: false });
    const bias = (await tensors()).find(({ name }) => name === 'block.0.qkv.bias');
    expect(bias?.data.every((raw) => raw === 0)).toBe(true);
    expect(await refusal(bare)).toMatch(/"encoder.layer.0.attention.attention.query.bias" is miss/);
  });

  test('its rule is plain with checkpoints, unless another one is wanted', async () => {
    const { options } = await importVit(await open(HF), CONFIG, { rule: bdia({ gammaShift: 3 }) });
    expect(options.model.config).toMatchObject({
      ...IMAGE,
      classes: 5,
      headBias: true,
      bias: true,
    });
    expect([options.model.config.rule?.name, options.keep]).toEqual(['bdia', undefined]);
  });

  const kernelName = 'vit.embeddings.patch_embeddings.projection.weight';
  const rename = (from: RegExp, to: string) =>
    HF.map((one) => ({ ...one, name: one.name.replace(from, to) }));
  test.each<[string, () => readonly Plain[], object, RegExp]>([
    ['another architecture', () => HF, { model_type: 'beit' }, /is "beit", expected vit. HINT: /],
    ['another activation', () => HF, { hidden_act: 'relu' }, /is "relu", expected gelu. HINT: /],
    [
      'a model without classes',
      () => [...without('classifier.weight', 'classifier.bias'), pooler],
      {},
      /"classifier.weight" is missing. HINT: a ViTModel has no classes/,
    ],
    [
      'a distillation token',
      () => [
        ...HF,
        { ...theirs('vit.embeddings.cls_token'), name: 'vit.embeddings.distillation_token' },
      ],
      {},
      /distillation token, expected a class token alone. HINT: /,
    ],
    [
      'interpolated positions',
      () => HF,
      { image_size: [16, 12] },
      /positions for 6 patches, images of 12 x 16 have 12 of 4 x 4. HINT: positions are not inter/,
    ],
    [
      'images of four channels',
      () => replaced(kernelName, { shape: [8, 4, 4, 3] }),
      {},
      /images have 4 channels, expected 1 to 3|kernel of shape/,
    ],
    [
      'patches that are no squares',
      () => replaced(kernelName, { shape: [8, 3, 8, 2] }),
      {},
      /kernel of shape \[8, 3, 8, 2\], expected \[channels, colours, patch, patch\]. HINT: /,
    ],
    [
      'another head',
      () => rename(/^classifier/, 'head'),
      {},
      /"classifier.weight" is missing. HINT: /,
    ],
    [
      'an adapter',
      () => [...HF, { name: 'vit.encoder.layer.0.lora', shape: [1], values: [1] }],
      {},
      /no ViTForImageClassification has tensor "vit.encoder.layer.0.lora". HINT: /,
    ],
    ['other sizes', () => HF, { hidden_size: 16 }, /hidden_size is 16, the tensors' is 8/],
    ['other patches', () => HF, { patch_size: 2 }, /patch_size is 2, the tensors' is 4/],
    [
      'names of other classes',
      () => HF,
      { id2label: { 0: 'a' } },
      /id2label has 1 names, the classifier 5 classes. HINT: /,
    ],
    ['an epsilon below 0', () => HF, { layer_norm_eps: -1 }, /eps is -1, expected 0 to .* HINT: /],
    ['no heads', () => HF, { num_attention_heads: undefined }, /no num_attention_heads. HINT: /],
    ['heads that do not fit', () => HF, { num_attention_heads: 3 }, /not divisible by heads 3/],
    [
      'a regression',
      () =>
        replaced('classifier.weight', { shape: [1, 8], values: Array(8).fill(1) }).map((one) =>
          one.name === 'classifier.bias' ? { ...one, shape: [1], values: [1] } : one,
        ),
      { id2label: { 0: 'x' } },
      /classes is 1, expected .* HINT: /,
    ],
    [
      'an MLP of another width',
      () =>
        HF.map((one) => {
          if (!/intermediate|\d\.output\.dense\.weight/.test(one.name)) return one;
          const shape = one.shape.map((side) => (side === 32 ? 30 : side));
          const size = shape.reduce((a, b) => a * b, 1);
          return { ...one, shape, values: Array.from(one.values).slice(0, size) };
        }),
      { intermediate_size: 30 },
      /30 neurons for 8 channels, not a multiple. HINT: /,
    ],
  ])('refuses %s by name, with a hint', async (_, tensors, change, message) => {
    expect(await refusal(tensors(), { ...CONFIG, ...change })).toMatch(message);
  });

  test.each<[object, RegExp]>([
    [{ image_mean: [0.5] }, /image_mean of the preprocessor is \[0.5\], expected 3 numbers/],
    [{ image_std: [0.5, 0, 0.5] }, /image_std .* expected numbers above 0/],
    [{ rescale_factor: '1' }, /rescale_factor .* expected a number above 0/],
    [{ do_rescale: 1 }, /do_rescale .* expected true or false/],
  ])('refuses the preprocessor %j', async (preprocessor, message) => {
    expect(await refusal(HF, CONFIG, { preprocessor })).toMatch(message);
  });

  test('refuses images to calibrate with that are of another size', async () => {
    expect(await refusal(HF, CONFIG, { calibrate: new Uint8Array(100) })).toMatch(
      /has 100 bytes, expected 288: 8 x 12 x 3. HINT: /,
    );
  });
});

describe('export, then import', () => {
  const shape = { ...IMAGE, layers: 2, channels: 16, heads: 2, classes: 5 };
  const images = Uint8Array.from({ length: 2 * 288 }, (_, i) => (i * 29) % 256);
  const trained = (config: Partial<ImportedVitConfig>) => {
    const model = importedVit({ ...shape, ...config, rule: bdia() });
    const trainer = Trainer.create({ model, batch: 2, steps: 30, learningRate: 0.03 });
    while (trainer.steps < 30) trainer.step({ images, labels: Int32Array.of(1, 4) });
    return trainer;
  };
  test.each<[string, Partial<ImportedVitConfig>]>([
    ['with biases', { bias: true }],
    ['without biases', { bias: false }],
    ['with a bias of the head', { headBias: true }],
    ['with a bias of the head and all others', { headBias: true, bias: true }],
    ['in grey', { colours: 1, width: 36 }],
  ])('gives the same master weights, bit for bit: %s', async (_, config) => {
    const first = trained(config);
    const isBeyond = (one: NamedTensor) => isWeight(one) && one.data.some((w) => w > 2 ** 24);
    expect(first.tensors().filter(isBeyond).length).toBeGreaterThan(0);
    const files = exportHf(first);
    const json = (name: string) => JSON.parse(new TextDecoder().decode(files[name].bytes()));
    const preprocessor = json('preprocessor_config.json');
    const source = await openSafetensors(sourceOf(files['model.safetensors'].bytes()));
    const calibrate = images.subarray(0, 288);
    for (const options of [{}, { preprocessor }, { preprocessor, calibrate }])
      for (const given of [json('config.json'), {}]) {
        const { options: made, load } = await importVit(source, given, options);
        const second = Trainer.create({ ...made, batch: 1, steps: 1 });
        await load(second);
        expect(await second.weightsSha256()).toBe(await first.weightsSha256());
      }
    const plain = await openSafetensors(sourceOf(exportFloat32(first.tensors(), '1.0.0')));
    const again = await importVit(plain, first.options.model.config as object);
    expect((await again.tensors()).map(({ name }) => name)).toEqual(
      first
        .tensors()
        .filter(isWeight)
        .map(({ name }) => name),
    );
  });

  test('a foreign one leaves as it came: logits within 0.001, and comes back', async () => {
    const size = { ...SIZE, channels: 128, layers: 3, heads: 4 };
    const { config, processor, tensors } = syntheticVit(size, PLANTED);
    const calibrate = syntheticImages(size, 2, 99);
    const imported = async (
      source: Awaited<ReturnType<typeof open>>,
      given: object,
      more: object,
    ) => {
      const result = await importVit(source, given, { calibrate, preprocessor: more });
      const trainer = Trainer.create({ ...result.options, batch: 1, steps: 1 });
      await result.load(trainer);
      return trainer;
    };
    const first = await imported(await open(tensors), config, processor);
    expect((first.options.model.config as ImportedVitConfig).formats?.residual).toBeGreaterThan(0);
    const files = exportHf(first);
    const json = (name: string) => JSON.parse(new TextDecoder().decode(files[name].bytes()));
    const folder = mkdtempSync(join(tmpdir(), 'retrograd-vit-leave-'));
    try {
      for (const [name, file] of Object.entries(files))
        writeFileSync(join(folder, name), file.bytes());
      const left = Vit.load(folder);
      writeVit(folder, { config, processor, tensors });
      const came = Vit.load(folder);
      for (const image of syntheticImages(size, 3)) {
        const [a, b] = [left.logits(image), came.logits(image)];
        expect(Math.max(...a.map((logit, i) => Math.abs(logit - b[i])))).toBeLessThan(0.001);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    const source = await openSafetensors(sourceOf(files['model.safetensors'].bytes()));
    const second = await imported(source, json('config.json'), json('preprocessor_config.json'));
    const [image] = syntheticImages(size, 1);
    const [a, b] = [first, second].map((trainer) => trainer.predict(image));
    expect(Math.max(...a.map((logit, i) => Math.abs(logit - b[i])))).toBeLessThan(0.05);
  });
});

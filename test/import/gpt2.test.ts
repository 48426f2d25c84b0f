// GPT-2 under the names of Hugging Face, nanoGPT, llm.c and this library: the same master weights.

import { describe, expect, test } from 'vitest';
import { importGpt2 } from '../../src/import/import-gpt2.ts';
import { openLlmC } from '../../src/import/llm-c.ts';
import { openSafetensors } from '../../src/import/safetensors.ts';
import { bdia, exportFloat32, gpt, isWeight, type NamedTensor, Trainer } from '../../src/index.ts';
import {
  type FileOptions,
  hfTensors,
  llmCFile,
  nanoTensors,
  type Plain,
  type Shape,
  safetensorsFile,
  sourceOf,
} from '../helpers/foreign-files.ts';

const SHAPE: Shape = { vocab_size: 5, n_positions: 6, n_layer: 2, n_head: 2, n_embd: 8 };
const NANO = nanoTensors(SHAPE);
const HF = hfTensors(NANO);
const open = (tensors: readonly Plain[], options?: FileOptions) =>
  openSafetensors(sourceOf(safetensorsFile(tensors, options)));
const prefixed = (tensors: readonly Plain[], prefix: string) =>
  tensors.map((tensor) => ({ ...tensor, name: prefix + tensor.name }));
const asText = (tensors: readonly NamedTensor[]) =>
  tensors.map(({ name, shape, data }) => `${name} [${shape}] ${data.join()}`);
const refusal = async (tensors: readonly Plain[], config: object = SHAPE) => {
  const source = await open(tensors);
  return importGpt2(source, config).then(
    () => 'nothing',
    (error: Error) => error.message,
  );
};
const expected = async () => asText(await (await importGpt2(await open(HF), SHAPE)).tensors());

describe('importGpt2', () => {
  test('every weight is where the layer that uses it reads it, times 2^24', async () => {
    const tensors = await (await importGpt2(await open(HF), SHAPE)).tensors();
    const of = (name: string) => tensors.find((tensor) => tensor.name === name);
    const theirs = (name: string) => NANO.find((tensor) => tensor.name === name) as Plain;
    for (const [ours, other] of [
      ['token.weight', 'wte.weight'],
      ['position.weight', 'wpe.weight'],
      ['block.1.norm1.gain', 'h.1.ln_1.weight'],
      ['block.0.qkv.weight', 'h.0.attn.c_attn.weight'],
      ['block.1.projection.bias', 'h.1.attn.c_proj.bias'],
      ['block.0.norm2.bias', 'h.0.ln_2.bias'],
      ['block.0.up.weight', 'h.0.mlp.c_fc.weight'],
      ['block.1.down.weight', 'h.1.mlp.c_proj.weight'],
      ['norm.gain', 'ln_f.weight'],
    ] as const) {
      expect(of(ours)?.shape).toEqual(theirs(other).shape);
      expect(Array.from(of(ours)?.data ?? [], (raw) => raw / 2 ** 24)).toEqual([
        ...(theirs(other).values as Float64Array),
      ]);
    }
  });

  const mask = { name: 'h.0.attn.bias', shape: [1, 1, 6, 6], values: Array(36).fill(1) };
  const masked = { name: 'h.1.attn.masked_bias', shape: [], values: [-10000] };
  const head = { ...NANO[0], name: 'lm_head.weight' };
  test.each<[string, () => Parameters<typeof open>, object?]>([
    ['Hugging Face with its prefix', () => [prefixed(HF, 'transformer.')]],
    ['Hugging Face with masks, as the hub has it', () => [[mask, ...HF, masked]]],
    ['Hugging Face in F16', () => [HF, { dtype: 'F16', spacing: 1 }]],
    ['Hugging Face in BF16, upside down', () => [HF, { dtype: 'BF16', isReversed: true }]],
    ['nanoGPT', () => [prefixed(NANO, 'transformer.')]],
    [
      'nanoGPT, compiled, with its tied head',
      () => [
        [
          ...prefixed(NANO, '_orig_mod.transformer.'),
          { ...head, name: '_orig_mod.lm_head.weight' },
        ],
      ],
      { n_head: 2, n_layer: 2, n_embd: 8, block_size: 6, vocab_size: 5, bias: true },
    ],
    ['Hugging Face, of whose configuration heads are known', () => [HF], { n_head: 2 }],
  ])('%s gives the same master weights', async (_, file, config = SHAPE) => {
    const imported = await importGpt2(await open(...file()), config);
    expect(asText(await imported.tensors())).toEqual(await expected());
  });

  test.each(['F32', 'BF16'])(
    "llm.c's .bin in %s gives the same, without its padding",
    async (dtype) => {
      const { source, config } = await openLlmC(sourceOf(llmCFile(SHAPE, NANO, 128, dtype)));
      expect(config).toEqual({ block_size: 6, vocab_size: 5, n_layer: 2, n_head: 2, n_embd: 8 });
      expect(asText(await (await importGpt2(source, config)).tensors())).toEqual(await expected());
    },
  );

  test('without biases, and with a head of its own, it is such a GPT', async () => {
    const bare = nanoTensors(SHAPE, false);
    const own = { ...bare[0], name: 'lm_head.weight', values: Array(40).fill(0.25) };
    const config = { ...SHAPE, tie_word_embeddings: false };
    const { options, tensors } = await importGpt2(await open([...bare, own]), config);
    expect(options.model.config).toMatchObject({ bias: false, tied: false, mlpRatio: 4 });
    expect((await tensors()).at(-1)?.data.every((raw) => raw === 2 ** 22)).toBe(true);
  });

  test('a run that trained comes back bit for bit from float32, and goes on', async () => {
    const shape = { vocabulary: 7, layers: 2, channels: 16, heads: 2, context: 8, bias: true };
    const options = { batch: 2, steps: 20, learningRate: 0.01 };
    const first = Trainer.create({ model: gpt({ ...shape, rule: bdia() }), ...options });
    const inputs = Int32Array.from({ length: 16 }, (_, i) => (i * 3) % 7);
    const batch = { inputs, targets: inputs.map((token) => (token + 3) % 7) };
    while (first.steps < 12) first.step(batch);
    const weights = first.tensors().filter(isWeight);
    const within = weights.every(({ data }) => data.every((raw) => Math.abs(raw) < 2 ** 25));
    expect(within).toBe(true);
    const file = exportFloat32(first.tensors(), '1.0.0');
    const source = await openSafetensors(sourceOf(file));
    const imported = await importGpt2(source, first.options.model.config as object);
    const second = Trainer.create({ ...imported.options, ...options });
    await imported.load(second);
    const same = (raw: number) => Math.abs(raw) < 2 ** 24;
    weights.forEach(({ data }, i) => {
      const back = second.tensors()[i].data;
      expect(data.every((raw, j) => !same(raw) || raw === back[j])).toBe(true);
    });
    expect(second.step(batch).loss).toBeLessThan(0.1 + first.evaluate(batch).loss);
  });

  test('its rule is plain with checkpoints, unless another one is wanted', async () => {
    const { options } = await importGpt2(await open(HF), SHAPE);
    expect([options.model.config.rule?.name, options.keep]).toEqual(['plain', 'states']);
    const other = await importGpt2(await open(HF), SHAPE, { rule: bdia({ gammaShift: 3 }) });
    expect([other.options.model.config.rule?.name, other.options.keep]).toEqual([
      'bdia',
      undefined,
    ]);
  });

  test.each<[string, () => Plain[], object, RegExp]>([
    [
      'a missing tensor',
      () => HF.slice(0, -1),
      SHAPE,
      /tensor "ln_f.bias" is missing. HINT: the source has "wte.weight", /,
    ],
    [
      'an adapter',
      () => [...HF, { name: 'h.0.lora', shape: [1], values: [1] }],
      SHAPE,
      /no GPT-2 has tensor "h.0.lora"/,
    ],
    [
      'another shape',
      () => [...HF.slice(0, -1), { name: 'ln_f.bias', shape: [4], values: [1, 2, 3, 4] }],
      SHAPE,
      /"ln_f.bias" has shape \[4\], expected \[8\]/,
    ],
    [
      'other heads than channels',
      () => HF,
      { n_head: 3 },
      /channels 8 is not divisible by heads 3/,
    ],
    ['no heads', () => HF, {}, /the configuration has no n_head. HINT: give config.json/],
    [
      'another architecture',
      () => HF,
      { ...SHAPE, model_type: 'llama' },
      /the model is "llama", expected gpt2/,
    ],
    [
      'another activation',
      () => HF,
      { ...SHAPE, activation_function: 'relu' },
      /is "relu", expected gelu/,
    ],
    [
      'a configuration of another model',
      () => HF,
      { ...SHAPE, n_layer: 3 },
      /n_layer is 3, the tensors' is 2/,
    ],
    [
      'a word for a number',
      () => HF,
      { ...SHAPE, n_layer: '2' },
      /n_layer of the configuration is "2", not a number/,
    ],
    [
      'an epsilon that no layer norm here has',
      () => HF,
      { ...SHAPE, layer_norm_epsilon: 0.1 },
      /layer_norm_epsilon is 0.1, expected 0 to 0.00032/,
    ],
    [
      'more tokens than rows',
      () => HF,
      { ...SHAPE, vocab_size: 9 },
      /vocab_size is 9|shape \[5, 8\], expected \[9, 8\]/,
    ],
    [
      'a tied head that differs',
      () => [...HF, { ...HF[0], name: 'lm_head.weight', values: Array(40).fill(1) }],
      { ...SHAPE, tie_word_embeddings: true },
      /differ, and the configuration says/,
    ],
    [
      'a name twice',
      () => [...HF, { ...HF[0], name: 'transformer.wte.weight' }],
      SHAPE,
      /tensors "wte.weight", "transformer.wte.weight" are one/,
    ],
  ])('refuses %s by name', async (_, tensors, config, message) => {
    expect(await refusal(tensors(), config)).toMatch(message);
  });

  test('refuses a weight beyond +-16 by name and place', async () => {
    const values = Array.from(HF[4].values);
    values[10] = -16.5; // [in, out] of 24: input 0, output 10
    const source = await open(HF.map((one, i) => (i === 4 ? { ...one, values } : one)));
    const imported = await importGpt2(source, SHAPE);
    await expect(imported.tensors()).rejects.toThrow(
      'block.0.qkv.weight (h.0.attn.c_attn.weight) has -16.5 at [10, 0], weights are within +-16',
    );
  });

  test('refuses a trainer of another model, and one that has learnt', async () => {
    const { options, load } = await importGpt2(await open(HF), SHAPE);
    const other = gpt({ vocabulary: 5, layers: 1, channels: 8, heads: 2, context: 6, bias: true });
    await expect(load(Trainer.create({ model: other, batch: 1, steps: 1 }))).rejects.toThrow(
      /make it of the options that importing gave/,
    );
    const trainer = Trainer.create({ ...options, batch: 1, steps: 2 });
    const inputs = Int32Array.of(0, 1, 2, 3, 4, 0);
    trainer.step({ inputs, targets: inputs });
    await expect(load(trainer)).rejects.toThrow('the trainer has done 1 steps, expected none');
  });
});

/** A word of the file's header, changed. */
const put = (at: number, word: number) => (file: Uint8Array) => {
  new DataView(file.buffer).setInt32(at, word, true);
  return file;
};

test.each<[string, (file: Uint8Array) => Uint8Array, RegExp]>([
  ['a short header', (file) => file.subarray(0, 1000), /it has 1000 bytes, its header 1024/],
  ['another magic number', put(0, 1), /it begins with 1/],
  ['version 1', put(4, 1), /its version is 1, expected 3/],
  ['no heads', put(20, 0), /its n_head is 0/],
  ['fewer rows than tokens', put(28, 4), /4 rows for 5/],
  ['other bytes', (file) => file.subarray(0, -4), /expected/],
])('openLlmC refuses %s', async (_, change, message) => {
  const file = llmCFile(SHAPE, NANO, 128);
  await expect(openLlmC(sourceOf(change(file)))).rejects.toThrow(message);
});

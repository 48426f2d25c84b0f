// A vision transformer and a translator under the names and shapes that transformers 5.18 prints of
// its own models of that size, every number where it belongs. npm run interop has transformers
// compute the logits.

import { Tokenizer as Theirs } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeSafetensors } from '../../src/checkpoint/safetensors.ts';
import { type ExportedFiles, exportGguf, exportHf, exportOnnx } from '../../src/export/index.ts';
import {
  BytePairs,
  isWeight,
  normaliseSentence,
  Trainer,
  translator,
  UsageError,
  vit,
} from '../../src/index.ts';

const SHAPE = { layers: 1, channels: 8, heads: 2 };
const IMAGE = { width: 8, height: 12, colours: 3, classes: 5, patch: 4 };
const C = 8;
const M = 32;

interface Exported {
  shapes: Record<string, readonly number[]>;
  values(name: string): number[];
  json(name: string): Record<string, unknown>;
}

function read(files: ExportedFiles): Exported {
  const { tensors } = decodeSafetensors(files['model.safetensors'].bytes());
  return {
    shapes: Object.fromEntries(tensors.map(({ name, shape }) => [name, shape])),
    values(name) {
      const { bytes } = tensors.find((one) => one.name === name)!;
      return [...new Float32Array(Uint8Array.from(bytes).buffer)];
    },
    json: (name) => JSON.parse(new TextDecoder().decode(files[name].bytes())),
  };
}

/** The weights of an untrained model, every one another number. */
function distinct(trainer: Trainer<never>): (name: string) => number[] {
  const weights = trainer.tensors().filter(isWeight);
  let next = 1;
  for (const { data } of weights) for (let i = 0; i < data.length; i++) data[i] = next++;
  return (name) => [...weights.find((one) => one.name === name)!.data].map((raw) => raw / 2 ** 24);
}

const linear = (name: string, rows: number, columns: number) => ({
  [`${name}.weight`]: [rows, columns],
  [`${name}.bias`]: [rows],
});
const norm = (name: string) => ({ [`${name}.weight`]: [C], [`${name}.bias`]: [C] });

describe('a vision transformer', () => {
  const create = (bias: boolean): Trainer<never> =>
    Trainer.create({ model: vit({ ...IMAGE, ...SHAPE, bias }), batch: 1, steps: 1 });

  test.each([true, false])('has the tensors of ViTForImageClassification, biases: %s', (bias) => {
    const trainer = create(bias);
    const own = distinct(trainer);
    const { shapes, values } = read(exportHf(trainer));
    const layer = 'vit.encoder.layer.0';
    expect(shapes).toEqual({
      'vit.embeddings.cls_token': [1, 1, C],
      'vit.embeddings.position_embeddings': [1, 7, C],
      'vit.embeddings.patch_embeddings.projection.weight': [C, 3, 4, 4],
      'vit.embeddings.patch_embeddings.projection.bias': [C],
      ...linear(`${layer}.attention.attention.query`, C, C),
      ...linear(`${layer}.attention.attention.key`, C, C),
      ...linear(`${layer}.attention.attention.value`, C, C),
      ...linear(`${layer}.attention.output.dense`, C, C),
      ...norm(`${layer}.layernorm_before`),
      ...norm(`${layer}.layernorm_after`),
      ...linear(`${layer}.intermediate.dense`, M, C),
      ...linear(`${layer}.output.dense`, C, M),
      ...norm('vit.layernorm'),
      'classifier.weight': [5, C],
      'classifier.bias': [5],
    });
    const zeros = (count: number): number[] => Array.from({ length: count }, () => 0);
    const parts = ['query', 'key', 'value'].map((part) => `${layer}.attention.attention.${part}`);
    expect(parts.flatMap((name) => values(`${name}.weight`))).toEqual(own('block.0.qkv.weight'));
    const biases = bias ? own('block.0.qkv.bias') : zeros(3 * C);
    expect(parts.flatMap((name) => values(`${name}.bias`))).toEqual(biases);
    expect(values('classifier.weight')).toEqual(own('head.weight'));
    expect(values('classifier.bias')).toEqual(zeros(5));
    expect(values('vit.embeddings.position_embeddings')).toEqual(own('position.weight'));
    // [out; colour, row, column] of [out; row, column, colour]
    const kernel = values('vit.embeddings.patch_embeddings.projection.weight');
    const patch = own('patch.weight');
    kernel.forEach((value, i) => {
      const [out, colour, pixel] = [Math.floor(i / 48), Math.floor(i / 16) % 3, i % 16];
      expect(value).toBe(patch[out * 48 + pixel * 3 + colour]);
    });
  });

  test('has its labels, and a processor that makes the pixels of the library', () => {
    const labels = ['a', 'b', 'c', 'd', 'e'];
    const { json } = read(exportHf(create(false), { labels }));
    expect(json('config.json')).toMatchObject({
      image_size: [12, 8],
      layer_norm_eps: 1e-5,
      id2label: { 0: 'a', 4: 'e' },
      label2id: { a: 0, e: 4 },
    });
    const processor = json('preprocessor_config.json');
    expect(processor).toMatchObject({ size: { height: 12, width: 8 }, do_convert_rgb: true });
    const { rescale_factor: factor, image_mean: mean, image_std: deviation } = processor;
    for (let p = 0; p < 256; p++) {
      const pixel = (p * (factor as number) - (mean as number[])[2]) / (deviation as number[])[2];
      expect(Math.abs(pixel - (2 * p - 255) / 128)).toBeLessThan(1e-15 * 256);
    }
    expect(() => exportHf(create(false), { labels: ['a', 'a', 'b', 'c', 'd'] })).toThrow(
      /^labels are 5 names .* expected 5 different ones/,
    );
  });

  test('is no GGUF', () => {
    for (const make of [exportGguf, exportOnnx])
      expect(() => make(create(false))).toThrow('the model is "vit", expected gpt');
  });
});

describe('a translator', () => {
  const SENTENCES = ['She sells sea shells.', 'Elle vend des coques !', 'Für 5 €, bitte.'].map(
    normaliseSentence,
  );
  const vocabulary = BytePairs.learn([...SENTENCES, ...SENTENCES], 60);
  const V = vocabulary.size;
  const create = (): Trainer<never> => {
    const model = translator({ ...SHAPE, vocabulary: V, context: 9, bias: true });
    return Trainer.create({ model, batch: 1, steps: 1 });
  };

  test('has the tensors of BlenderbotForConditionalGeneration', () => {
    const trainer = create();
    const own = distinct(trainer);
    const { shapes, values, json } = read(exportHf(trainer, { vocabulary }));
    const attention = (name: string) => ({
      ...linear(`${name}.q_proj`, C, C),
      ...linear(`${name}.k_proj`, C, C),
      ...linear(`${name}.v_proj`, C, C),
      ...linear(`${name}.out_proj`, C, C),
      ...norm(`${name}_layer_norm`),
    });
    const side = (name: string) => ({
      [`model.${name}.embed_positions.weight`]: [9, C],
      ...attention(`model.${name}.layers.0.self_attn`),
      ...linear(`model.${name}.layers.0.fc1`, M, C),
      ...linear(`model.${name}.layers.0.fc2`, C, M),
      ...norm(`model.${name}.layers.0.final_layer_norm`),
      ...norm(`model.${name}.layer_norm`),
    });
    expect(shapes).toEqual({
      'model.shared.weight': [V, C],
      ...side('encoder'),
      ...side('decoder'),
      ...attention('model.decoder.layers.0.encoder_attn'),
      final_logits_bias: [1, V],
    });
    const cross = 'model.decoder.layers.0.encoder_attn';
    const keyValue = ['k_proj', 'v_proj'].flatMap((part) => values(`${cross}.${part}.weight`));
    expect(keyValue).toEqual(own('decoder.0.cross.keyValue.weight'));
    expect(values(`${cross}.q_proj.bias`)).toEqual(own('decoder.0.cross.query.bias'));
    expect(values('model.encoder.layers.0.self_attn.v_proj.bias')).toEqual(
      own('encoder.0.qkv.bias').slice(2 * C),
    );
    expect(values('model.decoder.layer_norm.weight')).toEqual(own('norm.gain'));
    expect(json('config.json')).toMatchObject({
      decoder_start_token_id: 1,
      eos_token_id: 2,
      encoder_no_repeat_ngram_size: 0,
      forced_eos_token_id: null,
    });
  });

  test('has its byte pairs as tokenizer.json, 2,000 texts, with the end behind them', () => {
    const { json } = read(exportHf(create(), { vocabulary }));
    const theirs = new Theirs(json('tokenizer.json'), json('tokenizer_config.json'));
    const signs = 'abcdelnoshvSFür5 €,.!¡¿«»…：ａ\n\tZ😀';
    const texts = fc
      .array(fc.constantFrom(...signs), { maxLength: 80 })
      .map((characters) => characters.join(''));
    fc.assert(
      fc.property(texts, (text) => {
        const { ids } = theirs.encode(text);
        expect(ids).toEqual([...vocabulary.encode(text), 2]);
      }),
      { numRuns: 2000 },
    );
    for (const text of SENTENCES) {
      const { ids } = theirs.encode(text);
      expect(theirs.decode(ids, { skip_special_tokens: true })).toBe(text);
    }
  });

  test('of two vocabularies, or a damaged one, is refused', () => {
    const source = vocabulary.toJson();
    const saved = { kind: 'pairs', source, target: source };
    expect(Object.keys(exportHf(create(), { vocabulary: saved }))).toContain('tokenizer.json');
    const other = { ...saved, target: { ...source, symbols: `${source.symbols}😀` } };
    expect(() => exportHf(create(), { vocabulary: other })).toThrow(
      'the two sides have different vocabularies, expected one of both',
    );
    const damaged = { ...source, merges: [1] };
    expect(() => exportHf(create(), { vocabulary: damaged })).toThrow(UsageError);
  });
});

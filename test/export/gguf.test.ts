// The GGUF file, read by the format's description: every key and tensor is where llama.cpp looks
// for it, and the numbers are the weights. npm run interop has llama.cpp itself write the text.

import { describe, expect, test } from 'vitest';
import { type ExportedFile, exportGguf } from '../../src/export/index.ts';
import { isWeight, Vocabulary } from '../../src/index.ts';
import { trainedGpt } from './train.ts';

interface Gguf {
  keys: Record<string, unknown>;
  tensors: Record<string, { sides: number[]; values: Float32Array }>;
}

/** A reader of GGUF, version 3: docs/gguf.md of ggml. */
function readGguf(file: ExportedFile): Gguf {
  const bytes = file.bytes();
  const view = new DataView(bytes.buffer);
  let at = 0;
  const take = <T>(size: number, read: (place: number) => T): T => {
    at += size;
    return read(at - size);
  };
  const u32 = (): number => take(4, (i) => view.getUint32(i, true));
  const u64 = (): number => take(8, (i) => Number(view.getBigUint64(i, true)));
  const text = (): string => {
    const length = u64();
    return take(length, (i) => new TextDecoder().decode(bytes.subarray(i, i + length)));
  };
  const value = (type: number): unknown => {
    if (type === 4) return u32();
    if (type === 5) return take(4, (i) => view.getInt32(i, true));
    if (type === 6) return take(4, (i) => view.getFloat32(i, true));
    if (type === 7) return take(1, (i) => bytes[i] === 1);
    if (type === 8) return text();
    if (type !== 9) throw new Error(`type ${type} at ${at}`);
    const of = u32();
    return Array.from({ length: u64() }, () => value(of));
  };
  expect(take(4, (i) => String.fromCharCode(...bytes.subarray(i, i + 4)))).toBe('GGUF');
  expect(u32()).toBe(3);
  const [tensorCount, keyCount] = [u64(), u64()];
  const keys: Gguf['keys'] = {};
  for (let i = 0; i < keyCount; i++) keys[text()] = value(u32());
  const infos = Array.from({ length: tensorCount }, () => ({
    name: text(),
    sides: Array.from({ length: u32() }, u64),
    type: u32(),
    offset: u64(),
  }));
  const begin = Math.ceil(at / 32) * 32;
  const tensors: Gguf['tensors'] = {};
  for (const { name, sides, type, offset } of infos) {
    expect([type, offset % 32], name).toEqual([0, 0]);
    const size = sides.reduce((a, b) => a * b, 1);
    tensors[name] = { sides, values: new Float32Array(bytes.buffer, begin + offset, size) };
  }
  return { keys, tensors };
}

describe('exportGguf', () => {
  test.each([
    ['as by default', {}],
    ['with biases and a head of its own', { bias: true, tied: false, mlpRatio: 2 }],
  ])('a GPT %s: all keys, all tensors, no number changed', async (_, more) => {
    const { trainer, vocabulary } = trainedGpt(more);
    const file = exportGguf(trainer, { vocabulary, name: 'shells' });
    const { keys, tensors } = readGguf(file);
    expect(keys).toMatchObject({
      'general.architecture': 'gpt2',
      'general.name': 'shells',
      'general.file_type': 0,
      'retrograd.weights_sha256': await trainer.weightsSha256(),
      'gpt2.context_length': 24,
      'gpt2.embedding_length': 32,
      'gpt2.feed_forward_length': 'mlpRatio' in more ? 64 : 128,
      'gpt2.block_count': 2,
      'gpt2.attention.head_count': 4,
      'gpt2.attention.layer_norm_epsilon': Math.fround(1e-5),
    });
    const theirs: Record<string, string> = {
      token: 'token_embd',
      position: 'position_embd',
      norm: 'output_norm',
      head: 'output',
      norm1: 'attn_norm',
      qkv: 'attn_qkv',
      projection: 'attn_output',
      norm2: 'ffn_norm',
      up: 'ffn_up',
      down: 'ffn_down',
    };
    const named = (own: string): string => {
      const [, k, part, kind] = /^(?:block\.(\d+)\.)?(\w+)\.(\w+)$/.exec(own)!;
      const ending = kind === 'bias' ? 'bias' : 'weight';
      return `${k === undefined ? '' : `blk.${k}.`}${theirs[part]}.${ending}`;
    };
    const weights = trainer.tensors().filter(isWeight);
    for (const { name, shape, data } of weights) {
      const { sides, values } = tensors[named(name)];
      expect(sides, name).toEqual([...shape].reverse());
      const differs = data.findIndex((raw, i) => Math.fround(raw / 2 ** 24) !== values[i]);
      expect(differs, name).toBe(-1);
    }
    const biases = Object.keys(tensors).filter((name) => name.endsWith('.bias'));
    expect(biases).toHaveLength(2 * 6 + 1);
    const others = biases.filter((name) => !weights.some((one) => named(one.name) === name));
    expect(others.every((name) => tensors[name].values.every((one) => one === 0))).toBe(true);
    expect(Object.keys(tensors).length).toBe(weights.length + others.length);
    expect([...file].reduce((sum, { length }) => sum + length, 0)).toBe(file.size);
  });

  test('bytes are tokens of llama.cpp’s type rwkv, escaped, and no text ends', () => {
    const { trainer } = trainedGpt({ vocabulary: 256 }, { steps: 1 }, 'bytes');
    const { keys } = readGguf(exportGguf(trainer, { vocabulary: Vocabulary.bytes() }));
    expect(keys['tokenizer.ggml.model']).toBe('rwkv');
    expect(keys['tokenizer.ggml.eos_token_id']).toBeUndefined();
    const tokens = keys['tokenizer.ggml.tokens'] as string[];
    const read = tokens.map((token) => (/^\\x..$/.test(token) ? Number(`0${token.slice(1)}`) : 0));
    const unescaped = tokens.map((token, i) =>
      token.length === 1 ? token.charCodeAt(0) : read[i],
    );
    expect(unescaped).toEqual(Array.from({ length: 256 }, (_, byte) => byte));
    expect(tokens[0x5c]).toBe('\\x5c');
  });

  test('characters of several bytes are made of their bytes by merges', () => {
    const { trainer, vocabulary } = trainedGpt({}, { steps: 1 });
    const { keys } = readGguf(exportGguf(trainer, { vocabulary }));
    expect(keys['tokenizer.ggml.model']).toBe('gpt2');
    expect(keys['tokenizer.ggml.pre']).toBe('gpt-2');
    const tokens = keys['tokenizer.ggml.tokens'] as string[];
    const merges = keys['tokenizer.ggml.merges'] as string[];
    expect(tokens).toHaveLength(vocabulary.size);
    expect(new Set(tokens).size).toBe(tokens.length);
    expect(tokens.slice(0, 2)).toEqual(['Ċ', 'Ġ']);
    expect(tokens).toContain('Ã©'); // é
    // é ü – €
    expect(merges).toEqual(['Ã ©', 'Ã ¼', 'â Ģ', 'âĢ ĵ', 'â Ĥ', 'âĤ ¬']);
    expect(keys['tokenizer.ggml.eos_token_id']).toBe(vocabulary.size - 1);
    const given = readGguf(exportGguf(trainer, { vocabulary, end: 0 })).keys;
    expect(given['tokenizer.ggml.eos_token_id']).toBe(0);
    expect(() => exportGguf(trainer, { vocabulary, end: vocabulary.size })).toThrow(/^end is /);
  });
});

// GPT-2's vocabulary gives the tokens that gpt-3-encoder and @huggingface/tokenizers give. `npm run
// fuzz:tokenizer` compares 100,000 strings; here are 2,000 and some that are known to be hard.

import { describe, expect, test } from 'vitest';
import { fuzzString } from '../helpers/fuzz-strings.ts';
import { type Compared, compare, gpt2, isOther } from '../helpers/tokenizer-oracles.ts';

describe("GPT-2's tokenizer", () => {
  test('known answers', () => {
    expect(gpt2.size).toBe(50257);
    expect([...gpt2.encode('Hello, world!')]).toEqual([15496, 11, 995, 0]);
    expect([...gpt2.encode('<|endoftext|>')]).toEqual([50256]);
    expect([...gpt2.encodeOrdinary('<|endoftext|>')]).toEqual([27, 91, 437, 1659, 5239, 91, 29]);
  });

  test('2,000 fuzzed strings have the tokens of gpt-3-encoder and @huggingface/tokenizers', () => {
    const compared: Compared = { gpt3: 0, huggingFace: 0, plain: 0 };
    for (let number = 0; number < 2000; number++) compare(fuzzString(1, number), compared);
    expect(compared.gpt3 + compared.plain).toBe(2000);
    expect(compared.huggingFace).toBe(compared.gpt3);
    expect(compared.gpt3).toBeGreaterThan(1700);
  });

  test('so have all single bytes, every plane, and long runs', () => {
    const compared: Compared = { gpt3: 0, huggingFace: 0, plain: 0 };
    for (let byte = 0; byte < 256; byte++) compare(`a${String.fromCharCode(byte)} b`, compared);
    for (let point = 0; point < 0x110000; point += 997)
      compare(`x${String.fromCodePoint(point)}1 ${String.fromCodePoint(point)}`, compared);
    for (const long of [' ', '\n', 'a', 'ab', '1', '!', '\u{1f600}', '\ud800', ' \n'])
      compare(long.repeat(500), compared);
    expect(compared.gpt3).toBeGreaterThan(1000);
  });

  test('JavaScript differs by U+0085 and U+FEFF, and by what its Unicode does not know', () => {
    expect([0x85, 0xfeff].every(isOther)).toBe(true);
    expect([0x20, 0xa0, 0x1680, 0x2028, 0x3000, 0x200b, 0x41, 0x4e00].some(isOther)).toBe(false);
  });
});

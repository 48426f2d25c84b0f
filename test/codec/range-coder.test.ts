// The range coder against an exact one in BigInt, against hand-computed bytes, at its corners; its
// length against what the tables say; and what it does with bytes that nobody wrote.

import { describe, expect, test } from 'vitest';
import {
  CodecError,
  FrequencyTable,
  RangeDecoder,
  RangeEncoder,
  TOTAL,
} from '../../src/codec/index.ts';
import { UsageError } from '../../src/index.ts';
import { bigEncode, type Place } from './big-coder.ts';
import { Draws } from './draws.ts';

function encode(places: readonly Place[]): Uint8Array {
  const encoder = new RangeEncoder();
  for (const [start, size] of places) encoder.encode(start, size);
  return encoder.finish();
}

function decode(bytes: Uint8Array, places: readonly Place[]): boolean {
  const decoder = new RangeDecoder(bytes);
  for (const [start, size] of places) {
    const target = decoder.target();
    if (target < start || target >= start + size) return false;
    decoder.take(start, size);
  }
  decoder.finish();
  return true;
}

/** A place of some kind: the sizes that a coder sees, and its corners. */
function place(draws: Draws, kind: number): Place {
  const size = [
    () => 1,
    () => TOTAL,
    () => TOTAL - 1,
    () => TOTAL - 256,
    () => 1 + draws.below(TOTAL),
    () => 1 + draws.below(300),
  ][kind]();
  const most = TOTAL - size;
  return [[0, most, draws.below(most + 1)][draws.below(3)], size];
}

describe('golden vectors', () => {
  const half = TOTAL / 2;
  // by hand: intervals of halves and quarters are binary fractions; 00 00 05 is 5 / 2^24; the last
  // one carries: 0xffffff / 2^24 + 2^-24 (2^24 - 1) / 2^24 begins at .ff ff ff ff ff ff
  test.each<[string, Place[], number[]]>([
    ['nothing', [], []],
    ['the first half: .0', [[0, half]], []],
    ['the second half: .1', [[half, half]], [0x80]],
    [
      '.01',
      [
        [0, half],
        [half, half],
      ],
      [0x40],
    ],
    [
      '.1 .1 .1',
      [
        [half, half],
        [half, half],
        [half, half],
      ],
      [0xe0],
    ],
    ['5 of 2^24', [[5, 1]], [0, 0, 5]],
    [
      'the last of 2^24, twice',
      [
        [TOTAL - 1, 1],
        [TOTAL - 1, 1],
      ],
      [255, 255, 255, 255, 255, 255],
    ],
    ['a third that is no binary fraction', [[0x555555, 0x555556]], [0x56]],
    ['what is sure costs nothing', Array.from({ length: 99 }, () => [0, TOTAL] as const), []],
  ])('%s', (_, places, bytes) => {
    expect([...encode(places)]).toEqual(bytes);
    expect([...bigEncode(places)]).toEqual(bytes);
    expect(decode(Uint8Array.from(bytes), places)).toBe(true);
  });
});

test.each([1, 2, 3])('1,500 sequences are those of exact arithmetic, seed %i', (seed) => {
  const draws = new Draws(seed);
  let carries = 0;
  for (let n = 0; n < 500; n++) {
    const kinds = [0, 1, 2, 3, 4, 5].filter(() => draws.below(2) === 0);
    const length = draws.below(60);
    const places = Array.from({ length }, () =>
      place(draws, kinds.length === 0 ? draws.below(6) : kinds[draws.below(kinds.length)]),
    );
    const bytes = encode(places);
    expect(bytes).toEqual(bigEncode(places));
    expect(decode(bytes, places)).toBe(true);
    carries += bytes.includes(0) ? 1 : 0;
  }
  expect(carries).toBeGreaterThan(25); // bytes beside a carry are 0
});

test('a carry goes through any number of bytes', () => {
  // just below a half, ever nearer, then beyond it
  const near: Place[] = Array.from({ length: 300 }, (_, i) =>
    i === 0 ? [TOTAL / 2 - 1, 2] : [TOTAL / 2 - 1, 2],
  );
  for (const last of [0, TOTAL - 1]) {
    const places: Place[] = [...near, [last, 1]];
    expect(encode(places)).toEqual(bigEncode(places));
    expect(decode(encode(places), places)).toBe(true);
  }
});

describe('length', () => {
  const tables: Record<string, number[]> = {
    'even bytes': Array.from({ length: 256 }, () => 1),
    letters: Array.from({ length: 60 }, (_, i) => 1 + Math.floor(1000 / (i + 1))),
    'almost sure': [2 ** 29, ...Array.from({ length: 255 }, () => 0)],
    'two, a thousandth': [999, 1],
  };
  test.each(Object.keys(tables))('of %s: within 0.01 % and 4 bytes of -sum log2 p', (name) => {
    const table = FrequencyTable.fromCounts(tables[name]);
    const draws = new Draws(5);
    const encoder = new RangeEncoder();
    let bits = 0;
    for (let i = 0; i < 150_000; i++) {
      const target = draws.below(TOTAL);
      const symbol = table.symbolAt(target);
      bits -= Math.log2(table.size(symbol) / TOTAL);
      table.encode(encoder, symbol);
    }
    const { length } = encoder.finish();
    console.log(`${name}: ${length} bytes, ${(bits / 8).toFixed(2)} in theory`);
    expect(length).toBeGreaterThanOrEqual(Math.floor(bits / 8));
    expect(length).toBeLessThanOrEqual((bits / 8) * 1.0001 + 4);
  });

  test('of the worst symbols, whose units are the smallest: below 2.2e-5 bits each', () => {
    const encoder = new RangeEncoder();
    const size = TOTAL - 1;
    for (let i = 0; i < 1_000_000; i++) encoder.encode(0, size);
    const bits = -1_000_000 * Math.log2(size / TOTAL);
    expect(encoder.finish().length * 8).toBeLessThanOrEqual(bits + 22 + 32);
  });
});

describe('bytes that nobody wrote', () => {
  test('8,000 of them are read or refused with a CodecError', () => {
    const draws = new Draws(9);
    const table = FrequencyTable.fromCounts([5, 1, 1, 1]);
    const outcomes = { read: 0, truncated: 0, trailing: 0 };
    for (let n = 0; n < 8000; n++) {
      const bytes = Uint8Array.from({ length: draws.below(12) }, () => draws.below(256));
      const decoder = new RangeDecoder(bytes);
      try {
        for (let i = 0; i < 1000 && table.decode(decoder) !== 3; i++);
        decoder.finish();
        outcomes.read++;
      } catch (error) {
        expect(error).toBeInstanceOf(CodecError);
        outcomes[(error as CodecError).code as 'truncated' | 'trailing']++;
      }
    }
    console.log(JSON.stringify(outcomes));
    expect(Math.min(...Object.values(outcomes))).toBeGreaterThan(0);
  });

  test('a stream without its last bytes is truncated', () => {
    const places: Place[] = Array.from({ length: 40 }, (_, i) => [i, 1]);
    const bytes = encode(places);
    const decoder = new RangeDecoder(bytes.subarray(0, bytes.length - 8));
    expect(() => {
      for (let i = 0; i < 40; i++) decoder.skip(decoder.target(), 1);
    }).toThrow(expect.objectContaining({ code: 'truncated' }));
  });

  test('bytes behind the end are trailing', () => {
    const bytes = encode([[1, 1]]);
    const decoder = new RangeDecoder(Uint8Array.of(...bytes, 0, 0));
    decoder.take(1, 1);
    expect(() => decoder.finish()).toThrow(expect.objectContaining({ code: 'trailing' }));
  });
});

describe('wrong use', () => {
  test.each([
    [-1, 1],
    [0, 0],
    [0, TOTAL + 1],
    [TOTAL, 1],
    [TOTAL - 1, 2],
    [0.5, 1],
    [Number.NaN, 1],
    ['0', 1],
  ])('encode(%s, %s)', (start, size) => {
    expect(() => new RangeEncoder().encode(start as number, size)).toThrow(UsageError);
  });

  test('taking a symbol that is not there', () => {
    expect(() => new RangeDecoder(Uint8Array.of(0)).take(1, 1)).toThrow(UsageError);
  });
});

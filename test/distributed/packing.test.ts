// Numbers come back from their coded bytes as they were, and bytes that are damaged or hostile give
// a DistributedError and no more memory than the numbers have.

import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { DistributedError } from '../../src/distributed/index.ts';
import {
  mostBytes,
  type Numbers,
  packNumbers,
  unpackNumbers,
} from '../../src/distributed/packing.ts';
import { randomOf } from './network.ts';

const COUNTS = [0, 1, 2, 3, 63, 64, 65];
const INT64 = [0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 32n, -(2n ** 32n), 2n ** 31n];
const INT32 = [0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 2 ** 16, -(2 ** 16), 255, -256];

/** What becomes of numbers that are packed and unpacked, in memory that has others. */
function again<N extends Numbers>(numbers: N): N {
  const width = numbers.BYTES_PER_ELEMENT as 4 | 8;
  const coded = packNumbers(numbers.slice() as N);
  const room = new Uint8Array(mostBytes(numbers.length, width)).fill(255);
  expect(Buffer.compare(packNumbers(numbers, room), coded)).toBe(0);
  expect(coded.length).toBeLessThanOrEqual(mostBytes(numbers.length, width));
  const used = numbers.slice() as N;
  bytes(used).fill(255);
  return unpackNumbers(coded, used);
}

describe('packed numbers', () => {
  test('are exact for all 65,536 patterns of any two neighbouring bytes', () => {
    for (const shift of [0, 8, 16]) {
      const words = Int32Array.from({ length: 2 ** 16 }, (_, i) => i << shift);
      expect(Buffer.compare(bytes(again(words)), bytes(words)), `int32 ${shift}`).toBe(0);
    }
    for (let shift = 0; shift <= 48; shift += 8) {
      const long = BigInt64Array.from({ length: 2 ** 16 }, (_, i) => BigInt(i) << BigInt(shift));
      expect(Buffer.compare(bytes(again(long)), bytes(long)), `int64 ${shift}`).toBe(0);
    }
  });

  test('are exact for every width and every number of zeros, beside extremes', () => {
    for (let bits = 1; bits <= 64; bits++)
      for (const zeros of [0, 1, 31, 32, 33, 62].filter((n) => n + bits <= 64)) {
        const top = BigInt.asIntN(64, (1n << BigInt(bits - 1)) - 1n);
        const block = [top, -top - 1n, 1n, 0n, -1n].map((m) =>
          BigInt.asIntN(64, m << BigInt(zeros)),
        );
        const long = BigInt64Array.from({ length: 130 }, (_, i) => block[i % block.length]);
        long.set(BigInt64Array.of(7n, -(2n ** 63n), 2n ** 63n - 1n), 64);
        expect(Buffer.compare(bytes(again(long)), bytes(long)), `${bits} ${zeros}`).toBe(0);
      }
  });

  test.each(COUNTS)('are exact for %i numbers, each lane with its own', (count) => {
    const bits = randomBytes(count * 8);
    const words = new Int32Array(count).map((_, i) => bits.readInt32LE(i * 8));
    const long = new BigInt64Array(count).map((_, i) => bits.readBigInt64LE(i * 8));
    expect(again(words)).toEqual(words);
    expect(again(long)).toEqual(long);
    for (const extreme of INT64) {
      const one = long.map((value, i) => (i === count >> 1 ? extreme : value >> 40n));
      expect(again(one)).toEqual(one);
      expect(again(one.fill(extreme))).toEqual(one);
    }
    for (const extreme of INT32) {
      const one = words.map((value, i) => (i === count >> 1 ? extreme : value >> 20));
      expect(again(one)).toEqual(one);
      expect(again(one.fill(extreme))).toEqual(one);
    }
  });

  test('take two bytes a block and the bits that its largest number needs', () => {
    expect(packNumbers(new BigInt64Array(64)).length).toBe(4);
    expect(packNumbers(new BigInt64Array(64).fill(-4096n)).length).toBe(4 + 8);
    expect(packNumbers(new BigInt64Array(65).fill(3n)).length).toBe(4 + 24 + 4);
    expect(packNumbers(new Int32Array(64).map((_, i) => i)).length).toBe(4 + (7 * 64) / 8);
  });
});

const bytes = ({ buffer, byteLength }: Numbers): Uint8Array =>
  new Uint8Array(buffer, 0, byteLength);
const long = (count: number): BigInt64Array<ArrayBuffer> => new BigInt64Array(count);
const small = (count: number): BigInt64Array<ArrayBuffer> =>
  new BigInt64Array(count).map((_, i) => BigInt((i * 7919) % 1000) - 500n);

describe('the reader of packed numbers', () => {
  test('refuses every cut of what was written, and bytes behind it', () => {
    const coded = packNumbers(small(65));
    for (let length = 0; length < coded.length; length++)
      expect(() => unpackNumbers(coded.slice(0, length), long(65)), `${length}`).toThrow(
        DistributedError,
      );
    const longer = new Uint8Array(coded.length + 1);
    longer.set(coded);
    expect(() => unpackNumbers(longer, long(65))).toThrow(DistributedError);
  });

  test('refuses another count, another width and more bits than a number has', () => {
    const coded = packNumbers(small(65));
    for (const count of [0, 1, 64, 129])
      expect(() => unpackNumbers(coded, long(count))).toThrow(DistributedError);
    const wide = packNumbers(BigInt64Array.of(2n ** 40n));
    expect(() => unpackNumbers(wide, new Int32Array(1))).toThrow(DistributedError);
    expect(() => unpackNumbers(Uint8Array.of(9), long(1))).toThrow(DistributedError);
  });

  test('gives nothing but numbers or a DistributedError for 10,000 damaged ones', () => {
    const seed = Number(process.env.TEST_SEED ?? Date.now() % 2 ** 31);
    const random = randomOf(seed);
    const below = (n: number): number => Math.floor(random() * n);
    const files = [1, 65, 300].map((count) => packNumbers(small(count)));
    let refused = 0;
    for (let i = 0; i < 10_000; i++) {
      const which = below(3);
      const spoilt = spoil(files[which], below);
      const found = attempt(() => unpackNumbers(spoilt, long([1, 65, 300][which])));
      if (found instanceof DistributedError) refused++;
      else expect(found, `seed ${seed}, case ${i}`).toBeInstanceOf(BigInt64Array);
    }
    expect(refused).toBeGreaterThan(3000);
  });
});

function attempt<T>(run: () => T): T | unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}

/** A file with bytes changed, cut, added or all new. */
function spoil(file: Uint8Array, below: (n: number) => number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(file);
  const way = below(5);
  if (way === 0) return out.slice(0, below(out.length));
  if (way === 1) return Uint8Array.from({ length: below(40) }, () => below(256));
  if (way === 2) return Uint8Array.from([...out, below(256)]);
  for (let n = 1 + below(4); n > 0; n--) out[below(way === 3 ? 12 : out.length)] = below(256);
  return out;
}

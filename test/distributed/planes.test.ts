// Numbers come back from their coded bytes as they were, and bytes that are damaged or hostile give
// a DistributedError and no more memory than the numbers have.

import { randomBytes } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { DistributedError } from '../../src/distributed/index.ts';
import {
  decodePlanes,
  encodePlanes,
  mostBytes,
  type Numbers,
} from '../../src/distributed/planes.ts';
import { randomOf } from './network.ts';

const COUNTS = [0, 1, 2, 3, 63, 64, 65];
const INT64 = [0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 32n, -(2n ** 32n), 2n ** 31n];
const INT32 = [0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 2 ** 16, -(2 ** 16), 255, -256];

/** What becomes of numbers that are coded and decoded. */
async function again<N extends Numbers>(numbers: N): Promise<N> {
  const width = numbers.BYTES_PER_ELEMENT as 4 | 8;
  const coded = await encodePlanes(numbers.slice() as N);
  expect(coded.length).toBeLessThanOrEqual(mostBytes(numbers.length, width));
  return (await decodePlanes(coded, numbers.length, width)) as N;
}

afterEach(() => {
  vi.unstubAllGlobals();
});

describe.each([['compressed'], ['where the runtime compresses nothing']])('planes, %s', (how) => {
  const settle = (): void => {
    if (how !== 'compressed') vi.stubGlobal('CompressionStream', undefined);
  };

  test('are exact for all 65,536 patterns of any two neighbouring bytes', async () => {
    settle();
    for (const shift of [0, 8, 16]) {
      const words = Int32Array.from({ length: 2 ** 16 }, (_, i) => i << shift);
      expect(Buffer.compare(bytes(await again(words)), bytes(words)), `int32 ${shift}`).toBe(0);
    }
    for (let shift = 0; shift <= 48; shift += 8) {
      const long = BigInt64Array.from({ length: 2 ** 16 }, (_, i) => BigInt(i) << BigInt(shift));
      expect(Buffer.compare(bytes(await again(long)), bytes(long)), `int64 ${shift}`).toBe(0);
    }
  });

  test.each(COUNTS)('are exact for %i numbers, each lane with its own', async (count) => {
    settle();
    const bits = randomBytes(count * 8);
    const words = new Int32Array(count).map((_, i) => bits.readInt32LE(i * 8));
    const long = new BigInt64Array(count).map((_, i) => bits.readBigInt64LE(i * 8));
    expect(await again(words)).toEqual(words);
    expect(await again(long)).toEqual(long);
    for (const extreme of INT64) {
      const one = long.map((value, i) => (i === count >> 1 ? extreme : value >> 40n));
      expect(await again(one)).toEqual(one);
      expect(await again(one.fill(extreme))).toEqual(one);
    }
    for (const extreme of INT32) {
      const one = words.map((value, i) => (i === count >> 1 ? extreme : value >> 20));
      expect(await again(one)).toEqual(one);
      expect(await again(one.fill(extreme))).toEqual(one);
    }
  });
});

const bytes = ({ buffer, byteLength }: Numbers): Uint8Array =>
  new Uint8Array(buffer, 0, byteLength);
const small = (count: number): BigInt64Array<ArrayBuffer> =>
  new BigInt64Array(count).map((_, i) => BigInt((i * 7919) % 1000) - 500n);

describe('the reader of planes', () => {
  test('refuses every cut of what was written, and bytes behind it', async () => {
    const coded = await encodePlanes(small(65));
    for (let length = 0; length < coded.length; length++)
      await expect(decodePlanes(coded.slice(0, length), 65, 8), `${length}`).rejects.toThrow(
        DistributedError,
      );
    const longer = new Uint8Array(coded.length + 1);
    longer.set(coded);
    await expect(decodePlanes(longer, 65, 8)).rejects.toThrow(DistributedError);
  });

  test('refuses another count, another width and more planes than a number has', async () => {
    const coded = await encodePlanes(small(65));
    for (const count of [0, 1, 64, 66])
      await expect(decodePlanes(coded, count, 8)).rejects.toThrow(DistributedError);
    const wide = await encodePlanes(BigInt64Array.of(2n ** 40n));
    await expect(decodePlanes(wide, 1, 4)).rejects.toThrow(DistributedError);
    await expect(decodePlanes(Uint8Array.of(9), 1, 8)).rejects.toThrow(DistributedError);
  });

  test('gives nothing but numbers or a DistributedError for 10,000 damaged ones', async () => {
    const seed = Number(process.env.TEST_SEED ?? Date.now() % 2 ** 31);
    const random = randomOf(seed);
    const below = (n: number): number => Math.floor(random() * n);
    const files = await Promise.all([1, 65, 300].map((count) => encodePlanes(small(count))));
    let refused = 0;
    for (let i = 0; i < 10_000; i++) {
      const which = below(3);
      const spoilt = spoil(files[which], below);
      const found = await decodePlanes(spoilt, [1, 65, 300][which], 8).catch((error) => error);
      if (found instanceof DistributedError) refused++;
      else expect(found, `seed ${seed}, case ${i}`).toBeInstanceOf(BigInt64Array);
    }
    expect(refused).toBeGreaterThan(3000);
  });

  test('refuses 256 MiB in 256 KiB without taking them', async () => {
    const body = deflateSync(new Uint8Array(2 ** 28), { level: 1 });
    const bomb = new Uint8Array(1 + 5 + body.length);
    bomb.set([1, 1]);
    new DataView(bomb.buffer).setUint32(2, body.length, true);
    bomb.set(body, 6);
    const before = process.memoryUsage.rss();
    await expect(decodePlanes(bomb, 2 ** 20, 8)).rejects.toThrow(DistributedError);
    expect(process.memoryUsage.rss() - before).toBeLessThan(2 ** 27);
  });
});

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

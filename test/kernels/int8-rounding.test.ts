// Rounding by chance is right on average: the mean over 10^6 draws of the generator, for every
// scale and both ends and the middle of a step. Rounding that is not (seeded faults) is seen.

import { describe, expect, it } from 'vitest';
import { PURPOSE } from '../../src/core/random.ts';
import { INT8_ROW_MAX, type Int8Kernels } from '../../src/kernels/int8.ts';
import { int8Party, PARTY_NAMES } from '../helpers/int8.ts';
import { Pieces } from '../helpers/int8-pieces.ts';

const DRAWS = 10 ** 6;
/** As long as rows are that are padded by nothing. */
const FILLED = Math.ceil((DRAWS + 1) / 16) * 16;

/** Numbers whose rounding is looked at, by scale: near 0, in the middle of a step, at its ends. */
const CASES = [1, 2, 3, 4, 5, 6].flatMap((e) => {
  const step = 2 ** e;
  const parts = [0, 1, step / 2, Math.floor(0.3 * step), step - 1];
  return [...new Set(parts)].flatMap((part) =>
    [0, -3, 41].map((whole) => ({ e, value: whole * step + part })),
  );
});

type Pack = Int8Kernels['pack_rows_i8'];
/** Makes a packing another: given where rows of 10^6 elements and their noise lie. */
type Change = (pack: Pack, noise: Uint8Array) => Pack;

/** How many standard deviations the mean of `value`'s rounding is from it, at worst. */
function farthest(name: (typeof PARTY_NAMES)[number], change: Change = (pack) => pack): number {
  const memory = new Pieces(name);
  const { kernels } = int8Party(name).backend;
  const draws = memory.bytes(FILLED);
  const { byteOffset: noise } = draws;
  kernels.random_u32(noise, 4, 3, 2, PURPOSE.operands, 17, 0);
  memory.int8.spread_u32(noise, FILLED / 4);
  const row = memory.int16s(new Int16Array(DRAWS + 1));
  const to = memory.bytes(2 * FILLED + 4 * (DRAWS / 128) + 64);
  const pack = change(memory.int8.pack_rows_i8, draws);
  let worst = 0;
  for (const { e, value } of CASES) {
    const step = 2 ** e;
    row.fill(value)[DRAWS] = Math.min(4095, INT8_ROW_MAX * step); // what the scale comes from
    const { elements } = memory.row(row.byteOffset, DRAWS + 1, noise, to, pack);
    let sum = 0;
    for (let i = 0; i < DRAWS; i++) sum += elements[i];
    const mean = memory.build === 'baseline' ? sum / step : sum;
    const p = (value / step) % 1;
    const deviation = Math.sqrt(Math.abs(p) * (1 - Math.abs(p)) * DRAWS);
    const off = Math.abs(mean - (value / step) * DRAWS);
    worst = Math.max(worst, off === 0 ? 0 : off / deviation); // what is exact may not move
  }
  return worst;
}

// the reference packs the same bytes (int8.test.ts), but takes minutes for so many
const FAST = PARTY_NAMES.filter((name) => name !== 'reference');

describe.each(FAST.map((name) => [name]))('rounding by chance on %s', (name) => {
  it(`${CASES.length} means over 10^6 draws are within 3 standard deviations`, () => {
    const worst = farthest(name);
    console.log(`rounding by chance on ${name}: ${worst.toFixed(2)} standard deviations at most`);
    expect(worst).toBeLessThan(3);
    expect(worst).toBeGreaterThan(0.5); // it was looked at
  });
});

describe('seeded faults', () => {
  const faults: [string, Change][] = [
    [
      'half a step too much',
      (pack, { buffer }) =>
        (a, lda, rows, k, ...rest) => {
          const row = new Int16Array(buffer, a, k - 1);
          row.fill(row[0] + stepOf(buffer, a, k) / 2);
          pack(a, lda, rows, k, ...rest);
        },
    ],
    [
      'rounding down, without noise',
      (pack, noise) =>
        (...args) => {
          noise.fill(0);
          pack(...args);
        },
    ],
    [
      'rounding to the nearest',
      (pack) => (a, lda, rows, k, packed) => pack(a, lda, rows, k, packed, 0),
    ],
    [
      'noise of 127 of 128 numbers',
      (pack, noise) =>
        (...args) => {
          for (let i = 0; i < noise.length; i += 128) noise[i] = 0;
          pack(...args);
        },
    ],
  ];
  const stepOf = (buffer: ArrayBufferLike, a: number, k: number): number =>
    2 ** Math.ceil(Math.log2(new Int16Array(buffer, a, k)[k - 1] / INT8_ROW_MAX));
  it.each(faults)('%s is more than 3 standard deviations off', (_, change) => {
    expect(farthest('baseline', change)).toBeGreaterThan(3);
  });
});

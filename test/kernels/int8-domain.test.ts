// The domain of 8 bit operands, exhaustively: every scale with every number below its largest one,
// every pair of bytes through the product. What reaches the relaxed instruction's second operand is
// in 1..127.

import { describe, expect, it } from 'vitest';
import { INT8_COLUMN_MAX, INT8_OPERAND_MAX, INT8_ROW_MAX } from '../../src/kernels/int8.ts';
import { int8PackedBytes, int8RowBytes } from '../../src/kernels/int8-layout.ts';
import { OPERAND_MAX } from '../../src/memory/formats.ts';
import { PARTY_NAMES } from '../helpers/int8.ts';
import { Pieces } from '../helpers/int8-pieces.ts';

/** Every operand, from -4095 to 4095. */
const RAMP = Int16Array.from({ length: 2 * OPERAND_MAX + 1 }, (_, i) => i - OPERAND_MAX);
const ON = PARTY_NAMES.map((name) => [name]);

describe.each(ON)('the domain on %s', (name) => {
  it('every factor 1..65, every |w| <= 63 f: |q| <= 63, |q f - w| <= 9/16 f, bytes 1..127', () => {
    const memory = new Pieces(name);
    const ramp = memory.int16s(RAMP).byteOffset;
    const to = memory.bytes(int8PackedBytes(memory.build, RAMP.length, 1));
    const seen = new Set<number>();
    let worst = 0;
    for (const pack of ['pack_nn_i8', 'pack_nt_i8'] as const)
      for (let f = 1; f <= 65; f++) {
        const max = INT8_COLUMN_MAX * f;
        const from = ramp + 2 * (OPERAND_MAX - max);
        const { elements, factor = f } = memory.column(pack, from, 2 * max + 1, to);
        expect(factor).toBe(f);
        let largest = 0;
        for (const [p, element] of elements.entries()) {
          const q = memory.build === 'baseline' ? element / f : element - 64;
          const error = Math.abs(q * f - (p - max)) / f;
          if (Number.isInteger(q) && q + 64 >= 1 && q + 64 <= 127) seen.add(q + 64);
          else throw new Error(`${p - max} of factor ${f} became ${q}`);
          largest = Math.max(largest, error);
        }
        worst = Math.max(worst, largest);
        if (f === 1) expect(largest).toBe(0);
      }
    expect(worst).toBeLessThanOrEqual(9 / 16);
    expect(worst).toBeGreaterThan(1 / 2); // rounding to nearest alone would not need 9/16
    expect([Math.min(...seen), Math.max(...seen), seen.size]).toEqual([1, 127, 127]);
  });

  it('a column takes the smallest factor that fits, for every maximum 0..4095', () => {
    const memory = new Pieces(name);
    const to = memory.bytes(64);
    for (let max = 0; max <= OPERAND_MAX; max++)
      for (const pack of ['pack_nn_i8', 'pack_nt_i8'] as const) {
        const f = Math.max(1, Math.ceil(max / INT8_COLUMN_MAX));
        const { byteOffset } = memory.int16s([-max]);
        const { elements, factor = f } = memory.column(pack, byteOffset, 1, to);
        const q = Math.floor((-max * Math.min(32767, (65536 / f + 1) >> 1) + 2 ** 14) / 2 ** 15);
        expect(factor).toBe(f);
        expect(elements[0]).toBe(memory.build === 'baseline' ? q * f : q + 64);
      }
  });

  it('every maximum 1..4095, every |x| below: |q| <= 127, 2^e q within +-4096, e least', () => {
    const memory = new Pieces(name);
    const ramp = memory.int16s(RAMP).byteOffset;
    const to = memory.bytes(int8RowBytes(memory.build, RAMP.length));
    const loud = memory.bytes(RAMP.length + 16).fill(255).byteOffset;
    const silent = memory.bytes(RAMP.length + 16).fill(0).byteOffset;
    let furthest = 0;
    for (let max = 1; max <= OPERAND_MAX; max++)
      for (const [noise, low, high] of [
        [0, 1 / 2, 1 / 2],
        [loud, 0, 1],
        [silent, 1, 0],
      ]) {
        if (noise !== 0 && max % 8 !== 0 && max < OPERAND_MAX - 200) continue;
        const k = 2 * max + 1;
        const row = memory.row(ramp + 2 * (OPERAND_MAX - max), k, noise, to);
        const least = 2 ** Math.max(0, Math.ceil(Math.log2(max / INT8_ROW_MAX)));
        const { elements, scale: step = least } = row;
        expect(step).toBe(least);
        let wrong = 0;
        for (let p = 0; p < k; p++) {
          const q = memory.build === 'baseline' ? elements[p] / step : elements[p];
          const error = q - (p - max) / step;
          const isRight = Number.isInteger(q) && Math.abs(q) <= INT8_ROW_MAX;
          if (!isRight || error < -low || error > high) wrong++;
          furthest = Math.max(furthest, Math.abs(q * step));
        }
        expect(wrong, `maximum ${max}`).toBe(0);
      }
    expect(furthest).toBe(INT8_OPERAND_MAX);
  });

  it('all pairs of x in -127..127 and y in 1..127 give x (y - 64), in each byte of a quad', () => {
    const memory = new Pieces(name);
    const m = 2 * INT8_ROW_MAX + 1;
    const n = 2 * INT8_COLUMN_MAX + 1;
    for (let place = 0; place < 4; place++) {
      const a = Int16Array.from({ length: 4 * m }, (_, i) =>
        i % 4 === place ? Math.floor(i / 4) - INT8_ROW_MAX : 0,
      );
      const b = Int16Array.from({ length: 4 * n }, (_, i) =>
        Math.floor(i / n) === place ? (i % n) - INT8_COLUMN_MAX : 0,
      );
      const c = memory.product(a, b, [m, n, 4]).gemm();
      const expected = Int32Array.from({ length: m * n }, (_, i) => {
        const y = 1 + (i % n);
        return (Math.floor(i / n) - INT8_ROW_MAX) * (y - 64);
      });
      expect(Buffer.compare(bytesOf(c), bytesOf(expected))).toBe(0);
    }
  });

  it('pairs of pairs: four products of extremes of every sign add up', () => {
    const memory = new Pieces(name);
    const signs = Array.from({ length: 81 }, (_, i) =>
      [1, 3, 9, 27].map((place) => (Math.floor(i / place) % 3) - 1),
    );
    const a = signs.flatMap((row) => row.map((sign) => sign * INT8_ROW_MAX));
    const b = [0, 1, 2, 3].flatMap((p) => signs.map((row) => row[p] * INT8_COLUMN_MAX));
    const c = memory.product(a, b, [81, 81, 4]).gemm();
    const expected = Int32Array.from({ length: 81 * 81 }, (_, i) => {
      const other = signs[i % 81];
      const matches = signs[Math.floor(i / 81)].reduce((sum, sign, p) => sum + sign * other[p], 0);
      return matches * INT8_ROW_MAX * INT8_COLUMN_MAX + 0;
    });
    expect([...c]).toEqual([...expected]);
  });
});

const bytesOf = ({ buffer, byteOffset, byteLength }: Int32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

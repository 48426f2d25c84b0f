// The bounds of products of 8 bit operands: exact at their corners on every back end, not one
// beyond, and what the checked build refuses. Its traps have no words.

import { describe, expect, it } from 'vitest';
import {
  INT8_CHUNK,
  INT8_COLUMN_MAX,
  INT8_OPERAND_MAX,
  INT8_ROW_MAX,
  INT8_WHOLE_PRODUCTS,
  INT8_WHOLE_SHIFT,
  type Int8Kernels,
} from '../../src/kernels/int8.ts';
import { INT8_L1_MAX, int8Room } from '../../src/layers/int8-matrix.ts';
import { OPERAND_L1_MAX, OPERAND_MAX } from '../../src/memory/formats.ts';
import { PARTY_NAMES } from '../helpers/int8.ts';
import { Pieces } from '../helpers/int8-pieces.ts';

describe.each(PARTY_NAMES.map((name) => [name]))('sums on %s', (name) => {
  it('gemm_i8i8i32 is exact up to a column of INT8_L1_MAX times 4096, one more wraps', () => {
    const count = Math.floor(INT8_L1_MAX / INT8_COLUMN_MAX);
    const rest = INT8_L1_MAX - count * INT8_COLUMN_MAX;
    for (const sign of [1, -1])
      for (const more of [0, 1]) {
        const memory = new Pieces(name);
        const k = count + 1;
        const b = new Int16Array(k).fill(INT8_COLUMN_MAX).fill(rest + more, count);
        const { gemm } = memory.product(new Int16Array(k).fill(sign * OPERAND_MAX), b, [1, 1, k]);
        const exact = sign * INT8_OPERAND_MAX * (INT8_L1_MAX + more);
        expect(gemm()[0]).toBe(exact | 0);
        expect((exact | 0) === exact).toBe(more === 0 || sign === -1); // -2^31 is an int32
      }
  });

  it('gemm_i8i8i64 adds 128 products of 4096 * 4095 exactly, rounded by any shift', () => {
    const memory = new Pieces(name);
    const [m, n, k] = [9, 11, 2 * INT8_CHUNK];
    const most = BigInt(INT8_OPERAND_MAX * OPERAND_MAX * INT8_CHUNK);
    for (const sign of [1n, -1n]) {
      const a = new Int16Array(m * k).fill(Number(sign) * OPERAND_MAX);
      const b = new Int16Array(k * n).fill(OPERAND_MAX);
      const { gemm64 } = memory.product(a, b, [m, n, k]);
      for (const shift of [-16, -15, -1, 0, 1, INT8_WHOLE_SHIFT, INT8_WHOLE_SHIFT + 1, 20]) {
        const right = BigInt(Math.max(0, -shift));
        const half = (1n << right) / 2n;
        const one = ((sign * most + half) >> right) << BigInt(Math.max(0, shift));
        expect([...new Set(gemm64(shift))]).toEqual([2n * one]);
      }
    }
  });

  it('gemm_i8i8i64 adds 2^16 products of 4096 * 4095 exactly, and one more', () => {
    const [m, n] = [7, 9];
    const one = BigInt(INT8_OPERAND_MAX * OPERAND_MAX);
    for (const k of [INT8_WHOLE_PRODUCTS, INT8_WHOLE_PRODUCTS + 1]) {
      const memory = new Pieces(name);
      const a = new Int16Array(m * k).fill(-OPERAND_MAX);
      const b = new Int16Array(k * n).fill(OPERAND_MAX);
      const { gemm64 } = memory.product(a, b, [m, n, k]);
      for (const shift of [0, INT8_WHOLE_SHIFT, INT8_WHOLE_SHIFT + 1])
        expect([...new Set(gemm64(shift))]).toEqual([(-one * BigInt(k)) << BigInt(shift)]);
    }
  });
});

describe('the numbers', () => {
  const TOP = 2 ** 31 - 1;

  it('INT8_OPERAND_MAX is the largest row element times its scale; columns stay below', () => {
    const e = Math.ceil(Math.log2(OPERAND_MAX / INT8_ROW_MAX));
    expect(2 ** e * Math.round(OPERAND_MAX / 2 ** e)).toBe(INT8_OPERAND_MAX);
    expect(INT8_COLUMN_MAX * Math.ceil(OPERAND_MAX / INT8_COLUMN_MAX)).toBe(OPERAND_MAX);
    // the relaxed instruction's pair of products is an int16
    expect(2 * INT8_ROW_MAX * (INT8_COLUMN_MAX + 64)).toBeLessThan(2 ** 15);
  });

  it('INT8_CHUNK products and half of 2^16 fit int32, two more do not', () => {
    const one = INT8_OPERAND_MAX * OPERAND_MAX;
    expect(one * INT8_CHUNK).toBeLessThanOrEqual(TOP - 2 ** 15);
    expect(one * (INT8_CHUNK + 1)).toBeGreaterThan(TOP - 2 ** 15);
  });

  it('factors with INT8_WHOLE_SHIFT fit int32, with one more they do not; as whole sums do', () => {
    const column = Math.ceil(OPERAND_MAX / INT8_COLUMN_MAX);
    const row = 2 ** Math.ceil(Math.log2(OPERAND_MAX / INT8_ROW_MAX));
    expect(column * row * 2 ** INT8_WHOLE_SHIFT).toBeLessThanOrEqual(TOP);
    expect(column * row * 2 ** (INT8_WHOLE_SHIFT + 1)).toBeGreaterThan(TOP);
    expect(INT8_ROW_MAX * INT8_COLUMN_MAX * INT8_WHOLE_PRODUCTS).toBeLessThanOrEqual(TOP);
  });

  it('INT8_L1_MAX times 4096 fits int32, one more does not', () => {
    expect(INT8_L1_MAX * INT8_OPERAND_MAX).toBeLessThanOrEqual(TOP);
    expect((INT8_L1_MAX + 1) * INT8_OPERAND_MAX).toBeGreaterThan(TOP);
  });

  it('int8Room is what rounding can add to a sum at its bound, and not 1 more than that', () => {
    for (const k of [1, 2, 15, 16, 128, 384, 1536, 4096])
      for (const max of [1, 62, 63, 64, 126, 127, 4031, 4032, 4033, OPERAND_MAX, 5000]) {
        const factor = Math.ceil(Math.min(max, OPERAND_MAX) / INT8_COLUMN_MAX);
        const most = OPERAND_L1_MAX - int8Room(k, max) + (k * 9 * factor) / 16;
        expect(most).toBeLessThanOrEqual(INT8_L1_MAX);
        expect(most + 1).toBeGreaterThan(INT8_L1_MAX);
      }
  });

  it('a column at the bound with int8Room is rounded to no larger sum than INT8_L1_MAX', () => {
    const k = 160;
    let furthest = 0;
    for (let max = 2700; max <= OPERAND_MAX; max++) {
      const memory = new Pieces('baseline');
      const values = new Int16Array(k).fill(max);
      // as much as the other elements may have, each where its rounding up is largest
      let left = OPERAND_L1_MAX - int8Room(k, max) - max;
      for (let p = 1; p < k; p++) {
        values[p] = Math.min(max, Math.max(0, left));
        left -= values[p];
      }
      const to = memory.bytes(64 * k);
      const { elements } = memory.column('pack_nt_i8', memory.int16s(values).byteOffset, k, to);
      furthest = Math.max(
        furthest,
        elements.reduce((sum, v) => sum + Math.abs(v), 0),
      );
    }
    expect(furthest).toBeLessThanOrEqual(INT8_L1_MAX);
    expect(furthest).toBeGreaterThan(0.98 * INT8_L1_MAX);
  });
});

describe('what the checked build refuses', () => {
  const trap = WebAssembly.RuntimeError;

  it('a byte of a panel in 128..255, in either product; 0 to 127 pass', () => {
    const [m, n, k] = [7, 11, 9];
    const a = new Int16Array(m * k).fill(3);
    const b = new Int16Array(k * n).fill(5);
    const { panels, gemm, gemm64 } = new Pieces('checked').product(a, b, [m, n, k]);
    for (const place of [32, 63, 127, panels.length / 2 + 32, panels.length - 1]) {
      const before = panels[place];
      for (const byte of [0, 1, 127, 128, 129, 255]) {
        panels[place] = byte;
        for (const product of [gemm, () => gemm64(0)])
          if (byte < 128) product();
          else expect(product, `byte ${byte} at ${place}`).toThrow(trap);
      }
      panels[place] = before;
    }
    expect(gemm()[0]).toBe(9 * 3 * 5);
  });

  const packs: [string, (int8: Int8Kernels, at: number, to: number) => void][] = [
    ['pack_rows_i8', (int8, at, to) => int8.pack_rows_i8(at, 19, 1, 19, to, 0)],
    ['pack_nn_i8 of a row', (int8, at, to) => int8.pack_nn_i8(at, 19, 1, 19, to)],
    ['pack_nn_i8 of a column', (int8, at, to) => int8.pack_nn_i8(at, 1, 19, 1, to)],
    ['pack_nt_i8', (int8, at, to) => int8.pack_nt_i8(at, 19, 19, 1, to)],
  ];
  it.each(packs)('%s: an operand of 4096', (_, pack) => {
    const memory = new Pieces('checked');
    const to = memory.bytes(4096).byteOffset;
    const values = memory.int16s(new Int16Array(19));
    for (const place of [0, 7, 8, 16, 18])
      for (const sign of [1, -1]) {
        values.fill(0)[place] = sign * OPERAND_MAX;
        pack(memory.int8, values.byteOffset, to);
        for (const beyond of [OPERAND_MAX + 1, 32767]) {
          values[place] = sign * beyond;
          const call = () => pack(memory.int8, values.byteOffset, to);
          expect(call, `${sign * beyond} at ${place}`).toThrow(trap);
        }
      }
  });

  type Sizes = (int8: Int8Kernels, at: number, value: number) => void;
  const sizes: [string, number[], number[], Sizes][] = [
    ['pack_rows_i8: lda >= k', [2], [1], (i, at, v) => i.pack_rows_i8(at, v, 1, 2, at + 64, 0)],
    ['pack_nn_i8: ldb >= n', [2], [1], (i, at, v) => i.pack_nn_i8(at, v, 1, 2, at + 64)],
    ['pack_nt_i8: ldb >= k', [2], [1], (i, at, v) => i.pack_nt_i8(at, v, 2, 1, at + 64)],
    ['gemm_i8i8i32: ldc >= n', [2], [1], (i, at, v) => i.gemm_i8i8i32(at, at, at, v, 0, 2, 0)],
    ['gemm_i8i8i32: m >= 0', [0], [-1], (i, at, v) => i.gemm_i8i8i32(at, at, at, 2, v, 2, 0)],
    ['gemm_i8i8i64: ldc >= n', [2], [1], (i, at, v) => i.gemm_i8i8i64(at, at, at, v, 0, 2, 0, 0)],
    [
      'gemm_i8i8i64: -16 <= shift <= 20',
      [-16, 20],
      [-17, 21],
      (i, at, v) => i.gemm_i8i8i64(at, at, at, 2, 0, 2, 0, v),
    ],
  ];
  it.each(sizes)('%s', (_, corners, beyond, call) => {
    const memory = new Pieces('checked');
    const { int8 } = memory;
    const at = memory.bytes(1024).fill(0).byteOffset;
    for (const value of corners) call(int8, at, value);
    for (const value of beyond) expect(() => call(int8, at, value)).toThrow(trap);
  });
});

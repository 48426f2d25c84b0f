// Products of 8 bit operands: every build packs what the contract says, byte for byte with its
// padding, and all give the sums of the integers that packed operands stand for, around every tile
// edge and every chunk.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { int8PackedBytes, int8RowBytes } from '../../src/kernels/int8-layout.ts';
import { OPERAND_MAX } from '../../src/memory/formats.ts';
import { inout, input, output, run, scratch } from '../helpers/calls.ts';
import { int16s, int64s, KINDS, type Kind, Source } from '../helpers/data.ts';
import {
  type Int8Party,
  int8Parties,
  noiseOf,
  PARTY_NAMES,
  packedColumns,
  packedRows,
  type Rounded,
  roundedColumn,
  roundedRow,
} from '../helpers/int8.ts';
import { SEED } from '../helpers/suite.ts';

const ROWS = Array.from({ length: 14 }, (_, i) => i + 1);
const COLUMNS = Array.from({ length: 18 }, (_, i) => i + 1);
const DEPTHS = [
  ...Array.from({ length: 20 }, (_, i) => i + 1),
  ...[127, 128, 129, 130, 255, 256, 257, 400],
];
/** All kinds of data, and small numbers with one large one among them. */
const DATA = [...KINDS, 'outlier'] as const;
type Data = (typeof DATA)[number];

const storage = (rows: number, columns: number, ld: number): number =>
  rows === 0 || columns === 0 ? 0 : (rows - 1) * ld + columns;

function operands(seed: number, n: number, data: Data): Int16Array {
  if (data !== 'outlier') return int16s(seed, n, data as Kind, OPERAND_MAX);
  const out = int16s(seed, n, 'random', 5);
  if (n > 0) out[new Source(seed, 9).between(0, n - 1)] = -OPERAND_MAX;
  return out;
}

/** A matrix of operands: rows of k elements, ld apart. */
interface Matrix {
  readonly data: Int16Array;
  readonly count: number;
  readonly k: number;
  readonly ld: number;
}
const matrix = (seed: number, count: number, k: number, gap: number, data: Data): Matrix => ({
  data: operands(seed, storage(count, k, k + gap), data),
  count,
  k,
  ld: k + gap,
});
const rowsOf = ({ data, count, k, ld }: Matrix): number[][] =>
  Array.from({ length: count }, (_, r) => Array.from(data.subarray(r * ld, r * ld + k)));
/** The same numbers stored the other way, rows ld + gap apart. */
const transposed = (from: Matrix, gap: number): Matrix => {
  const { count, k } = from;
  const ld = count + gap;
  const data = new Int16Array(storage(k, count, ld)).fill(1234); // what lies between
  for (const [r, row] of rowsOf(from).entries())
    for (const [p, value] of row.entries()) data[p * ld + r] = value;
  return { data, count: k, k: count, ld };
};

/** toEqual takes minutes for so many elements. */
function same<T extends Int32Array | BigInt64Array>(got: T, want: T): void {
  expect(got.length).toBe(want.length);
  const i = got.findIndex((value: number | bigint, at: number) => value !== want[at]);
  expect(i < 0 ? 'equal' : `element ${i}: ${got[i]}, expected ${want[i]}`).toBe('equal');
}

const filled = (k: number): number => Math.ceil(k / 16) * 16;
const roundedRows = (a: Matrix, noise: Uint8Array | undefined): Rounded[] =>
  rowsOf(a).map((row, r) =>
    roundedRow(row, noise === undefined ? undefined : (p) => noise[r * filled(a.k) + p]),
  );

/** Rows packed by a back end; that it wrote as the contract says, its filler left as it was. */
function packRows({ build, backend }: Int8Party, a: Matrix, noise: Uint8Array | undefined) {
  const { k, ld, count } = a;
  const out = output(new Int32Array((count * int8RowBytes(build, k)) / 4));
  const before = new Uint8Array(out.data.slice().buffer);
  const draws = noise === undefined ? 0 : input(noise);
  const args = [input(a.data), ld, count, k, out, draws] as never;
  const bytes = run(backend, { kernel: 'pack_rows_i8', args }, ld + count).of(out);
  same(
    bytes,
    packedRows(build, roundedRows(a, noise), k, (at) => before[at]),
  );
  return bytes;
}

/** The same rows from a matrix that is stored transposed, with noise of its own order. */
function packTurned({ build, backend }: Int8Party, a: Matrix, gap: number): void {
  const { k, count: m } = a;
  const from = transposed(a, gap);
  const noise = noiseOf(m + k, Math.ceil(m / 32) * 32 * k);
  const out = output(new Int32Array((m * int8RowBytes(build, k)) / 4));
  const before = new Uint8Array(out.data.slice().buffer);
  const line = scratch(new Int16Array(32 * k));
  const args = [input(from.data), from.ld, k, m, out, input(noise), line] as never;
  const bytes = run(backend, { kernel: 'pack_columns_i8', args }, k + m).of(out);
  const rows = rowsOf(a).map((row, c) =>
    roundedRow(row, (p) => noise[(c - (c % 32)) * k + 32 * p + (c % 32)]),
  );
  if (k > 0)
    same(
      bytes,
      packedRows(build, rows, k, (at) => before[at]),
    );
}

/** Columns packed by a back end from either order, as the contract says. bt: rows are columns. */
function packColumns({ build, backend }: Int8Party, bt: Matrix, gap: number, isTurned: boolean) {
  const { k, count: n } = bt;
  const out = output(new Int32Array(int8PackedBytes(build, k, n) / 4));
  const b = isTurned ? bt : transposed(bt, gap);
  const kernel = isTurned ? 'pack_nt_i8' : 'pack_nn_i8';
  const args = [input(b.data), b.ld, k, n, out] as never;
  const bytes = run(backend, { kernel, args }, k + n).of(out);
  if (k > 0) same(bytes, packedColumns(build, rowsOf(bt).map(roundedColumn), k));
  return bytes;
}

const halfUp = (a: bigint, s: number): bigint =>
  s > 0 ? (a + 2n ** BigInt(s - 1)) >> BigInt(s) : a * 2n ** BigInt(-s);

/** A product and how it is asked for. */
interface Product {
  readonly a: Matrix;
  readonly bt: Matrix;
  readonly noise: Uint8Array | undefined;
  readonly shift: number;
  readonly gap: number;
  readonly isTurned: boolean;
}

/** A product of `seed`: everything else varies with it. */
function productOf(seed: number, m: number, n: number, k: number): Product {
  const gap = seed % 3 === 0 ? 0 : (seed % 5) + 1;
  const data = DATA[seed % DATA.length];
  const other = DATA[Math.floor(seed / DATA.length) % DATA.length];
  return {
    a: matrix(2 * seed, m, k, gap, data),
    bt: matrix(2 * seed + 1, n, k, gap, data === 'zeros' ? 'random' : other),
    noise: seed % 2 === 0 ? undefined : noiseOf(seed, m * filled(k)),
    shift: ((seed * 5) % 37) - 16,
    gap,
    isTurned: seed % 4 < 2,
  };
}

/** Sums of the integers that packed operands stand for: all of them, and by chunks of 128, shifted.
 */
function sums({ a, bt, noise, shift }: Product): { all: number[]; chunks: bigint[] } {
  const all: number[] = [];
  const chunks: bigint[] = [];
  const columns = rowsOf(bt).map(roundedColumn);
  for (const x of roundedRows(a, noise))
    for (const y of columns) {
      let sum = 0;
      let total = 0n;
      for (let from = 0; from < a.k; from += 128) {
        let chunk = 0;
        for (let p = from; p < Math.min(a.k, from + 128); p++)
          chunk += x.elements[p] * y.elements[p];
        chunk *= x.scale * y.scale;
        sum += chunk;
        total += halfUp(BigInt(chunk), -shift);
      }
      all.push(sum);
      chunks.push(total);
    }
  return { all, chunks };
}

/** Packs and multiplies on every back end, and compares with plain loops. */
function check(product: Product): void {
  const { a, bt, noise, shift, gap, isTurned } = product;
  const { count: m, k } = a;
  const { count: n } = bt;
  const ldc = n + gap;
  const { all, chunks } = sums(product);
  const into = output(new Int32Array(storage(m, n, ldc)));
  const onto = inout(int64s(m + n + k, storage(m, n, ldc), 'random', 40));
  const expected = into.data.slice();
  const added = onto.data.slice();
  for (let i = 0; i < m * n; i++) {
    const at = Math.floor(i / n) * ldc + (i % n);
    expected[at] = all[i] | 0;
    added[at] += chunks[i];
  }
  for (const party of int8Parties()) {
    const rows = input(packRows(party, a, noise));
    packTurned(party, a, gap);
    const panels = input(packColumns(party, bt, gap, isTurned));
    const { backend } = party;
    const sizes = [ldc, m, n, k];
    const narrow = { kernel: 'gemm_i8i8i32', args: [rows, panels, into, ...sizes] as never };
    const args = [rows, panels, onto, ...sizes, shift] as never;
    same(run(backend, narrow as never, m).of(into), expected);
    same(run(backend, { kernel: 'gemm_i8i8i64', args }, n).of(onto), added);
  }
}

describe(`int8 on ${PARTY_NAMES.join(', ')}`, () => {
  it('252 sizes of up to 14 rows and 18 columns, at 2 depths each: bytes and both products', () => {
    let seed = 0;
    for (const m of ROWS)
      for (const n of COLUMNS)
        for (let i = 0; i < 2; i++, seed++) check(productOf(seed, m, n, DEPTHS[seed % 28]));
    expect(seed).toBe(504);
  });

  it('every number of rows about one and two blocks of 24', () => {
    for (const block of [24, 48])
      for (let m = block - 1; m <= block + 9; m++) check(productOf(6000 + m, m, 17, 33));
  });

  it('every number of columns about one and two lines of 32', () => {
    for (const line of [32, 64])
      for (let n = line - 1; n <= line + 9; n++) check(productOf(6100 + n, 3, n, n - line + 2));
  });

  it('28 depths from 1 to 400 with every kind of data at 3 sizes', () => {
    let seed = 5000;
    for (const [m, n] of [
      [1, 1],
      [7, 9],
      [13, 17],
    ])
      for (const k of DEPTHS)
        for (let i = 0; i < DATA.length; i++, seed++) check(productOf(seed, m, n, k));
    expect(seed - 5000).toBe(3 * 28 * 8);
  });

  it('every shift from -16 to 20, beside sums of 2^31', () => {
    for (let shift = -16; shift <= 20; shift++)
      for (const data of ['max', 'min', 'random'] as const)
        check({
          ...productOf(7000 + shift, 7, 9, 257),
          a: matrix(shift + 99, 7, 257, 1, data),
          bt: matrix(shift + 199, 9, 257, 2, data === 'random' ? data : 'max'),
          shift,
        });
  });

  it('nothing: no rows, no columns, no products', () => {
    for (const [m, n, k] of [
      [0, 3, 5],
      [3, 0, 5],
      [3, 5, 0],
      [0, 0, 0],
    ])
      for (const seed of [2, 3, 4, 5]) check(productOf(seed, m, n, k));
  });

  it(`any size, scale, distance and noise (150 random cases, seed ${SEED})`, () => {
    const size = (max: number) => fc.integer({ min: 1, max });
    fc.assert(
      fc.property(size(40), size(40), size(300), fc.nat(), (m, n, k, seed) =>
        check(productOf(seed, m, n, k)),
      ),
      { numRuns: 150, seed: SEED },
    );
  });

  it(`sums have no order, so that of the products does not matter (60 cases, seed ${SEED})`, () => {
    const size = (max: number) => fc.integer({ min: 1, max });
    const turned = (of: Matrix): Matrix => ({
      ...of,
      ld: of.k,
      data: Int16Array.from(rowsOf(of).flatMap((row) => row.reverse())),
    });
    fc.assert(
      fc.property(size(9), size(12), size(128), fc.nat(), (m, n, k, seed) => {
        const product = { ...productOf(seed, m, n, k), noise: undefined };
        const back = { ...product, a: turned(product.a), bt: turned(product.bt) };
        expect(sums(back)).toEqual(sums(product));
        check(back);
      }),
      { numRuns: 60, seed: SEED },
    );
  });
});

// Heads of many logits: the bound of their sums at its corner and beyond, and noise that makes what
// is rounded right on average.

import { describe, expect, test } from 'vitest';
import { panelStride } from '../../src/kernels/kernels.ts';
import { LOGIT_GRADIENT_L1_MAX, OPERAND_L1_MAX, OPERAND_MAX } from '../../src/memory/formats.ts';
import { rowSumMax, toDitheredOperand } from '../../src/ops/large-vocabulary.ts';
import { Run } from '../../src/ops/run.ts';
import { backends, sizedBackend } from '../helpers/backends.ts';

const V = 65_536;
const TOP = 2 ** 31 - 1;

/** A run with addresses of int32 logits, their operand, room for a row, and two words. */
function setUp(rows: number, columns: number, run = new Run(sizedBackend('release', 2 ** 23))) {
  const n = rows * columns;
  const { base } = run.backend;
  const at = (bytes: number): number => base + Math.ceil(bytes / 64) * 64;
  const x = { at: base, exponent: -24 };
  const operand = { at: at(4 * n), exponent: 0 };
  const noise = at(4 * n + 2 * n + 64);
  const words = at(4 * n + 2 * n + 4 * columns + 256);
  return { run, x, operand, noise, words, n };
}
type Bench = ReturnType<typeof setUp>;

/** The gradient as an operand after noise, in its steps. */
function dithered({ run, x, operand, noise, n }: Bench, rows: number, values: Int32Array) {
  x.exponent = -24;
  run.view(x.at, n).set(values);
  toDitheredOperand(run, x, operand, { rows, columns: n / rows }, noise);
  return run.int16.slice(operand.at / 2, operand.at / 2 + n);
}

describe('sums of a large head', () => {
  test('rowSumMax sees every row and no column of more than 128, at sizes around 128', () => {
    const { run, x, noise } = setUp(300, 4);
    const w = run.int16.subarray(x.at / 2, x.at / 2 + 1200);
    for (const rows of [1, 127, 128, 129, 256, 257, 300]) {
      w.fill(OPERAND_MAX);
      const row = 4 * OPERAND_MAX;
      const column = Math.min(rows, 128) * OPERAND_MAX;
      expect(rowSumMax(run.kernels, x.at, rows, 4, noise)).toBe(Math.max(row, column));
      expect(column).toBeLessThanOrEqual(OPERAND_L1_MAX);
    }
    for (const at of [0, 127, 128, 255, 256, 299]) {
      w.fill(1).fill(-3000, at * 4, at * 4 + 4);
      expect(rowSumMax(run.kernels, x.at, 300, 4, noise)).toBe(12_000);
    }
  });

  test('a row whose sum of |v| is 524,416 is exact beside weights of 4095, one more is not', () => {
    // 128 of 4095 and one of 256; the products are all positive or all negative
    const columns = 200;
    for (const backend of backends().slice(0, 2)) {
      const { run, x, operand, words, noise } = setUp(1, columns, new Run(backend));
      const { kernels } = run;
      const row = run.int16.subarray(x.at / 2, x.at / 2 + columns);
      const sums = [256, 257].map((last) => {
        row.fill(0).fill(4095, 0, 128).fill(last, 128, 129);
        const weights = run.int16.subarray(operand.at / 2, operand.at / 2 + 16 * columns);
        weights.fill(4095);
        const packed = words + 4096;
        kernels.pack_nn_i16(operand.at, 16, columns, 16, packed);
        const isExact = rowSumMax(kernels, x.at, 1, columns, noise) <= OPERAND_L1_MAX;
        if (!isExact) return 'refused';
        kernels.gemm_i16i16i32(
          x.at,
          columns,
          packed,
          panelStride(columns),
          words,
          16,
          1,
          16,
          columns,
        );
        return run.view(words, 1)[0];
      });
      expect(sums).toEqual([524_416 * 4095, 'refused']);
      expect(524_416 * 4095).toBeLessThanOrEqual(TOP);
      expect(524_417 * 4095).toBeGreaterThan(TOP);
    }
  });

  test('a row of p - onehot of 65,536 logits stays within LOGIT_GRADIENT_L1_MAX, far below', () => {
    expect(LOGIT_GRADIENT_L1_MAX).toBeLessThan(OPERAND_L1_MAX);
    const bench = setUp(1, V, new Run(sizedBackend('checked', 2 ** 23)));
    const { run, x, words, operand, noise } = bench;
    for (const kind of ['flat', 'one', 'two'] as const) {
      const logits = run.view(x.at, V).fill(0);
      if (kind !== 'flat') logits.fill(2 ** 30, 0, kind === 'one' ? 1 : 2);
      run.view(words, 2).set([V - 1, 0]);
      run.kernels.cross_entropy_i32(x.at, V, words, x.at, V, words + 4, 1, V, 2 ** 26);
      const raw = dithered(bench, 1, run.view(x.at, V).slice());
      const l1 = raw.reduce((sum, v) => sum + Math.abs(v), 0);
      expect(l1).toBe(rowSumMax(run.kernels, operand.at, 1, V, noise));
      expect(l1).toBeLessThanOrEqual(LOGIT_GRADIENT_L1_MAX);
      expect(l1).toBeGreaterThan(2000);
      expect(run.counts.saturated).toBe(0);
    }
    // nothing but rounding: every other element is rounded up
    const flat = new Int32Array(V).fill(2 ** 11).fill(-(2 ** 24), 0, 1);
    const l1 = dithered(bench, 1, flat).reduce((sum, v) => sum + Math.abs(v), 0);
    expect(l1).toBeLessThanOrEqual(LOGIT_GRADIENT_L1_MAX);
  });
});

describe('dither', () => {
  test('the mean over 4,000 seeds is the value, where rounding to nearest gives 0 or 1', () => {
    const values = [1, 40, 700, 2048, 4095, 4096, 4097, 6000, 8191, 12_345, -1, -700, -4096, -9000];
    const columns = values.length + 1;
    const bench = setUp(1, columns);
    const row = Int32Array.of(2 ** 24 - 5000, ...values);
    const sums = new Float64Array(columns);
    const squares = new Float64Array(columns);
    const seeds = 4000;
    for (let seed = 0; seed < seeds; seed++) {
      bench.run.pass = { seed: seed * 1_000_003, step: 0 };
      const raw = dithered(bench, 1, row);
      expect(bench.operand.exponent).toBe(-11); // steps of 2^13 of the gradient
      raw.forEach((v, i) => {
        sums[i] += v;
        squares[i] += v * v;
        const exact = row[i] / 2 ** 13;
        expect(v).toBeGreaterThanOrEqual(Math.floor(exact));
        expect(v).toBeLessThanOrEqual(Math.ceil(exact));
      });
    }
    row.forEach((value, i) => {
      const exact = value / 2 ** 13;
      const p = exact - Math.floor(exact);
      const deviation = Math.sqrt((p * (1 - p)) / seeds);
      expect(Math.abs(sums[i] / seeds - exact)).toBeLessThan(5 * deviation + 2 ** -18);
    });
    expect(squares[1]).toBeLessThan(10);
  });

  test('zeros stay zeros, as rows that are left out, and nothing saturates', () => {
    const bench = setUp(3, 4001);
    const values = new Int32Array(3 * 4001);
    values.fill(700, 4001, 8002);
    values[4001] = -(2 ** 24);
    const raw = dithered(bench, 3, values);
    expect(raw.subarray(0, 4001).every((v) => v === 0)).toBe(true);
    expect(raw.subarray(8002).every((v) => v === 0)).toBe(true);
    const ones = raw.subarray(4002, 8002).reduce((sum, v) => sum + v, 0);
    expect(Math.abs(ones - (4000 * 700) / 2 ** 13)).toBeLessThan(5 * Math.sqrt(342));
    for (let edge = -3; edge <= 3; edge++) {
      const largest = 4094.5 * 2 ** 12 + edge; // where one shift more is needed
      dithered(bench, 3, values.fill(largest, 4001, 4100).fill(-largest, 4100, 4200));
    }
    expect(bench.run.counts.saturated).toBe(0);
  });

  test('noise is of seed, step, sample and row; beyond 1 it is rounded to nearest', () => {
    const bench = setUp(2, 600);
    const { run } = bench;
    const values = new Int32Array(1200).fill(3000);
    values[0] = 2 ** 24;
    const of = (seed: number, step: number, sample: number): string => {
      Object.assign(run, { pass: { seed, step }, sample });
      return dithered(bench, 2, values).join();
    };
    const first = of(1, 0, 0);
    expect(of(1, 0, 0)).toBe(first);
    const all = [first, of(2, 0, 0), of(2 ** 32 + 1, 0, 0), of(1, 1, 0), of(1, 0, 1)];
    expect(new Set(all).size).toBe(5);
    const raw = dithered(bench, 2, values);
    expect(raw.slice(1, 600)).not.toEqual(raw.slice(601, 1200));
    values[0] = 2 ** 25;
    expect(
      dithered(bench, 2, values)
        .subarray(1)
        .every((v) => v === 0),
    ).toBe(true);
  });
});

// dv = P^T dO of attention, exact whatever the columns of P sum to: where none sums to 8 the sums
// are int32, elsewhere int64, and both give the same bits.

import { describe, expect, test } from 'vitest';
import type { Backend, Kernels } from '../../src/kernels/kernels.ts';
import { halfUp } from '../../src/kernels/reference/fixed.ts';
import { Arena } from '../../src/memory/arena.ts';
import { OPERAND_MAX, PROBABILITY_FRACTION, PROBABILITY_MAX } from '../../src/memory/formats.ts';
import { Planner } from '../../src/memory/planner.ts';
import { Attention } from '../../src/ops/attention.ts';
import { Run } from '../../src/ops/run.ts';
import { backends } from '../helpers/backends.ts';
import { Source } from '../helpers/data.ts';

const [ROWS, CHANNELS, HEADS, PADDED] = [40, 16, 2, 48];
const SIZE = CHANNELS / HEADS;
/** 8 in probabilities. */
const EIGHT = 8 * 2 ** PROBABILITY_FRACTION;

/** P of a head [T, Sp]: zeros, but column 0, which sums to `sum`, and random ones beside it that
 *  sum to less. */
function probabilities(sum: number, seed: number): Int16Array {
  const source = new Source(seed, 3);
  const p = new Int16Array(ROWS * PADDED);
  let left = sum;
  for (let row = ROWS - 1; row >= 0; row--) {
    const first = Math.min(PROBABILITY_MAX, left);
    left -= first;
    p[row * PADDED] = first;
    if (row > 0) p[row * PADDED + row] = source.between(0, PROBABILITY_MAX - first);
  }
  expect(left).toBe(0);
  return p;
}

/** The values' gradients of one step of attention whose heads have these P, dO and exponent 0; and
 *  which kernels were called. */
function valueGradients(backend: Backend, p: readonly Int16Array[], dO: Int16Array) {
  const called = new Set<keyof Kernels>();
  const kernels = Object.fromEntries(
    Object.entries(backend.kernels).map(([name, call]: [string, (...a: number[]) => unknown]) => [
      name,
      (...a: number[]) => {
        called.add(name as keyof Kernels);
        return call(...a);
      },
    ]),
  ) as unknown as Kernels;
  const run = new Run({ ...backend, kernels });
  const layout = { rank: 0, threads: 1, sequences: 1, fraction: 9 };
  const at = Planner.create(new Arena(backend.base), layout);
  const shape = { rows: ROWS, keys: ROWS, channels: CHANNELS, heads: HEADS, causal: true };
  const attention = new Attention(at, shape);
  const bytes = ROWS * 3 * CHANNELS * 2;
  const [input, to, weights, gradient] = [bytes, bytes, 2 * ROWS * PADDED * 2, bytes].map((n) =>
    at.own(n),
  );
  at.finish([]);
  const partsOf = (q: number) => {
    const [k, v] = [q + CHANNELS * 2, q + CHANNELS * 4];
    return { q, k, v, ldq: 3 * CHANNELS, ldk: 3 * CHANNELS, isOne: false };
  };
  run.clear(input, bytes);
  p.forEach((head, i) => {
    run.int16.set(head, weights / 2 + i * head.length);
  });
  run.int16.set(dO, gradient / 2);
  attention.queryKey = 8;
  attention.value = 8;
  attention.resize(ROWS, ROWS);
  attention.backward(run, { at: gradient, exponent: -20 }, partsOf(input), weights, partsOf(to));
  const { v } = partsOf(to);
  const dv = Array.from({ length: ROWS }, (_, row) =>
    Array.from(run.int16.subarray(v / 2 + row * 3 * CHANNELS, v / 2 + row * 3 * CHANNELS + 16)),
  );
  return { dv, exponent: attention.keyValueExponent, called };
}

/** The same by plain loops, for the exponent that all heads share. */
const expected = (p: readonly Int16Array[], dO: Int16Array, exponent: number): number[][] =>
  Array.from({ length: ROWS }, (_, key) =>
    Array.from({ length: CHANNELS }, (_, c) => {
      let sum = 0;
      for (let row = key; row < ROWS; row++)
        sum += p[Math.floor(c / SIZE)][row * PADDED + key] * dO[row * CHANNELS + c];
      return halfUp(sum, exponent + 20 + PROBABILITY_FRACTION);
    }),
  );

describe('the gradient of attention to values', () => {
  for (const { sum, isWide } of [
    { sum: 1, isWide: false },
    { sum: EIGHT - 1, isWide: false },
    { sum: EIGHT, isWide: true },
    { sum: 2 * EIGHT - 1, isWide: true },
    { sum: 2 * EIGHT, isWide: true },
    { sum: (ROWS - 1) * PROBABILITY_MAX, isWide: true },
  ])
    test(`a column of P sums to ${sum}: ${isWide ? 'int64' : 'int32'}, exact`, () => {
      for (const sign of [1, -1]) {
        const source = new Source(7, 5);
        const dO = Int16Array.from({ length: ROWS * CHANNELS }, (_, i) =>
          i % CHANNELS === 0 ? sign * OPERAND_MAX : source.between(-OPERAND_MAX, OPERAND_MAX),
        );
        const p = [probabilities(sum, 1), probabilities(sum, 2)];
        for (const backend of backends()) {
          const { dv, exponent, called } = valueGradients(backend, p, dO);
          expect(called.has('gemm_i16i16i64')).toBe(isWide);
          expect(dv).toEqual(expected(p, dO, exponent));
        }
      }
    });
});

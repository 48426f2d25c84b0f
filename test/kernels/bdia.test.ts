// The reversible update: the inverse restores every bit for any int32s, the update is the paper's
// formula rounded half to even.
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { BRANCH_SUM_LIMIT } from '../../src/memory/formats.ts';
import { inout, input, output } from '../helpers/calls.ts';
import { int32s, KINDS, type Kind, Source } from '../helpers/data.ts';
import { type Check, equal, property } from '../helpers/suite.ts';

const FRACTIONS = [6, 9, 12, 14];
const GAMMAS = [1, -1].flatMap((sigma) => [1, 2, 3].map((m) => ({ sigma, m })));
const LENGTHS = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 23, 24, 25, 31, 32, 33, 40, 67];
const INT32_MIN = -(2 ** 31);
const INT32_MAX = 2 ** 31 - 1;
const anyInt32 = (seed: number, n: number, kind: Kind): Int32Array =>
  int32s(seed, n, kind, INT32_MAX, INT32_MIN);
const sideBytes = (n: number, m: number): number => Math.ceil(n / 8) * m;

/** numerator / 2^s to the nearest integer, ties to even: from the definition, by comparing with
 *  both neighbours. */
function nearestEven(numerator: bigint, s: number): bigint {
  const one = 2n ** BigInt(s);
  const below = numerator >= 0n ? numerator / one : -((-numerator + one - 1n) / one);
  const rest = 2n * (numerator - below * one);
  return rest < one || (rest === one && below % 2n === 0n) ? below : below + 1n;
}

/** Forward, then back, both compared on all back ends; the state before the step must come back. */
function roundTrip(
  check: Check,
  prev: Int32Array,
  x: Int32Array,
  h: Int32Array,
  l: number,
  sigma: number,
  m: number,
  inPlace: boolean,
): Int32Array {
  const n = prev.length;
  const side = output(new Uint8Array(sideBytes(n, m)));
  const from = inPlace ? inout(prev) : input(prev);
  const next = inPlace ? from : output(new Int32Array(n));
  const stepped = check({
    kernel: 'bdia_step_i32',
    args: [from, input(x), input(h), next, side, n, l, sigma, m],
  });
  const back = inPlace ? inout(stepped.of(next)) : input(stepped.of(next));
  const restored = inPlace ? back : output(new Int32Array(n));
  const undone = check({
    kernel: 'bdia_inverse_i32',
    args: [back, input(x), input(h), input(stepped.of(side)), restored, n, l, sigma, m],
  });
  expect(undone.of(restored)).toEqual(prev);
  return stepped.of(next);
}

describe('bdia', () => {
  equal(
    'inverse(step(x)) is bit-equal for 20 lengths x 4 l x 6 gammas, full-range int32, every ' +
      'kind, also in place',
    2 * 20 * 4 * 6 * 2,
    (check) => {
      const source = new Source(41);
      for (const n of LENGTHS)
        for (const l of FRACTIONS)
          for (const { sigma, m } of GAMMAS)
            for (const inPlace of [false, true])
              roundTrip(
                check,
                anyInt32(source.u32(), n, source.pick(KINDS)),
                anyInt32(source.u32(), n, source.pick(KINDS)),
                anyInt32(source.u32(), n, source.pick(KINDS)),
                l,
                sigma,
                m,
                inPlace,
              );
    },
  );

  property(
    'inverse(step(x)) is bit-equal for any three int32s',
    300,
    [
      fc.array(fc.tuple(fc.integer(), fc.integer(), fc.integer()), { maxLength: 20 }),
      fc.integer({ min: 6, max: 14 }),
      fc.constantFrom(...GAMMAS),
    ],
    (check, elements, l, { sigma, m }) => {
      const column = (i: number): Int32Array => Int32Array.from(elements, (e) => e[i]);
      roundTrip(check, column(0), column(1), column(2), l, sigma, m, false);
    },
  );

  equal(
    'restores the corners -2^31, -1, 0, 1, 2^31 - 1 of prev, x and h in all 125 combinations ' +
      'x 24 formats',
    2 * 24,
    (check) => {
      const corners = [INT32_MIN, -1, 0, 1, INT32_MAX];
      const all = corners.flatMap((p) => corners.flatMap((x) => corners.map((h) => [p, x, h])));
      for (const l of FRACTIONS)
        for (const { sigma, m } of GAMMAS)
          roundTrip(
            check,
            ...([0, 1, 2].map((i) => Int32Array.from(all, (e) => e[i])) as [
              Int32Array,
              Int32Array,
              Int32Array,
            ]),
            l,
            sigma,
            m,
            false,
          );
    },
  );

  equal(
    'is sigma ceil(prev / 2^m) + Q_l[(1 - gamma) x + (1 + gamma) h], half to even, exactly, ' +
      'while |h| <= 3 * 2^26',
    4 * 6 * 7 * 2,
    (check) => {
      const source = new Source(42);
      let ties = 0;
      for (const l of FRACTIONS)
        for (const { sigma, m } of GAMMAS)
          for (const kind of KINDS) {
            const n = 600;
            const s = 16 - l + m;
            const prev = anyInt32(source.u32(), n, kind);
            const x = anyInt32(source.u32(), n, 'graded');
            const h = int32s(source.u32(), n, kind, BRANCH_SUM_LIMIT);
            // half a step of the state apart: many ties
            for (let i = 0; i < 200; i++) h[i] -= h[i] % 2 ** (15 - l);
            const next = roundTrip(check, prev, x, h, l, sigma, m, false);
            for (let i = 0; i < n; i++) {
              // over the common denominator 2^s: (1 - sigma 2^-m) X + (1 + sigma 2^-m) h 2^(l - 16)
              const numerator =
                BigInt(2 ** m - sigma) * BigInt(x[i]) * 2n ** BigInt(16 - l) +
                BigInt(2 ** m + sigma) * BigInt(h[i]);
              if ((2n * numerator) % 2n ** BigInt(s) === 0n && numerator % 2n ** BigInt(s) !== 0n)
                ties++;
              const carried = BigInt(sigma) * -(BigInt(-prev[i]) >> BigInt(m));
              expect(BigInt(next[i])).toBe(BigInt.asIntN(32, carried + nearestEven(numerator, s)));
            }
          }
      expect(ties).toBeGreaterThan(1000);
    },
  );

  equal(
    'sigma = 0 is x + h rounded half to even for any x and h, without prev and side bits',
    9 * 20,
    (check) => {
      const source = new Source(43);
      for (let l = 6; l <= 14; l++)
        for (const n of LENGTHS) {
          const x = anyInt32(source.u32(), n, source.pick(KINDS));
          const h = anyInt32(source.u32(), n, source.pick(KINDS));
          const next = output(new Int32Array(n));
          for (let i = 0; i < n; i += 2) h[i] -= h[i] % 2 ** (15 - l);
          const expected = Int32Array.from(x, (v, i) =>
            Number(
              BigInt.asIntN(
                32,
                nearestEven(BigInt(v) * 2n ** BigInt(16 - l) + BigInt(h[i]), 16 - l),
              ),
            ),
          );
          const outcome = check({
            kernel: 'bdia_step_i32',
            args: [0, input(x), input(h), next, 0, n, l, 0, 0],
          });
          expect(outcome.of(next)).toEqual(expected);
          expect(outcome.result).toBe(
            [...expected].filter((v) => Math.abs(v) > 2 ** (14 + l)).length,
          );
        }
    },
  );

  equal(
    'ties -1.5, -0.5, 0.5, 1.5 become -2, 0, 0, 2 around an even x, in every lane',
    9,
    (check) => {
      for (let l = 6; l <= 14; l++) {
        const n = 37;
        const h = input(
          Int32Array.from({ length: n }, (_, i) => [-3, -1, 1, 3][i & 3] * 2 ** (15 - l)),
        );
        const next = output(new Int32Array(n));
        const outcome = check({
          kernel: 'bdia_step_i32',
          args: [0, input(new Int32Array(n).fill(10)), h, next, 0, n, l, 0, 0],
        });
        expect([...outcome.of(next)]).toEqual(
          Array.from({ length: n }, (_, i) => [8, 10, 10, 12][i & 3]),
        );
      }
    },
  );

  equal(
    'keeps ceil(n / 8) m side bytes: bit j of (-prev) mod 2^m in plane j, bit i & 7 of byte ' +
      'i >> 3, the rest 0',
    20 * 6,
    (check) => {
      for (const n of LENGTHS)
        for (const { sigma, m } of GAMMAS) {
          const prev = anyInt32(n + m, n, 'random');
          const side = output(new Uint8Array(sideBytes(n, m)));
          const zeros = input(new Int32Array(n));
          const bits = check({
            kernel: 'bdia_step_i32',
            args: [input(prev), zeros, zeros, output(new Int32Array(n)), side, n, 9, sigma, m],
          }).of(side);
          const expected = new Uint8Array(Math.ceil(n / 8) * m);
          prev.forEach((p, i) => {
            const b = ((-p % 2 ** m) + 2 ** m) % 2 ** m;
            for (let j = 0; j < m; j++)
              if (Math.floor(b / 2 ** j) % 2 === 1)
                expected[j * Math.ceil(n / 8) + Math.floor(i / 8)] += 2 ** (i % 8);
          });
          expect(bits).toEqual(expected);
        }
    },
  );

  equal(
    'counts |next| > 2^(14 + l) exactly: the limit itself is accepted, the next value is not',
    4 * 17,
    (check) => {
      for (const l of FRACTIONS)
        for (let n = 1; n <= 17; n++) {
          const limit = 2 ** (14 + l);
          const values = [limit, -limit, limit + 1, -limit - 1, 0, INT32_MIN, INT32_MAX];
          const x = Int32Array.from({ length: n }, (_, i) => values[i % 7]);
          const next = output(new Int32Array(n));
          const outcome = check({
            kernel: 'bdia_step_i32',
            args: [0, input(x), input(new Int32Array(n)), next, 0, n, l, 0, 0],
          });
          expect(outcome.result).toBe([...x].filter((v) => Math.abs(v) > limit).length);
          expect(outcome.of(next)).toEqual(x);
        }
    },
  );
});

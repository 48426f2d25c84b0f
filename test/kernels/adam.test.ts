// The integer optimizer: equal on all back ends, within a stated distance of AdamW in float64.
import { describe, expect } from 'vitest';
import { WEIGHT_LIMIT } from '../../src/memory/formats.ts';
import { inout, input, output, scratch } from '../helpers/calls.ts';
import { int32s, int64s, KINDS, Source } from '../helpers/data.ts';
import { equal, Worst } from '../helpers/suite.ts';

const LENGTHS = [0, 1, 2, 3, 4, 5, 7, 8, 9, 17];
const exactHalfUp = (a: bigint, s: number): bigint =>
  s > 0 ? (a + 2n ** BigInt(s - 1)) >> BigInt(s) : a;

describe('sum_squares_i64', () => {
  equal('sums the exact squares of g rounded by shifts 0..62 for 10 lengths', 63 * 10, (check) => {
    for (let shift = 0; shift <= 62; shift++)
      for (const n of LENGTHS) {
        const g = input(
          int64s(shift * 100 + n, n, KINDS[shift % KINDS.length], Math.min(63, shift + 20)),
        );
        const sum = output(new BigInt64Array(1));
        const expected = [...g.data].reduce((total, v) => total + exactHalfUp(v, shift) ** 2n, 0n);
        expect(check({ kernel: 'sum_squares_i64', args: [g, n, shift, sum] }).of(sum)[0]).toBe(
          expected,
        );
      }
  });

  equal('4,096 elements of 2^20 give 2^52', 1, (check) => {
    const sum = output(new BigInt64Array(1));
    expect(
      check({
        kernel: 'sum_squares_i64',
        args: [input(new BigInt64Array(4096).fill(-(2n ** 20n))), 4096, 0, sum],
      }).of(sum)[0],
    ).toBe(2n ** 52n);
  });
});

describe('adamw_i64', () => {
  equal(
    'is the same for 3,000 random steps with extreme parameters, each element a case of its own',
    3000,
    (check) => {
      const source = new Source(52);
      const lengths = [...LENGTHS, 63, 64, 65, 128, 130]; // 64 are a turn
      for (let round = 0; round < 3000; round++) {
        const n = source.pick(lengths);
        const seed = source.u32();
        const kind = source.pick(KINDS);
        const inLanes = source.pick([true, true, false]); // the shifts of adamw()
        const shift = source.between(0, 62);
        const limit = source.pick([WEIGHT_LIMIT, 2 ** 20]);
        const w = inout(int32s(seed, n, kind, limit));
        const g = input(int64s(seed + 1, n, source.pick(KINDS), Math.min(63, 31 + shift)));
        const m = inout(int32s(seed + 2, n, source.pick(KINDS), 2 ** 30 - source.between(0, 1)));
        const r = inout(int32s(seed + 3, n, source.pick(KINDS), 2 ** 30, 0));
        const [factor, decay] = [0, 1].map(() =>
          source.pick([0, 1, 2 ** 31 - 1, source.between(0, 2 ** source.between(1, 31) - 1)]),
        );
        const rate = source.pick([
          1,
          2 ** 32 - 1,
          2 ** 31,
          source.between(1, 2 ** source.between(1, 32) - 1),
        ]);
        const epsilon = source.pick([
          1,
          2 ** 31 - 1,
          source.between(1, 2 ** source.between(1, 31) - 1),
        ]);
        check({
          kernel: 'adamw_i64',
          args: [
            w,
            g,
            m,
            r,
            n,
            shift,
            factor,
            source.between(1, 62),
            inLanes ? 3 : source.between(1, 12),
            inLanes ? 7 : source.between(1, 16),
            rate,
            epsilon,
            decay,
            limit,
            scratch(new BigInt64Array(64)),
          ],
        });
      }
    },
  );

  equal(
    'keeps r = floor(sqrt(v)) exact: v = r^2 - floor(r^2 / 2^k2) for 6,400 roots of every size',
    100,
    (check) => {
      const source = new Source(53);
      for (let round = 0; round < 100; round++) {
        const k2 = source.between(1, 16);
        const before = Int32Array.from({ length: 64 }, () =>
          source.between(0, 2 ** source.between(1, 31) - 1),
        );
        const r = inout(before);
        const zeros = () => inout(new Int32Array(64));
        const after = check({
          kernel: 'adamw_i64',
          args: [
            zeros(),
            input(new BigInt64Array(64)),
            zeros(),
            r,
            64,
            0,
            0,
            1,
            3,
            k2,
            1,
            1,
            0,
            WEIGHT_LIMIT,
            scratch(new BigInt64Array(64)),
          ],
        }).of(r);
        after.forEach((root, i) => {
          const square = BigInt(before[i]) ** 2n;
          const v = square - (square >> BigInt(k2));
          expect(
            BigInt(root) ** 2n <= v && (BigInt(root) + 1n) ** 2n > v,
            `${root} is not the root of ${v}`,
          ).toBe(true);
        });
      }
    },
  );

  equal(
    'small cases by hand: one step from zero moments, a clamped weight, a saturated update',
    3,
    (check) => {
      /** ghat = g, 30 fraction bits: factor 2^30, factorShift 30. */
      const step = (
        w0: number,
        g0: bigint,
        m0: number,
        r0: number,
        rate: number,
        epsilon: number,
      ) => {
        const w = inout(Int32Array.of(w0));
        const m = inout(Int32Array.of(m0));
        const r = inout(Int32Array.of(r0));
        const outcome = check({
          kernel: 'adamw_i64',
          args: [
            w,
            input(BigInt64Array.of(g0)),
            m,
            r,
            1,
            0,
            2 ** 30,
            30,
            3,
            7,
            rate,
            epsilon,
            0,
            WEIGHT_LIMIT,
            scratch(new BigInt64Array(64)),
          ],
        });
        return [outcome.of(w)[0], outcome.of(m)[0], outcome.of(r)[0], outcome.result];
      };
      // m = 2^20 / 8 = 131072; v = 2^40 / 128 = 2^33, r = 92681; update = 131072 * 2^24 / 92682 =
      // 23726540; / 256 = 92681.8 -> 92682
      expect(step(1000000, 2n ** 20n, 0, 0, 2 ** 24, 1)).toEqual([
        1000000 - 92682,
        131072,
        92681,
        0,
      ]);
      expect(step(WEIGHT_LIMIT - 1, -(2n ** 20n), 0, 0, 2 ** 24, 1)).toEqual([
        WEIGHT_LIMIT,
        -131072,
        92681,
        1,
      ]);
      // m = (7 * 2^20) / 8 = 917504, r = 0: update = 917504 * 2^31 > int32; 2^31 / 256 = 8388608
      expect(step(0, 0n, 2 ** 20, 0, 2 ** 31, 1)).toEqual([-8388608, 917504, 0, 1]);
    },
  );

  equal(
    'in a turn of 64 one element beyond the lanes, one saturated update or one clamped ' +
      'weight changes no other',
    64 * 3,
    (check) => {
      const odd = [
        { m: 2 ** 30, w: 0 },
        { m: 2 ** 29, w: 5 },
        { m: -(2 ** 20), w: WEIGHT_LIMIT },
      ];
      odd.forEach(({ m: m0, w: w0 }, i) => {
        for (let at = 0; at < 64; at++) {
          const w = inout(new Int32Array(64).fill(1000));
          const m = inout(new Int32Array(64).fill(8));
          const r = inout(new Int32Array(64).fill(2 ** 20));
          [w.data[at], m.data[at], r.data[at]] = [w0, m0, i === 2 ? 2 ** 20 : 0];
          const outcome = check({
            kernel: 'adamw_i64',
            args: [
              w,
              input(new BigInt64Array(64)),
              m,
              r,
              64,
              0,
              0,
              1,
              3,
              7,
              2 ** 31,
              1,
              0,
              WEIGHT_LIMIT,
              scratch(new BigInt64Array(64)),
            ],
          });
          expect(outcome.result).toBe(1);
          expect(new Set(outcome.of(w).filter((_, j) => j !== at)).size).toBe(1);
        }
      });
    },
  );

  equal(
    'one step is within 1.1 steps of 2^-24 of AdamW in float64 while r >= 2^12',
    400,
    (check) => {
      const source = new Source(54);
      const worst = new Worst();
      for (let round = 0; round < 400; round++) {
        const n = 80;
        const k1 = source.between(1, 5);
        const k2 = source.between(5, 10);
        const rate = source.between(1, 2 ** 26);
        const decay = source.between(0, 2 ** 22);
        const epsilon = source.between(1, 64);
        const size = 2 ** source.between(12, 28);
        const w = inout(int32s(round, n, 'random', 2 ** 26));
        const g = input(BigInt64Array.from(int32s(round + 1, n, 'random', size), BigInt));
        const m = inout(int32s(round + 2, n, 'random', size));
        const r = inout(int32s(round + 3, n, 'random', 2 * size, size));
        const after = check({
          kernel: 'adamw_i64',
          args: [
            w,
            g,
            m,
            r,
            n,
            0,
            2 ** 30,
            30,
            k1,
            k2,
            rate,
            epsilon,
            decay,
            WEIGHT_LIMIT,
            scratch(new BigInt64Array(64)),
          ],
        }).of(w);
        after.forEach((value, i) => {
          const [b1, b2] = [2 ** -k1, 2 ** -k2];
          const grad = Number(g.data[i]);
          const moment = (1 - b1) * m.data[i] + b1 * grad;
          const v = (1 - b2) * r.data[i] ** 2 + b2 * grad ** 2;
          const exact =
            w.data[i] -
            (moment * rate) / 2 ** 8 / (Math.sqrt(v) + epsilon) -
            (w.data[i] * decay) / 2 ** 32;
          const allowed =
            Math.abs((moment * rate) / 2 ** 8 / (Math.sqrt(v) + epsilon)) * (2 / size) +
            rate / 2 ** 8 / size;
          worst.see(
            Math.abs(value - exact) - allowed,
            () => `r = ${r.data[i]}, m = ${m.data[i]}, rate = ${rate}`,
          );
        });
      }
      worst.expectAtMost(
        1.1,
        'AdamW step, steps of 2^-24 beyond the relative error 2 / r of the moments',
      );
    },
  );

  equal(
    '600 steps toward the minimum of a parabola end within 0.1 % of AdamW in float64',
    600,
    (check) => {
      const n = 8;
      const k1 = 3;
      const k2 = 7;
      const rate = 0.001;
      const epsilon = 1;
      const target = Array.from({ length: n }, (_, i) => (i - 3.5) * 2 ** 21);
      let w = new Int32Array(n);
      let m = new Int32Array(n);
      let r = new Int32Array(n);
      const real = { w: new Float64Array(n), m: new Float64Array(n), v: new Float64Array(n) };
      for (let step = 1; step <= 600; step++) {
        const corrected =
          (rate * Math.sqrt(1 - (1 - 2 ** -k2) ** step)) / (1 - (1 - 2 ** -k1) ** step);
        const rateQ32 = Math.round(corrected * 2 ** 32);
        const g = BigInt64Array.from(w, (v, i) => BigInt(v - target[i]));
        const [wb, mb, rb] = [inout(w), inout(m), inout(r)];
        const outcome = check({
          kernel: 'adamw_i64',
          args: [
            wb,
            input(g),
            mb,
            rb,
            n,
            0,
            2 ** 30,
            30,
            k1,
            k2,
            rateQ32,
            epsilon,
            0,
            WEIGHT_LIMIT,
            scratch(new BigInt64Array(64)),
          ],
        });
        [w, m, r] = [outcome.of(wb), outcome.of(mb), outcome.of(rb)];
        for (let i = 0; i < n; i++) {
          const grad = real.w[i] - target[i];
          real.m[i] = (1 - 2 ** -k1) * real.m[i] + 2 ** -k1 * grad;
          real.v[i] = (1 - 2 ** -k2) * real.v[i] + 2 ** -k2 * grad * grad;
          real.w[i] -=
            (real.m[i] * (rateQ32 / 2 ** 32) * 2 ** 24) / (Math.sqrt(real.v[i]) + epsilon);
        }
      }
      const worst = new Worst();
      for (const [i, v] of w.entries())
        worst.see(
          Math.abs(v - real.w[i]) / Math.abs(real.w[i]),
          () => `target ${target[i]}: ${v}, float64 ${real.w[i].toFixed(1)}`,
        );
      worst.expectAtMost(0.001, 'AdamW, 600 steps, relative');
    },
  );
});

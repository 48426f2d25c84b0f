// The kernels that undo themselves: what one call has added or divided, another takes back to the
// bit; both are their formulas.
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { inout, input, output } from '../helpers/calls.ts';
import { int32s, KINDS, type Kind, Source } from '../helpers/data.ts';
import { type Check, equal, property } from '../helpers/suite.ts';

const LENGTHS = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33];
const INT32_MIN = -(2 ** 31);
const INT32_MAX = 2 ** 31 - 1;
const UINT32_MAX = 2 ** 32 - 1;
const anyInt32 = (seed: number, n: number, kind: Kind): Int32Array =>
  int32s(seed, n, kind, INT32_MAX, INT32_MIN);
const floorDivide = (a: bigint, b: bigint): bigint => (a >= 0n ? a / b : -((-a + b - 1n) / b));
const int32 = (a: bigint): number => Number(BigInt.asIntN(32, a));

/** a / 2^s to the nearest integer, ties to even: from the definition, by comparing with both
 *  neighbours. */
function nearestEven(a: bigint, s: number): bigint {
  const one = 2n ** BigInt(s);
  const below = floorDivide(a, one);
  const rest = 2n * (a - below * one);
  return rest < one || (rest === one && below % 2n === 0n) ? below : below + 1n;
}

describe('add_rounded_i32', () => {
  const FACTORS = [0, 1, -1, 3, -12345, 2 ** 24, -(2 ** 24)];
  const SHIFTS = [0, 1, 2, 15, 31, 32, 33, 40];

  equal(
    'is x + h factor / 2^shift, rounded half to even, for 13 lengths x 7 factors x 8 shifts, ' +
      'full range, y apart, over x and over h',
    13 * 7 * 8 * 3,
    (check) => {
      const source = new Source(51);
      for (const n of LENGTHS)
        for (const factor of FACTORS)
          for (const shift of SHIFTS)
            for (const over of ['none', 'x', 'h'] as const) {
              const limit = source.pick([0, 2 ** 20, INT32_MAX]);
              const x = anyInt32(source.u32(), n, source.pick(KINDS));
              const h = anyInt32(source.u32(), n, source.pick(KINDS));
              const expected = Array.from(x, (value, i) =>
                int32(BigInt(value) + nearestEven(BigInt(h[i]) * BigInt(factor), shift)),
              );
              const X = over === 'x' ? inout(x) : input(x);
              const H = over === 'h' ? inout(h) : input(h);
              const places = { none: output(new Int32Array(n)), x: X, h: H };
              const y = places[over];
              const outcome = check({
                kernel: 'add_rounded_i32',
                args: [X, H, y, n, factor, shift, limit],
              });
              expect([...outcome.of(y)]).toEqual(expected);
              expect(outcome.result).toBe(
                expected.filter((value) => Math.abs(value) > limit).length,
              );
            }
    },
  );

  equal(
    'ties -1.5, -0.5, 0.5, 1.5 become -2, 0, 0, 2 around an odd x too, at every shift from 1 to 31',
    31 * 2,
    (check) => {
      for (let shift = 1; shift <= 31; shift++)
        for (const x of [10, 11]) {
          const n = 13;
          const h = Int32Array.from(
            { length: n },
            (_, i) => [-3, -1, 1, 3][i & 3] * 2 ** Math.max(0, shift - 11),
          );
          const factor = 2 ** Math.min(shift - 1, 10);
          const y = output(new Int32Array(n));
          const outcome = check({
            kernel: 'add_rounded_i32',
            args: [input(new Int32Array(n).fill(x)), input(h), y, n, factor, shift, 100],
          });
          expect([...outcome.of(y)]).toEqual(
            Array.from({ length: n }, (_, i) => x + [-2, 0, 0, 2][i & 3]),
          );
        }
    },
  );

  /** Adds and takes away; x must come back. */
  function roundTrip(
    check: Check,
    x: Int32Array,
    h: Int32Array,
    factor: number,
    shift: number,
  ): void {
    const n = x.length;
    const y = output(new Int32Array(n));
    const added = check({
      kernel: 'add_rounded_i32',
      args: [input(x), input(h), y, n, factor, shift, 0],
    }).of(y);
    const back = inout(added);
    expect(
      check({ kernel: 'add_rounded_i32', args: [back, input(h), back, n, -factor, shift, 0] }).of(
        back,
      ),
    ).toEqual(x);
  }

  equal(
    '-factor undoes factor: the corners of x and h in all 35 combinations x 7 factors x 8 shifts',
    2 * 7 * 8,
    (check) => {
      const corners = [INT32_MIN, -1, 0, 1, INT32_MAX];
      const all = corners.flatMap((x) => [...corners, 2 ** 30, -3 * 2 ** 20].map((h) => [x, h]));
      for (const factor of FACTORS)
        for (const shift of SHIFTS)
          roundTrip(
            check,
            Int32Array.from(all, ([x]) => x),
            Int32Array.from(all, ([, h]) => h),
            factor,
            shift,
          );
    },
  );

  property(
    '-factor undoes factor for any x and h',
    300,
    [
      fc.array(fc.tuple(fc.integer(), fc.integer()), { maxLength: 20 }),
      fc.integer({ min: -(2 ** 24), max: 2 ** 24 }),
      fc.integer({ min: 0, max: 40 }),
    ],
    (check, elements, factor, shift) =>
      roundTrip(
        check,
        Int32Array.from(elements, ([x]) => x),
        Int32Array.from(elements, ([, h]) => h),
        factor,
        shift,
      ),
  );

  equal(
    'counts |y| > limit: the limit itself is accepted, the next value and -2^31 are not',
    17 * 3,
    (check) => {
      for (let n = 1; n <= 17; n++)
        for (const limit of [0, 1000, INT32_MAX]) {
          const corners = [limit, -limit, limit + 1, -limit - 1, INT32_MIN];
          const x = Int32Array.from({ length: n }, (_, i) => corners[i % 5]);
          const y = output(new Int32Array(n));
          const outcome = check({
            kernel: 'add_rounded_i32',
            args: [input(x), input(new Int32Array(n)), y, n, 2 ** 24, 7, limit],
          });
          expect(outcome.of(y)).toEqual(x);
          expect(outcome.result).toBe(
            [...x].filter((value) => value > limit || value < -limit).length,
          );
        }
    },
  );
});

describe('exchange_radix_i32u32', () => {
  const RADICES = [
    [10, 9],
    [9, 10],
    [2, 1],
    [1, 2],
    [8, 7],
    [1, 1],
    [32768, 32767],
    [32767, 32768],
    [32768, 1],
    [1, 32768],
    [32768, 32768],
  ];
  const SIGNS = [
    [1, 1],
    [1, -1],
    [-1, 1],
    [-1, -1],
  ];
  interface Exchange {
    v: Int32Array;
    digits: Uint32Array;
    lost: number | undefined;
  }
  function exchange(
    check: Check,
    v: Int32Array,
    digits: Uint32Array,
    from: number,
    to: number,
    signIn: number,
    signOut: number,
  ): Exchange {
    const V = inout(v);
    const D = inout(digits);
    const outcome = check({
      kernel: 'exchange_radix_i32u32',
      args: [V, D, v.length, from, to, signIn, signOut],
    });
    return { v: outcome.of(V), digits: outcome.of(D), lost: outcome.result };
  }

  equal(
    'is its formula for 13 lengths x 11 pairs x 4 pairs of signs, full range, to within `to` ' +
      'of the exact product',
    13 * 11 * 4,
    (check) => {
      const source = new Source(52);
      for (const n of LENGTHS)
        for (const [from, to] of RADICES)
          for (const [signIn, signOut] of SIGNS) {
            const v = anyInt32(source.u32(), n, source.pick(KINDS));
            const digits = Uint32Array.from(anyInt32(source.u32(), n, source.pick(KINDS)));
            const expected = Array.from(v, (value, i) => {
              const t = BigInt(int32(BigInt(signIn * value)));
              const radix = BigInt(from);
              const q = floorDivide(t, radix);
              const B = BigInt(digits[i]) * radix + t - q * radix;
              const exact = q * BigInt(to) + (B % BigInt(to));
              const error = exact * radix - t * BigInt(to);
              expect(error < radix * BigInt(to) && -error < radix * BigInt(to)).toBe(true);
              return [
                int32(BigInt(signOut) * exact),
                Number(BigInt.asUintN(32, B / BigInt(to))),
                B / BigInt(to) > BigInt(UINT32_MAX) ? 1 : 0,
              ];
            });
            const after = exchange(check, v, digits, from, to, signIn, signOut);
            expect([...after.v].map((value, i) => [value, after.digits[i]])).toEqual(
              expected.map(([value, carried]) => [value, carried]),
            );
            expect(after.lost).toBe(expected.reduce((sum, [, , lost]) => sum + lost, 0));
          }
    },
  );

  equal(
    '10 to 9: 100 is 90 rest 0; 109 and -1 keep a rest of 1 in digits; and back',
    2,
    (check) => {
      const forward = exchange(
        check,
        Int32Array.of(100, 109, 7, -1, -10),
        Uint32Array.of(0, 0, 0, 0, 5),
        10,
        9,
        1,
        1,
      );
      expect(forward).toEqual({
        v: Int32Array.of(90, 90, 7, -9, -4),
        digits: Uint32Array.of(0, 1, 0, 1, 5),
        lost: 0,
      });
      expect(exchange(check, forward.v, forward.digits, 9, 10, 1, 1)).toEqual({
        v: Int32Array.of(100, 109, 7, -1, -10),
        digits: Uint32Array.of(0, 0, 0, 0, 5),
        lost: 0,
      });
    },
  );

  for (const [name, fractions, steps] of [
    ['9/10', [[10, 9]], 200],
    ['1/2', [[2, 1]], 31],
    ['7/8', [[8, 7]], 160],
    [
      '9/10, 1/2, 7/8 in turn',
      [
        [10, 9],
        [2, 1],
        [8, 7],
      ],
      66,
    ],
  ] as const) {
    equal(
      `${steps} exchanges by ${name} with random signs and anything added to v in between, ` +
        'then all of them backward, restore every bit',
      2 * steps,
      (check) => {
        const source = new Source(53);
        const n = 37;
        const corners = [INT32_MIN, INT32_MAX, -1, 0, 1];
        const v = Int32Array.from({ length: n }, (_, i) => corners[i] ?? source.u32());
        const moves = Array.from({ length: steps }, (_, i) => ({
          radix: fractions[i % fractions.length],
          signIn: source.pick([1, -1]),
          signOut: source.pick([1, -1]),
          change: anyInt32(source.u32(), n, source.pick(KINDS)),
        }));
        let state: Exchange = { v, digits: new Uint32Array(n), lost: 0 };
        for (const {
          radix: [from, to],
          signIn,
          signOut,
          change,
        } of moves) {
          state = exchange(check, state.v, state.digits, from, to, signIn, signOut);
          expect(state.lost).toBe(0);
          state.v = state.v.map((value, i) => value + change[i]); // wraps
        }
        expect(Math.max(...state.digits)).toBeGreaterThan(2 ** 26); // the digits are nearly full
        for (const {
          radix: [from, to],
          signIn,
          signOut,
          change,
        } of moves.reverse())
          state = exchange(
            check,
            state.v.map((value, i) => value - change[i]),
            state.digits,
            to,
            from,
            signOut,
            signIn,
          );
        expect(state).toEqual({ v, digits: new Uint32Array(n), lost: 0 });
      },
    );
  }

  equal(
    'to <= from never leaves int32: the ends of v are restored for 7 radices, the digits 0, ' +
      '1 and largest, all signs',
    2 * 28 * 4,
    (check) => {
      const sizes = [1, 2, 3, 10, 255, 32767, 32768];
      const v = Int32Array.from(
        [INT32_MIN, INT32_MIN + 1, -32768, -1, 0, 32767, INT32_MAX - 1, INT32_MAX].flatMap(
          (one) => [one, one, one],
        ),
      );
      for (const [i, from] of sizes.entries())
        for (const to of sizes.slice(0, i + 1))
          for (const [signIn, signOut] of SIGNS) {
            const largest = Math.floor((2 ** 32 * to - from) / from);
            const digits = Uint32Array.from(v, (_, j) => [0, 1, largest][j % 3] % (largest + 1));
            const forward = exchange(check, v, digits, from, to, signIn, signOut);
            expect(forward.lost).toBe(0);
            expect(exchange(check, forward.v, forward.digits, to, from, signOut, signIn)).toEqual({
              v,
              digits,
              lost: 0,
            });
          }
    },
  );

  equal(
    'counts digits of 2^32 and more, and only those: 2^31 - 1 is doubled, 2^31 is lost; the ' +
      'largest radices at the largest digits',
    3,
    (check) => {
      const v = Int32Array.of(1, 0, 1, 0, 1);
      const digits = Uint32Array.of(2 ** 31 - 1, 2 ** 31 - 1, 2 ** 31, 2 ** 31, UINT32_MAX);
      expect(exchange(check, v, digits, 2, 1, 1, 1)).toEqual({
        v: new Int32Array(5),
        digits: Uint32Array.of(UINT32_MAX, UINT32_MAX - 1, 1, 0, UINT32_MAX),
        lost: 3,
      });
      expect(
        exchange(check, Int32Array.of(32767), Uint32Array.of(UINT32_MAX), 32768, 1, 1, 1),
      ).toEqual({ v: Int32Array.of(0), digits: Uint32Array.of(UINT32_MAX), lost: 1 });
      expect(
        exchange(check, Int32Array.of(32767), Uint32Array.of(UINT32_MAX), 32768, 32768, 1, 1),
      ).toEqual({ v: Int32Array.of(32767), digits: Uint32Array.of(UINT32_MAX), lost: 0 });
    },
  );

  equal(
    'to > from wraps beyond int32 and then restores something else; one less fits and is restored',
    4,
    (check) => {
      const wrapped = exchange(check, Int32Array.of(2 ** 30), new Uint32Array(1), 1, 2, 1, 1);
      const fits = exchange(check, Int32Array.of(2 ** 30 - 1), Uint32Array.of(1), 1, 2, 1, 1);
      expect([wrapped, fits]).toEqual([
        { v: Int32Array.of(INT32_MIN), digits: new Uint32Array(1), lost: 0 },
        { v: Int32Array.of(INT32_MAX), digits: new Uint32Array(1), lost: 0 },
      ]);
      expect(exchange(check, wrapped.v, wrapped.digits, 2, 1, 1, 1).v).toEqual(
        Int32Array.of(-(2 ** 30)),
      );
      expect(exchange(check, fits.v, fits.digits, 2, 1, 1, 1)).toEqual({
        v: Int32Array.of(2 ** 30 - 1),
        digits: Uint32Array.of(1),
        lost: 0,
      });
    },
  );
});

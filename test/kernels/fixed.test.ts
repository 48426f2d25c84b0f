// The reference's arithmetic against BigInt, over its stated ranges and at their ends.
import { describe, expect, it } from 'vitest';
import {
  bits,
  bitsBig,
  clamp,
  clampBig,
  floorDivide,
  floorDivideBig,
  halfEvenBig,
  halfUp,
  halfUpBig,
  isqrt,
  modulo,
  multiplyShift32,
  q15,
  saturateInt16,
  saturateInt32,
  saturateInt32Big,
  shiftRightFloor,
  wrapInt32,
} from '../../src/kernels/reference/fixed.ts';
import { Source } from '../helpers/data.ts';

const source = new Source(91);
/** A whole number with 0..size random bits and a random sign. */
const signed = (size: number): number =>
  source.pick([1, -1]) * source.between(0, 2 ** source.between(0, size) - 1);
const ROUNDS = 20000;
/** Runs a comparison of two numbers ROUNDS times. */
function same(what: string, pair: () => [number | bigint, number | bigint, ...unknown[]]): void {
  for (let i = 0; i < ROUNDS; i++) {
    const [actual, expected, ...from] = pair();
    if (BigInt(actual) !== BigInt(expected))
      throw new Error(`${what}(${from.join(', ')}) = ${actual}, expected ${expected}`);
  }
}

describe('the arithmetic of the reference equals BigInt on 20,000 cases each', () => {
  it('halfUp, |a| < 2^52, shifts -40..51', () =>
    same('halfUp', () => {
      const s = source.between(-40, 51);
      const a = signed(s > 0 ? 52 : 53);
      return [halfUp(a, s), halfUpBig(BigInt(a), s), a, s];
    }));
  it('halfUpBig is the integer nearest to a / 2^s, upward on a tie', () =>
    same('halfUpBig', () => {
      const s = source.between(1, 40);
      const a = BigInt(signed(50));
      const r = halfUpBig(a, s);
      const twice = 2n * (a - (r << BigInt(s)));
      const one = 1n << BigInt(s);
      return [-one <= twice && twice < one ? 1 : 0, 1, a, s];
    }));
  it('halfEvenBig is the integer nearest to a / 2^s, even on a tie', () =>
    same('halfEvenBig', () => {
      const s = source.between(0, 6);
      const a = BigInt(signed(20));
      const r = halfEvenBig(a, s);
      const twice = 2n * (a - (r << BigInt(s)));
      const one = 1n << BigInt(s);
      const tie = twice === one || twice === -one;
      return [-one <= twice && twice <= one && (!tie || r % 2n === 0n) ? 1 : 0, 1, a, s];
    }));
  it('floorDivide, |a| < 2^52, b < 2^13', () =>
    same('floorDivide', () => {
      const b = source.between(1, 8192);
      const a = source.pick([signed(52), b * Math.floor(signed(52) / b) - 1]);
      return [floorDivide(a, b), floorDivideBig(BigInt(a), BigInt(b)), a, b];
    }));
  it('floorDivideBig leaves a rest in 0..b - 1', () =>
    same('floorDivideBig', () => {
      const b = BigInt(source.between(1, 8192));
      const a = BigInt(signed(53)) * 1000n;
      const rest = a - floorDivideBig(a, b) * b;
      return [rest >= 0n && rest < b ? 1 : 0, 1, a, b];
    }));
  it('multiplyShift32, uint32', () =>
    same('multiplyShift32', () => {
      const [a, b] = source.pick([
        [source.u32(), source.u32()],
        [2 ** 32 - 1 - source.between(0, 9), 2 ** 32 - 1 - source.between(0, 9)],
      ]);
      return [multiplyShift32(a, b), (BigInt(a) * BigInt(b)) >> 32n, a, b];
    }));
  it('wrapInt32, modulo, shiftRightFloor, bits', () =>
    same('wrapInt32', () => {
      const a = signed(53);
      const i = signed(31);
      const m = source.between(0, 20);
      if (BigInt(modulo(i, m)) !== BigInt.asUintN(m, BigInt(i)))
        throw new Error(`modulo(${i}, ${m})`);
      if (BigInt(shiftRightFloor(a, m)) !== BigInt(a) >> BigInt(m))
        throw new Error(`shiftRightFloor(${a}, ${m})`);
      if (bits(a) !== bitsBig(BigInt(a))) throw new Error(`bits(${a})`);
      return [wrapInt32(a), BigInt.asIntN(32, BigInt(a)), a];
    }));
  it('isqrt is the exact floor of the root around squares', () =>
    same('isqrt', () => {
      const root = BigInt(source.between(1, 2 ** source.between(1, 31)));
      const n = root * root + source.pick([-1n, 0n, 2n * root]);
      const r = isqrt(n);
      return [r * r <= n && n < (r + 1n) * (r + 1n) ? 1 : 0, 1, n];
    }));
});

it('ends of the ranges, by hand', () => {
  expect([0n, 1n, 2n, 3n, 4n, 2n ** 63n - 1n].map(isqrt)).toEqual([
    0n,
    1n,
    1n,
    1n,
    2n,
    3037000499n,
  ]);
  expect([
    bits(0),
    bits(1),
    bits(4),
    bits(7),
    bits(-8),
    bits(2 ** 31),
    bitsBig(-(2n ** 63n)),
  ]).toEqual([0, 1, 3, 3, 4, 32, 64]);
  expect([
    q15(-32768, -32768),
    q15(32767, 32767),
    q15(-32768, 32767),
    q15(1, 16384),
    q15(-1, 16384),
  ]).toEqual([32767, 32766, -32767, 1, 0]);
  expect([
    saturateInt16(40000),
    saturateInt16(-40000),
    saturateInt32(2 ** 31),
    saturateInt32(-(2 ** 40)),
  ]).toEqual([32767, -32768, 2 ** 31 - 1, -(2 ** 31)]);
  expect([
    saturateInt32Big(2n ** 31n),
    saturateInt32Big(-(2n ** 31n) - 1n),
    clampBig(-9n, 4n),
  ]).toEqual([2n ** 31n - 1n, -(2n ** 31n), -4n]);
  expect([clamp(9, 4), clamp(-9, 4), clamp(3, 4)]).toEqual([4, -4, 3]);
});

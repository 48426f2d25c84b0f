// Fixed-point arithmetic: the only place of the kernels that rounds, saturates or takes roots. The
// names and formulas are those of the contract's notation (src/kernels/kernels.ts). Each helper
// says for which arguments it is exact.

import { HALF_32 } from './constants';

// ---- scalars ------------------------------------------------------------------------------------

/** halfUp(a, s), -63 <= s <= 63: any a for s > 0 (no intermediate can overflow), |a| < 2^(63 + s)
 *  otherwise. */
// @ts-ignore: decorator
@inline
export function halfUp(a: i64, s: i32): i64 {
  return s > 0 ? (a >> s) + ((a >> (s - 1)) & 1) : a << -s;
}

/** floor(a / b), b > 0. */
// @ts-ignore: decorator
@inline
export function floorDivide(a: i64, b: i64): i64 {
  const quotient = a / b;
  return quotient - i64(quotient * b > a);
}

/** a / 2^s rounded toward zero, 0 <= s <= 62, |a| < 2^62. */
// @ts-ignore: decorator
@inline
export function truncatedShift(a: i64, s: i32): i64 {
  return (a + ((a >> 63) & (((<i64>1) << s) - 1))) >> s;
}

// @ts-ignore: decorator
@inline
export function clamp(a: i64, bound: i64): i64 {
  return min(max(a, -bound), bound);
}

// @ts-ignore: decorator
@inline
export function saturateInt32(a: i64): i64 {
  return min(max(a, i64(i32.MIN_VALUE)), i64(i32.MAX_VALUE));
}

/** bits(a) for unsigned a: 0..64. */
// @ts-ignore: decorator
@inline
export function bits(a: u64): i32 {
  return 64 - i32(clz(a));
}

/** 1/sqrt(x) on the 192 segments of width 2^-8 of x = 1/4..1: the line's value at the segment's
 *  start in 17 fraction bits, times 2^14, plus its downward slope in 12. The best lines have errors
 *  up to 2^-17.4 + 2^-17.4, on both sides; 2^-16.3 with what is rounded off. */
const ROOT_LINES: usize = memory.data<u32>([
  4294934338, 4261772753, 4229364845, 4197677847, 4166711757, 4136401039, 4106745692, 4077729331,
  4049319189, 4021482497, 3994219254, 3967496691, 3941314809, 3915640840, 3890458397, 3865751099,
  3841518943, 3817729162, 3794381755, 3771460338, 3748948528, 3726829939, 3705088187, 3683739657,
  3662751580, 3642107571, 3621824016, 3601868144, 3582239957, 3562923071, 3543933868, 3525223197,
  3506823825, 3488686601, 3470844293, 3453280516, 3435962502, 3418906635, 3402112916, 3385564959,
  3369246381, 3353157181, 3337313745, 3321683302, 3306265855, 3291061401, 3276069942, 3261275093,
  3246676854, 3232291609, 3218086591, 3204061798, 3190217231, 3176552890, 3163068775, 3149748502,
  3136592070, 3123615864, 3110787115, 3098105824, 3085588375, 3073218383, 3061012232, 3048937155,
  3036993151, 3025196604, 3013547515, 3002029499, 2990626172, 2979370302, 2968229122, 2957219014,
  2946323596, 2935542867, 2924893211, 2914358243, 2903921581, 2893615992, 2883408707, 2873299728,
  2863305437, 2853425836, 2843628155, 2833945163, 2824360476, 2814857709, 2805453247, 2796163475,
  2786939238, 2777813307, 2768785680, 2759839974, 2750976189, 2742210708, 2733510764, 2724909124,
  2716373022, 2707918839, 2699562962, 2691256237, 2683047816, 2674904932, 2666827585, 2658832158,
  2650918651, 2643054297, 2635271864, 2627554967, 2619903607, 2612317783, 2604797495, 2597359128,
  2589969913, 2582629851, 2575371710, 2568162720, 2561019267, 2553941351, 2546912586, 2539949359,
  2533035283, 2526170360, 2519370974, 2512637123, 2505936041, 2499300496, 2492714102, 2486176861,
  2479705157, 2473266221, 2466892821, 2460552189, 2454260709, 2448034766, 2441841592, 2435697569,
  2429602699, 2423556981, 2417544031, 2411580234, 2405665588, 2399783712, 2393950987, 2388167414,
  2382416610, 2376714958, 2371046075, 2365426343, 2359839380, 2354285185, 2348780142, 2343307868,
  2337884745, 2332494391, 2327136805, 2321811988, 2316536322, 2311293425, 2306083296, 2300905935,
  2295761342, 2290649517, 2285570461, 2280540557, 2275527037, 2270562669, 2265614685, 2260699470,
  2255833406, 2250983727, 2246166816, 2241382673, 2236631298, 2231912692, 2227210470, 2222541015,
  2217904329, 2213300411, 2208729261, 2204174496, 2199652498, 2195163269, 2190690424, 2186250346,
  2181843037, 2177468497, 2173093956, 2168768567, 2164459563, 2160183326, 2155923474, 2151696390,
]);

/** Address of the line of n, 2^62 <= n < 2^64. */
// @ts-ignore: decorator
@inline
function rootLine(n: u64): usize {
  return ROOT_LINES - 64 * 4 + (usize(n >> 56) << 2);
}

/** About 2^30 / sqrt(n / 2^64), relative error below 2^-16.3, n in 2^62..2^64. */
// @ts-ignore: decorator
@inline
function reciprocalRoot(n: u64): u64 {
  const line = u64(load<u32>(rootLine(n)));
  return ((line >> 14) << 13) - (((line & 0x3fff) * ((n >> 32) & 0xffffff)) >> 14);
}

/** floor(sqrt(a)), a < 2^63, without a division. a is shifted into n = 2^62..2^64, x = n / 2^64 =
 *  1/4..1. The rest n - s^2 of s = x / sqrt(x) is divided by 2 sqrt(n) through the same reciprocal:
 *  with its relative error e the result is 1.5 e^2 2^32 sqrt(x), at most 0.48, too small, and less
 *  than 1 with what is rounded off: the root is right or 1 too small. a = 0 reads some bytes below
 *  the table: with any of them it is -1 before the comparison, or 0. */
// @ts-ignore: decorator
@inline
export function isqrt(a: u64): u64 {
  const up = clz(a) & ~1;
  const n = a << up;
  const y = reciprocalRoot(n);
  const s = ((n >> 32) * y) >> 30;
  const rest = i64(n - s * s);
  const root = i64(s + ((((rest >> 16) - 1) * y) >> 47)) >> (up >> 1); // - 1: never too large
  return root + u64(u64((root + 1) * (root + 1)) <= a);
}

// ---- lanes: four int32 --------------------------------------------------------------------------

/** halfUp(v, s) of every int32, s > 0, any v. One shift by s - 1 and one by a constant: a shift by
 *  a variable is four instructions in V8. */
// @ts-ignore: decorator
@inline
export function halfUpLanes(v: v128, s: i32): v128 {
  return halveUpLanes(i32x4.shr_s(v, s - 1));
}

/** halfUp(v, 1) of every int32, any v: 2 q + b becomes q + b, which is v - q. */
// @ts-ignore: decorator
@inline
export function halveUpLanes(v: v128): v128 {
  return i32x4.sub(v, i32x4.shr_s(v, 1));
}

/** floor((v + half) / 2^s) of every int32: halfUp(v, s) with half = halfStep(s), |v| < 2^31 - half.
 */
// @ts-ignore: decorator
@inline
export function shiftHalfUpLanes(v: v128, half: v128, s: i32): v128 {
  return i32x4.shr_s(i32x4.add(v, half), s);
}

/** The half that shiftHalfUpLanes adds: 2^(s-1), or 0 for s = 0. */
// @ts-ignore: decorator
@inline
export function halfStep(s: i32): i32 {
  return (1 << s) >> 1;
}

/** halfUp(v, s) of every int16, s > 0, any v. */
// @ts-ignore: decorator
@inline
export function halfUpLanes16(v: v128, s: i32): v128 {
  return halveUpLanes16(i16x8.shr_s(v, s - 1));
}

/** halfUp(v, 1) of every int16, any v, as halveUpLanes. */
// @ts-ignore: decorator
@inline
export function halveUpLanes16(v: v128): v128 {
  return i16x8.sub(v, i16x8.shr_s(v, 1));
}

/** clamp of every int32 between two vectors. */
// @ts-ignore: decorator
@inline
export function clampLanes(v: v128, low: v128, high: v128): v128 {
  return i32x4.min_s(i32x4.max_s(v, low), high);
}

/** clamp of every int16 between two vectors. */
// @ts-ignore: decorator
@inline
export function clampLanes16(v: v128, low: v128, high: v128): v128 {
  return i16x8.min_s(i16x8.max_s(v, low), high);
}

/** The int32s of two vectors as int16s, saturated. */
// @ts-ignore: decorator
@inline
export function saturateInt16Lanes(low: v128, high: v128): v128 {
  return i16x8.narrow_i32x4_s(low, high);
}

/** q15(a, b) of every int16. `a` must be a value that nothing else needs, such as a splat or the
 *  result of another call: on processors without AVX, V8's baseline compiler (seen in Node 20, 22
 *  and 26) otherwise gives wrong products. The same compiler in Node 20 is wrong for a swizzle
 *  whose table is a variable; ours are constants. The matrix runs both without AVX
 *  (test/conformance/runtimes.mjs). */
// @ts-ignore: decorator
@inline
export function q15Lanes(a: v128, b: v128): v128 {
  return i16x8.q15mulr_sat_s(a, b);
}

// ---- lanes: four int64 in two vectors -> four int32 ---------------------------------------------

/** The low words of four int64s. */
// @ts-ignore: decorator
@inline
export function lowWords(low: v128, high: v128): v128 {
  return v128.shuffle<i32>(low, high, 0, 2, 4, 6);
}

/** The high words of four int64s: floor(a / 2^32). */
// @ts-ignore: decorator
@inline
export function highWords(low: v128, high: v128): v128 {
  return v128.shuffle<i32>(low, high, 1, 3, 5, 7);
}

/** floor(a b / 2^32) of every uint32. */
// @ts-ignore: decorator
@inline
export function multiplyHighLanes(a: v128, b: v128): v128 {
  return highWords(i64x2.extmul_low_i32x4_u(a, b), i64x2.extmul_high_i32x4_u(a, b));
}

/** halfUp(a, s) modulo 2^32 of four int64s, 0 <= s <= 62, any a. Up to 32 the wanted bits are the
 *  same with a logical shift, which every processor has, and wherever a + 2^(s-1) wraps; beyond,
 *  they all lie in the high word. */
// @ts-ignore: decorator
@inline
export function halfUpNarrowLanes(low: v128, high: v128, s: i32): v128 {
  if (s > 32) return halfUpLanes(highWords(low, high), s - 32);
  const half = i64x2.splat(((<i64>1) << s) >> 1);
  return lowWords(i64x2.shr_u(i64x2.add(low, half), s), i64x2.shr_u(i64x2.add(high, half), s));
}

/** halfEven(a b, s) modulo 2^32 of every int32, 0 <= s <= 40, |a b| <= 2^55. With 2^62 added every
 *  product is positive, and a logical shift, which every processor has, is the arithmetic one;
 *  2^(62-s) is even and comes off again. */
// @ts-ignore: decorator
@inline
export function multiplyHalfEvenLanes(a: v128, b: v128, s: i32): v128 {
  const lift = i64x2.splat((<i64>1) << 62);
  const low = i64x2.add(i64x2.extmul_low_i32x4_s(a, b), lift);
  const high = i64x2.add(i64x2.extmul_high_i32x4_s(a, b), lift);
  const below = i64x2.splat((((<i64>1) << s) - 1) >> 1);
  const odd = i64x2.splat(i64(s > 0)); // 2^(s-1) - 1, and the tie's bit; both 0 for s = 0
  const r0 = i64x2.shr_u(i64x2.add(i64x2.add(low, below), v128.and(i64x2.shr_u(low, s), odd)), s);
  const r1 = i64x2.shr_u(i64x2.add(i64x2.add(high, below), v128.and(i64x2.shr_u(high, s), odd)), s);
  return i32x4.sub(lowWords(r0, r1), i32x4.splat(i32((<i64>1) << (62 - s))));
}

/** halfUp(a, s) of two int64s, s > 0, any a. */
// @ts-ignore: decorator
@inline
export function halfUpLanes64(v: v128, s: i32): v128 {
  const doubled = i64x2.shr_s(v, s - 1);
  return i64x2.sub(doubled, i64x2.shr_s(doubled, 1));
}

/** base + v / 2^s of every int32 [wraps], s > 0, rounded to nearest, ties so that the result is
 *  even. */
// @ts-ignore: decorator
@inline
export function addHalfEvenLanes(base: v128, v: v128, s: i32): v128 {
  const floor = i32x4.add(base, i32x4.shr_s(v, s));
  const rest = v128.and(v, i32x4.splat((1 << s) - 1));
  const odd = v128.and(floor, i32x4.splat(1));
  return i32x4.add(
    floor,
    i32x4.shr_u(i32x4.add(i32x4.add(rest, i32x4.splat((1 << (s - 1)) - 1)), odd), s),
  );
}

/** ceil(v / 2^m) of every int32, with b = (-v) mod 2^m given: floor(v / 2^m) + (b != 0), which no v
 *  overflows. */
// @ts-ignore: decorator
@inline
export function ceilShiftLanes(v: v128, b: v128, m: i32): v128 {
  return i32x4.sub(i32x4.shr_s(v, m), i32x4.ne(b, i32x4.splat(0)));
}

/** halfUp(a b, s) of every uint32, s > 32, a b < 2^63: the low word takes no part in the sum. */
// @ts-ignore: decorator
@inline
export function multiplyHalfUpLanesU(a: v128, b: v128, s: i32): v128 {
  return halfUpLanes(multiplyHighLanes(a, b), s - 32);
}

/** halfUp(a b, 32) of every int32. */
// @ts-ignore: decorator
@inline
export function multiplyHalfUpLanes(a: v128, b: v128): v128 {
  const half = v128.load64_splat(HALF_32);
  return highWords(
    i64x2.add(i64x2.extmul_low_i32x4_s(a, b), half),
    i64x2.add(i64x2.extmul_high_i32x4_s(a, b), half),
  );
}

/** a b + 2^(s-1) of int32 lanes 0 and 1: floor(. / 2^s) is then halfUp(a b, s). 1 <= s <= 62. */
// @ts-ignore: decorator
@inline
export function roundedProductLow(a: v128, b: v128, s: i32): v128 {
  return i64x2.add(i64x2.extmul_low_i32x4_s(a, b), i64x2.splat((<i64>1) << (s - 1)));
}

/** The same of lanes 2 and 3. */
// @ts-ignore: decorator
@inline
export function roundedProductHigh(a: v128, b: v128, s: i32): v128 {
  return i64x2.add(i64x2.extmul_high_i32x4_s(a, b), i64x2.splat((<i64>1) << (s - 1)));
}

/** floor(p / 2^s) modulo 2^32 of four int64s, 1 <= s <= 62; |p| < 2^63. */
// @ts-ignore: decorator
@inline
export function shiftNarrowLanes(low: v128, high: v128, s: i32): v128 {
  return s <= 32
    ? lowWords(i64x2.shr_u(low, s), i64x2.shr_u(high, s))
    : i32x4.shr_s(highWords(low, high), s - 32);
}

/** All ones in the lanes where floor(p / 2^s) does not fit int32, |p| < 2^63: the bits from 31 + s
 *  up are not all alike. */
// @ts-ignore: decorator
@inline
export function overflowLanes(low: v128, high: v128, s: i32): v128 {
  if (s > 32) return i32x4.splat(0);
  const words = highWords(low, high);
  return i32x4.ne(i32x4.shr_s(words, s - 1), i32x4.shr_s(words, 31));
}

/** `v` with the lanes of `over` replaced by the end of int32 that p is beyond. */
// @ts-ignore: decorator
@inline
export function saturateLanes(v: v128, low: v128, high: v128, over: v128): v128 {
  const end = v128.xor(i32x4.shr_s(highWords(low, high), 31), i32x4.splat(i32.MAX_VALUE));
  return v128.bitselect(end, v, over);
}

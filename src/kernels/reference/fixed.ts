// The arithmetic of the contract's notation (kernels.ts): the only place of the reference that
// rounds, saturates or wraps. Every function is exact. The number versions say how large their
// arguments may be; a double holds every integer up to 2^53, and dividing by a power of two loses
// nothing. The `Big` versions take any integer.

/** floor(a / b) for whole |a| < 2^52, b > 0: the quotient of doubles cannot reach the next integer
 *  by rounding. */
export const floorDivide = (a: number, b: number): number => Math.floor(a / b);

/** floor(a / b) for b > 0. BigInt division truncates toward zero. */
export const floorDivideBig = (a: bigint, b: bigint): bigint =>
  a >= 0n ? a / b : -((-a + b - 1n) / b);

/** floor(a / 2^s), |a| < 2^53. */
export const shiftRightFloor = (a: number, s: number): number => Math.floor(a / 2 ** s);

/** halfUp(a, s): |a| + 2^(s-1) < 2^53 for s > 0; for s <= 0 any |a| < 2^53 (a power of two times an
 *  integer is exact). */
export const halfUp = (a: number, s: number): number =>
  s > 0 ? Math.floor((a + 2 ** (s - 1)) / 2 ** s) : a * 2 ** -s;

/** halfUp(a, s) for any a. */
export const halfUpBig = (a: bigint, s: number): bigint =>
  s > 0 ? (a + (1n << BigInt(s - 1))) >> BigInt(s) : a << BigInt(-s);

/** halfEven(a, s), s >= 0: half up, but a tie goes to the even neighbour. */
export const halfEvenBig = (a: bigint, s: number): bigint =>
  s > 0 ? (a + (1n << BigInt(s - 1)) - 1n + ((a >> BigInt(s)) & 1n)) >> BigInt(s) : a;

/** clamp(a, b). */
export const clamp = (a: number, bound: number): number => Math.min(Math.max(a, -bound), bound);

/** clamp(a, b) for any integers. */
export function clampBig(a: bigint, bound: bigint): bigint {
  if (a > bound) return bound;
  return a < -bound ? -bound : a;
}

export const saturateInt16 = (a: number): number => Math.min(Math.max(a, -(2 ** 15)), 2 ** 15 - 1);
export const saturateInt32 = (a: number): number => Math.min(Math.max(a, -(2 ** 31)), 2 ** 31 - 1);
export function saturateInt32Big(a: bigint): bigint {
  if (a > 2147483647n) return 2147483647n;
  return a < -2147483648n ? -2147483648n : a;
}

/** [wraps]: two's complement int32, any whole a that a double holds. */
export const wrapInt32 = (a: number): number => a | 0;

/** a mod 2^m in 0 .. 2^m - 1, for int32 a and m < 31. */
export const modulo = (a: number, m: number): number => a & (2 ** m - 1);

/** q15(a, b), int16 a and b. */
export const q15 = (a: number, b: number): number => saturateInt16(halfUp(a * b, 15));

/** bits(a) for whole |a| < 2^53. */
export function bits(a: number): number {
  let n = 0;
  for (let rest = Math.abs(a); rest >= 1; rest /= 2) n++;
  return n;
}

/** bits(a) for any a. */
export const bitsBig = (a: bigint): number => (a === 0n ? 0 : (a < 0n ? -a : a).toString(2).length);

/** floor(a b / 2^32), 0 <= a, b < 2^32: a is split into 16-bit halves, so both products stay below
 *  2^48. */
export function multiplyShift32(a: number, b: number): number {
  const high = Math.floor(a / 65536);
  const low = a % 65536;
  return Math.floor((high * b + Math.floor((low * b) / 65536)) / 65536);
}

/** floor(sqrt(a)), 0 <= a < 2^63. The double's root is off by at most one, which the two loops put
 *  right. */
export function isqrt(a: bigint): bigint {
  let root = BigInt(Math.floor(Math.sqrt(Number(a))));
  while (root * root > a) root--;
  while ((root + 1n) * (root + 1n) <= a) root++;
  return root;
}

// The notation of docs/conformance.md in BigInt, digit by digit: slow and plain.

export const two = (s: number): bigint => 1n << BigInt(s);
/** floor(a 2^s), s of any sign. */
export const scaled = (a: bigint, s: number): bigint => (s >= 0 ? a << BigInt(s) : a >> BigInt(-s));
export const floorDivide = (a: bigint, b: bigint): bigint =>
  a < 0n && a % b !== 0n ? a / b - 1n : a / b;
export const halfUp = (a: bigint, s: number): bigint =>
  s > 0 ? (a + two(s - 1)) >> BigInt(s) : a << BigInt(-s);
/** a / 2^s, ties to even. */
export function halfEven(a: bigint, s: number): bigint {
  const floor = a >> BigInt(s);
  const rest = 2n * (a - floor * two(s));
  return rest > two(s) || (rest === two(s) && floor % 2n !== 0n) ? floor + 1n : floor;
}
export const modulo = (a: bigint, s: number): bigint => BigInt.asUintN(s, a);
export function limit(a: bigint, low: bigint, high: bigint): bigint {
  if (a < low) return low;
  return a > high ? high : a;
}
export const clamp = (a: bigint, b: bigint): bigint => limit(a, -b, b);
export const saturated = (a: bigint, bits: number): bigint =>
  limit(a, -two(bits - 1), two(bits - 1) - 1n);
export const int32 = (a: bigint): bigint => BigInt.asIntN(32, a);
export const uint32 = (a: bigint): bigint => BigInt.asUintN(32, a);
export const q15 = (a: bigint, b: bigint): bigint => saturated(halfUp(a * b, 15), 16);
export const absolute = (a: bigint): bigint => (a < 0n ? -a : a);
export const bits = (a: bigint): number => (a === 0n ? 0 : absolute(a).toString(2).length);
export const sum = (list: bigint[]): bigint => list.reduce((a, b) => a + b, 0n);
export function largest(list: bigint[]): bigint {
  let most = list[0];
  for (const one of list) if (one > most) most = one;
  return most;
}
/** floor(sqrt(a)), digit by digit. */
export function root2(a: bigint): bigint {
  let r = 0n;
  for (let b = BigInt(bits(a) >> 1); b >= 0n; b--) if ((r | (1n << b)) ** 2n <= a) r |= 1n << b;
  return r;
}
export const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** A buffer of a kernel; undefined for a pointer of 0. */
export type Elements = bigint[];
/** Buffers and numbers as the page has them. */
// biome-ignore lint/suspicious/noExplicitAny: each kernel has parameters of its own
export type Kernel = (...args: any[]) => unknown;

/** Stores clamp(value, bound) for every element of a matrix; the count of those that it changed. */
export function clamped(
  rows: number,
  columns: number,
  bound: number,
  value: (r: number, c: number) => bigint,
  store: (r: number, c: number, v: bigint) => void,
): number {
  let changed = 0;
  for (const r of count(rows))
    for (const c of count(columns)) {
      const exact = value(r, c);
      const v = clamp(exact, BigInt(bound));
      if (v !== exact) changed++;
      store(r, c, v);
    }
  return changed;
}

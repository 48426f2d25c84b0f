// What a documented bound is, and the small arguments with which it is tried.

import type { Kernels } from '../../../src/kernels/kernels.ts';
import { type Block, inout, input, output } from '../../helpers/calls.ts';

export type Argument = number | Block;
export const TOP = 2 ** 31 - 1;
export const BOTTOM = -(2 ** 31);

export const int16 = (...values: number[]): Block => input(Int16Array.from(values));
export const int32 = (...values: number[]): Block => input(Int32Array.from(values));
export const int64 = (...values: bigint[]): Block => input(BigInt64Array.from(values));
export const out16 = (n: number): Block => output(new Int16Array(n));
export const out32 = (n: number): Block => output(new Int32Array(n));
export const out64 = (...values: bigint[]): Block => inout(BigInt64Array.from(values));
export const blank = (n: number): Int16Array => new Int16Array(n);
/** n pairs (a, b) as a row of A, and a packed column of B. */
export const row = (n: number, value: number): Block => input(blank(n).fill(value));
export const column = (n: number, value: number): Block =>
  input(blank(Math.ceil(n / 2) * 32).map((_, i) => (i % 32 < 2 ? value : 0)));

/** A bound of a kernel: its arguments as a function of a value, the values at the corner, and those
 *  one beyond. */
export interface Bound {
  kernel: keyof Kernels;
  what: string;
  args: (value: never) => Argument[];
  corners: unknown[];
  beyond: unknown[];
}
type Add = <T>(
  kernel: keyof Kernels,
  what: string,
  corners: T[],
  beyond: T[],
  args: (value: T) => Argument[],
) => void;

/** A list of bounds, and what adds one to it. */
export function boundList(): { bounds: Bound[]; bound: Add } {
  const bounds: Bound[] = [];
  const bound: Add = (kernel, what, corners, beyond, args) => {
    bounds.push({ kernel, what, args: args as never, corners, beyond });
  };
  return { bounds, bound };
}

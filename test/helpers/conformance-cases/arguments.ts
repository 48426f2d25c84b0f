// Arguments of kernels as data: buffers of numbers of a range, sizes at and around the tiles.

import { packedBytes } from '../../../src/kernels/kernels.ts';
import type { BufferArgument } from '../../../src/verify/cases.ts';

export type Arguments = (number | BufferArgument)[];
export type Range = { low?: number; high?: number; output?: boolean };

export const int16 = (length: number, range: Range = {}): BufferArgument => ({
  type: 'int16',
  length,
  ...range,
});
export const int32 = (length: number, range: Range = {}): BufferArgument => ({
  type: 'int32',
  length,
  ...range,
});
export const int64 = (length: number, bits: number, output = false): BufferArgument => ({
  type: 'int64',
  length,
  bits,
  ...(output ? { output } : {}),
});
export const uint8 = (length: number, output = false): BufferArgument => ({
  type: 'uint8',
  length,
  ...(output ? { output } : {}),
});
export const out = { output: true };
export const within = (bound: number): { low: number; high: number } => ({
  low: -bound,
  high: bound,
});
export const operand = within(4095);
export const panels = (k: number, n: number, range: Range = operand): BufferArgument =>
  int16(packedBytes(k, n) / 2, range);

export const SHAPES = [
  [1, 1, 1],
  [2, 16, 2],
  [3, 17, 5],
  [4, 32, 64],
  [7, 33, 129],
  [33, 50, 66],
  [5, 16, 530],
];
export const LENGTHS = [1, 3, 4, 8, 15, 16, 17, 40, 129];
export const RADICES = [
  [10, 9],
  [9, 10],
  [2, 1],
  [8, 7],
  [1, 2],
  [32768, 32767],
  [32767, 32768],
  [1, 32768],
  [32768, 1],
];
export const ROWS = [
  [1, 1],
  [2, 7],
  [3, 8],
  [5, 33],
  [4, 130],
];

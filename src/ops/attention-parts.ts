// What attention (attention.ts) is cut into: blocks of rows, and the gradients of one head.

import { PANEL_COLUMNS, type Pointer, packedBytes } from '../kernels/kernels.ts';
import { OPERAND_MAX } from '../memory/formats.ts';
import type { Planner, Scratch } from '../memory/planner.ts';
import type { AttentionShape } from './attention-shape.ts';
import { fitExponent, fitShift } from './gradient.ts';
import type { Run } from './run.ts';

/** Rows of a causal block; a multiple of 16, so that a block starts at a panel. */
export const BLOCK = 32;
/** Bytes of a row of B in a panel: blocks begin at even rows, whose pairs have 64. */
export const PANEL_ROW = 32;
/** Columns in whole panels: also the row distance Sp of a head's scores and probabilities. */
export const padded = (columns: number): number =>
  Math.ceil(columns / PANEL_COLUMNS) * PANEL_COLUMNS;

/** Bytes of all heads' probabilities (int16). */
export const probabilityBytes = ({ rows, keys, heads }: AttentionShape): number =>
  heads * rows * padded(keys) * 2;

/** Rows first .. first + count of the scores, the columns of them that are not all masked (in whole
 *  panels), and how many of those are keys. */
export interface RowBlock {
  readonly first: number;
  readonly count: number;
  readonly columns: number;
  readonly real: number;
}

/** A gradient of one head before it is rounded: int32 at `at`, row distance ld, to become int16 at
 *  `to`. */
export interface Part {
  at: Pointer;
  to: Pointer;
  rows: number;
  ld: number;
  exponent: number;
}
export const newPart = (): Part => ({ at: 0, to: 0, rows: 0, ld: 0, exponent: 0 });

/** log2(e) / sqrt(D) as softmax's scale for scores with `fraction` (16..22) fraction bits;
 *  distances have 15. Only float operations that are exactly specified. */
export const softmaxScale = (size: number, fraction: number): number =>
  Math.round((2 ** (47 - fraction) * Math.LOG2E) / Math.sqrt(size));

/** 1 / sqrt(D) = factor * 2^-15 * 2^exponent with factor in 2^14..2^15. */
export function inverseRoot(size: number): { factor: number; exponent: number } {
  let exponent = 0;
  let value = 1 / Math.sqrt(size);
  for (; value <= 0.5; value *= 2) exponent--;
  return { factor: Math.round(value * 2 ** 15), exponent };
}

/** Memory that all attention layers of a thread use in turn. */
export interface AttentionScratch {
  /** int32 [T, Sp]: scores, then dP and dS of one head. */
  readonly scores: Scratch;
  /** int16: the transpose of dS or P of one head. */
  readonly transposed: Scratch;
  /** Panels of k, v or q of one head, both ways round. */
  readonly panels: Scratch;
  readonly panels2: Scratch;
  /** int64 [S, D]. */
  readonly wide: Scratch;
  /** int32 [Sp]. */
  readonly columnSums: Scratch;
  /** int32, as large as the gradients of q, k and v together: before they share an exponent.
   *  Forward, a block of p v. */
  readonly gradients: Scratch;
}

export function scratchOf(at: Planner, shape: AttentionShape): AttentionScratch {
  const { rows, keys, channels, heads } = shape;
  const size = channels / heads;
  const longest = Math.max(rows, keys);
  const panels = Math.max(packedBytes(longest, size), packedBytes(size, longest));
  return {
    scores: at.scratch('scores', rows * padded(keys) * 4),
    transposed: at.scratch('scores transposed', padded(rows) * padded(keys) * 2),
    panels: at.scratch('attention panels', panels),
    panels2: at.scratch('attention panels 2', panels),
    wide: at.scratch('attention wide', keys * size * 8),
    columnSums: at.scratch('attention sums', padded(keys) * 4),
    gradients: at.scratch('attention gradients', (rows + 2 * keys) * channels * 4),
  };
}

/** The blocks of T rows that look at S keys; causal: the rows are the last T of S. */
export function blocksOf(rows: number, keys: number, causal: boolean): RowBlock[] {
  const blocks: RowBlock[] = [];
  const block = causal ? BLOCK : rows;
  for (let first = 0; first < rows; first += block) {
    const count = Math.min(block, rows - first);
    const columns = padded(causal ? keys - rows + first + count : keys);
    blocks.push({ first, count, columns, real: Math.min(columns, keys) });
  }
  return blocks;
}

export function setPart(part: Part, at: Pointer, to: Pointer, rows: number, ld: number): void {
  part.at = at;
  part.to = to;
  part.rows = rows;
  part.ld = ld;
}

/** Rounds gradients of all heads, `size` columns each, to int16 operands with one exponent; returns
 *  it. */
export function shareExponent(run: Run, parts: readonly Part[], size: number): number {
  const { kernels } = run;
  let exponent = -Infinity;
  for (const part of parts) {
    const max = kernels.max_abs_i32(part.at, part.ld, part.rows, size);
    const shift = fitShift(max, part.exponent, OPERAND_MAX);
    exponent = Math.max(exponent, fitExponent(shift, part.exponent, OPERAND_MAX));
  }
  for (const { at, to, rows, ld, exponent: own } of parts) {
    const shift = Math.min(31, Math.max(1, exponent - own));
    run.counts.saturated += kernels.requantize_i32i16(
      at,
      ld,
      to,
      ld,
      rows,
      size,
      shift,
      OPERAND_MAX,
      0,
    );
  }
  return exponent;
}

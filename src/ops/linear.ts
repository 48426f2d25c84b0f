// y = x W^T (+ b) on one sequence, and its gradients:  dx = dy W,  dW += dy^T x,  db += sum of dy.
// x [T, in] and dy [T, out] are int16 operands; sums are int32 and exact (ops/weight.ts); dW is an exact int64 sum.

import type { Device } from '../kernels/device.ts';
import { type Pointer, packedBytes, panelStride } from '../kernels/kernels.ts';
import { BRANCH_FRACTION, BRANCH_LIMIT, OPERAND_PRODUCTS, WEIGHT_GRADIENT_FRACTION } from '../tensor/formats.ts';
import type { Arena } from '../tensor/arena.ts';
import type { Scaled } from './gradient.ts';
import type { WorkingWeight } from './weight.ts';

/** Scratch of the linear operations, large enough for T rows and `widest` columns. */
export interface LinearScratch {
  /** int32 sums, [T, widest]. */
  readonly sums: Pointer;
  /** dy transposed, int16 [widest, T]. */
  readonly transposed: Pointer;
  /** Panels of x, [T, widest]. */
  readonly panels: Pointer;
}

export function layoutLinearScratch(arena: Arena, rows: number, widest: number): LinearScratch {
  return {
    sums: arena.allocate('workspace', rows * widest * 4),
    transposed: arena.allocate('workspace', rows * widest * 2),
    panels: arena.allocate('workspace', packedBytes(rows, widest)),
  };
}

/** Raw int32 sums [rows, out], with the fraction bits of x and of w together. */
export function linearSums(d: Device, x: Pointer, w: WorkingWeight, sums: Pointer, rows: number): void {
  d.kernels.gemm_i16i16i32(x, w.columns, w.forwardPanels, panelStride(w.columns), sums, w.rows, rows, w.rows, w.columns);
}

/** Columns from .. to of y as int16, clamped to `bound`, from linearSums. shift: fraction bits of the sums less those of y.
 *  bias: see requantize_i32i16 (6 guard bits), or 0. */
export function linearRound(d: Device, w: WorkingWeight, sums: Pointer, y: Pointer, from: number, to: number, shift: number, bound: number, bias: Pointer, rows: number): void {
  d.counts.saturated += d.kernels.requantize_i32i16(sums + from * 4, w.rows, y + from * 2, w.rows, rows, to - from, shift, bound, bias === 0 ? 0 : bias + from * 4);
}

/** y int32 with 16 fraction bits, clamped to +-1024: one half of a block's output. x has `fraction` fraction bits; bias int32 with
 *  16, or 0. */
export function linearForwardBranch(d: Device, x: Pointer, fraction: number, w: WorkingWeight, bias: Pointer, y: Pointer, rows: number): void {
  linearSums(d, x, w, y, rows);
  d.counts.saturated += d.kernels.requantize_i32i32(y, w.rows, y, w.rows, rows, w.rows, fraction + w.fraction - BRANCH_FRACTION, BRANCH_LIMIT, bias);
}

/** dx [rows, in] as int32 sums; returns its exponent. */
export function linearBackwardInput(d: Device, dy: Scaled, w: WorkingWeight, dx: Pointer, rows: number): number {
  d.kernels.gemm_i16i16i32(dy.at, w.rows, w.backwardPanels, panelStride(w.rows), dx, w.columns, rows, w.columns, w.rows);
  return dy.exponent - w.fraction;
}

/** dW (and db unless 0) += the exact sums over this sequence's rows, on the static grid of 28 fraction bits. x has `fraction`.
 *  One thread at a time adds to a weight's gradient: `lock`. */
export function linearBackwardWeight(d: Device, dy: Scaled, out: number, x: Pointer, fraction: number, into: number, scratch: LinearScratch, dW: Pointer, dBias: Pointer, lock: number, rows: number): void {
  d.kernels.transpose_i16(dy.at, out, rows, out, scratch.transposed, rows);
  d.kernels.pack_nn_i16(x, into, rows, into, scratch.panels);
  const shift = dy.exponent - fraction + WEIGHT_GRADIENT_FRACTION;
  d.team.exclusive(lock, () => {
    d.kernels.gemm_i16i16i64(scratch.transposed, rows, scratch.panels, panelStride(rows), dW, into, out, into, rows, OPERAND_PRODUCTS, shift);
    if (dBias !== 0) d.kernels.sum_rows_i16i64(dy.at, out, rows, out, dBias, dy.exponent + WEIGHT_GRADIENT_FRACTION);
  });
}

// Scaled dot-product attention of one sequence, all heads: scores = q k^T / sqrt(D), p = softmax(scores), out = p v.
// q, k, v are the thirds of the rows of qkv [T, 3C] and are never copied: the kernels take row distances, and what must be
// transposed is transposed by packing. Causal attention works on blocks of rows and skips the columns that are masked.

import type { Device } from '../kernels/device.ts';
import { PANEL_COLUMNS, type Pointer, packedBytes, panelStride } from '../kernels/kernels.ts';
import { OPERAND_L1_MAX, OPERAND_MAX, OPERAND_PRODUCTS, PROBABILITY_FRACTION, PROBABILITY_PRODUCTS } from '../tensor/formats.ts';
import type { Arena } from '../tensor/arena.ts';
import { type Scaled, fitOperand } from './gradient.ts';

/** Rows of a block; a multiple of 16, so that a block starts at a panel. */
const BLOCK = 32;
/** Bytes of a row of B in a panel: blocks begin at even rows, whose pairs have 64. */
const PANEL_ROW = 32;
/** Columns in whole panels: also the row distance Tp of a head's scores and probabilities. */
const padded = (columns: number): number => Math.ceil(columns / PANEL_COLUMNS) * PANEL_COLUMNS;

export interface AttentionShape {
  readonly rows: number;
  readonly channels: number;
  readonly heads: number;
}

/** Fraction bits of q and k, and of v and the attention's output. */
export interface AttentionFormat {
  readonly queryKey: number;
  readonly value: number;
}

/** Bytes of all heads' probabilities (int16). */
export const probabilityBytes = (rows: number, heads: number): number => heads * rows * padded(rows) * 2;

export interface AttentionScratch {
  /** int32 [T, Tp]: scores, then dP and dS of one head. */
  readonly scores: Pointer;
  /** int16 [T, Tp]: dS of one head; and its (or P's) transpose. */
  readonly dScores: Pointer;
  readonly transposed: Pointer;
  /** Panels of k, v or q of one head, both ways round. */
  readonly panels: Pointer;
  readonly panels2: Pointer;
  /** int64 [T, D] and int32 [BLOCK, D]. */
  readonly wide: Pointer;
  readonly block: Pointer;
  /** int32 [Tp]. */
  readonly columnSums: Pointer;
  /** int32 [T, 3C]: dq, dk, dv before they share an exponent. */
  readonly dQkv: Pointer;
}

export function layoutAttentionScratch(arena: Arena, { rows, channels, heads }: AttentionShape): AttentionScratch {
  const size = channels / heads, square = rows * padded(rows), panels = Math.max(packedBytes(rows, size), packedBytes(size, rows));
  const workspace = (bytes: number): Pointer => arena.allocate('workspace', bytes);
  return {
    scores: workspace(square * 4), dScores: workspace(square * 2), transposed: workspace(padded(rows) * padded(rows) * 2),
    panels: workspace(panels), panels2: workspace(panels),
    wide: workspace(rows * size * 8), block: workspace(BLOCK * size * 4), columnSums: workspace(padded(rows) * 4), dQkv: workspace(rows * 3 * channels * 4),
  };
}

/** log2(e) / sqrt(D) as softmax's scale for scores with `fraction` (16..22) fraction bits; distances have 15. Only float operations
 *  that are exactly specified. */
const softmaxScale = (size: number, fraction: number): number => Math.round((2 ** (47 - fraction) * Math.LOG2E) / Math.sqrt(size));

/** 1 / sqrt(D) = factor * 2^-15 * 2^exponent with factor in 2^14..2^15. */
function inverseRoot(size: number): { factor: number; exponent: number } {
  let exponent = 0, value = 1 / Math.sqrt(size);
  for (; value <= 0.5; value *= 2) exponent--;
  return { factor: Math.round(value * 2 ** 15), exponent };
}

/** For each block of rows: first row, rows, columns that are not all masked. */
function blocks(rows: number, visit: (first: number, count: number, columns: number) => void): void {
  for (let first = 0; first < rows; first += BLOCK) {
    const count = Math.min(BLOCK, rows - first);
    visit(first, count, padded(first + count));
  }
}

/** out int16 [T, C]; probabilities (kept for the backward pass) int16 [H, T, Tp], 15 fraction bits. */
export function attentionForward(d: Device, qkv: Pointer, probabilities: Pointer, out: Pointer, shape: AttentionShape, format: AttentionFormat, scratch: AttentionScratch): void {
  const { rows, channels, heads } = shape, size = channels / heads, ld = 3 * channels, ldp = padded(rows);
  const k = d.kernels, scale = softmaxScale(size, 2 * format.queryKey);
  for (let head = 0; head < heads; head++) {
    const q = qkv + head * size * 2, key = q + channels * 2, value = key + channels * 2, p = probabilities + head * rows * ldp * 2;
    k.pack_nt_i16(key, ld, size, rows, scratch.panels);
    k.pack_nn_i16(value, ld, rows, size, scratch.panels2);
    blocks(rows, (first, count, columns) => {
      const pBlock = p + first * ldp * 2;
      k.gemm_i16i16i32(q + first * ld * 2, ld, scratch.panels, panelStride(size), scratch.scores, ldp, count, columns, size);
      k.softmax_forward_i32i16(scratch.scores, ldp, pBlock, ldp, count, columns, first + 1, 1, scale);
      k.gemm_i16i16i32(pBlock, ldp, scratch.panels2, panelStride(rows), scratch.block, size, count, size, Math.min(columns, rows));
      d.counts.saturated += k.requantize_i32i16(scratch.block, size, out + (first * channels + head * size) * 2, channels, count, size, PROBABILITY_FRACTION, OPERAND_MAX, 0);
    });
  }
}

/** dQkv int16 [T, 3C] from dOut int16 [T, C]; returns its exponent. */
export function attentionBackward(d: Device, dOut: Scaled, qkv: Pointer, probabilities: Pointer, dQkv: Pointer, shape: AttentionShape, format: AttentionFormat, scratch: AttentionScratch): number {
  const { rows, channels, heads } = shape, size = channels / heads, ld = 3 * channels, ldp = padded(rows), stride = panelStride(rows);
  const k = d.kernels, parts: { at: Pointer; to: Pointer; exponent: number }[] = [];
  for (let head = 0; head < heads; head++) {
    const q = qkv + head * size * 2, key = q + channels * 2, value = key + channels * 2, p = probabilities + head * rows * ldp * 2;
    const dO = dOut.at + head * size * 2;
    const [dq, dk, dv] = [0, 1, 2].map((third) => scratch.dQkv + (third * channels + head * size) * 4);
    const collect = (at: Pointer, exponent: number): unknown => parts.push({ at, to: dQkv + (at - scratch.dQkv) / 2, exponent });
    const exponent = scoreGradient(d, { at: dO, exponent: dOut.exponent }, value, p, shape, format, scratch);
    // dq = dS k
    k.pack_nn_i16(key, ld, rows, size, scratch.panels);
    blocks(rows, (first, count, columns) => k.gemm_i16i16i32(scratch.dScores + first * ldp * 2, ldp, scratch.panels, stride, dq + first * ld * 4, ld, count, size, Math.min(columns, rows)));
    collect(dq, exponent - format.queryKey);
    // dk = dS^T q
    k.pack_nn_i16(q, ld, rows, size, scratch.panels);
    transposedBlocks(d, scratch.dScores, rows, scratch.transposed, (at, first, count) =>
      k.gemm_i16i16i32(at, ldp, scratch.panels + first * PANEL_ROW, stride, dk + first * ld * 4, ld, count, size, rows - first));
    collect(dk, exponent - format.queryKey);
    // dv = P^T dO: a column of P may sum to T, so its sums need int64
    k.pack_nn_i16(dO, channels, rows, size, scratch.panels);
    d.clear(scratch.wide, rows * size * 8);
    transposedBlocks(d, p, rows, scratch.transposed, (at, first, count) =>
      k.gemm_i16i16i64(at, ldp, scratch.panels + first * PANEL_ROW, stride, scratch.wide + first * size * 8, size, count, size, rows - first, PROBABILITY_PRODUCTS, 0));
    const shift = Math.max(0, k.max_bits_i64(scratch.wide, rows * size) - 30);
    k.narrow_i64i32(scratch.wide, size, dv, ld, rows, size, shift);
    collect(dv, dOut.exponent - PROBABILITY_FRACTION + shift);
  }
  return shareExponent(d, parts, rows, size, ld);
}

/** scratch.dScores = dS of one head as int16 operands (gradient of q k^T, the 1 / sqrt(D) included); returns its exponent. They have
 *  13 bits or, in a context beyond 128, as many as keep every sum of products in a row or a column inside int32 (as ops/weight.ts). */
function scoreGradient(d: Device, dO: Scaled, value: Pointer, p: Pointer, shape: AttentionShape, format: AttentionFormat, scratch: AttentionScratch): number {
  const { rows, channels, heads } = shape, size = channels / heads, ldp = padded(rows), k = d.kernels, { factor, exponent } = inverseRoot(size);
  k.pack_nt_i16(value, 3 * channels, size, rows, scratch.panels);
  let max = 0;
  blocks(rows, (first, count, columns) => {
    const at = scratch.scores + first * ldp * 4;
    k.gemm_i16i16i32(dO.at + first * channels * 2, channels, scratch.panels, panelStride(size), at, ldp, count, columns, size);
    k.softmax_backward_i16i32(p + first * ldp * 2, ldp, at, ldp, at, ldp, count, columns, first + 1, 1, factor);
    max = Math.max(max, k.max_abs_i32(at, ldp, count, columns));
  });
  for (let bound = OPERAND_MAX; ; bound >>= 1) {
    const fit = fitOperand(max, dO.exponent - format.value + exponent, bound);
    let saturated = 0;
    blocks(rows, (first, count, columns) => {
      saturated += k.requantize_i32i16(scratch.scores + first * ldp * 4, ldp, scratch.dScores + first * ldp * 2, ldp, count, columns, fit.shift, bound, 0);
    });
    // What blocks leave out of [T, Tp] is never written: zeros.
    if (rows > OPERAND_PRODUCTS && k.l1_max_i16(scratch.dScores, rows, ldp, scratch.columnSums) > OPERAND_L1_MAX) continue;
    d.counts.saturated += saturated;
    return fit.exponent;
  }
}

/** For each block of columns of a lower block-triangular A [T, Tp], visits its transpose, without the rows that are masked: rows
 *  first .. of `count` columns. */
function transposedBlocks(d: Device, a: Pointer, rows: number, transposed: Pointer, visit: (at: Pointer, first: number, count: number) => void): void {
  const ldp = padded(rows);
  blocks(rows, (first, count, columns) => d.kernels.transpose_i16(a + first * ldp * 2, ldp, count, Math.min(columns, rows), transposed + first * 2, ldp));
  blocks(rows, (first, count) => visit(transposed + (first * ldp + first) * 2, first, count));
}

/** Rounds dq, dk, dv of all heads to int16 operands with one exponent. */
function shareExponent(d: Device, parts: { at: Pointer; to: Pointer; exponent: number }[], rows: number, size: number, ld: number): number {
  const fits = parts.map((part) => fitOperand(d.kernels.max_abs_i32(part.at, ld, rows, size), part.exponent, OPERAND_MAX));
  const exponent = Math.max(...fits.map((fit) => fit.exponent));
  for (const part of parts) {
    const shift = Math.min(31, Math.max(1, exponent - part.exponent));
    d.counts.saturated += d.kernels.requantize_i32i16(part.at, ld, part.to, ld, rows, size, shift, OPERAND_MAX, 0);
  }
  return exponent;
}

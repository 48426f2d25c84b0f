// Scaled dot-product attention of one sequence, all heads: scores = q k^T / sqrt(D), p = softmax(scores), out = p v. T queries look at
// S keys: themselves (q, k, v are the thirds of the rows of one matrix) or another sequence. Nothing is copied: the kernels take row
// distances, and what must be transposed is transposed by packing. Causal attention works on blocks of rows and skips the columns
// that are masked; any other has all rows as one block.

import type { Device } from '../kernels/device.ts';
import { PANEL_COLUMNS, type Pointer, packedBytes, panelStride } from '../kernels/kernels.ts';
import { OPERAND_L1_MAX, OPERAND_MAX, OPERAND_PRODUCTS, PROBABILITY_FRACTION, PROBABILITY_PRODUCTS } from '../tensor/formats.ts';
import type { Arena } from '../tensor/arena.ts';
import { type Scaled, fitOperand } from './gradient.ts';

/** Rows of a causal block; a multiple of 16, so that a block starts at a panel. */
const BLOCK = 32;
/** Bytes of a row of B in a panel: blocks begin at even rows, whose pairs have 64. */
const PANEL_ROW = 32;
/** Columns in whole panels: also the row distance Tp of a head's scores and probabilities. */
const padded = (columns: number): number => Math.ceil(columns / PANEL_COLUMNS) * PANEL_COLUMNS;

export interface AttentionShape {
  /** T, and S (causal: S = T). */
  readonly rows: number;
  readonly keys: number;
  readonly channels: number;
  readonly heads: number;
  /** Row t sees the keys 0..t only. */
  readonly causal: boolean;
}

/** Where the three matrices lie: q [T, C] with row distance ldq, k and v [S, C] with ldk. */
export interface AttentionInput {
  readonly q: Pointer;
  readonly k: Pointer;
  readonly v: Pointer;
  readonly ldq: number;
  readonly ldk: number;
}

/** Fraction bits of q and k, and of v and the attention's output. */
export interface AttentionFormat {
  readonly queryKey: number;
  readonly value: number;
}

/** Bytes of all heads' probabilities (int16). */
export const probabilityBytes = (rows: number, keys: number, heads: number): number => heads * rows * padded(keys) * 2;

export interface AttentionScratch {
  /** int32 [T, Sp]: scores, then dP and dS of one head. */
  readonly scores: Pointer;
  /** int16 [T, Sp]: dS of one head; and its (or P's) transpose. */
  readonly dScores: Pointer;
  readonly transposed: Pointer;
  /** Panels of k, v or q of one head, both ways round. */
  readonly panels: Pointer;
  readonly panels2: Pointer;
  /** int64 [S, D]. */
  readonly wide: Pointer;
  /** int32 [Sp]. */
  readonly columnSums: Pointer;
  /** int32, as large as the gradients of q, k and v together: before they share an exponent. Forward, a block of p v. */
  readonly gradients: Pointer;
  /** The T and S that dScores was used with last. If they are long, what causal attention leaves
   *  out of it is zero. */
  cleared: Pick<AttentionShape, 'rows' | 'keys'>;
}

export function layoutAttentionScratch(arena: Arena, { rows, keys, channels, heads }: AttentionShape): AttentionScratch {
  const size = channels / heads, square = rows * padded(keys), longest = Math.max(rows, keys);
  const panels = Math.max(packedBytes(longest, size), packedBytes(size, longest));
  const workspace = (bytes: number): Pointer => arena.allocate('workspace', bytes);
  return {
    scores: workspace(square * 4), dScores: workspace(square * 2), transposed: workspace(padded(rows) * padded(keys) * 2),
    panels: workspace(panels), panels2: workspace(panels),
    wide: workspace(keys * size * 8), columnSums: workspace(padded(keys) * 4), gradients: workspace((rows + 2 * keys) * channels * 4),
    cleared: { rows, keys },
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

/** For each block of rows: first row, rows, columns that are not all masked (in whole panels), and how many of those are keys. */
function blocks({ rows, keys, causal }: AttentionShape, visit: (first: number, count: number, columns: number, real: number) => void): void {
  const block = causal ? BLOCK : rows;
  for (let first = 0; first < rows; first += block) {
    const count = Math.min(block, rows - first), columns = padded(causal ? first + count : keys);
    visit(first, count, columns, Math.min(columns, keys));
  }
}

/** out int16 [T, C]; probabilities (kept for the backward pass) int16 [H, T, Sp], 15 fraction bits. */
export function attentionForward(d: Device, input: AttentionInput, probabilities: Pointer, out: Pointer, shape: AttentionShape, format: AttentionFormat, scratch: AttentionScratch): void {
  const { rows, keys, channels, heads, causal } = shape, { ldq, ldk } = input, size = channels / heads, ldp = padded(keys);
  const kernels = d.kernels, scale = softmaxScale(size, 2 * format.queryKey);
  for (let head = 0; head < heads; head++) {
    const at = head * size * 2, p = probabilities + head * rows * ldp * 2;
    kernels.pack_nt_i16(input.k + at, ldk, size, keys, scratch.panels);
    kernels.pack_nn_i16(input.v + at, ldk, keys, size, scratch.panels2);
    blocks(shape, (first, count, columns, real) => {
      const pBlock = p + first * ldp * 2;
      kernels.gemm_i16i16i32(input.q + at + first * ldq * 2, ldq, scratch.panels, panelStride(size), scratch.scores, ldp, count, columns, size);
      kernels.softmax_forward_i32i16(scratch.scores, ldp, pBlock, ldp, count, columns, causal ? first + 1 : keys, causal ? 1 : 0, scale);
      kernels.gemm_i16i16i32(pBlock, ldp, scratch.panels2, panelStride(keys), scratch.gradients, size, count, size, real);
      d.counts.saturated += kernels.requantize_i32i16(scratch.gradients, size, out + (first * channels + head * size) * 2, channels, count, size, PROBABILITY_FRACTION, OPERAND_MAX, 0);
    });
  }
}

/** A gradient of one head before it is rounded: int32 at `at`, row distance ld, to become int16 at `to`. */
interface Part {
  at: Pointer;
  to: Pointer;
  rows: number;
  ld: number;
  exponent: number;
}

/** Gradients of q, k and v (int16, laid out as `input` at the addresses of `grad`) from dOut int16 [T, C]. Returns the exponent of dq and
 *  that of dk and dv; they share one if q, k and v are one matrix (ldq = ldk). */
export function attentionBackward(d: Device, dOut: Scaled, input: AttentionInput, probabilities: Pointer, grad: AttentionInput, shape: AttentionShape, format: AttentionFormat, scratch: AttentionScratch): { query: number; keyValue: number } {
  const { rows, keys, channels, heads } = shape, { ldq, ldk } = input, size = channels / heads, ldp = padded(keys), ldt = padded(rows), stride = panelStride(rows);
  const kernels = d.kernels, query: Part[] = [], keyValue: Part[] = [], isOne = grad.ldq === grad.ldk;
  const rawQ = scratch.gradients, rawK = rawQ + (isOne ? channels * 4 : rows * ldq * 4), rawV = rawK + (grad.v - grad.k) * 2;
  for (let head = 0; head < heads; head++) {
    const at = head * size * 2, p = probabilities + head * rows * ldp * 2, dO = dOut.at + at;
    const dq: Part = { at: rawQ + at * 2, to: grad.q + at, rows, ld: ldq, exponent: 0 };
    const dk: Part = { at: rawK + at * 2, to: grad.k + at, rows: keys, ld: ldk, exponent: 0 };
    const dv: Part = { at: rawV + at * 2, to: grad.v + at, rows: keys, ld: ldk, exponent: 0 };
    const exponent = scoreGradient(d, { at: dO, exponent: dOut.exponent }, input.v + at, ldk, p, shape, format, scratch);
    dq.exponent = dk.exponent = exponent - format.queryKey;
    // dq = dS k
    kernels.pack_nn_i16(input.k + at, ldk, keys, size, scratch.panels);
    blocks(shape, (first, count, _, real) => kernels.gemm_i16i16i32(scratch.dScores + first * ldp * 2, ldp, scratch.panels, panelStride(keys), dq.at + first * ldq * 4, ldq, count, size, real));
    // dk = dS^T q
    kernels.pack_nn_i16(input.q + at, ldq, rows, size, scratch.panels);
    transposedBlocks(d, scratch.dScores, shape, scratch.transposed, (column, first, count, start) =>
      kernels.gemm_i16i16i32(column, ldt, scratch.panels + start * PANEL_ROW, stride, dk.at + first * ldk * 4, ldk, count, size, rows - start));
    // dv = P^T dO: a column of P may sum to T, so its sums need int64
    kernels.pack_nn_i16(dO, channels, rows, size, scratch.panels);
    d.clear(scratch.wide, keys * size * 8);
    transposedBlocks(d, p, shape, scratch.transposed, (column, first, count, start) =>
      kernels.gemm_i16i16i64(column, ldt, scratch.panels + start * PANEL_ROW, stride, scratch.wide + first * size * 8, size, count, size, rows - start, PROBABILITY_PRODUCTS, 0));
    const shift = Math.max(0, kernels.max_bits_i64(scratch.wide, keys * size) - 30);
    kernels.narrow_i64i32(scratch.wide, size, dv.at, ldk, keys, size, shift);
    dv.exponent = dOut.exponent - PROBABILITY_FRACTION + shift;
    query.push(dq);
    (isOne ? query : keyValue).push(dk, dv);
  }
  const shared = shareExponent(d, query, size);
  return { query: shared, keyValue: isOne ? shared : shareExponent(d, keyValue, size) };
}

/** scratch.dScores = dS of one head as int16 operands (gradient of q k^T, the 1 / sqrt(D) included); returns its exponent. They have
 *  13 bits or, beyond 128 queries or keys, as many as keep every sum of products in a row or a column inside int32 (as ops/weight.ts). */
function scoreGradient(d: Device, dO: Scaled, value: Pointer, ldv: number, p: Pointer, shape: AttentionShape, format: AttentionFormat, scratch: AttentionScratch): number {
  const { rows, keys, channels, heads, causal } = shape, size = channels / heads, ldp = padded(keys), k = d.kernels, { factor, exponent } = inverseRoot(size);
  const isLong = Math.max(rows, keys) > OPERAND_PRODUCTS;
  k.pack_nt_i16(value, ldv, size, keys, scratch.panels);
  let max = 0;
  blocks(shape, (first, count, columns) => {
    const at = scratch.scores + first * ldp * 4;
    k.gemm_i16i16i32(dO.at + first * channels * 2, channels, scratch.panels, panelStride(size), at, ldp, count, columns, size);
    k.softmax_backward_i16i32(p + first * ldp * 2, ldp, at, ldp, at, ldp, count, columns, causal ? first + 1 : keys, causal ? 1 : 0, factor);
    max = Math.max(max, k.max_abs_i32(at, ldp, count, columns));
  });
  if (isLong) clearRest(d, shape, scratch);
  scratch.cleared = shape;
  for (let bound = OPERAND_MAX; ; bound >>= 1) {
    const fit = fitOperand(max, dO.exponent - format.value + exponent, bound);
    let saturated = 0;
    blocks(shape, (first, count, columns) => {
      saturated += k.requantize_i32i16(scratch.scores + first * ldp * 4, ldp, scratch.dScores + first * ldp * 2, ldp, count, columns, fit.shift, bound, 0);
    });
    if (isLong && k.l1_max_i16(scratch.dScores, rows, ldp, scratch.columnSums) > OPERAND_L1_MAX) continue;
    d.counts.saturated += saturated;
    return fit.exponent;
  }
}

/** What causal blocks leave out of [T, Sp] is measured too, so it must be zero: it stays so until another size uses the place. */
function clearRest(d: Device, { rows, keys }: AttentionShape, scratch: AttentionScratch): void {
  if (scratch.cleared.rows === rows && scratch.cleared.keys === keys) return;
  d.clear(scratch.dScores, rows * padded(keys) * 2);
}

/** For each block of columns of A [T, Sp], visits its transpose without the rows that are masked: rows start .. of `count` columns
 *  from `first` on. */
function transposedBlocks(d: Device, a: Pointer, shape: AttentionShape, transposed: Pointer, visit: (at: Pointer, first: number, count: number, start: number) => void): void {
  const { rows, keys, causal } = shape, ldp = padded(keys), ldt = padded(rows), block = causal ? BLOCK : keys;
  blocks(shape, (first, count, _, real) => d.kernels.transpose_i16(a + first * ldp * 2, ldp, count, real, transposed + first * 2, ldt));
  for (let first = 0; first < keys; first += block) {
    const start = causal ? first : 0;
    visit(transposed + (first * ldt + start) * 2, first, Math.min(block, keys - first), start);
  }
}

/** Rounds gradients of all heads to int16 operands with one exponent. */
function shareExponent(d: Device, parts: readonly Part[], size: number): number {
  const fits = parts.map((part) => fitOperand(d.kernels.max_abs_i32(part.at, part.ld, part.rows, size), part.exponent, OPERAND_MAX));
  const exponent = Math.max(...fits.map((fit) => fit.exponent));
  for (const part of parts) {
    const shift = Math.min(31, Math.max(1, exponent - part.exponent));
    d.counts.saturated += d.kernels.requantize_i32i16(part.at, part.ld, part.to, part.ld, part.rows, size, shift, OPERAND_MAX, 0);
  }
  return exponent;
}

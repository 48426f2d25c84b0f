// Scaled dot-product attention of one sequence, all heads: scores = q k^T / sqrt(D), p =
// softmax(scores), out = p v. T queries look at S keys: themselves (q, k, v are the thirds of the
// rows of one matrix) or another sequence. Nothing is copied: the kernels take row distances, and
// what must be transposed is transposed by packing. Causal attention works on blocks of rows and
// skips the columns that are masked; any other has all rows as one block.

import { type Pointer, panelStride } from '../kernels/kernels.ts';
import {
  OPERAND_L1_MAX,
  OPERAND_MAX,
  OPERAND_PRODUCTS,
  PROBABILITY_FRACTION,
  PROBABILITY_PRODUCTS,
} from '../memory/formats.ts';
import type { Planner } from '../memory/planner.ts';
import type { Gradient } from '../memory/tensor.ts';
import {
  type AttentionScratch,
  BLOCK,
  blocksOf,
  inverseRoot,
  newPart,
  PANEL_ROW,
  type Part,
  padded,
  type RowBlock,
  scratchOf,
  setPart,
  shareExponent,
  softmaxScale,
} from './attention-parts.ts';
import type { AttentionInput, AttentionShape } from './attention-shape.ts';
import { fitExponent, fitShift } from './gradient.ts';
import type { AttentionCore, Run } from './run.ts';

/** 4095 times less than it is below 2^30. */
const NARROW_L1 = 2 ** 18;

/** Attention of one sequence, all heads, with its scratch. */
export class Attention implements AttentionCore {
  /** Fraction bits of q and k, and of v and the output. */
  queryKey!: number;
  value!: number;
  keyPanels!: Pointer;
  valuePanels!: Pointer;
  valueStride!: number;
  private readonly size: number;
  private readonly root: { readonly factor: number; readonly exponent: number };
  private readonly scratch: AttentionScratch;
  /** int16 [T, Sp]: dS of one head. */
  private readonly dScores: Pointer;
  private readonly parts: readonly { readonly dq: Part; readonly dk: Part; readonly dv: Part }[];
  private readonly query: readonly Part[];
  private readonly keyValue: readonly Part[];
  private readonly all: readonly Part[];
  /** Of the sequence at hand: T, S, and the blocks of rows. */
  private rows!: number;
  private keys!: number;
  private blocks!: readonly RowBlock[];
  /** The T and S that dScores was used with last. If they are long, what causal attention leaves
   *  out of it is zero. */
  private lastRows: number;
  private lastKeys: number;

  constructor(
    at: Planner,
    readonly shape: AttentionShape,
  ) {
    const { rows, keys, channels, heads } = shape;
    this.size = channels / heads;
    this.root = inverseRoot(this.size);
    this.scratch = scratchOf(at, shape);
    this.dScores = at.own(rows * padded(keys) * 2);
    this.parts = Array.from({ length: heads }, () => ({
      dq: newPart(),
      dk: newPart(),
      dv: newPart(),
    }));
    this.query = this.parts.map(({ dq }) => dq);
    this.keyValue = this.parts.flatMap(({ dk, dv }) => [dk, dv]);
    this.all = [...this.query, ...this.keyValue];
    this.lastRows = rows;
    this.lastKeys = keys;
  }

  /** Moves to a sequence of so many queries and keys. */
  resize(rows: number, keys: number): void {
    if (rows === this.rows && keys === this.keys) return;
    this.rows = rows;
    this.keys = keys;
    this.blocks = blocksOf(rows, keys, this.shape.causal);
  }

  /** out int16 [T, C]; probabilities (kept for the backward pass) int16 [H, T, Sp], 15 fraction
   *  bits. */
  forward(run: Run, from: AttentionInput, probabilities: Pointer, out: Pointer, _?: unknown): void {
    const { rows, keys, size, scratch } = this;
    const bytes = rows * padded(keys) * 2;
    this.keyPanels = scratch.panels.at;
    this.valuePanels = scratch.panels2.at;
    this.valueStride = panelStride(keys);
    for (let head = 0; head < this.shape.heads; head++) {
      const at = head * size * 2;
      run.kernels.pack_nt_i16(from.k + at, from.ldk, size, keys, this.keyPanels);
      run.kernels.pack_nn_i16(from.v + at, from.ldk, keys, size, this.valuePanels);
      this.forwardHead(run, from.q + at, from.ldq, probabilities + head * bytes, out + at);
    }
  }

  forwardHead({ kernels, counts }: Run, q: Pointer, ldq: number, p: Pointer, out: Pointer): void {
    const { rows, keys, size, keyPanels, valuePanels, valueStride } = this;
    const { channels, causal } = this.shape;
    const ldp = padded(keys);
    const scale = softmaxScale(size, 2 * this.queryKey);
    const scores = this.scratch.scores.at;
    const sums = this.scratch.gradients.at;
    const stride = panelStride(size);
    for (const { first, count: n, columns, real } of this.blocks) {
      const at = p + first * ldp * 2;
      const rowsOfQ = q + first * ldq * 2;
      const valid = causal ? keys - rows + first + 1 : keys;
      const step = causal ? 1 : 0;
      const to = out + first * channels * 2;
      kernels.gemm_i16i16i32(rowsOfQ, ldq, keyPanels, stride, scores, ldp, n, columns, size);
      kernels.softmax_forward_i32i16(scores, ldp, at, ldp, n, columns, valid, step, scale);
      kernels.gemm_i16i16i32(at, ldp, valuePanels, valueStride, sums, size, n, size, real);
      counts.saturated += kernels.requantize_i32i16(
        sums,
        size,
        to,
        channels,
        n,
        size,
        PROBABILITY_FRACTION,
        OPERAND_MAX,
        0,
      );
    }
  }

  /** Gradients of q, k and v (int16, laid out as `input` at the addresses of `to`) from dOut int16
   *  [T, C]. The exponents are then queryExponent and keyValueExponent. */
  backward(
    run: Run,
    dOut: Gradient,
    input: AttentionInput,
    probabilities: Pointer,
    to: AttentionInput,
  ): void {
    const bytes = this.rows * padded(this.keys) * 2;
    const { size } = this;
    this.place(input, to);
    for (let head = 0; head < this.shape.heads; head++)
      this.backwardHead(run, dOut, input, probabilities + head * bytes, head);
    if (input.isOne) {
      this.queryExponent = shareExponent(run, this.all, size);
      this.keyValueExponent = this.queryExponent;
    } else {
      this.queryExponent = shareExponent(run, this.query, size);
      this.keyValueExponent = shareExponent(run, this.keyValue, size);
    }
  }

  queryExponent!: number;
  keyValueExponent!: number;

  /** Where each head's gradients go, before and after rounding. */
  private place({ ldq, ldk, isOne }: AttentionInput, to: AttentionInput): void {
    const { rows, keys, size } = this;
    const rawQ = this.scratch.gradients.at;
    const rawK = rawQ + (isOne ? this.shape.channels * 4 : rows * ldq * 4);
    const rawV = rawK + (to.v - to.k) * 2;
    this.parts.forEach(({ dq, dk, dv }, head) => {
      const at = head * size * 2;
      setPart(dq, rawQ + at * 2, to.q + at, rows, ldq);
      setPart(dk, rawK + at * 2, to.k + at, keys, ldk);
      setPart(dv, rawV + at * 2, to.v + at, keys, ldk);
    });
  }

  private backwardHead(
    run: Run,
    dOut: Gradient,
    input: AttentionInput,
    p: Pointer,
    head: number,
  ): void {
    const { dq, dk, dv } = this.parts[head];
    const at = head * this.size * 2;
    const dO = dOut.at + at;
    const panels = this.scratch.panels.at;
    run.kernels.pack_nt_i16(input.v + at, input.ldk, this.size, this.keys, panels);
    const exponent = this.scoreGradient(run, dO, dOut.exponent, p);
    dq.exponent = exponent - this.queryKey;
    dk.exponent = dq.exponent;
    this.queryGradient(run, input.k + at, dq, input.ldk);
    this.keyGradient(run, this.dScores, input.q + at, input.ldq, dk);
    this.valueGradient(run, dO, p, dv);
    dv.exponent += dOut.exponent - PROBABILITY_FRACTION;
  }

  /** dq = dS k. */
  private queryGradient(run: Run, k: Pointer, dq: Part, ldk: number): void {
    const { keys, size } = this;
    const { kernels } = run;
    const ldp = padded(keys);
    const panels = this.scratch.panels.at;
    kernels.pack_nn_i16(k, ldk, keys, size, panels);
    for (const { first, count, real } of this.blocks) {
      const from = this.dScores + first * ldp * 2;
      const to = dq.at + first * dq.ld * 4;
      kernels.gemm_i16i16i32(from, ldp, panels, panelStride(keys), to, dq.ld, count, size, real);
    }
  }

  /** dk = dS^T q; dv = P^T dO. */
  private keyGradient(run: Run, a: Pointer, b: Pointer, ldb: number, part: Part): void {
    const { rows, size } = this;
    this.transposed(run, a, b, ldb, (from, panels, products, first, count) => {
      const to = part.at + first * part.ld * 4;
      const stride = panelStride(rows);
      const ldt = padded(rows);
      run.kernels.gemm_i16i16i32(from, ldt, panels, stride, to, part.ld, count, size, products);
    });
  }

  /** dv = P^T dO: a column of P may sum to T, so its sums need int64, in chunks of 16 products.
   *  But where none sums to 8, as is usual, int32 holds them (8 * 2^15 * 4095 < 2^30: no bit is
   *  shifted out either way), and below 16 a chunk does (< 2^31 - 2^15). What causal attention
   *  leaves out of P is 0 or of another sequence, and can only raise the sums. Leaves the shift in
   *  dv.exponent. */
  private valueGradient(run: Run, dO: Pointer, p: Pointer, dv: Part): void {
    const { rows, keys, size, scratch, shape } = this;
    const { kernels } = run;
    const wide = scratch.wide.at;
    const ldt = padded(rows);
    const most = kernels.l1_max_i16(p, rows, padded(keys), scratch.columnSums.at);
    const chunk = most < 2 * NARROW_L1 ? ldt : PROBABILITY_PRODUCTS;
    dv.exponent = 0;
    if (most < NARROW_L1) {
      this.keyGradient(run, p, dO, shape.channels, dv);
      return;
    }
    run.clear(wide, keys * size * 8);
    this.transposed(run, p, dO, shape.channels, (from, panels, products, first, count) => {
      const to = wide + first * size * 8;
      const stride = panelStride(rows);
      kernels.gemm_i16i16i64(from, ldt, panels, stride, to, size, count, size, products, chunk, 0);
    });
    const shift = Math.max(0, kernels.max_bits_i64(wide, keys * size) - 30);
    kernels.narrow_i64i32(wide, size, dv.at, dv.ld, keys, size, shift);
    dv.exponent = shift;
  }

  /** Multiplies the transpose of a int16 [T, Sp] by b int16 [T, D], a block of keys at a time:
   *  without the rows that are masked, `products` are left. */
  private transposed(
    run: Run,
    a: Pointer,
    b: Pointer,
    ldb: number,
    multiply: (
      from: Pointer,
      panels: Pointer,
      products: number,
      first: number,
      count: number,
    ) => void,
  ): void {
    const { rows, keys, size, scratch } = this;
    const ldp = padded(keys);
    const ldt = padded(rows);
    const panels = scratch.panels.at;
    const to = scratch.transposed.at;
    run.kernels.pack_nn_i16(b, ldb, rows, size, panels);
    for (const { first, count, real } of this.blocks) {
      run.kernels.transpose_i16(a + first * ldp * 2, ldp, count, real, to + first * 2, ldt);
    }
    const { causal } = this.shape;
    const block = causal ? BLOCK : keys;
    for (let first = 0; first < keys; first += block) {
      const start = causal ? first : 0;
      const from = to + (first * ldt + start) * 2;
      const count = Math.min(block, keys - first);
      multiply(from, panels + start * PANEL_ROW, rows - start, first, count);
    }
  }

  /** this.dScores = dS of one head as int16 operands (gradient of q k^T, the 1 / sqrt(D) included),
   *  where v's panels are ready; returns its exponent. They have 13 bits or, beyond 128 queries or
   *  keys, as many as keep every sum of products in a row or a column inside int32 (as
   *  layers/matrix.ts). */
  private scoreGradient(run: Run, dO: Pointer, dOutExponent: number, p: Pointer): number {
    const { rows, keys } = this;
    const ldp = padded(keys);
    const isLong = Math.max(rows, keys) > OPERAND_PRODUCTS;
    const max = this.rawScoreGradient(run, dO, p);
    const exponent = dOutExponent - this.value + this.root.exponent;
    if (isLong) this.clearRest(run);
    this.lastRows = rows;
    this.lastKeys = keys;
    for (let bound = OPERAND_MAX; ; bound >>= 1) {
      const shift = fitShift(max, exponent, bound);
      const saturated = this.roundScores(run, shift, bound);
      const { dScores } = this;
      const sums = this.scratch.columnSums.at;
      if (isLong && run.kernels.l1_max_i16(dScores, rows, ldp, sums) > OPERAND_L1_MAX) continue;
      run.counts.saturated += saturated;
      return fitExponent(shift, exponent, bound);
    }
  }

  /** dS of one head in this.scores, int32; returns its largest value. */
  private rawScoreGradient(run: Run, dO: Pointer, p: Pointer): number {
    const { kernels } = run;
    const { size, keys } = this;
    const { channels, causal } = this.shape;
    const ldp = padded(keys);
    const stride = panelStride(size);
    const panels = this.scratch.panels.at;
    let max = 0;
    for (const { first, count, columns } of this.blocks) {
      const at = this.scratch.scores.at + first * ldp * 4;
      const from = dO + first * channels * 2;
      const valid = causal ? first + 1 : keys;
      kernels.gemm_i16i16i32(from, channels, panels, stride, at, ldp, count, columns, size);
      kernels.softmax_backward_i16i32(
        p + first * ldp * 2,
        ldp,
        at,
        ldp,
        at,
        ldp,
        count,
        columns,
        valid,
        causal ? 1 : 0,
        this.root.factor,
      );
      max = Math.max(max, kernels.max_abs_i32(at, ldp, count, columns));
    }
    return max;
  }

  private roundScores(run: Run, shift: number, bound: number): number {
    const ldp = padded(this.keys);
    let saturated = 0;
    for (const { first, count, columns } of this.blocks) {
      const from = this.scratch.scores.at + first * ldp * 4;
      const to = this.dScores + first * ldp * 2;
      saturated += run.kernels.requantize_i32i16(
        from,
        ldp,
        to,
        ldp,
        count,
        columns,
        shift,
        bound,
        0,
      );
    }
    return saturated;
  }

  /** What causal blocks leave out of [T, Sp] is measured too, so it must be zero: it stays so until
   *  another size uses the place. */
  private clearRest(run: Run): void {
    const { rows, keys } = this;
    if (this.lastRows === rows && this.lastKeys === keys) return;
    run.clear(this.dScores, rows * padded(keys) * 2);
  }
}

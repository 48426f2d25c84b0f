// BLRNet (Peters, Welling 2018): weights are random signs, each with a probability of its own. Here
// are sums of them, as means and variances, and the way back; binary.mjs makes layers of these.

import { packedBytes, panelStride, UsageError } from 'retrograd';

/** 1 of means of signs and of weights; 1 of sums. */
export const ONE = 2 ** 11;
export const UNIT = 2 ** 16;
/** The largest weight that is multiplied, as some are at first, and the largest gradient. */
const WEIGHT_MAX = 1.5 * ONE;
const GRADIENT_MAX = 2047;

export const half = (x) => Math.floor(x + 0.5);
/** The least c with which values are within limit * 2^c. */
function cutOf(values, limit) {
  let [most, cut] = [limit, 0];
  for (let i = 0; i < values.length; i++) most = Math.max(most, values[i], -values[i]);
  while (most > limit * 2 ** cut) cut++;
  return cut;
}

/** Sums of every row of x, operand [rows, K], with weights that are random signs [out, K]: their
 *  means, kept as a parameter, are twice a probability less 1. x are means of random signs as well
 *  or, if `isKnown`, values. Outside of stacks. All products are exact: with |w| <= 1.5, sums of
 *  w^2 x^2 in steps of 2^-22 stay below 2^31 for |x| <= 1 and K <= 227, or |x| <= 2 and K <= 56;
 *  those of gradients for rows <= 128 and out <= 227. Throws UsageError beyond. */
export class RandomSums {
  needsInput = true;

  constructor(at, { rows, K, out, name, isKnown }) {
    if (K > 227 || rows > 128 || out > 227)
      throw new UsageError(`${name} has ${rows} rows of ${K} numbers and ${out} outputs`);
    const mean = { name: `${name}.mean`, shape: [out, K], init: { deviation: 0.5 }, decays: true };
    const offset = { name: `${name}.offset`, shape: [out], init: { value: 0 }, decays: false };
    Object.assign(this, { rows, K, out, isKnown });
    [this.weight, this.offset] = [at.parameter(mean)[0], at.parameter(offset)[0]];
    const place = (bytes) => at.own(bytes);
    [this.w, this.P] = [out * K * 2, out * K * 2].map(place);
    [this.wForward, this.PForward] = [packedBytes(K, out), packedBytes(K, out)].map(place);
    [this.wBack, this.PBack] = [packedBytes(out, K), packedBytes(out, K)].map(place);
    [this.x2, this.panels] = [rows * K * 2, packedBytes(rows, K)].map(place);
    [this.dm, this.dv, this.turned] = [out, out, out].map((n) => place(rows * n * 2));
    [this.means, this.variances, this.dw] = [rows * out * 4, rows * out * 4, out * K * 4].map(
      place,
    );
    [this.dw2, this.dx, this.dx2] = [out * K * 4, rows * K * 4, rows * K * 4].map(place);
    this.own({ D: rows * out, V: rows * out, dD: rows * out, dV: rows * out, b: out, db: out });
  }

  /** Fields of so many whole numbers each. */
  own(sizes) {
    for (const [field, size] of Object.entries(sizes)) this[field] = new Float64Array(size);
  }

  saved() {}

  /** Weights w, and P by which squares of x add to variances: a variance is the sum of
   *  x^2 - w^2 x^2 if x is known, else of 1 - w^2 x^2. */
  prepare({ kernels, int16, int32 }) {
    const { K, out, w, P, isKnown, offset, b } = this;
    kernels.quantize_i32i16(this.weight.master, w, out * K, 24 - 11, WEIGHT_MAX);
    for (let i = 0; i < out * K; i++) {
      const each = int16[w / 2 + i];
      int16[P / 2 + i] = (isKnown ? ONE : 0) - ((each * each) >> 11);
    }
    kernels.pack_nt_i16(w, K, K, out, this.wForward);
    kernels.pack_nt_i16(P, K, K, out, this.PForward);
    kernels.pack_nn_i16(w, K, out, K, this.wBack);
    kernels.pack_nn_i16(P, K, out, K, this.PBack);
    for (let o = 0; o < out; o++) b[o] = half(int32[offset.master / 4 + o] / 2 ** 8);
  }

  /** Means D and variances V of all sums, rounded to 16 fraction bits. */
  sums({ kernels, int16, int32 }, { at, fraction }) {
    const { rows, K, out, x2, means, variances, D, V, isKnown } = this;
    const [shift, unit] = [2 * fraction - 11, 2 ** (fraction - 5)];
    for (let i = 0; i < rows * K; i++) {
      const x = int16[at / 2 + i];
      int16[x2 / 2 + i] = (x * x) >> shift;
    }
    const { gemm_i16i16i32: multiply } = kernels;
    multiply(at, K, this.wForward, panelStride(K), means, out, rows, out, K);
    multiply(x2, K, this.PForward, panelStride(K), variances, out, rows, out, K);
    for (let i = 0; i < rows * out; i++) {
      D[i] = half(int32[means / 4 + i] / unit);
      V[i] = Math.max(0, half(int32[variances / 4 + i] / 64) + (isKnown ? 0 : K * UNIT));
    }
  }

  /** d, operand [rows, out], times panels of w or P to `toX`, and d^T x to `toW`: int32. */
  products({ kernels }, { d, panels, x, toX, toW }) {
    const { rows, K, out, turned } = this;
    const { gemm_i16i16i32: multiply } = kernels;
    multiply(d, out, panels, panelStride(out), toX, K, rows, K, out);
    kernels.transpose_i16(d, out, rows, out, turned, rows);
    kernels.pack_nn_i16(x, K, rows, K, this.panels);
    multiply(turned, rows, this.panels, panelStride(rows), toW, K, out, K, rows);
  }

  /** From dD and dV of sums and db of offsets, in steps of 2^exponent, gradients of x and of the
   *  parameters: dx = dD w + 2 x (dV P), dw = dD^T x - 2 w (dV^T x^2). */
  backwardSums(run, exponent, { at, fraction }, to) {
    const { rows, K, out, w, wBack, PBack, x2, dm, dv, dx, dx2, dw, dw2, dD, dV } = this;
    const { int16, int32 } = run;
    const cut = Math.max(cutOf(dD, GRADIENT_MAX), cutOf(dV, GRADIENT_MAX));
    const [scale, unit] = [2 ** cut, 2 ** fraction];
    for (let i = 0; i < rows * out; i++) {
      int16[dm / 2 + i] = half(dD[i] / scale);
      int16[dv / 2 + i] = half(dV[i] / scale);
    }
    this.products(run, { d: dm, panels: wBack, x: at, toX: dx, toW: dw });
    this.products(run, { d: dv, panels: PBack, x: x2, toX: dx2, toW: dw2 });
    for (let i = 0; i < out * K; i++) {
      const twice = 2 * int16[w / 2 + i] * int32[dw2 / 4 + i];
      int32[dw / 4 + i] = half((int32[dw / 4 + i] * 2 ** 7) / unit - twice / 2 ** 15);
    }
    this.add(run, this.weight, dw, exponent + cut - 7);
    const offsets = cutOf(this.db, 2 ** 30);
    run.view(dw2, out).set(this.db.map((d) => half(d / 2 ** offsets)));
    this.add(run, this.offset, dw2, exponent + offsets);
    if (to === undefined) return;
    for (let i = 0; i < rows * K; i++) {
      const twice = 2 * int16[at / 2 + i] * int32[dx2 / 4 + i];
      int32[to.at / 4 + i] = half(int32[dx / 4 + i] / 2 ** 5 + twice / 2 ** 5 / unit);
    }
    to.exponent = exponent + cut - 6;
  }

  /** Adds int32s times 2^exponent to a parameter's gradient. */
  add(run, { gradient, lock, size }, at, exponent) {
    if (gradient === 0) return; // frozen
    const shift = Math.max(-31, exponent + 28);
    const { embedding_backward_i32i64: sum } = run.kernels;
    run.team.exclusive(lock, () => sum(0, at, 0, gradient, 1, size, shift));
  }
}

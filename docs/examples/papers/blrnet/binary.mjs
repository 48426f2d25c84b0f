// A layer of sums of random signs: normalised as random numbers, then their signs.

import { normals } from 'retrograd';
import { half, ONE, RandomSums, UNIT } from './model.mjs';
import { normalSign } from './sign.mjs';

/** The least deviation on the way back. */
const LEAST = UNIT / 16;
/** A logit is that many deviations of a sum. */
const GAIN = 4;

const clamp = (x, limit) => Math.min(limit, Math.max(-limit, x));

/** Sums of every row, normalised, to the means of their signs: operand [rows, in] to operand
 *  [rows, out], or, if it is the last, to logits, branch. x are means of random signs or, if
 *  `isKnown`, values. With a softness above 0 sums are drawn, by noise of a `stream`, and their
 *  signs, relaxed by it, are what flows. */
export const binary = (out, { isLast = false, softness = 0, stream = 0, ...given }) => ({
  takes: ['operand'],
  output: ({ rows }) => ({ kind: isLast ? 'branch' : 'operand', rows, columns: out }),
  plan: (at, { rows, columns: K }) =>
    new Binary(at, { rows, K, out, isKnown: false, ...given }, { isLast, softness, stream }),
});

class Binary extends RandomSums {
  constructor(at, shape, { isLast, softness, stream }) {
    super(at, shape);
    const { rows, out } = shape;
    Object.assign(this, { isLast, softness, stream });
    this.noise = at.scratch('noise of signs', rows * out * 4);
    this.own({ S: rows, by: rows * out, z: rows * out, y: rows * out });
  }

  prepare(run, _, y) {
    super.prepare(run);
    if (!this.isLast) y.fraction = 11;
    y.range.deviation = 1;
  }

  /** S, the root of the mean D^2 + V of a row, after D lost its mean: the law of total variance.
   *  |D|, V < 2^26: squares in steps of 2^-16 sum to less than 2^44. */
  normalise(r) {
    const { out, D, V, S } = this;
    let [mean, square] = [0, 0];
    for (let i = r * out; i < r * out + out; i++) mean += D[i];
    mean = half(mean / out);
    for (let i = r * out; i < r * out + out; i++) {
      D[i] -= mean;
      square += Math.floor(D[i] / 256) ** 2 + V[i];
    }
    S[r] = Math.floor(Math.sqrt((Math.floor(square / out) + 1) * UNIT));
  }

  /** z = (D + b S) / deviation and y, what a sign is made of. Half a step is added, so that a sum
   *  without variance has a sure sign. */
  compute(run, x) {
    const { rows, out, D, V, S, by, z, y, b, isLast, softness } = this;
    this.sums(run, x);
    for (let r = 0; r < rows; r++) this.normalise(r);
    if (softness > 0) normals(run, this.noise.at, D.length, ONE, this.stream);
    for (let i = 0; i < D.length; i++) {
      const s = S[Math.floor(i / out)];
      by[i] = isLast ? s / GAIN : Math.max(1 / 8, Math.floor(Math.sqrt(V[i] * UNIT)));
      const sum = D[i] + half((b[i % out] * s) / UNIT) + 0.5;
      z[i] = clamp(half((sum * ONE) / by[i]), 64 * ONE);
      const drawn =
        softness > 0 ? half((z[i] + run.int32[this.noise.at / 4 + i]) / softness) : z[i];
      y[i] = isLast ? z[i] : clamp(drawn, 4 * ONE);
    }
  }

  forward(run, x, _, to) {
    const { y, isLast } = this;
    const { at } = to;
    to.rows = this.rows;
    this.compute(run, x);
    for (let i = 0; i < y.length; i++)
      if (isLast) run.int32[at / 4 + i] = y[i] * 32;
      else run.int16[at / 2 + i] = Math.sign(y[i]) * normalSign.means[Math.abs(y[i])];
  }

  /** The gradient of z of sum i by its deviation. */
  slope(i) {
    if (this.isLast) return 2 ** 14;
    return normalSign.slopes[Math.abs(this.y[i])] / (this.softness || 1);
  }

  /** The way back of row r: dD and dV, and what it adds to db, in steps of 2^-4 of dy's. */
  backwardRow({ int32 }, dy, r) {
    const { out, D, S, by, z, dD, dV, b, db, isLast } = this;
    let [dS, mean] = [0, 0];
    for (let o = 0, i = r * out; o < out; o++, i++) {
      const deviation = Math.max(LEAST, by[i]);
      dD[i] = half((int32[dy.at / 4 + i] * this.slope(i) * 64) / deviation);
      dV[i] = isLast ? 0 : -half((dD[i] * z[i] * 16) / deviation);
      dS += half(dD[i] * (isLast ? -D[i] / S[r] : b[o] / UNIT));
      db[o] += half((dD[i] * S[r]) / UNIT);
    }
    for (let i = r * out; i < r * out + out; i++) {
      dD[i] += half((dS * D[i]) / (S[r] * out));
      dV[i] += half((dS * UNIT) / (2 * S[r] * out));
      mean += dD[i];
    }
    for (let i = r * out; i < r * out + out; i++) dD[i] -= half(mean / out);
  }

  backward(run, dy, x, _, dx) {
    this.compute(run, x);
    this.db.fill(0);
    for (let r = 0; r < this.rows; r++) this.backwardRow(run, dy, r);
    this.backwardSums(run, dy.exponent - 4, x, dx);
  }
}

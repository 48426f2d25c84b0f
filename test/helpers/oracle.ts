// The float64 oracle: the same GPT with the same master weights in double precision, without any
// quantisation, forward and backward by hand (llm.c's layer order), with every update rule of the
// residual stream. Slow and obvious; compared with by cosine.

import type { GptConfig } from '../../src/models/gpt.ts';

type Matrix = Float64Array;
export type Weights = Map<string, Float64Array>;

/** erf by its Taylor series (|x| < 3) or the continued fraction of erfc: 15 digits. */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a > 6) return Math.sign(x);
  if (a < 3) {
    let term = x;
    let sum = x;
    for (let n = 1; n < 100; n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let n = 60; n > 0; n--) fraction = n / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / (Math.sqrt(Math.PI) * (a + fraction)));
}
export const gelu = (x: number): number => 0.5 * x * (1 + erf(x / Math.SQRT2));
export const geluSlope = (x: number): number =>
  0.5 * (1 + erf(x / Math.SQRT2)) + (x * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);

/** y[T,O] = x[T,I] W[O,I]^T + b. */
function linear(
  x: Matrix,
  w: Matrix,
  b: Matrix | undefined,
  T: number,
  I: number,
  O: number,
): Matrix {
  const y = new Float64Array(T * O);
  for (let t = 0; t < T; t++)
    for (let o = 0; o < O; o++) {
      let sum = b ? b[o] : 0;
      for (let i = 0; i < I; i++) sum += x[t * I + i] * w[o * I + i];
      y[t * O + o] = sum;
    }
  return y;
}
function linearBackward(
  dy: Matrix,
  x: Matrix,
  w: Matrix,
  dw: Matrix,
  db: Matrix | undefined,
  T: number,
  I: number,
  O: number,
): Matrix {
  const dx = new Float64Array(T * I);
  for (let t = 0; t < T; t++)
    for (let o = 0; o < O; o++) {
      const g = dy[t * O + o];
      if (db) db[o] += g;
      for (let i = 0; i < I; i++) {
        dx[t * I + i] += g * w[o * I + i];
        dw[o * I + i] += g * x[t * I + i];
      }
    }
  return dx;
}
interface Norm {
  out: Matrix;
  xhat: Matrix;
  rstd: Matrix;
}
function norm(x: Matrix, gain: Matrix, bias: Matrix | undefined, T: number, C: number): Norm {
  const out = new Float64Array(T * C);
  const xhat = new Float64Array(T * C);
  const rstd = new Float64Array(T);
  for (let t = 0; t < T; t++) {
    const row = x.subarray(t * C, t * C + C);
    const mean = row.reduce((a, b) => a + b, 0) / C;
    rstd[t] = 1 / Math.sqrt(row.reduce((a, v) => a + (v - mean) ** 2, 0) / C + 1e-5);
    for (let i = 0; i < C; i++) {
      xhat[t * C + i] = (row[i] - mean) * rstd[t];
      out[t * C + i] = xhat[t * C + i] * gain[i] + (bias ? bias[i] : 0);
    }
  }
  return { out, xhat, rstd };
}
function normBackward(
  dy: Matrix,
  n: Norm,
  gain: Matrix,
  dGain: Matrix,
  dBias: Matrix | undefined,
  T: number,
  C: number,
): Matrix {
  const dx = new Float64Array(T * C);
  for (let t = 0; t < T; t++) {
    let a = 0;
    let b = 0;
    for (let i = 0; i < C; i++) {
      const j = t * C + i;
      dGain[i] += dy[j] * n.xhat[j];
      if (dBias) dBias[i] += dy[j];
      a += dy[j] * gain[i];
      b += dy[j] * gain[i] * n.xhat[j];
    }
    for (let i = 0; i < C; i++)
      dx[t * C + i] = n.rstd[t] * (dy[t * C + i] * gain[i] - a / C - (n.xhat[t * C + i] * b) / C);
  }
  return dx;
}
function attention(qkv: Matrix, T: number, C: number, H: number): { out: Matrix; p: Matrix } {
  const D = C / H;
  const out = new Float64Array(T * C);
  const p = new Float64Array(H * T * T);
  for (let h = 0; h < H; h++)
    for (let t = 0; t < T; t++) {
      const row = p.subarray((h * T + t) * T, (h * T + t + 1) * T);
      let max = -Infinity;
      let sum = 0;
      for (let s = 0; s <= t; s++) {
        let dot = 0;
        for (let i = 0; i < D; i++)
          dot += qkv[t * 3 * C + h * D + i] * qkv[s * 3 * C + C + h * D + i];
        row[s] = dot / Math.sqrt(D);
        max = Math.max(max, row[s]);
      }
      for (let s = 0; s <= t; s++) sum += row[s] = Math.exp(row[s] - max);
      for (let s = 0; s <= t; s++) {
        row[s] /= sum;
        for (let i = 0; i < D; i++)
          out[t * C + h * D + i] += row[s] * qkv[s * 3 * C + 2 * C + h * D + i];
      }
    }
  return { out, p };
}
function attentionBackward(
  dOut: Matrix,
  qkv: Matrix,
  p: Matrix,
  T: number,
  C: number,
  H: number,
): Matrix {
  const D = C / H;
  const d = new Float64Array(T * 3 * C);
  const dp = new Float64Array(T);
  for (let h = 0; h < H; h++)
    for (let t = 0; t < T; t++) {
      const row = p.subarray((h * T + t) * T, (h * T + t + 1) * T);
      let dot = 0;
      for (let s = 0; s <= t; s++) {
        dp[s] = 0;
        for (let i = 0; i < D; i++) {
          const g = dOut[t * C + h * D + i];
          const v = s * 3 * C + 2 * C + h * D + i;
          dp[s] += g * qkv[v];
          d[v] += row[s] * g;
        }
        dot += row[s] * dp[s];
      }
      for (let s = 0; s <= t; s++) {
        const ds = (row[s] * (dp[s] - dot)) / Math.sqrt(D);
        for (let i = 0; i < D; i++) {
          const q = t * 3 * C + h * D + i;
          const k = s * 3 * C + C + h * D + i;
          d[q] += ds * qkv[k];
          d[k] += ds * qkv[q];
        }
      }
    }
  return d;
}

/** How blocks join the residual stream: an update rule with its numbers, block by block. gammas[k],
 *  betas[k]: those of block k (0: plain). */
export type Update = { gammas: readonly number[] } | { betas: readonly number[] } | 'coupling';

export interface OracleOptions {
  /** l rounds each state to l fraction bits as the model does (Q_l with a straight-through
   *  gradient, docs/reversibility.md); without it the states are not rounded. */
  readonly fraction?: number;
  /** What the output of sublayer `part` (0: attention, 1: MLP) of block k is multiplied by, element
   *  by element. */
  readonly mask?: (k: number, part: number) => ArrayLike<number>;
}

/** A function's value and its gradient: back(dL/dy) gives dL/dx and adds the parameters' gradients.
 */
interface Result {
  y: Matrix;
  back: (dy: Matrix) => Matrix;
}
type Branch = (k: number, x: Matrix) => Result;

const add = (...terms: [number, Matrix][]): Matrix =>
  Float64Array.from(terms[0][1], (_, i) => terms.reduce((sum, [f, m]) => sum + f * m[i], 0));

/** Loss summed over the tokens of one sequence; adds the gradient of every parameter. */
export function oracleSequence(
  config: Required<GptConfig>,
  weights: Weights,
  gradients: Weights,
  ids: Int32Array,
  targets: Int32Array,
  update: Update,
  options: OracleOptions = {},
): number {
  const { vocabulary: V, channels: C, heads: H, mlpRatio } = config;
  const { fraction, mask } = options;
  const T = ids.length;
  const M = mlpRatio * C;
  const w = (name: string): Matrix => weights.get(name)!;
  const g = (name: string): Matrix => gradients.get(name)!;
  const maybe = (map: Weights, name: string): Matrix | undefined => map.get(name);
  const rounded = (m: Matrix): Matrix =>
    fraction === undefined ? m : m.map((v) => Math.round(v * 2 ** fraction) / 2 ** fraction);
  const normed = (name: string, x: Matrix): Result => {
    const n = norm(x, w(`${name}.gain`), maybe(weights, `${name}.bias`), T, C);
    return {
      y: n.out,
      back: (dy) =>
        normBackward(
          dy,
          n,
          w(`${name}.gain`),
          g(`${name}.gain`),
          maybe(gradients, `${name}.bias`),
          T,
          C,
        ),
    };
  };
  const dense = (name: string, x: Matrix, I: number, O: number): Result => ({
    y: linear(x, w(`${name}.weight`), maybe(weights, `${name}.bias`), T, I, O),
    back: (dy) =>
      linearBackward(
        dy,
        x,
        w(`${name}.weight`),
        g(`${name}.weight`),
        maybe(gradients, `${name}.bias`),
        T,
        I,
        O,
      ),
  });
  const masked = (k: number, part: number, y: Matrix): Matrix => {
    const factors = mask?.(k, part);
    return factors === undefined ? y : y.map((v, i) => v * factors[i]);
  };
  /** A(LN x). */
  const attend: Branch = (k, x) => {
    const n = normed(`block.${k}.norm1`, x);
    const qkv = dense(`block.${k}.qkv`, n.y, C, 3 * C);
    const { out, p } = attention(qkv.y, T, C, H);
    const projection = dense(`block.${k}.projection`, out, C, C);
    return {
      y: masked(k, 0, projection.y),
      back: (dy) =>
        n.back(qkv.back(attentionBackward(projection.back(masked(k, 0, dy)), qkv.y, p, T, C, H))),
    };
  };
  /** F(LN x). */
  const feed: Branch = (k, x) => {
    const n = normed(`block.${k}.norm2`, x);
    const up = dense(`block.${k}.up`, n.y, C, M);
    const down = dense(`block.${k}.down`, up.y.map(gelu), M, C);
    return {
      y: masked(k, 1, down.y),
      back: (dy) =>
        n.back(up.back(down.back(masked(k, 1, dy)).map((v, i) => v * geluSlope(up.y[i])))),
    };
  };
  /** h(x) = y1 + F(LN(x + y1)), y1 = A(LN x). */
  const block: Branch = (k, x) => {
    const one = attend(k, x);
    const two = feed(k, add([1, x], [1, one.y]));
    return {
      y: add([1, one.y], [1, two.y]),
      back: (dh) => {
        const dz = two.back(dh);
        return add([1, dz], [1, one.back(add([1, dh], [1, dz]))]);
      },
    };
  };

  const x0 = new Float64Array(T * C);
  for (let t = 0; t < T; t++)
    for (let i = 0; i < C; i++)
      x0[t * C + i] = w('token.weight')[ids[t] * C + i] + w('position.weight')[t * C + i];
  const stream = streamOf(update, config.layers, rounded(x0), rounded, block, attend, feed);

  const final = normed('norm', stream.y);
  const head = dense(config.tied ? 'token' : 'head', final.y, C, V);
  const logits = head.y;
  let loss = 0;
  for (let t = 0; t < T; t++) {
    const row = logits.subarray(t * V, t * V + V);
    const max = Math.max(...row);
    let sum = 0;
    for (const v of row) sum += Math.exp(v - max);
    loss += Math.log(sum) + max - row[targets[t]];
    for (let v = 0; v < V; v++) row[v] = Math.exp(row[v] - max) / sum - (v === targets[t] ? 1 : 0);
  }
  const dx0 = stream.back(final.back(head.back(logits)));
  for (let t = 0; t < T; t++)
    for (let i = 0; i < C; i++) {
      g('token.weight')[ids[t] * C + i] += dx0[t * C + i];
      g('position.weight')[t * C + i] += dx0[t * C + i];
    }
  return loss;
}

/** The residual stream of L blocks from x_0 to what the head sees. */
function streamOf(
  update: Update,
  L: number,
  x0: Matrix,
  rounded: (m: Matrix) => Matrix,
  block: Branch,
  attend: Branch,
  feed: Branch,
): Result {
  const zero = new Float64Array(x0.length);
  const backs: Result['back'][] = [];
  if (update === 'coupling') {
    // y1 = x1 + A(x2), y2 = x2 + F(y1); the head sees y1 + y2
    let x1 = x0;
    let x2 = x0;
    const second: Result['back'][] = [];
    for (let k = 0; k < L; k++) {
      const one = attend(k, x2);
      x1 = rounded(add([1, x1], [1, one.y]));
      const two = feed(k, x1);
      x2 = rounded(add([1, x2], [1, two.y]));
      backs.push(one.back);
      second.push(two.back);
    }
    return {
      y: add([1, x1], [1, x2]),
      back: (dy) => {
        let a = dy;
        let b = dy;
        for (let k = L - 1; k >= 0; k--) {
          a = add([1, a], [1, second[k](b)]);
          b = add([1, b], [1, backs[k](a)]);
        }
        return add([1, a], [1, b]);
      },
    };
  }
  if ('betas' in update) {
    // v_{k+1} = beta v_k + (1 - beta) h, x_{k+1} = x_k + v_{k+1}
    let x = x0;
    let v: Matrix = zero;
    for (let k = 0; k < L; k++) {
      const beta = update.betas[k];
      const h = block(k, x);
      v = add([beta, v], [1 - beta, h.y]);
      x = rounded(add([1, x], [1, v]));
      backs.push(h.back);
    }
    return {
      y: x,
      back: (dy) => {
        let dx = dy;
        let dv: Matrix = zero;
        for (let k = L - 1; k >= 0; k--) {
          const beta = update.betas[k];
          const sum = add([1, dv], [1, dx]);
          dx = add([1, dx], [1, backs[k](add([1 - beta, sum]))]);
          dv = add([beta, sum]);
        }
        return dx;
      },
    };
  }
  let x = x0;
  let previous: Matrix = zero; // x_{k+1} = gamma x_{k-1} + (1 - gamma) x_k + (1 + gamma) h
  for (let k = 0; k < L; k++) {
    const gamma = update.gammas[k];
    const h = block(k, x);
    [x, previous] = [rounded(add([gamma, previous], [1 - gamma, x], [1 + gamma, h.y])), x];
    backs.push(h.back);
  }
  return {
    y: x,
    back: (dy) => {
      let a = dy;
      let b: Matrix = zero;
      for (let k = L - 1; k >= 0; k--) {
        const gamma = update.gammas[k];
        [a, b] = [add([1, b], [1 - gamma, a], [1, backs[k](add([1 + gamma, a]))]), add([gamma, a])];
      }
      return a;
    },
  };
}

/** Cosine of the angle between two vectors; 1 for two zero vectors. */
export function cosineOf(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let ab = 0;
  let aa = 0;
  let bb = 0;
  for (let i = 0; i < a.length; i++) {
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return aa === 0 && bb === 0 ? 1 : ab / Math.sqrt(aa * bb);
}

// Layers in double precision, forward and backward by hand (llm.c's layer order). Slow and obvious.

/** Rows of numbers, one after the other. */
export type Matrix = Float64Array;

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

interface LinearShape {
  T: number;
  I: number;
  O: number;
}
/** y[T,O] = x[T,I] W[O,I]^T + b. */
export function linear(
  x: Matrix,
  w: Matrix,
  b: Matrix | undefined,
  { T, I, O }: LinearShape,
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
/** dx; adds to dw and db. */
export function linearBackward(
  dy: Matrix,
  x: Matrix,
  { w, dw, db }: { w: Matrix; dw: Matrix; db: Matrix | undefined },
  { T, I, O }: LinearShape,
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
/** A layer norm with what its gradient needs. */
export interface Norm {
  out: Matrix;
  xhat: Matrix;
  rstd: Matrix;
}
export function norm(
  x: Matrix,
  gain: Matrix,
  bias: Matrix | undefined,
  T: number,
  C: number,
): Norm {
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
/** dx; adds to dGain and dBias. */
export function normBackward(
  dy: Matrix,
  n: Norm,
  { gain, dGain, dBias }: { gain: Matrix; dGain: Matrix; dBias: Matrix | undefined },
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
/** The sum of products of two rows. */
const dot = (a: Matrix, b: Matrix): number => a.reduce((sum, v, i) => sum + v * b[i], 0);
/** to += factor from. */
function addScaled(to: Matrix, from: Matrix, factor: number): void {
  for (let i = 0; i < to.length; i++) to[i] += factor * from[i];
}
/** Softmax, in place. */
function softmax(row: Matrix): void {
  const max = Math.max(...row);
  for (let s = 0; s < row.length; s++) row[s] = Math.exp(row[s] - max);
  const sum = row.reduce((a, b) => a + b, 0);
  for (let s = 0; s < row.length; s++) row[s] /= sum;
}

interface AttentionShape {
  T: number;
  C: number;
  H: number;
}
/** Row t of q, k or v (0, 1, 2) of head h in rows of 3 C numbers. */
const partOf =
  (qkv: Matrix, { C, H }: AttentionShape) =>
  (which: number, h: number, t: number): Matrix => {
    const at = t * 3 * C + which * C + (h * C) / H;
    return qkv.subarray(at, at + C / H);
  };
/** Causal attention, and its probabilities [H, T, T]. */
export function attention(qkv: Matrix, shape: AttentionShape): { out: Matrix; p: Matrix } {
  const { T, C, H } = shape;
  const D = C / H;
  const out = new Float64Array(T * C);
  const p = new Float64Array(H * T * T);
  const part = partOf(qkv, shape);
  for (let h = 0; h < H; h++)
    for (let t = 0; t < T; t++) {
      const row = p.subarray((h * T + t) * T, (h * T + t) * T + t + 1);
      for (let s = 0; s <= t; s++) row[s] = dot(part(0, h, t), part(1, h, s)) / Math.sqrt(D);
      softmax(row);
      const sum = out.subarray(t * C + h * D, t * C + h * D + D);
      for (let s = 0; s <= t; s++) addScaled(sum, part(2, h, s), row[s]);
    }
  return { out, p };
}
/** The gradient of q, k and v. */
export function attentionBackward(
  dOut: Matrix,
  qkv: Matrix,
  p: Matrix,
  shape: AttentionShape,
): Matrix {
  const { T, C, H } = shape;
  const D = C / H;
  const d = new Float64Array(T * 3 * C);
  const part = partOf(qkv, shape);
  const dPart = partOf(d, shape);
  for (let h = 0; h < H; h++)
    for (let t = 0; t < T; t++) {
      const row = p.subarray((h * T + t) * T, (h * T + t) * T + t + 1);
      const g = dOut.subarray(t * C + h * D, t * C + h * D + D);
      const dp = row.map((_, s) => dot(g, part(2, h, s)));
      const mean = dot(row, dp);
      for (let s = 0; s <= t; s++) {
        const ds = (row[s] * (dp[s] - mean)) / Math.sqrt(D);
        addScaled(dPart(2, h, s), g, row[s]);
        addScaled(dPart(0, h, t), part(1, h, s), ds);
        addScaled(dPart(1, h, s), part(0, h, t), ds);
      }
    }
  return d;
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

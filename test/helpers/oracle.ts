// The float64 oracle: the same GPT with the same master weights in double precision, without any quantisation, forward and
// backward by hand (llm.c's layer order), with the BDIA residual for given signs. Slow and obvious; compared with by cosine.

import type { GptConfig } from '../../src/models/gpt-config.ts';

type Matrix = Float64Array;
export type Weights = Map<string, Float64Array>;

/** erf by its Taylor series (|x| < 3) or the continued fraction of erfc: 15 digits. */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a > 6) return Math.sign(x);
  if (a < 3) {
    let term = x, sum = x;
    for (let n = 1; n < 100; n++) { term *= (-x * x) / n; sum += term / (2 * n + 1); }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let n = 60; n > 0; n--) fraction = n / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / (Math.sqrt(Math.PI) * (a + fraction)));
}
export const gelu = (x: number): number => 0.5 * x * (1 + erf(x / Math.SQRT2));
export const geluSlope = (x: number): number => 0.5 * (1 + erf(x / Math.SQRT2)) + (x * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);

/** y[T,O] = x[T,I] W[O,I]^T + b. */
function linear(x: Matrix, w: Matrix, b: Matrix | undefined, T: number, I: number, O: number): Matrix {
  const y = new Float64Array(T * O);
  for (let t = 0; t < T; t++) for (let o = 0; o < O; o++) {
    let sum = b ? b[o] : 0;
    for (let i = 0; i < I; i++) sum += x[t * I + i] * w[o * I + i];
    y[t * O + o] = sum;
  }
  return y;
}
function linearBackward(dy: Matrix, x: Matrix, w: Matrix, dw: Matrix, db: Matrix | undefined, T: number, I: number, O: number): Matrix {
  const dx = new Float64Array(T * I);
  for (let t = 0; t < T; t++) for (let o = 0; o < O; o++) {
    const g = dy[t * O + o];
    if (db) db[o] += g;
    for (let i = 0; i < I; i++) { dx[t * I + i] += g * w[o * I + i]; dw[o * I + i] += g * x[t * I + i]; }
  }
  return dx;
}
interface Norm { out: Matrix; xhat: Matrix; rstd: Matrix }
function norm(x: Matrix, gain: Matrix, bias: Matrix | undefined, T: number, C: number): Norm {
  const out = new Float64Array(T * C), xhat = new Float64Array(T * C), rstd = new Float64Array(T);
  for (let t = 0; t < T; t++) {
    const row = x.subarray(t * C, t * C + C), mean = row.reduce((a, b) => a + b, 0) / C;
    rstd[t] = 1 / Math.sqrt(row.reduce((a, v) => a + (v - mean) ** 2, 0) / C + 1e-5);
    for (let i = 0; i < C; i++) { xhat[t * C + i] = (row[i] - mean) * rstd[t]; out[t * C + i] = xhat[t * C + i] * gain[i] + (bias ? bias[i] : 0); }
  }
  return { out, xhat, rstd };
}
function normBackward(dy: Matrix, n: Norm, gain: Matrix, dGain: Matrix, dBias: Matrix | undefined, T: number, C: number): Matrix {
  const dx = new Float64Array(T * C);
  for (let t = 0; t < T; t++) {
    let a = 0, b = 0;
    for (let i = 0; i < C; i++) {
      const j = t * C + i;
      dGain[i] += dy[j] * n.xhat[j];
      if (dBias) dBias[i] += dy[j];
      a += dy[j] * gain[i]; b += dy[j] * gain[i] * n.xhat[j];
    }
    for (let i = 0; i < C; i++) dx[t * C + i] = n.rstd[t] * (dy[t * C + i] * gain[i] - a / C - (n.xhat[t * C + i] * b) / C);
  }
  return dx;
}
function attention(qkv: Matrix, T: number, C: number, H: number): { out: Matrix; p: Matrix } {
  const D = C / H, out = new Float64Array(T * C), p = new Float64Array(H * T * T);
  for (let h = 0; h < H; h++) for (let t = 0; t < T; t++) {
    const row = p.subarray((h * T + t) * T, (h * T + t + 1) * T);
    let max = -Infinity, sum = 0;
    for (let s = 0; s <= t; s++) {
      let dot = 0;
      for (let i = 0; i < D; i++) dot += qkv[t * 3 * C + h * D + i] * qkv[s * 3 * C + C + h * D + i];
      row[s] = dot / Math.sqrt(D);
      max = Math.max(max, row[s]);
    }
    for (let s = 0; s <= t; s++) sum += row[s] = Math.exp(row[s] - max);
    for (let s = 0; s <= t; s++) {
      row[s] /= sum;
      for (let i = 0; i < D; i++) out[t * C + h * D + i] += row[s] * qkv[s * 3 * C + 2 * C + h * D + i];
    }
  }
  return { out, p };
}
function attentionBackward(dOut: Matrix, qkv: Matrix, p: Matrix, T: number, C: number, H: number): Matrix {
  const D = C / H, d = new Float64Array(T * 3 * C), dp = new Float64Array(T);
  for (let h = 0; h < H; h++) for (let t = 0; t < T; t++) {
    const row = p.subarray((h * T + t) * T, (h * T + t + 1) * T);
    let dot = 0;
    for (let s = 0; s <= t; s++) {
      dp[s] = 0;
      for (let i = 0; i < D; i++) {
        const g = dOut[t * C + h * D + i], v = s * 3 * C + 2 * C + h * D + i;
        dp[s] += g * qkv[v]; d[v] += row[s] * g;
      }
      dot += row[s] * dp[s];
    }
    for (let s = 0; s <= t; s++) {
      const ds = (row[s] * (dp[s] - dot)) / Math.sqrt(D);
      for (let i = 0; i < D; i++) {
        const q = t * 3 * C + h * D + i, k = s * 3 * C + C + h * D + i;
        d[q] += ds * qkv[k]; d[k] += ds * qkv[q];
      }
    }
  }
  return d;
}

/** Loss summed over the tokens of one sequence; adds the gradient of every parameter. gammas[k] is block k's gamma (0: plain).
 *  fraction = l rounds each state to l fraction bits as the model does (Q_l with a straight-through gradient, docs/reversibility.md);
 *  without it the states are not rounded. */
export function oracleSequence(config: Required<GptConfig>, weights: Weights, gradients: Weights, ids: Int32Array, targets: Int32Array, gammas: readonly number[], fraction?: number): number {
  const { vocabulary: V, layers: L, channels: C, heads: H, mlpRatio } = config, T = ids.length, M = mlpRatio * C;
  const w = (name: string): Matrix => weights.get(name)!, g = (name: string): Matrix => gradients.get(name)!;
  const maybe = (map: Weights, name: string): Matrix | undefined => map.get(name);
  const add = (...terms: [number, Matrix][]): Matrix => Float64Array.from(terms[0][1], (_, i) => terms.reduce((sum, [f, m]) => sum + f * m[i], 0));
  const x: Matrix[] = [new Float64Array(T * C)];
  for (let t = 0; t < T; t++) for (let i = 0; i < C; i++) x[0][t * C + i] = w('token.weight')[ids[t] * C + i] + w('position.weight')[t * C + i];
  const rounded = (m: Matrix): Matrix => (fraction === undefined ? m : m.map((v) => Math.round(v * 2 ** fraction) / 2 ** fraction));
  x[0] = rounded(x[0]);
  const saved = [];
  for (let k = 0; k < L; k++) {
    const b = `block.${k}`;
    const n1 = norm(x[k], w(`${b}.norm1.gain`), maybe(weights, `${b}.norm1.bias`), T, C);
    const qkv = linear(n1.out, w(`${b}.qkv.weight`), maybe(weights, `${b}.qkv.bias`), T, C, 3 * C);
    const { out, p } = attention(qkv, T, C, H);
    const y1 = linear(out, w(`${b}.projection.weight`), maybe(weights, `${b}.projection.bias`), T, C, C);
    const n2 = norm(add([1, x[k]], [1, y1]), w(`${b}.norm2.gain`), maybe(weights, `${b}.norm2.bias`), T, C);
    const up = linear(n2.out, w(`${b}.up.weight`), maybe(weights, `${b}.up.bias`), T, C, M), act = up.map(gelu);
    const h = add([1, y1], [1, linear(act, w(`${b}.down.weight`), maybe(weights, `${b}.down.bias`), T, M, C)]);
    saved.push({ n1, qkv, out, p, n2, up, act });
    const gamma = k > 0 ? gammas[k] : 0;
    x.push(rounded(k > 0 ? add([gamma, x[k - 1]], [1 - gamma, x[k]], [1 + gamma, h]) : add([1, x[k]], [1, h])));
  }
  const headName = config.tied ? 'token.weight' : 'head.weight';
  const nf = norm(x[L], w('norm.gain'), maybe(weights, 'norm.bias'), T, C), logits = linear(nf.out, w(headName), undefined, T, C, V);
  let loss = 0;
  for (let t = 0; t < T; t++) {
    const row = logits.subarray(t * V, t * V + V), max = Math.max(...row);
    let sum = 0;
    for (const v of row) sum += Math.exp(v - max);
    loss += Math.log(sum) + max - row[targets[t]];
    for (let v = 0; v < V; v++) row[v] = Math.exp(row[v] - max) / sum - (v === targets[t] ? 1 : 0);
  }
  const dn = linearBackward(logits, nf.out, w(headName), g(headName), undefined, T, C, V);
  let a = normBackward(dn, nf, w('norm.gain'), g('norm.gain'), maybe(gradients, 'norm.bias'), T, C), bPart: Matrix = new Float64Array(T * C);
  for (let k = L - 1; k >= 0; k--) {
    const b = `block.${k}`, s = saved[k], gamma = k > 0 ? gammas[k] : 0, dh = add([1 + gamma, a]);
    const dAct = linearBackward(dh, s.act, w(`${b}.down.weight`), g(`${b}.down.weight`), maybe(gradients, `${b}.down.bias`), T, M, C);
    const dUp = dAct.map((v, i) => v * geluSlope(s.up[i]));
    const dN2 = linearBackward(dUp, s.n2.out, w(`${b}.up.weight`), g(`${b}.up.weight`), maybe(gradients, `${b}.up.bias`), T, C, M);
    const dz = normBackward(dN2, s.n2, w(`${b}.norm2.gain`), g(`${b}.norm2.gain`), maybe(gradients, `${b}.norm2.bias`), T, C);
    const dOut = linearBackward(add([1, dh], [1, dz]), s.out, w(`${b}.projection.weight`), g(`${b}.projection.weight`), maybe(gradients, `${b}.projection.bias`), T, C, C);
    const dQkv = attentionBackward(dOut, s.qkv, s.p, T, C, H);
    const dN1 = linearBackward(dQkv, s.n1.out, w(`${b}.qkv.weight`), g(`${b}.qkv.weight`), maybe(gradients, `${b}.qkv.bias`), T, C, 3 * C);
    const dx = normBackward(dN1, s.n1, w(`${b}.norm1.gain`), g(`${b}.norm1.gain`), maybe(gradients, `${b}.norm1.bias`), T, C);
    [a, bPart] = [add([1, bPart], [1 - gamma, a], [1, dz], [1, dx]), add([gamma, a])];
  }
  const dx0 = a;
  for (let t = 0; t < T; t++) for (let i = 0; i < C; i++) {
    g('token.weight')[ids[t] * C + i] += dx0[t * C + i];
    g('position.weight')[t * C + i] += dx0[t * C + i];
  }
  return loss;
}

/** Cosine of the angle between two vectors; 1 for two zero vectors. */
export function cosineOf(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let ab = 0, aa = 0, bb = 0;
  for (let i = 0; i < a.length; i++) { ab += a[i] * b[i]; aa += a[i] * a[i]; bb += b[i] * b[i]; }
  return aa === 0 && bb === 0 ? 1 : ab / Math.sqrt(aa * bb);
}

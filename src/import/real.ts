// A transformer's forward pass in real numbers, for measuring how large its values become. Only
// operations whose last bit is specified are used, in a fixed order: what is measured decides
// formats, and formats decide bits.

/** e^x for x <= 0, within 1e-14 of it. */
export function exponential(x: number): number {
  if (x < -745) return 0;
  const n = Math.round(x / Math.LN2);
  const r = x - n * Math.LN2;
  let term = 1;
  let sum = 1;
  for (let i = 1; i < 20; i++) {
    term *= r / i;
    sum += term;
  }
  return sum * 2 ** n;
}

/** GELU by the logistic function of a cubic (gelu_new), within 5e-4 of the exact one. */
export function gelu(u: number): number {
  const z = 1.5957691216057308 * (u + 0.044715 * u * u * u);
  const e = exponential(-Math.abs(z));
  return z > 0 ? u / (1 + e) : (u * e) / (1 + e);
}

/** Rows of numbers. */
export interface Rows {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float64Array;
}

export const rowsOf = (rows: number, columns: number): Rows => ({
  rows,
  columns,
  values: new Float64Array(rows * columns),
});

/** The sum of a_i b_(from + i) in four parts, which do not wait for one another. */
function dot(a: Float32Array, b: Float64Array, from: number): number {
  const whole = a.length - (a.length % 4);
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  for (let i = 0; i < whole; i += 4) {
    s0 += a[i] * b[from + i];
    s1 += a[i + 1] * b[from + i + 1];
    s2 += a[i + 2] * b[from + i + 2];
    s3 += a[i + 3] * b[from + i + 3];
  }
  let sum = s0 + s1 + (s2 + s3);
  for (let i = whole; i < a.length; i++) sum += a[i] * b[from + i];
  return sum;
}

/** y = x W^T + b, W [out, in]. */
export function product(x: Rows, weight: Float32Array, bias: Float64Array | undefined): Rows {
  const { rows, columns: into, values } = x;
  const out = weight.length / into;
  const y = rowsOf(rows, out);
  for (let o = 0; o < out; o++) {
    const row = weight.subarray(o * into, (o + 1) * into);
    for (let t = 0; t < rows; t++)
      y.values[t * out + o] = (bias?.[o] ?? 0) + dot(row, values, t * into);
  }
  return y;
}

/** Layer norm of every row. */
export function normalised(
  x: Rows,
  gain: Float64Array,
  bias: Float64Array | undefined,
  epsilon: number,
): Rows {
  const { rows, columns: C, values } = x;
  const y = rowsOf(rows, C);
  for (let t = 0; t < rows; t++) {
    const row = values.subarray(t * C, (t + 1) * C);
    const mean = row.reduce((a, b) => a + b, 0) / C;
    const variance = row.reduce((a, b) => a + (b - mean) * (b - mean), 0) / C;
    const scale = 1 / Math.sqrt(variance + epsilon);
    for (let c = 0; c < C; c++)
      y.values[t * C + c] = (row[c] - mean) * scale * gain[c] + (bias?.[c] ?? 0);
  }
  return y;
}

/** The least variance of a row. */
export function leastVariance({ columns: C, values }: Rows): number {
  let least = Infinity;
  for (let at = 0; at < values.length; at += C) {
    const row = values.subarray(at, at + C);
    const mean = row.reduce((a, b) => a + b, 0) / C;
    least = Math.min(least, row.reduce((a, b) => a + (b - mean) * (b - mean), 0) / C);
  }
  return least;
}

/** One head's queries, keys and values in the rows of one matrix, and a row of its attention. */
class Head {
  private readonly scores: Float64Array;

  constructor(
    private readonly qkv: Rows,
    private readonly first: number,
    private readonly size: number,
  ) {
    this.scores = new Float64Array(qkv.rows);
  }

  /** Weights of the rows up to `last`, not divided by their sum, which is returned. */
  private weigh(t: number, last: number): number {
    const { scores, size, first } = this;
    const { columns, values } = this.qkv;
    const q = t * columns + first;
    for (let s = 0; s <= last; s++) {
      const k = s * columns + columns / 3 + first;
      let dot = 0;
      for (let d = 0; d < size; d++) dot += values[q + d] * values[k + d];
      scores[s] = dot / Math.sqrt(size);
    }
    const most = scores.subarray(0, last + 1).reduce((a, b) => Math.max(a, b), -Infinity);
    let total = 0;
    for (let s = 0; s <= last; s++) {
      scores[s] = exponential(scores[s] - most);
      total += scores[s];
    }
    return total;
  }

  /** Adds to out, at `at`, the mean of the values of the rows up to `last`, as row t sees them. */
  attend(t: number, last: number, out: Float64Array, at: number): void {
    const { scores, size, first } = this;
    const { columns, values } = this.qkv;
    const total = this.weigh(t, last);
    for (let s = 0; s <= last; s++) {
      const v = s * columns + (2 * columns) / 3 + first;
      for (let d = 0; d < size; d++) out[at + d] += (scores[s] / total) * values[v + d];
    }
  }
}

/** Attention of heads: qkv [T, 3C] to [T, C]. `causal`: to the rows before, else to all. */
export function attended(qkv: Rows, heads: number, causal: boolean): Rows {
  const { rows: T, columns } = qkv;
  const C = columns / 3;
  const y = rowsOf(T, C);
  for (let h = 0; h < heads; h++) {
    const first = (h * C) / heads;
    const head = new Head(qkv, first, C / heads);
    for (let t = 0; t < T; t++) head.attend(t, causal ? t : T - 1, y.values, t * C + first);
  }
  return y;
}

/** Adds b to a. */
export function add(a: Rows, b: Rows): void {
  for (let i = 0; i < a.values.length; i++) a.values[i] += b.values[i];
}

/** Raises the maxima of |value| of each column. */
export function raise(most: Float64Array, { columns, values }: Rows, from = 0): void {
  for (let i = 0; i < values.length; i++) {
    const c = (i % columns) - from;
    if (c >= 0 && c < most.length) most[c] = Math.max(most[c], Math.abs(values[i]));
  }
}

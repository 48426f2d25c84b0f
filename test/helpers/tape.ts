// Reverse-mode differentiation of matrices in float64, for oracles that are written as their
// forward pass alone: each operation pushes its backward step on a tape. Slow and obvious.

import { gelu, geluSlope } from './float64.ts';

/** A matrix [rows, columns] and the gradient of the loss. */
export class Matrix {
  readonly gradient: Float64Array;
  constructor(
    readonly rows: number,
    readonly columns: number,
    readonly data = new Float64Array(rows * columns),
  ) {
    this.gradient = new Float64Array(data.length);
  }
}

export class Tape {
  private readonly steps: (() => void)[] = [];

  backward(): void {
    for (const step of this.steps.reverse()) step();
  }

  /** Any operation: forward fills y, backward adds to the gradients of what it was made of. */
  made(
    rows: number,
    columns: number,
    forward: (y: Float64Array) => void,
    backward: (dy: Float64Array, y: Float64Array) => void,
  ): Matrix {
    const y = new Matrix(rows, columns);
    forward(y.data);
    this.steps.push(() => backward(y.gradient, y.data));
    return y;
  }

  /** Sum of factor * matrix. */
  add(...terms: [number, Matrix][]): Matrix {
    const [[, first]] = terms;
    return this.made(
      first.rows,
      first.columns,
      (y) =>
        y.forEach((_, i) => {
          for (const [f, m] of terms) y[i] += f * m.data[i];
        }),
      (dy) => {
        for (const [f, m] of terms)
          dy.forEach((g, i) => {
            m.gradient[i] += f * g;
          });
      },
    );
  }

  /** x W^T, W [out, in]. */
  linear(x: Matrix, w: Matrix): Matrix {
    const { rows, columns: K } = x;
    const N = w.rows;
    const each = (visit: (t: number, o: number, i: number) => void): void => {
      for (let t = 0; t < rows; t++)
        for (let o = 0; o < N; o++) for (let i = 0; i < K; i++) visit(t, o, i);
    };
    return this.made(
      rows,
      N,
      (y) =>
        each((t, o, i) => {
          y[t * N + o] += x.data[t * K + i] * w.data[o * K + i];
        }),
      (dy) =>
        each((t, o, i) => {
          x.gradient[t * K + i] += dy[t * N + o] * w.data[o * K + i];
          w.gradient[o * K + i] += dy[t * N + o] * x.data[t * K + i];
        }),
    );
  }

  /** Rounds to l fraction bits with a straight-through gradient. */
  round(x: Matrix, l: number): Matrix {
    return this.made(
      x.rows,
      x.columns,
      (y) =>
        y.forEach((_, i) => {
          y[i] = Math.round(x.data[i] * 2 ** l) / 2 ** l;
        }),
      (dy) =>
        dy.forEach((g, i) => {
          x.gradient[i] += g;
        }),
    );
  }

  gelu(x: Matrix): Matrix {
    return this.made(
      x.rows,
      x.columns,
      (y) =>
        y.forEach((_, i) => {
          y[i] = gelu(x.data[i]);
        }),
      (dy) =>
        dy.forEach((g, i) => {
          x.gradient[i] += g * geluSlope(x.data[i]);
        }),
    );
  }

  /** Rows by index. */
  rows(x: Matrix, which: ArrayLike<number>): Matrix {
    const C = x.columns;
    const from = Array.from(which);
    return this.made(
      from.length,
      C,
      (y) => {
        for (const [t, r] of from.entries()) y.set(x.data.subarray(r * C, r * C + C), t * C);
      },
      (dy) =>
        from.forEach((r, t) => {
          for (let c = 0; c < C; c++) x.gradient[r * C + c] += dy[t * C + c];
        }),
    );
  }

  /** Columns from .. to. */
  columns(x: Matrix, from: number, to: number): Matrix {
    const n = to - from;
    const each = (visit: (t: number, c: number) => void): void => {
      for (let t = 0; t < x.rows; t++) for (let c = 0; c < n; c++) visit(t, c);
    };
    return this.made(
      x.rows,
      n,
      (y) =>
        each((t, c) => {
          y[t * n + c] = x.data[t * x.columns + from + c];
        }),
      (dy) =>
        each((t, c) => {
          x.gradient[t * x.columns + from + c] += dy[t * n + c];
        }),
    );
  }

  /** Matrices one below the other, or side by side. */
  below(...parts: Matrix[]): Matrix {
    const C = parts[0].columns;
    const rows = parts.reduce((sum, p) => sum + p.rows, 0);
    const at = parts.map((_, i) => parts.slice(0, i).reduce((sum, p) => sum + p.rows, 0) * C);
    return this.made(
      rows,
      C,
      (y) => {
        for (const [i, p] of parts.entries()) y.set(p.data, at[i]);
      },
      (dy) => {
        for (const [i, { gradient }] of parts.entries())
          for (const j of gradient.keys()) gradient[j] += dy[at[i] + j];
      },
    );
  }

  beside(...parts: Matrix[]): Matrix {
    const { rows } = parts[0];
    const C = parts.reduce((sum, p) => sum + p.columns, 0);
    const at = parts.map((_, i) => parts.slice(0, i).reduce((sum, p) => sum + p.columns, 0));
    const each = (visit: (p: Matrix, from: number, to: number) => void): void =>
      parts.forEach((p, i) => {
        for (let t = 0; t < rows; t++)
          for (let c = 0; c < p.columns; c++) visit(p, t * p.columns + c, t * C + at[i] + c);
      });
    return this.made(
      rows,
      C,
      (y) =>
        each((p, from, to) => {
          y[to] = p.data[from];
        }),
      (dy) =>
        each((p, from, to) => {
          p.gradient[from] += dy[to];
        }),
    );
  }

  norm(x: Matrix, gain: Matrix): Matrix {
    const C = x.columns;
    const hat = new Float64Array(x.data.length);
    const rstd = new Float64Array(x.rows);
    return this.made(
      x.rows,
      C,
      (y) => {
        for (let t = 0; t < x.rows; t++) {
          const row = x.data.subarray(t * C, t * C + C);
          const mean = row.reduce((a, b) => a + b, 0) / C;
          rstd[t] = 1 / Math.sqrt(row.reduce((a, v) => a + (v - mean) ** 2, 0) / C + 1e-5);
          for (let c = 0; c < C; c++) {
            hat[t * C + c] = (row[c] - mean) * rstd[t];
            y[t * C + c] = hat[t * C + c] * gain.data[c];
          }
        }
      },
      (dy) => {
        for (let t = 0; t < x.rows; t++) {
          let a = 0;
          let b = 0;
          for (let c = 0; c < C; c++) {
            const g = dy[t * C + c] * gain.data[c];
            a += g;
            b += g * hat[t * C + c];
            gain.gradient[c] += dy[t * C + c] * hat[t * C + c];
          }
          for (let c = 0; c < C; c++)
            x.gradient[t * C + c] +=
              rstd[t] * (dy[t * C + c] * gain.data[c] - a / C - (hat[t * C + c] * b) / C);
        }
      },
    );
  }

  /** softmax(factor * x) by rows; causal: row t has columns 0..t. */
  softmax(x: Matrix, factor: number, causal: boolean): Matrix {
    const N = x.columns;
    const valid = (t: number): number => (causal ? t + 1 : N);
    return this.made(
      x.rows,
      N,
      (y) => {
        for (let t = 0; t < x.rows; t++) {
          const row = x.data.subarray(t * N, t * N + valid(t));
          const max = Math.max(...row);
          let sum = 0;
          for (let s = 0; s < row.length; s++)
            sum += y[t * N + s] = Math.exp(factor * (row[s] - max));
          for (let s = 0; s < row.length; s++) y[t * N + s] /= sum;
        }
      },
      (dy, y) => {
        for (let t = 0; t < x.rows; t++) {
          let dot = 0;
          for (let s = 0; s < valid(t); s++) dot += dy[t * N + s] * y[t * N + s];
          for (let s = 0; s < valid(t); s++)
            x.gradient[t * N + s] += factor * y[t * N + s] * (dy[t * N + s] - dot);
        }
      },
    );
  }

  transpose(x: Matrix): Matrix {
    const each = (visit: (from: number, to: number) => void): void => {
      for (let t = 0; t < x.rows; t++)
        for (let c = 0; c < x.columns; c++) visit(t * x.columns + c, c * x.rows + t);
    };
    return this.made(
      x.columns,
      x.rows,
      (y) =>
        each((from, to) => {
          y[to] = x.data[from];
        }),
      (dy) =>
        each((from, to) => {
          x.gradient[from] += dy[to];
        }),
    );
  }

  attention(q: Matrix, k: Matrix, v: Matrix, heads: number, causal: boolean): Matrix {
    const D = q.columns / heads;
    return this.beside(
      ...Array.from({ length: heads }, (_, h) => {
        const part = (m: Matrix): Matrix => this.columns(m, h * D, h * D + D);
        return this.linear(
          this.softmax(this.linear(part(q), part(k)), 1 / Math.sqrt(D), causal),
          this.transpose(part(v)),
        );
      }),
    );
  }

  /** Loss in nats summed over rows, whose gradient is 1. */
  crossEntropy(logits: Matrix, targets: ArrayLike<number>): number {
    const V = logits.columns;
    let loss = 0;
    for (let t = 0; t < logits.rows; t++) {
      const row = logits.data.subarray(t * V, t * V + V);
      const max = Math.max(...row);
      const sum = row.reduce((a, v) => a + Math.exp(v - max), 0);
      loss += Math.log(sum) + max - row[targets[t]];
      this.steps.push(() =>
        row.forEach((v, c) => {
          logits.gradient[t * V + c] += Math.exp(v - max) / sum - (c === targets[t] ? 1 : 0);
        }),
      );
    }
    return loss;
  }
}

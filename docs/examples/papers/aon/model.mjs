// Approximated orthonormal normalisation (Zhang, Niwa, Kleijn 2019): a layer that multiplies by
// h(W), a Taylor polynomial of (W W^T)^(-1/2) times W, whose largest singular value is 1.

import { activationFraction, Columns, Matrix, Parameter, toOperand } from 'retrograd';

const ONE = 2 ** 20;

export const rounded = (x, unit) => Math.floor(x / unit + 0.5);
const largest = (x) => x.reduce((most, value) => Math.max(most, value, -value), 0);
const total = (x) => x.reduce((sum, value) => sum + value, 0);

/** A B / unit, rounded: [m, k] by [k, n], row-major. A and B come with the distances of their rows
 *  and of their columns, so that either may be turned. */
export function product([a, aRow, aColumn], [b, bRow, bColumn], [m, k, n], unit) {
  const c = new Float64Array(m * n);
  for (let i = 0; i < c.length; i++) {
    let [sum, from, to] = [0, Math.floor(i / n) * aRow, (i % n) * bColumn];
    for (let p = 0; p < k; p++, from += aColumn, to += bRow) sum += a[from] * b[to];
    c[i] = rounded(sum, unit);
  }
  return c;
}

/** x / 2^e rounded, and e: the least for which that is within `bound`. */
function fitted(x, bound) {
  const most = largest(x);
  let e = -30;
  while (rounded(most, 2 ** e) > bound) e++;
  return [Float64Array.from(x, (value) => rounded(value, 2 ** e)), e];
}

const lengthOf = (x) => Math.max(1, rounded(Math.sqrt(total(x.map((v) => v * v))), 1));
const divided = (x, length) => x.map((value) => rounded(value * ONE, length));

/** h(W) = sum of a_k E^k V for k up to `order`, E = I - V V^T, V = W / sigma. Beside products: what
 *  bounds their sums up to 2^10 rows and columns (Cauchy, as V and E shorten what they meet). */
export class Normalised {
  constructor(out, into, order) {
    const a = [1]; // of (1 - e)^(-1/2): 1, 1/2, 3/8, 5/16 ...
    for (let k = 1; k <= order; k++) a.push((a[k - 1] * (2 * k - 1)) / (2 * k));
    Object.assign(this, { out, into, order, a });
  }

  /** W: whole numbers [out, in], of whose scale nothing is left in V. */
  set(W) {
    const { out, into, order, a } = this;
    const [w, e] = fitted(W, 2 ** 16);
    const [S] = fitted(product([w, into, 1], [w, 1, into], [out, into, out], 1), ONE); // 2^42
    let [p] = fitted(S.subarray(0, out), ONE);
    for (let i = 0; i < 64; i++)
      [p] = fitted(product([S, out, 1], [p, 1, 1], [out, out, 1], 1), ONE); // 2^50
    const u = divided(p, lengthOf(p)); // 2^50
    const y = product([u, out, 1], [w, into, 1], [1, out, into], ONE); // 2^41
    const length = lengthOf(y); // 2^52
    const [V, v] = [divided(w, length), divided(y, length)];
    const VV = product([V, into, 1], [V, 1, into], [out, into, out], ONE); // 2^40
    const E = VV.map((value, i) => (i % (out + 1) === 0 ? ONE : 0) - value);
    let h = V.map((value) => rounded(value * a[order], 1));
    for (let k = order - 1; k >= 0; k--)
      h = product([E, out, 1], [h, into, 1], [out, out, into], ONE) // 2^42
        .map((value, i) => rounded(value + a[k] * V[i], 1));
    Object.assign(this, { u, v, V, E, h, sigma: length * 2 ** e });
  }

  /** sigma dL/dW from rows of dL/dy and of x, 12 bits each; in units of 2^-8 of theirs. It is a
   *  sum of 1 + (2 order + 1) rows outer products, of at most 2^45 each; 2^8 of them are exact. */
  gradient(dy, x, rows) {
    const { out, into, order, a, u, v, V, E } = this;
    const byE = (C) => product([C, out, 1], [E, out, 1], [rows, out, out], ONE); // 2^43
    const byV = (C) => product([C, out, 1], [V, into, 1], [rows, out, into], ONE); // 2^43
    const A = [Float64Array.from(dy, (value) => value * 2 ** 4)]; // E^k dy
    const B = [product([x, into, 1], [V, 1, into], [rows, into, out], 2 ** 16)]; // E^k V x: 2^37
    for (let k = 0; k < order; k++) for (const C of [A, B]) C.push(byE(C[k]));
    const mix = (C, by) => A[0].map((_, i) => rounded(total(by.map((c, k) => c * C[k][i])), 1));
    const [left, right] = [[...mix(A, a)], Array.from(x, (value) => value * 2 ** 4)];
    for (let i = 0; i < order; i++) {
      const q = mix(B, a.slice(i + 1)).map((value) => -value);
      left.push(...A[i], ...q);
      right.push(...byV(q), ...byV(A[i]));
    }
    const along = total(A[order].map((value, i) => rounded(value * B[0][i], 2 ** 14))); // 2^31
    const share = -along * (2 * order + 1) * a[order];
    left.push(...u.map((value) => rounded(share * rounded(value, 16), 2 ** 22)));
    right.push(...v);
    return product([left, 1, out], [right, into, 1], [out, left.length / out, into], 1);
  }
}

/** h(W) x + b, of at most as many outputs as inputs. */
export const aon = (out, { name = 'aon', order = 4 } = {}) => ({
  takes: ['operand'],
  output: ({ kind, rows }) => ({ kind, rows, columns: out }),
  plan: (at, input) => new Aon(at, input, { out, name, order }),
});

class Aon {
  needsInput = true;
  history = [];
  dy = { at: 0, exponent: 0 };

  constructor(at, { rows, columns: into }, { out, name, order }) {
    const init = { deviation: 1 / Math.sqrt(into) };
    const spec = { name: `${name}.weight`, shape: [out, into], init, decays: true };
    [this.weight] = at.parameter(spec);
    this.h = new Parameter(spec.name, spec, this.weight.lock, true);
    this.h.master = at.own(out * into * 4);
    const given = Object.create(at, { find: { value: () => [this.h] } }); // of what is shared
    const shape = { out, into, rows, deviation: 0, bias: true, shares: spec.name };
    this.matrix = new Matrix(given, { ...shape, name: `${name}.` });
    this.normalised = new Normalised(out, into, order);
    this.columns = new Columns(0, out, 4095);
  }

  saved() {}

  prepare(run, x, y, what) {
    const { matrix, normalised, columns, weight, h } = this;
    if (what.copy) {
      normalised.set(run.view(weight.master, weight.size));
      run.view(h.master, h.size).set(normalised.h.map((value) => value * 2 ** 4));
    }
    matrix.prepare(run, x, what);
    matrix.range(run, columns, x.range, y.range);
    y.fraction = activationFraction(y.range);
    matrix.format(run, columns, y.fraction);
  }

  forward(run, x, _, y) {
    y.rows = x.rows;
    this.matrix.multiply(run, x, this.matrix.sums.at);
    this.matrix.roundColumns(run, this.columns, y.at, x.rows);
  }

  backward(run, dy, x, _, dx) {
    const { matrix, normalised, weight } = this;
    const { sigma, out, into } = normalised;
    this.dy.at = matrix.operand.at;
    toOperand(run, dy, this.dy, x.rows * out);
    const of = (at, columns) => run.int16.subarray(at / 2, at / 2 + x.rows * columns);
    const sum = normalised.gradient(of(this.dy.at, out), of(x.at, into), x.rows);
    matrix.backward(run, this.dy, x, dx);
    if (weight.gradient === 0) return;
    const unit = sigma * 2 ** (x.fraction + 8 - 24 - this.dy.exponent - 28);
    if (largest(sum) / unit > 2 ** 52) throw new RangeError('a gradient is too large');
    const to = run.int64.subarray(weight.gradient / 8, weight.gradient / 8 + sum.length);
    run.team.exclusive(weight.lock, () => {
      for (let i = 0; i < sum.length; i++) to[i] += BigInt(rounded(sum[i], unit));
    });
  }
}

// Latent surprise (Postels et al. 2020): how unlikely a trained network's hidden state is under a
// density of those it has seen says how little the network knows about an input.

/** What a network has at this place as its output: operand to branch, every number the same. So a
 *  network that is cut after any layer ends with its hidden state. */
export const reading = () => ({
  takes: ['operand'],
  output: ({ rows, columns }) => ({ kind: 'branch', rows, columns }),
  plan: () => new Reading(),
});

class Reading {
  needsInput = false;
  history = [];
  shift = 0;

  saved() {}

  /** From 8 or more fraction bits to 16: no bit is lost, 12 + 8 bits are far within a branch. */
  prepare(_, x) {
    this.shift = 16 - x.fraction;
  }

  forward(run, x, _, y) {
    y.rows = x.rows;
    const [from, to] = [x.at / 2, y.at / 4];
    for (let i = 0; i < x.size; i++) run.int32[to + i] = run.int16[from + i] << this.shift;
  }

  backward(run, dy, x, _, dx) {
    if (dx === undefined) return;
    run.view(dx.at, x.size).set(run.view(dy.at, x.size));
    dx.exponent = dy.exponent;
  }
}

/** Gives a network that is a part of another one that one's weights, by their names. */
export function share(from, to) {
  const known = new Map(from.tensors().map(({ name, data }) => [name, data]));
  for (const { name, data } of to.tensors())
    if (!name.startsWith('optimizer.')) data.set(known.get(name));
}

/** Sums over the states of a class. A state is an operand, a whole number of 12 bits times a power
 *  of two, so doubles hold the sums of products of 2^29 states exactly, in any order. */
class Moments {
  count = 0;

  constructor(size) {
    this.sums = new Float64Array(size);
    this.products = Array.from({ length: size }, (_, i) => new Float64Array(i + 1));
  }

  add(state) {
    const { sums, products } = this;
    this.count++;
    for (let i = 0; i < state.length; i++) {
      sums[i] += state[i];
      for (let j = 0; j <= i; j++) products[i][j] += state[i] * state[j];
    }
  }
}

/** The lower triangle L of a positive definite matrix L L^T, given by its own. */
function cholesky(rows) {
  const L = rows.map((row) => Float64Array.from(row));
  L.forEach((row, i) => {
    for (let j = 0; j <= i; j++) {
      let rest = row[j];
      for (let k = 0; k < j; k++) rest -= row[k] * L[j][k];
      row[j] = i === j ? Math.sqrt(rest) : rest / L[j][j];
    }
  });
  return L;
}

/** A normal density with the mean and the covariance of such states; `ridge` of the mean variance
 *  is added to each, since a unit that a class never uses has none. */
class Gaussian {
  constructor({ count, sums, products }, ridge) {
    this.mean = sums.map((sum) => sum / count);
    const rows = products.map((row, i) =>
      row.map((sum, j) => sum / count - this.mean[i] * this.mean[j]),
    );
    const extra = (ridge * rows.reduce((sum, row, i) => sum + row[i], 0)) / rows.length;
    rows.forEach((row, i) => {
      row[i] += extra;
    });
    this.L = cholesky(rows);
    this.logRoot = this.L.reduce((sum, row, i) => sum + Math.log(row[i]), 0);
    this.z = new Float64Array(rows.length);
  }

  /** log p(state). */
  log(state) {
    const { mean, L, z } = this;
    let square = 0;
    for (let i = 0; i < z.length; i++) {
      let rest = state[i] - mean[i];
      for (let k = 0; k < i; k++) rest -= L[i][k] * z[k];
      z[i] = rest / L[i][i];
      square += z[i] ** 2;
    }
    return -0.5 * (square + z.length * Math.log(2 * Math.PI)) - this.logRoot;
  }
}

/** A density of hidden states: a normal one for each class, weighted by how often the class is. */
export class Density {
  constructor(size, classes) {
    this.moments = Array.from({ length: classes }, () => new Moments(size));
  }

  add(state, label) {
    this.moments[label].add(state);
  }

  fit(ridge) {
    const count = this.moments.reduce((sum, m) => sum + m.count, 0);
    this.parts = this.moments.map((m) => [Math.log(m.count / count), new Gaussian(m, ridge)]);
    return this;
  }

  /** Surprise: the negative log likelihood of a state, in nats. */
  surprise(state) {
    const logs = this.parts.map(([logShare, part]) => logShare + part.log(state));
    const top = Math.max(...logs);
    return -top - Math.log(logs.reduce((sum, log) => sum + Math.exp(log - top), 0));
  }
}

/** The share of pairs in which the one of `others` is the larger one; equal ones are a half. */
export function auroc(known, others) {
  const sorted = Float64Array.from(known).sort();
  /** How many of the known are below a value, or not above it. */
  const count = (value, isCounted) => {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isCounted(sorted[middle], value)) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const twice = (value) => count(value, (a, b) => a < b) + count(value, (a, b) => a <= b);
  const sum = others.reduce((total, value) => total + twice(value), 0);
  return sum / (2 * sorted.length * others.length);
}

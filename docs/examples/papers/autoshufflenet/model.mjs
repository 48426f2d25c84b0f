// AutoShuffleNet (Lyu, Zhang, Qi, Xin 2019): a channel shuffle that is learned. Its matrix M is
// doubly stochastic; a penalty that only permutations are free of makes it one, and rounding at the
// end makes it exact.

import { Columns, factorOf, Matrix, sgd, Tensor, times, toOperand } from 'retrograd';

/** 1 as a weight: 24 fraction bits. */
const ONE = 2 ** 24;

/** y = M x in every row, or in every part of `channels` columns of one. M [C, C] has elements 1 / C
 *  at first. What flows keeps its format, since rows of M sum to one: of a permutation, y is x to
 *  the bit, channel by channel. */
export const shuffle = ({ name = 'shuffle', channels } = {}) => ({
  takes: ['operand'],
  output: (input, wanted) => ({ ...input, kind: wanted === 'branch' ? 'branch' : 'operand' }),
  plan: (at, input, wanted) =>
    new Shuffle(at, input, { isBranch: wanted === 'branch', name, channels }),
});

class Shuffle {
  needsInput = true;
  history = [];
  dy = { at: 0, exponent: 0 };

  constructor(at, { rows, columns }, { isBranch, name, channels: C = columns }) {
    const init = { value: 1 / C };
    const [{ path: shares }] = at.parameter({
      ...{ name: `${name}.weight`, shape: [C, C] },
      ...{ init, decays: false },
    });
    this.parts = columns / C;
    this.input = new Tensor({ kind: 'operand', rows: rows * this.parts, columns: C });
    const shape = { out: C, into: C, rows: rows * this.parts, name, deviation: 0, bias: false };
    this.matrix = new Matrix(at, { ...shape, shares });
    this.columns = new Columns(0, C, 4095);
    this.isBranch = isBranch;
  }

  saved() {}

  /** The rows of x by parts: a row after the other already. */
  partsOf({ at, rows, fraction, range }) {
    Object.assign(this.input.range, range);
    return Object.assign(this.input, { at, rows: rows * this.parts, fraction });
  }

  prepare(run, x, y, what) {
    this.matrix.prepare(run, this.partsOf(x), what);
    if (this.isBranch) return;
    y.fraction = x.fraction;
    Object.assign(y.range, x.range);
    this.matrix.format(run, this.columns, x.fraction);
  }

  forward(run, x, _, y) {
    const { matrix, columns, isBranch } = this;
    const input = this.partsOf(x);
    y.rows = x.rows;
    if (isBranch) {
      matrix.branch(run, input, y.at);
      return;
    }
    matrix.multiply(run, input, matrix.sums.at);
    matrix.roundColumns(run, columns, y.at, input.rows);
  }

  backward(run, dy, x, _, dx) {
    const { matrix } = this;
    this.dy.at = matrix.operand.at;
    toOperand(run, dy, this.dy, x.size);
    matrix.backward(run, this.dy, this.partsOf(x), dx);
  }
}

/** floor(sqrt(n)) of a whole number below 2^53, whatever the last bit of Math.sqrt is. */
function squareRoot(n) {
  let root = Math.floor(Math.sqrt(n));
  while (root * root > n) root--;
  while ((root + 1) ** 2 <= n) root++;
  return root;
}

/** The places of element i of a row or column of M [C, C]. */
const linesOf = (C) => [(line, i) => line * C + i, (line, i) => i * C + line];

/** The l2 norm of every line, 15 fraction bits; a sum of squares is below 2^(30 + 12). */
const normsOf = (M, C, place) =>
  Array.from({ length: C }, (_, line) => {
    let sum = 1;
    for (let i = 0; i < C; i++) sum += (M[place(line, i)] >> 9) ** 2;
    return squareRoot(sum);
  });

/** Divides every line by its sum; one of zeros becomes flat. */
function divide(M, C, place) {
  for (let line = 0; line < C; line++) {
    let sum = 0;
    for (let i = 0; i < C; i++) sum += M[place(line, i)];
    for (let i = 0; i < C; i++)
      M[place(line, i)] = sum === 0 ? ONE / C : Math.floor((M[place(line, i)] * ONE) / sum);
  }
}

/** M <- M - rate * lambda * dP/dM, where P(M) is the sum of |line|_1 - |line|_2 over rows and
 *  columns; then elements below zero become zero, and columns and rows are divided by their sums.
 */
function descend(run, { shape: [C], master, size }, rate) {
  const M = run.view(master, size);
  const [ofRow, ofColumn] = linesOf(C).map((place) => normsOf(M, C, place));
  const descent = factorOf(rate, 32 + 15 - 24);
  for (let at = 0; at < size; at++) {
    const m = M[at] * 2 ** 6; // 30 fraction bits, by 15 of the norms
    const slope = 2 ** 16 - m / ofRow[Math.floor(at / C)] - m / ofColumn[at % C];
    M[at] = Math.max(0, M[at] - times(Math.floor(slope), descent));
  }
  for (const place of linesOf(C).reverse()) divide(M, C, place);
}

const plain = sgd({ momentumShift: 0 });
const isShuffle = ({ path }) => path.endsWith('shuffle.weight');

/** Plain descent of each M by loss and lambda P(M), `speed` times as fast as `base` is told to be,
 *  which all other weights have. lambda rises to `penalty` over `steps`. One thread changes all of
 *  an M: its rows and columns hang together. */
export const shuffling = (base, { penalty, steps, speed = 1 }) => ({
  ...base,
  name: `shuffling ${base.name}`,
  options: { ...base.options, penalty, steps, speed },
  unit: (parameter) => (isShuffle(parameter) ? parameter.size : 64),
  update(run, part, info) {
    if (!isShuffle(part.parameter)) return base.update(run, part, info);
    const rate = info.rate * BigInt(speed);
    const clamped = plain.update(run, part, { ...info, rate });
    const lambda = (penalty * Math.min(info.step, steps)) / steps;
    if (part.n > 0) descend(run, part.parameter, Math.floor(Number(rate) * lambda));
    return clamped;
  },
});

// Self Normalizing Flows (Keller, Peters, Jaini, Hoogeboom, Forré, Welling 2021): square layers
// that learn their own inverse. Its transpose takes the place of W^-T in the gradient of
// log |det W|, so that a step costs D^2 instead of D^3.

import { Columns, Matrix, Tensor, tensorBytes, toOperand } from 'retrograd';

/** Fraction bits of weights, and of what is added to their gradients. */
const WEIGHT = 24;
const GRADIENT = 28;
/** Fraction bits of W x as an operand: of a layer after it, and of R. */
const MIDDLE = 8;
/** Largest operand. */
const LARGEST = 4095;

/** y = W x in every row, W [D, D], with R [D, D] that learns to be its inverse. In what is
 *  minimised there are, for each row, -2 log |det W|, by the gradient -2 R^T, and
 *  2^penalty |R W x - x|^2, by its gradient of R. (-2, because a loss of squares is twice the
 *  negative log of a normal density.) `volume` false: neither, a matrix as it is. */
export const selfNormalizing = ({ name, penalty = 0, volume = true }) => ({
  takes: ['operand'],
  output: (input, wanted) => ({ ...input, kind: wanted === 'branch' ? 'branch' : 'operand' }),
  plan: (at, input, wanted) =>
    new SelfNormalizing(at, input, { name, penalty, volume, isBranch: wanted === 'branch' }),
});

class SelfNormalizing {
  needsInput = true;
  history = [];
  dy = { at: 0, exponent: 0 };
  error = { at: 0, exponent: 0 };

  constructor(at, input, options) {
    const { rows, columns: size } = input;
    this.options = options;
    const one = (name) => {
      const init = { deviation: 1 / Math.sqrt(size) };
      const parameter = at.parameter({ name, shape: [size, size], init, decays: false });
      const { path } = parameter[0];
      const shape = { out: size, into: size, rows, name, deviation: 0, bias: false, shares: path };
      return { parameter: parameter[0], matrix: new Matrix(at, shape) };
    };
    this.forwards = one(`${options.name}.weight`);
    this.inverse = one(`${options.name}.inverse`);
    this.columns = new Columns(0, size, LARGEST);
    this.between = new Tensor({ ...input, kind: 'operand' });
    this.between.at = at.own(tensorBytes(input));
    this.error.at = at.own(tensorBytes(input));
    this.sums = at.own(2 * tensorBytes(input));
  }

  saved() {}

  prepare(run, x, y, what) {
    const { matrix } = this.forwards;
    const { between, columns, options } = this;
    matrix.prepare(run, x, what);
    between.fraction = MIDDLE;
    this.inverse.matrix.prepare(run, between, what);
    matrix.format(run, columns, MIDDLE);
    if (options.isBranch) return;
    y.fraction = MIDDLE;
    matrix.range(run, columns, x.range, y.range);
  }

  forward(run, x, _, y) {
    const { matrix } = this.forwards;
    y.rows = x.rows;
    if (this.options.isBranch) {
      matrix.branch(run, x, y.at);
      return;
    }
    matrix.multiply(run, x, matrix.sums.at);
    matrix.roundColumns(run, this.columns, y.at, x.rows);
  }

  backward(run, dy, x, _, dx) {
    const { forwards, options } = this;
    this.dy.at = forwards.matrix.operand.at;
    toOperand(run, dy, this.dy, x.size);
    forwards.matrix.backward(run, this.dy, x, dx);
    if (!options.volume) return;
    this.invert(run, x);
    this.grow(run, x.rows);
  }

  /** The gradient of R of 2^penalty |R W x - x|^2, in memory of its own: dy may be where that of
   *  others is. */
  invert(run, x) {
    const { sums, between, error, options } = this;
    const [W, R] = [this.forwards.matrix, this.inverse.matrix];
    const { columns } = x.type;
    W.multiply(run, x, sums);
    const shape = [columns, between.at, columns, x.rows, columns];
    run.kernels.requantize_i32i16(sums, ...shape, W.sumsFraction - MIDDLE, LARGEST, 0);
    between.rows = x.rows;
    R.multiply(run, between, sums);
    const finer = 2 ** (R.sumsFraction - x.fraction);
    for (let i = 0; i < x.size; i++) run.int32[sums / 4 + i] -= run.int16[x.at / 2 + i] * finer;
    toOperand(run, { at: sums, exponent: options.penalty + 1 - R.sumsFraction }, error, x.size);
    R.backward(run, error, between, undefined);
  }

  /** The gradient of W of -2 log |det W| for each row: -2 R^T, exact in words of 32 bits. */
  grow(run, rows) {
    const { gradient, shape, lock } = this.forwards.parameter;
    const [size] = shape;
    const R = this.inverse.parameter.master / 4;
    const scale = -rows * 2 ** (GRADIENT - WEIGHT + 1);
    const { int32 } = run;
    run.team.exclusive(lock, () => {
      for (let at = 0; gradient > 0 && at < size * size; at++) {
        const transposed = (at % size) * size + Math.floor(at / size);
        const low = gradient / 4 + 2 * at;
        const sum = (int32[low] >>> 0) + scale * int32[R + transposed]; // below 2^53
        int32[low] = sum;
        int32[low + 1] += Math.floor(sum / 2 ** 32);
      }
    });
  }
}

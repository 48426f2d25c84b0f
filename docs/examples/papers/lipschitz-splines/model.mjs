// Lipschitz splines (Bohra, Campos, Gupta, Aziznejad, Unser 2020): every channel learns its
// activation function, a linear spline on a grid, with as few knots as an l1 penalty of its second
// differences leaves, in a network whose Lipschitz constant has a bound.

import { activationFraction } from 'retrograd';

/** 1 as a weight: 24 fraction bits. */
const ONE = 2 ** 24;
const OPERAND_MAX = 4095;
/** Bits of a slope in a gradient's product. */
const SLOPE_BITS = 15;

/** Values of a spline, and 2^density of them a unit. */
export const GRID = { knots: 33, density: 2 };

/** y = max(0, x) + s(x), s a linear spline of the channel's own: zero at first, with straight lines
 *  outside of its grid. Operand to operand. */
export const spline = ({ knots = GRID.knots, density = GRID.density, name = 'spline' } = {}) => ({
  takes: ['operand'],
  output: (input) => ({ ...input, kind: 'operand' }),
  plan: (at, { columns }) => new Spline(at, columns, { knots, density, name }),
});

/** What max(0, x) adds to value k. */
export const reluAt = (k, { knots, density }) =>
  Math.max(0, k - (knots - 1) / 2) * 2 ** (24 - density);

class Spline {
  needsInput = true;
  history = [];

  constructor(at, columns, options) {
    const { knots, name } = options;
    const shape = [columns, knots];
    const spec = { name: `${name}.values`, shape, init: { value: 0 }, decays: false };
    Object.assign(this, { columns, options, parameters: at.parameter(spec) });
    this.values = new Int32Array(columns * knots);
  }

  of({ block }) {
    return this.parameters[block % this.parameters.length];
  }

  saved() {}

  /** The values, the largest step between two, and what y may be: |s(0)| and the largest slope
   *  times what x may be. */
  prepare(run, x, y) {
    const { values, options } = this;
    const { knots, density } = options;
    const { master } = this.of(run);
    let [step, atZero] = [0, 0];
    for (let i = 0; i < values.length; i++) {
      const k = i % knots;
      values[i] = run.int32[master / 4 + i] + reluAt(k, options);
      if (k > 0) step = Math.max(step, Math.abs(values[i] - values[i - 1]));
      if (k === (knots - 1) / 2) atZero = Math.max(atZero, Math.abs(values[i]));
    }
    const slope = (step / ONE) * 2 ** density;
    y.range.deviation = slope * x.range.deviation;
    y.range.offset = slope * x.range.offset + atZero / ONE;
    y.fraction = activationFraction(y.range);
    this.drop = 24 - y.fraction;
    this.shift = x.fraction - density;
    for (this.cut = 0; step >= 2 ** (SLOPE_BITS + this.cut); ) this.cut++;
  }

  /** Which piece an element of channel c is on: the place of its first value, and how far it is
   *  from there in steps of 2^-shift of a piece. */
  piece(raw, c) {
    const { options, shift } = this;
    const middle = (options.knots - 1) / 2;
    const k = Math.min(options.knots - 2, Math.max(0, (raw >> shift) + middle));
    return [c * options.knots + k, raw - (k - middle) * 2 ** shift];
  }

  /** A difference of values has 29 bits and `far` at most 13 + shift: exact. */
  forward({ int16, counts }, x, _, y) {
    const { values, columns, shift, drop } = this;
    y.rows = x.rows;
    for (let i = 0; i < x.size; i++) {
      const [at, far] = this.piece(int16[x.at / 2 + i], i % columns);
      const value = values[at] + ((values[at + 1] - values[at]) * far) / 2 ** shift;
      const wanted = Math.floor(value / 2 ** drop + 0.5);
      const kept = Math.max(-OPERAND_MAX, Math.min(OPERAND_MAX, wanted));
      if (kept !== wanted) counts.saturated++;
      int16[y.at / 2 + i] = kept;
    }
  }

  backward(run, dy, x, _, dx) {
    const { gradient, lock } = this.of(run);
    if (gradient !== 0) run.team.exclusive(lock, () => this.addValues(run, dy, x, gradient));
    if (dx === undefined) return;
    const { values, columns, cut, options } = this;
    const { int16, int32 } = run;
    for (let i = 0; i < x.size; i++) {
      const [at] = this.piece(int16[x.at / 2 + i], i % columns);
      const slope = Math.floor((values[at + 1] - values[at]) / 2 ** cut);
      int32[dx.at / 4 + i] = Math.floor((int32[dy.at / 4 + i] * slope) / 2 ** SLOPE_BITS);
    }
    dx.exponent = dy.exponent + SLOPE_BITS + cut - 24 + options.density;
  }

  /** A value's gradient: dy times how near the element is to its knot, 28 fraction bits. */
  addValues({ int16, int32, int64 }, dy, x, gradient) {
    const scale = 2 ** (dy.exponent + 28 - this.shift);
    const add = (at, amount) => {
      int64[gradient / 8 + at] += BigInt(Math.floor(amount * scale + 0.5));
    };
    for (let i = 0; i < x.size; i++) {
      const [at, far] = this.piece(int16[x.at / 2 + i], i % this.columns);
      const d = int32[dy.at / 4 + i];
      add(at, d * (2 ** this.shift - far));
      add(at + 1, d * far);
    }
  }
}

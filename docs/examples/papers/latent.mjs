// Layers that the papers' autoencoders share: noisy latents, and a decoder beside what it decodes.

import { normals, sequential, Tensor } from 'retrograd';

/** Fraction bits of a latent operand (-8 to 8), and of a branch. */
const LATENT_FRACTION = 9;
export const BRANCH_FRACTION = 16;
const OPERAND_MAX = 4095;

/** z = x + e, e normal with mean 0 and a fixed deviation (at most 1), of the counter-based
 *  generator's `stream`: branch to operand with 9 fraction bits. |x| <= 2^26 and |e| < 2^19, so the
 *  sum is far inside int32; z beyond 8 is clamped and counted. */
export const noisy = ({ deviation, stream = 0 }) => ({
  takes: ['branch'],
  output: (input) => ({ ...input, kind: 'operand' }),
  plan: (at, { rows, columns }) =>
    new Noisy(at.scratch('noise', rows * columns * 4), { deviation, stream }),
});

class Noisy {
  needsInput = false;

  constructor(noise, options) {
    this.noise = noise;
    this.options = options;
  }

  saved() {}

  prepare(_, __, y) {
    y.fraction = LATENT_FRACTION;
    Object.assign(y.range, { deviation: 1, offset: 0 });
  }

  forward(run, x, _, y) {
    const { size: n } = x;
    const { at } = this.noise;
    const { deviation, stream } = this.options;
    y.rows = x.rows;
    normals(run, at, n, deviation * 2 ** BRANCH_FRACTION, stream);
    for (let i = 0; i < n; i++) run.int32[at / 4 + i] += run.int32[x.at / 4 + i];
    const shift = BRANCH_FRACTION - LATENT_FRACTION;
    run.counts.saturated += run.kernels.requantize_i32i16(
      at,
      n,
      y.at,
      n,
      1,
      n,
      shift,
      OPERAND_MAX,
      0,
    );
  }

  backward(run, dy, x, _, dx) {
    if (dx === undefined) return;
    run.bytes.copyWithin(dx.at, dy.at, dy.at + x.size * 4);
    dx.exponent = dy.exponent;
  }
}

/** y = [f(x), x] in every row: what layers make of an operand or a branch, and that, exactly.
 *  y is a branch. */
export const beside = (...layers) => {
  const inner = sequential(...layers);
  const output = (input) => {
    const { columns } = inner.output(input, 'branch');
    return { kind: 'branch', rows: input.rows, columns: columns + input.columns };
  };
  return { takes: inner.takes, output, plan: (at, input) => new Beside(at, inner, input) };
};

class Beside {
  constructor(at, inner, input) {
    const type = inner.output(input, 'branch');
    this.inner = inner.plan(at, input, 'branch');
    this.needsInput = true;
    this.widths = [type.columns, input.columns];
    this.made = new Tensor(type);
    this.places = this.widths.map((n, i) => at.scratch(`beside ${i}`, input.rows * n * 4));
    this.parts = this.widths.map(() => ({ at: 0, exponent: 0 }));
  }

  saved(arena) {
    return this.inner.saved(arena);
  }

  prepare(run, x, _, what) {
    this.inner.prepare(run, x, this.made, what);
  }

  /** Copies part i of every row of [rows, widths] to a place of its own, or back. */
  copy({ int32 }, i, rows, { all, isBack }) {
    const [a, b] = this.widths;
    const part = this.places[i].at / 4;
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < this.widths[i]; c++) {
        const [one, other] = [part + r * this.widths[i] + c, all / 4 + r * (a + b) + i * a + c];
        if (isBack) int32[other] = int32[one];
        else int32[one] = int32[other];
      }
  }

  forward(run, x, saved, y) {
    const { made, places } = this;
    made.at = places[0].at;
    this.inner.forward(run, x, saved, made);
    const own = places[1].at / 4;
    const isBranch = x.type.kind === 'branch';
    const from = isBranch ? run.int32.subarray(x.at / 4) : run.int16.subarray(x.at / 2);
    const factor = isBranch ? 1 : 2 ** (BRANCH_FRACTION - x.fraction);
    for (let i = 0; i < x.size; i++) run.int32[own + i] = from[i] * factor;
    y.rows = x.rows;
    for (const i of [0, 1]) this.copy(run, i, x.rows, { all: y.at, isBack: true });
  }

  backward(run, dy, x, saved, dx) {
    const [made, own] = this.parts;
    this.parts.forEach((part, i) => {
      part.at = this.places[i].at;
      part.exponent = dy.exponent;
      this.copy(run, i, x.rows, { all: dy.at, isBack: false });
    });
    this.inner.backward(run, made, x, saved, dx);
    if (dx !== undefined) run.sum.of(x.size).add(own).add(dx).into(dx);
  }
}

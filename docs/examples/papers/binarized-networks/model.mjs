// Binarized Neural Networks (Courbariaux, Hubara, Soudry, El-Yaniv, Bengio 2016): weights and
// activations that are 1 or -1 at run time. Products of both are sums of signs: exact as int16, and
// exact as counts of bits, so that one can stand for the other.

import { OverflowError, packedBytes, panelStride, toOperand, UsageError } from 'retrograd';

/** y = x sign(W)^T 2^-5: of 1,024 signs about +-1. */
const SHIFT = 5;
const [BRANCH, WEIGHT_GRADIENT, MASTER] = [16, 28, 24];
/** Most columns: 4095 * 2048 * 2^(16 - 8 - 5) < 2^26, the largest branch, for 8 fraction bits or
 *  more; of signs, which have none, 2048 * 2^(16 - 5) = 2^22. */
const COLUMNS_MAX = 2048;

/** Sign(x): 1 for x >= 0, else -1 (equation 1), an operand without fraction bits. Gradients go
 *  straight through where |x| <= 1 (equation 4). */
export const signs = () => ({ takes: ['operand'], output: (input) => input, plan: () => planned });

const planned = {
  needsInput: true,
  history: [],
  saved() {},
  prepare(_, __, y) {
    y.fraction = 0;
    Object.assign(y.range, { deviation: 1, offset: 0 });
  },
  forward({ int16 }, x, _, y) {
    y.rows = x.rows;
    for (let i = 0; i < x.size; i++) int16[y.at / 2 + i] = int16[x.at / 2 + i] < 0 ? -1 : 1;
  },
  backward({ int16, int32 }, dy, x, _, dx) {
    if (dx === undefined) return;
    const one = 2 ** x.fraction;
    for (let i = 0; i < x.size; i++)
      int32[dx.at / 4 + i] = Math.abs(int16[x.at / 2 + i]) <= one ? int32[dy.at / 4 + i] : 0;
    dx.exponent = dy.exponent;
  },
};

/** Products x sign(W)^T of int16: exact, as 4095 * 2048 < 2^31. */
const int16 = {
  plan(at, { out, into }) {
    const panels = at.own(packedBytes(into, out));
    const stride = panelStride(into);
    return {
      /** copy: signs, int16 [out, into]. */
      pack: (run, copy) => run.kernels.pack_nt_i16(copy, into, into, out, panels),
      multiply({ kernels }, { at: from, rows }, to) {
        kernels.gemm_i16i16i32(from, into, panels, stride, to, out, rows, out, into);
      },
    };
  },
};

/** y = x sign(W)^T 2^-5, W [out, columns], a branch; x are signs or pixels. `products`: how they
 *  are multiplied, by int16 or by bits (bits.mjs), which are the same. */
export const binaryLinear = (out, { name, deviation = 0.03, products = int16 }) => ({
  takes: ['operand'],
  output({ columns, rows }) {
    if (columns > COLUMNS_MAX)
      throw new UsageError(`${name} is given ${columns} columns, expected at most ${COLUMNS_MAX}`);
    return { kind: 'branch', rows, columns: out };
  },
  plan: (at, { rows, columns: into }) =>
    new BinaryLinear(at, { out, into, rows, name, deviation }, products),
});

class BinaryLinear {
  needsInput = true;
  history = [];
  ds = { at: 0, exponent: 0 };
  sent = { at: 0, exponent: 0 };

  constructor(at, shape, products) {
    const { out, into, rows, name, deviation } = shape;
    const spec = { name: `${name}.weight`, shape: [out, into], init: { deviation }, decays: true };
    this.shape = shape;
    this.weight = at.parameter(spec);
    for (const parameter of this.weight) parameter.rows += rows;
    this.copy = at.own(out * into * 2);
    this.products = products.plan(at, shape);
    this.backwardPanels = at.own(packedBytes(out, into));
    this.operand = at.scratch('operand', rows * out * 2);
    this.transposed = at.scratch('transposed', rows * out * 2);
    this.panels = at.scratch('panels', packedBytes(rows, into));
  }

  saved() {}

  prepare(run, _, __, { copy, forward, backward }) {
    const { out, into } = this.shape;
    const { master, size } = this.weight[run.block % this.weight.length];
    const { kernels, int16: shorts, int32 } = run;
    const [from, to] = [master / 4, this.copy / 2];
    if (copy) for (let i = 0; i < size; i++) shorts[to + i] = int32[from + i] < 0 ? -1 : 1;
    if (forward) this.products.pack(run, this.copy);
    if (backward) kernels.pack_nn_i16(this.copy, into, out, into, this.backwardPanels);
  }

  forward(run, x, _, y) {
    y.rows = x.rows;
    this.products.multiply(run, x, y.at);
    const shift = x.fraction + SHIFT - BRANCH; // at most 0: to the left
    run.kernels.combine_i32(y.at, 1, shift, 0, 0, 0, 0, 0, y.at, x.rows * this.shape.out);
  }

  /** With ds = dy 2^-5 of the sums: dx = ds sign(W), dW = ds^T x as if W were its sign. */
  backward(run, dy, x, _, dx) {
    const { out, into } = this.shape;
    const { ds, sent, transposed, panels } = this;
    const { kernels } = run;
    const { rows } = x;
    const { gradient, lock } = this.weight[run.block % this.weight.length];
    Object.assign(sent, { at: dy.at, exponent: dy.exponent - SHIFT });
    ds.at = this.operand.at;
    toOperand(run, sent, ds, rows * out);
    const shift = ds.exponent + WEIGHT_GRADIENT - x.fraction;
    if (shift > 20) throw new OverflowError('a gradient is too large', 'lower the learning rate');
    kernels.transpose_i16(ds.at, out, rows, out, transposed.at, rows);
    kernels.pack_nn_i16(x.at, into, rows, into, panels.at);
    const [a, b, stride] = [transposed.at, panels.at, panelStride(rows)];
    if (gradient !== 0)
      run.team.exclusive(lock, () =>
        kernels.gemm_i16i16i64(a, rows, b, stride, gradient, into, out, into, rows, 128, shift),
      );
    if (dx === undefined) return;
    const w = this.backwardPanels;
    kernels.gemm_i16i16i32(ds.at, out, w, panelStride(out), dx.at, into, rows, into, out);
    dx.exponent = ds.exponent;
  }
}

/** `base`, after which weights are clipped to -1..1 (algorithm 1). */
export const clipped = (base) => ({
  ...base,
  name: `clipped ${base.name}`,
  update(run, part, info) {
    const clamped = base.update(run, part, info);
    if (!part.parameter.path.endsWith('.weight')) return clamped;
    const weights = run.view(part.master, part.n);
    const one = 2 ** MASTER;
    for (let i = 0; i < part.n; i++)
      if (Math.abs(weights[i]) > one) weights[i] = weights[i] < 0 ? -one : one;
    return clamped;
  },
});

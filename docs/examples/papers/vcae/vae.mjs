// The baseline of VCAE: a variational autoencoder (Kingma, Welling 2014), whose encoder gives a
// mean and a log variance for every latent.

import { normals } from 'retrograd';

/** Fraction bits of a branch, of exp(s / 2), and of a latent operand. */
const [GIVEN, FRACTION] = [16, 9];
const OPERAND_MAX = 4095;
/** Log variances beyond -8..4 count as those. */
const [LEAST, MOST] = [-8, 4];
/** exp(s / 2) for s in steps of 1 / 256, 16 fraction bits: products of one constant, so that every
 *  runtime has the same. */
const STEP = 256;
const DEVIATION = (() => {
  const table = [2 ** GIVEN];
  const [up, down] = [1.0019550335910028, 0.9980487811074755]; // exp(+-1 / 512)
  for (let i = 1; i <= MOST * STEP; i++) table.push(table[i - 1] * up);
  for (let i = 1; i <= -LEAST * STEP; i++) table.unshift(table[0] * down);
  return Int32Array.from(table, (value) => Math.floor(value + 0.5));
})();
const isInside = (s) => s >= LEAST * 2 ** GIVEN && s <= MOST * 2 ** GIVEN;
/** exp(s / 2) with 16 fraction bits, of s with as many. */
const deviationOf = (s) => {
  const place = Math.floor((s / 2 ** GIVEN - LEAST) * STEP + 0.5);
  return DEVIATION[Math.min(DEVIATION.length - 1, Math.max(0, place))];
};

/** z = m + exp(s / 2) e, e normal with mean 0 and variance 1, of rows [m, s]: branch [rows, 2 d] to
 *  operand [rows, d]. exp(s / 2) e is below 2^38 raw: exact in a double before it is rounded. */
export const sampled = ({ stream = 0 } = {}) => ({
  takes: ['branch'],
  output: ({ rows, columns }) => ({ kind: 'operand', rows, columns: columns / 2 }),
  plan: (at, { rows, columns }) => new Sampled(at.scratch('sampled', rows * columns * 2), stream),
});

class Sampled {
  needsInput = true;

  constructor(noise, stream) {
    this.noise = noise;
    this.stream = stream;
  }

  saved() {}

  prepare(_, __, y) {
    y.fraction = FRACTION;
    Object.assign(y.range, { deviation: 1, offset: 0 });
  }

  /** Calls visit(place of m, place of s, exp(s / 2) e, place in z) for every latent. */
  each(run, x, visit) {
    const { at } = this.noise;
    const d = x.type.columns / 2;
    normals(run, at, x.rows * d, 2 ** GIVEN, this.stream);
    for (let i = 0; i < x.rows * d; i++) {
      const mean = Math.floor(i / d) * 2 * d + (i % d);
      const e = run.int32[at / 4 + i];
      visit(mean, mean + d, deviationOf(run.int32[x.at / 4 + mean + d]) * e, i);
    }
  }

  forward(run, x, _, y) {
    const { int16, int32, counts } = run;
    y.rows = x.rows;
    this.each(run, x, (m, _s, drawn, i) => {
      const z = (int32[x.at / 4 + m] + drawn / 2 ** GIVEN) / 2 ** (GIVEN - FRACTION);
      const kept = Math.min(OPERAND_MAX, Math.max(-OPERAND_MAX, Math.floor(z + 0.5)));
      if (kept !== Math.floor(z + 0.5)) counts.saturated++;
      int16[y.at / 2 + i] = kept;
    });
  }

  /** dm = dz and ds = dz exp(s / 2) e / 2, whose factor is below 2^5: both lose 5 bits. dx may lie
   *  where dz does, so the last are written first. */
  backward(run, dy, x, _, dx) {
    if (dx === undefined) return;
    const { int32 } = run;
    const dz = int32.slice(dy.at / 4, dy.at / 4 + x.size / 2);
    this.each(run, x, (m, s, drawn, i) => {
      const factor = isInside(int32[x.at / 4 + s]) ? drawn / 2 ** (2 * GIVEN + 1) : 0;
      int32[dx.at / 4 + m] = Math.floor(dz[i] / 32 + 0.5);
      int32[dx.at / 4 + s] = Math.floor((dz[i] * factor) / 32 + 0.5);
    });
    dx.exponent = dy.exponent + 5;
  }
}

/** The divergence of N(m, exp s) from N(0, 1) of rows [m, s], in nats a row: the mean over rows of
 *  the sum of (m^2 + exp s - 1 - s) / 2. */
export const divergence = ({ rows: n, columns }) => {
  const d = columns / 2;
  return (latents, slopes) => {
    let sum = 0;
    for (let i = 0; i < n * columns; i++) {
      if (i % columns >= d) continue;
      const [m, s] = [latents[i] / 2 ** GIVEN, latents[i + d] / 2 ** GIVEN];
      const power = (deviationOf(latents[i + d]) / 2 ** GIVEN) ** 2;
      sum += (m * m + power - 1 - s) / 2;
      slopes[i] = m / n;
      slopes[i + d] = (power - 1) / (2 * n);
    }
    return sum / n;
  };
};

// BIR-VAE (Braithwaite, Kleijn 2018): an autoencoder whose latent layer is a channel with a set
// number of bits. Noise of a fixed variance is added to latents, and the maximum mean discrepancy
// to a normal distribution gives them unit power.

/** The deviation of the noise that lets `bits` through `dimensions` latents of unit power:
 *  bits = -(d / 2) log2 s^2, so s = 2^(-bits / d). */
export const deviationOf = (bits, dimensions) => 2 ** (-bits / dimensions);

/** exp(-i / 2^12) with 24 fraction bits, i < 2^16: products of one constant, so that every runtime
 *  has the same. */
const STEP = 4096;
const EXPONENTIAL = (() => {
  const table = new Int32Array(16 * STEP);
  let value = 2 ** 24;
  for (let i = 0; i < table.length; i++) {
    table[i] = Math.floor(value + 0.5);
    value *= 0.9997558891748972; // exp(-1 / 4096)
  }
  return table;
})();
const exponential = (t) =>
  EXPONENTIAL[Math.min(EXPONENTIAL.length - 1, Math.floor(t * STEP + 0.5))];

/** Fraction bits of z in the sums: those of an operand. */
const FRACTION = 9;

/** The squared maximum mean discrepancy of n rows z to a normal distribution p, with the kernel
 *  k(a, b) = sum of exp(-|a - b|^2 / h) over widths h:
 *    mean of k(z, z') over pairs - 2 mean of E k(z, p) + E k(p, p'),
 *  unbiased, with both expectations in closed form:
 *    E k(z, p) = (1 + 2 / h)^(-d / 2) exp(-|z|^2 / (h + 2)),  E k(p, p') = (1 + 4 / h)^(-d / 2).
 *  A kernel has 24 bits and a difference 14, so a sum over n <= 128 is below 2^45: exact. */
export const discrepancy =
  (widths) =>
  ({ rows: n, columns: d }) => {
    const z = new Int32Array(n * d);
    const each = widths.map((h) => discrepancyOf(h, { z, n, d, pulls: new Float64Array(n * d) }));
    return (latents, slopes) => {
      for (let i = 0; i < n * d; i++) z[i] = latents[i] >> (16 - FRACTION);
      slopes.fill(0);
      return each.reduce((sum, of) => sum + of(slopes), 0);
    };
  };

/** Of one width: adds its slopes. */
function discrepancyOf(h, { z, n, d, pulls }) {
  const root = (x) => Array.from({ length: d }).reduce((product) => product / Math.sqrt(x), 1);
  const [one, both] = [root(1 + 2 / h), root(1 + 4 / h)];
  const unit = 4 / (2 ** (24 + FRACTION) * n);
  return (slopes) => {
    const pairs = pull(z, pulls, { n, d, h });
    let alone = 0;
    for (let i = 0; i < n; i++) {
      let square = 0;
      for (let c = 0; c < d; c++) square += z[i * d + c] ** 2;
      const k = exponential(square / ((h + 2) * 2 ** (2 * FRACTION)));
      alone += k;
      for (let at = i * d; at < i * d + d; at++)
        slopes[at] += unit * ((k * z[at] * one) / (h + 2) - pulls[at] / ((n - 1) * h));
    }
    return (pairs / (n - 1) - 2 * one * alone) / (n * 2 ** 24) + both;
  };
}

/** The sum of k over pairs of rows, and for every row i the sum over j of k(i, j) (z_i - z_j). */
function pull(z, pulls, { n, d, h }) {
  let sum = 0;
  pulls.fill(0);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < i; j++) {
      let square = 0;
      for (let c = 0; c < d; c++) square += (z[i * d + c] - z[j * d + c]) ** 2;
      const k = exponential(square / (h * 2 ** (2 * FRACTION)));
      sum += 2 * k;
      for (let c = 0; c < d; c++) {
        const term = k * (z[i * d + c] - z[j * d + c]);
        pulls[i * d + c] += term;
        pulls[j * d + c] -= term;
      }
    }
  return sum;
}

// VCAE (Braithwaite, O'Connor, Kleijn 2019): an autoencoder with noise in its latent layer that
// constrains the variance of its latents, and nothing else of their distribution.

/** Fraction bits of a branch, and of a latent in the sums. */
const [GIVEN, FRACTION] = [16, 9];

/** |V - wanted| of the rows z, V the unbiased estimate of E |z - E z|^2, summed over dimensions:
 *    V = (n sum of z^2 - sum over columns of (sum of z)^2) / (n (n - 1)),
 *  exact: |z| < 2^19 and n <= 128 rows, so a square has 38 bits and n sums of squares 52 for
 *  d <= 8 columns. */
export const variance =
  (wanted) =>
  ({ rows: n, columns: d }) => {
    const z = new Int32Array(n * d);
    const sums = new Float64Array(d);
    return (latents, slopes) => {
      let squares = 0;
      sums.fill(0);
      for (let i = 0; i < n * d; i++) {
        z[i] = latents[i] >> (GIVEN - FRACTION);
        squares += z[i] ** 2;
        sums[i % d] += z[i];
      }
      const between = sums.reduce((sum, v) => sum + v * v, 0);
      const excess = (n * squares - between) / (n * (n - 1) * 2 ** (2 * FRACTION)) - wanted;
      const slope = (Math.sign(excess) * 2) / (n * (n - 1) * 2 ** FRACTION);
      for (let i = 0; i < n * d; i++) slopes[i] = slope * (n * z[i] - sums[i % d]);
      return Math.abs(excess);
    };
  };

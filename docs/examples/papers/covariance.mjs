// Rows of latents by their mean and covariance, in float64: for tables.

/** Mean and covariance matrix of rows of numbers. */
export function moments(rows) {
  const n = rows.length;
  const means = Array.from(rows[0], (_, c) => rows.reduce((sum, row) => sum + row[c], 0) / n);
  const product = (a, b) =>
    rows.reduce((sum, row) => sum + (row[a] - means[a]) * (row[b] - means[b]), 0) / n;
  return { means, covariance: means.map((_, a) => means.map((__, b) => product(a, b))) };
}

/** A covariance matrix with independent noise of such a deviation in every dimension. */
export const withNoise = (covariance, deviation) =>
  covariance.map((row, a) => row.map((v, b) => (a === b ? v + deviation ** 2 : v)));

export const trace = (matrix) => matrix.reduce((sum, row, i) => sum + row[i], 0);

/** The lower triangle L with L L^T = C (Cholesky). */
export function triangle(covariance) {
  const factor = covariance.map((row) => row.slice());
  factor.forEach((row, i) => {
    for (let j = 0; j < row.length; j++) {
      if (j > i) row[j] = 0;
      for (let k = 0; k < Math.min(i, j); k++) row[j] -= row[k] * factor[j][k];
      if (j < i) row[j] /= factor[j][j];
      if (j === i) row[j] = Math.sqrt(row[j]);
    }
  });
  return factor;
}

/** The bits that latents of some covariance matrix C, with noise of deviation s in it, carry beside
 *  that noise if they are normal: (log2 det C) / 2 - d log2 s. */
export const bitsOf = (covariance, deviation) =>
  triangle(covariance).reduce((bits, row, i) => bits + Math.log2(row[i] / deviation), 0);

// The matrix product that every engine is given: small whole numbers, so that float32, int8, int16
// and int32 hold operands and sums exactly and all engines must give the same result. A[m][k] is
// 0..15, B[k][n] is -8..7.

/** M x N x K. */
export const SHAPES = [
  [64, 64, 64],
  [128, 128, 128],
  [256, 256, 256],
  [512, 512, 512],
  [1024, 128, 512],
  [2080, 192, 576],
];

const element = (i, factor) => Math.imul(i + 1, factor) >>> 28;
export const leftOperand = (m, k, Type) =>
  Type.from({ length: m * k }, (_, i) => element(i, 0x9e3779b1));
export const rightOperand = (k, n, Type) =>
  Type.from({ length: k * n }, (_, i) => element(i, 0x85ebca6b) - 8);

/** A fingerprint of a result, whatever its type. */
export function fingerprint(values) {
  let hash = values.length;
  for (let i = 0; i < values.length; i++)
    hash = (Math.imul(hash ^ values[i], 0x01000193) + (hash >>> 15)) | 0;
  return hash;
}

/** The fingerprint of the product, by plain loops. */
export function expectedFingerprint([m, n, k]) {
  const a = leftOperand(m, k, Int32Array);
  const b = rightOperand(k, n, Int32Array);
  const c = new Int32Array(m * n);
  for (let i = 0; i < m; i++)
    for (let p = 0; p < k; p++) {
      const factor = a[i * k + p];
      for (let j = 0; j < n; j++) c[i * n + j] += factor * b[p * n + j];
    }
  return fingerprint(c);
}

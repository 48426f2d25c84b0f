// Random numbers as a function of their place: Philox4x32-10, the counter-based generator of
// Salmon, Moraes, Dror and Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011). There is
// no state to save, replay or share between workers: the number for (seed, purpose, step, sample,
// index) is the same whoever asks, in whatever order. The kernels random_u32 and random_normal_i32
// (kernels/kernels.ts) compute the same blocks. Tested by test/random.test.ts on the published
// known answers.

/** Round multipliers and key increments (the golden ratio and sqrt(3) - 1): Salmon et al. 2011,
 *  section 4.3. */
const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;

/** floor(a b / 2^32) for uint32 a, b, from 16-bit halves: every intermediate stays below 2^33. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + Math.floor((aLow * bLow) / 65536);
  const cross = aLow * bHigh + (middle % 65536);
  return (aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(cross / 65536)) >>> 0;
}

/** The block of four uint32s at counter (c0, c1, c2, c3) under the key (key0, key1); all taken
 *  modulo 2^32. */
export function philox4x32(
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  key0: number,
  key1: number,
): [number, number, number, number] {
  let x0 = c0 >>> 0;
  let x1 = c1 >>> 0;
  let x2 = c2 >>> 0;
  let x3 = c3 >>> 0;
  let k0 = key0 >>> 0;
  let k1 = key1 >>> 0;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, x0);
    const low0 = Math.imul(MULTIPLIER_0, x0);
    const high1 = multiplyHigh(MULTIPLIER_1, x2);
    const low1 = Math.imul(MULTIPLIER_1, x2);
    x0 = (high1 ^ x1 ^ k0) >>> 0;
    x1 = low1 >>> 0;
    x2 = (high0 ^ x3 ^ k1) >>> 0;
    x3 = low0 >>> 0;
    k0 = (k0 + WEYL_0) >>> 0;
    k1 = (k1 + WEYL_1) >>> 0;
  }
  return [x0, x1, x2, x3];
}

/** What a random number is for: its own counter word, so that no two uses ever share a number. */
export const PURPOSE = {
  weights: 1,
  batch: 2,
  gamma: 3,
  sample: 4,
  augment: 5,
  shuffle: 6,
  dropout: 7,
  depth: 8,
  adapter: 9,
  rounding: 10,
  operands: 11,
} as const;

/** One more: noise of layers (ops/normals.ts), apart so that who has none does not carry it. */
export const LAYER_PURPOSE = 12;

/** One uint32: word 0 of the block with key (seed mod 2^32, floor(seed / 2^32)) and counter (index,
 *  sample, step, purpose). seed: an integer in 0..2^53 - 1; the others uint32. */
export function randomU32(
  seed: number,
  purpose: number,
  step: number,
  sample: number,
  index: number,
): number {
  return philox4x32(index, sample, step, purpose, seed, Math.floor(seed / 2 ** 32))[0];
}

// Number formats: every scale, range and accumulator bound of the engine, once.
//
// Convention: Qm.n is signed, the sign bit is not counted, value = raw * 2^-n, range [-2^m, 2^m -
// 2^-n]. "n fraction bits" says only the scale. The table of docs/number-formats.md is made from
// these values.

/** Version of the kernels' binary interface: raised whenever a kernel's signature or meaning
 *  changes; kernels/wasm.ts refuses a module of another one. */
export const KERNELS_VERSION = 3;

/** Fraction bits of the int32 master weights (range +-16, see WEIGHT_LIMIT). */
export const MASTER_FRACTION = 24;
/** Largest |raw| of a master weight: just under +-16, so that its copy at 8 fraction bits rounds to
 *  4095 at most. The optimizer saturates there and counts. */
export const WEIGHT_LIMIT = 2 ** 28 - 2 ** 15 - 1;

/** Largest |raw| of an int16 gemm operand: a 13-bit signed mantissa. */
export const OPERAND_MAX = 4095;
/** Fraction bits of layer-norm output (an operand: +-16). */
export const NORM_FRACTION = 8;
/** Fraction bits of the other forward operands (q and k; v and attention output; GELU output):
 *  chosen from the weights that produce them, between these two (ranges +-16 .. +-2), see
 *  ops/activation-format.ts. */
export const MIN_ACTIVATION_FRACTION = 8;
export const MAX_ACTIVATION_FRACTION = 11;
/** Fraction bits of the GELU input (int16, +-16). Not a gemm operand, so it keeps all 16 bits. */
export const GELU_INPUT_FRACTION = 11;
/** Fraction bits of the normalised value x-hat (int16): of at most 256 columns (+-16), and of 4,096
 *  (+-64). |x-hat| <= sqrt(columns - 1), so it never saturates (docs/number-formats.md). */
export const XHAT_FRACTION = 11;
export const MIN_XHAT_FRACTION = 9;
/** Fraction bits of x-hat in rows of so many columns: 11, 10, 9 up to 256, 1,024, 4,096 of them. */
export function xhatFraction(columns: number): number {
  return XHAT_FRACTION - Number(columns > 256) - Number(columns > 1024);
}
/** Fraction bits of the int16 working copy of a layer-norm gain (+-16). */
export const GAIN_FRACTION = 11;
/** Fraction bits of 1/sigma kept for the layer norm's backward pass (int32). */
export const RSTD_FRACTION = 22;
/** Fraction bits of a pixel (int16 operand): byte p is (2 p - 255) * 16, from -1.9922 to 1.9922. */
export const PIXEL_FRACTION = 11;
/** Fraction bits of a softmax probability (int16, 0..PROBABILITY_MAX). */
export const PROBABILITY_FRACTION = 15;
export const PROBABILITY_MAX = 32767;
/** Fraction bits of a block's output h and of layer-norm inputs (int32). */
export const BRANCH_FRACTION = 16;
/** Largest |raw| of the output of a sublayer (attention, cross-attention, MLP): +-1024 at 16
 *  fraction bits. */
export const BRANCH_LIMIT = 2 ** 26;
/** Largest |raw| of h, the sum of up to three: (2^m + sigma) h - sigma (X mod 2^m) 2^(16 - l) <= 9
 *  * 3 * 2^26 + 7 * 2^10 < 2^31 for m <= 3. */
export const BRANCH_SUM_LIMIT = 3 * BRANCH_LIMIT;
/** Largest |x| of the residual state that a step accepts: 2^14, as raw value 2^(14 + l). Beyond:
 *  OverflowError. */
export const STATE_LIMIT_BITS = 14;
/** Fraction bits l of the residual state: default (the paper's) and allowed range. */
export const DEFAULT_STATE_FRACTION = 9;
export const MIN_STATE_FRACTION = 6;
export const MAX_STATE_FRACTION = 14;
/** Those at inference, where nothing has to be undone: with the 9 of training its rounding is most
 *  of what logits are away from real arithmetic, with 14 the operands' is (docs/export.md). */
export const INFERENCE_STATE_FRACTION = MAX_STATE_FRACTION;
/** gamma = +-2^-m: allowed m. */
export const MAX_GAMMA_SHIFT = 3;

/** Largest |raw| of the int16 gradient that enters a layer norm's backward pass (not a gemm
 *  operand). */
export const FINE_GRADIENT_MAX = 16383;
/** Bits of the mantissa of the residual stream's gradient: |raw| <= 2^26, so that 15 |raw| fits
 *  int32. */
export const STREAM_GRADIENT_BITS = 26;
/** Fraction bits of the cross entropy's output gradient p - onehot (int32). */
export const LOGIT_GRADIENT_FRACTION = 24;
/** Fraction bits of a loss in nats (int32). */
export const LOSS_FRACTION = 16;

/** Weight gradients: exact int64 sums with 28 fraction bits, of the loss summed (not averaged) over
 *  the step's tokens. */
export const WEIGHT_GRADIENT_FRACTION = 28;
/** A flush of an int32 partial sum into a weight gradient shifts by MIN..MAX_FLUSH_SHIFT bits
 *  (right if negative). */
export const MIN_FLUSH_SHIFT = -16;
export const MAX_FLUSH_SHIFT = 20;
/** Flushes that one weight gradient can take in a step: 2^31 * 2^20 * 2^12 = 2^63. Each covers up
 *  to 128 tokens. */
export const MAX_FLUSHES = 2 ** 12;

/** Largest number of exact int32 products of operands with |a| <= maxA, |b| <= maxB, rounded down
 *  to an even number. The slack of 2^15 is the half step that a right-shifting flush adds. */
export function exactProducts(maxA: number, maxB: number): number {
  return Math.floor((2 ** 31 - 1 - 2 ** 15) / (maxA * maxB) / 2) * 2;
}
/** 4095 * 4095 * 128 = 2,146,435,200 < 2^31 - 2^15. */
export const OPERAND_PRODUCTS = exactProducts(OPERAND_MAX, OPERAND_MAX);
/** 32767 * 4095 * 16 = 2,146,893,840 < 2^31 - 2^15. */
export const PROBABILITY_PRODUCTS = exactProducts(PROBABILITY_MAX, OPERAND_MAX);
/** Largest sum of |w| over a row or a column of a weight's int16 copy for which 4095 * sum fits
 *  int32: 524,416. */
export const OPERAND_L1_MAX = Math.floor((2 ** 31 - 1) / OPERAND_MAX);
/** Logits a row from which on their gradient is rounded by chance and the columns of their weights
 *  need no exact sums: rounded to nearest, a probability below 2^-13 is 0. */
export const LARGE_VOCABULARY = 2 ** 11;
/** Largest sum of |v| over a row of p - onehot as an operand, of up to 2^16 logits: 2 * 4095, and
 *  by rounding less than 1 for each. */
export const LOGIT_GRADIENT_L1_MAX = 2 * OPERAND_MAX + 2 ** 16;

/** Adam: a gradient, clipped and in units of its tensor's scale, is at most 1 = 2^30; so are m and
 *  r = sqrt(v). */
export const OPTIMIZER_FRACTION = 30;
/** Largest |raw| of m and of r, which is never negative: means of clipped gradients. */
export const MOMENT_LIMIT = 2 ** OPTIMIZER_FRACTION;
/** The learning rate, bias corrections folded in, has 32 fraction bits and is below 1 (so m * rate
 *  <= 2^62). */
export const RATE_FRACTION = 32;

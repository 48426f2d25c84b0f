// The tables of docs/number-formats.md, computed from src/memory/formats.ts and from the
// reference's own rounding functions.

import { load } from '../../bench/load.mjs';

/** Every constant of the formats, and the two of the gradients. */
export const constants = async () => ({
  ...(await load('src/memory/formats.ts')),
  ...(await load('src/ops/gradient.ts')),
});

/** Those of operands of 8 bits. */
const int8Constants = async () => ({
  ...(await load('src/kernels/int8.ts')),
  ...(await load('src/layers/int8-matrix.ts')),
});

/** Shortest exact form of a number that is an integer times a power of two. */
const exact = (value) => (Number.isInteger(value) ? value.toLocaleString('en-US') : String(value));
const step = (fraction) => `2^${-fraction}`;
/** -raw .. raw with `fraction` fraction bits, in real units. */
const symmetric = (raw, fraction) => `±${exact(raw / 2 ** fraction)}`;

/** Most columns of each format of x-hat. */
const XHAT_COLUMNS = [256, 1024, 4096];
const list = (values) => values.map(exact).join('; ');
/** Largest |x-hat| of so many columns, in steps: what roundings add at most. */
const largestXhat = (columns, fraction) =>
  (Math.sqrt(columns - 1 + 1 / 4) * 2 ** fraction * (1 + 2 ** -20)) /
  (1 - Math.sqrt(columns) * 2 ** -20);

/** [tensor, storage, fraction bits, step, range, what happens beyond it] */
export async function formatRows() {
  const f = await constants();
  for (const [name, value] of Object.entries(f))
    if (value === undefined) throw new Error(`formats: ${name} is undefined`);
  const fixed = (tensor, storage, fraction, range, beyond) => {
    if (!Number.isInteger(fraction)) throw new Error(`formats: ${tensor} has no fraction bits`);
    return [tensor, storage, fraction, step(fraction), range, beyond];
  };
  const operand = (fraction) => symmetric(f.OPERAND_MAX, fraction);
  const highest = f.GRADIENT_LIMIT_BITS - Math.ceil(Math.log2(f.OPERAND_MAX));
  const lowest = f.MIN_OPERAND_EXPONENT;
  return [
    fixed(
      'master weight',
      'int32',
      f.MASTER_FRACTION,
      symmetric(f.WEIGHT_LIMIT, f.MASTER_FRACTION),
      'saturates, counted',
    ),
    [
      'weight, working copy',
      'int16, 13 bits',
      'per matrix, at least 8',
      '',
      `±${f.OPERAND_MAX} steps`,
      'cannot happen: the fraction bits are chosen from the matrix',
    ],
    fixed(
      'layer-norm gain, working copy',
      'int16',
      f.GAIN_FRACTION,
      symmetric(f.PROBABILITY_MAX, f.GAIN_FRACTION),
      'saturates',
    ),
    [
      'residual state',
      'int32',
      `l = ${f.MIN_STATE_FRACTION} to ${f.MAX_STATE_FRACTION}, ` +
        `default ${f.DEFAULT_STATE_FRACTION}; ` +
        `at inference ${f.INFERENCE_STATE_FRACTION}`,
      '2^-l',
      `accepted ±2^${f.STATE_LIMIT_BITS}`,
      'wraps; beyond the accepted range the step is refused',
    ],
    [
      'x-hat of a layer norm',
      'int16',
      XHAT_COLUMNS.map(f.xhatFraction).join(', '),
      '',
      `up to ${list(XHAT_COLUMNS)} columns`,
      'cannot happen: eq. 6',
    ],
    fixed(
      '1/sigma of a layer norm',
      'int32',
      f.RSTD_FRACTION,
      `0 to ${exact(1326350334 / 2 ** f.RSTD_FRACTION)}`,
      'cannot happen: epsilon bounds it',
    ),
    fixed(
      'layer-norm output',
      'int16, 13 bits',
      f.NORM_FRACTION,
      operand(f.NORM_FRACTION),
      'saturates, counted',
    ),
    [
      'q, k; v, attention output; GELU output',
      'int16, 13 bits',
      `${f.MIN_ACTIVATION_FRACTION} to ${f.MAX_ACTIVATION_FRACTION}, per layer`,
      '',
      `${operand(f.MIN_ACTIVATION_FRACTION)} to ${operand(f.MAX_ACTIVATION_FRACTION)}`,
      'saturates, counted',
    ],
    fixed(
      'GELU input',
      'int16',
      f.GELU_INPUT_FRACTION,
      symmetric(f.PROBABILITY_MAX, f.GELU_INPUT_FRACTION),
      'saturates, counted',
    ),
    fixed(
      'softmax probability',
      'int16',
      f.PROBABILITY_FRACTION,
      `0 to ${exact(f.PROBABILITY_MAX / 2 ** f.PROBABILITY_FRACTION)}`,
      'saturates',
    ),
    [
      'attention scores, logits',
      'int32',
      "sum of the operands'",
      '',
      'exact',
      'cannot happen: eq. 2, 3',
    ],
    fixed(
      'pixel',
      'int16, 13 bits',
      f.PIXEL_FRACTION,
      symmetric(255 * 16, f.PIXEL_FRACTION),
      'cannot happen: a byte',
    ),
    fixed(
      'output of attention, of cross-attention, of the MLP',
      'int32',
      f.BRANCH_FRACTION,
      symmetric(f.BRANCH_LIMIT, f.BRANCH_FRACTION),
      'saturates, counted',
    ),
    fixed(
      'h of a block, their sum',
      'int32',
      f.BRANCH_FRACTION,
      symmetric(f.BRANCH_SUM_LIMIT, f.BRANCH_FRACTION),
      'cannot happen: at most three',
    ),
    fixed(
      'velocity of `momentum`',
      'int32',
      f.BRANCH_FRACTION,
      'accepted ±2^14',
      'wraps; beyond the accepted range the step is refused',
    ),
    fixed(
      'loss of a token, nats',
      'int32',
      f.LOSS_FRACTION,
      `0 to 2^${31 - f.LOSS_FRACTION}`,
      'saturates',
    ),
    fixed(
      'gradient of the logits',
      'int32',
      f.LOGIT_GRADIENT_FRACTION,
      '±1',
      'cannot happen: a probability less 0 or 1',
    ),
    [
      'gradient operand',
      'int16, 13 bits',
      `${-highest} to ${-lowest}, per tensor and sequence`,
      `2^${lowest} to 2^${highest}`,
      `up to ±2^${f.GRADIENT_LIMIT_BITS}`,
      'refused: the step ends with an error',
    ],
    [
      'gradient into a layer norm',
      'int16, 15 bits',
      'per sequence',
      '',
      `±${f.FINE_GRADIENT_MAX} steps`,
      'as above',
    ],
    [
      'gradient of the residual stream',
      'int32',
      'per sequence',
      '',
      `at most 2^${f.STREAM_GRADIENT_BITS} steps`,
      'cannot happen: the exponent follows the maximum',
    ],
    fixed(
      'weight gradient',
      'int64',
      f.WEIGHT_GRADIENT_FRACTION,
      `±2^${63 - f.WEIGHT_GRADIENT_FRACTION}`,
      'cannot happen: eq. 5',
    ),
    fixed(
      'clipped gradient in AdamW, in units of 2^scale',
      'int32',
      f.OPTIMIZER_FRACTION,
      '±1',
      'cannot happen: the scale follows it',
    ),
    fixed(
      'first moment m, likewise',
      'int32',
      f.OPTIMIZER_FRACTION,
      '±1',
      'cannot happen: a mean of clipped gradients',
    ),
    fixed(
      'root of the second moment r',
      'int32',
      f.OPTIMIZER_FRACTION,
      '0 to 1',
      'cannot happen: likewise',
    ),
    fixed(
      'learning rate, decay',
      'uint32',
      f.RATE_FRACTION,
      'below 1',
      'refused when the run is created',
    ),
  ];
}

/** The equations of the bounds, as indented lines, with the constants' values. Throws if one does
 *  not hold. */
export async function BOUNDS() {
  const f = await constants();
  const i8 = await int8Constants();
  const int32 = 2 ** 31;
  const slack = 2 ** 15;
  const log2 = (value) => `2^${Math.log2(value)}`;
  const operands = f.OPERAND_PRODUCTS * f.OPERAND_MAX ** 2;
  const probabilities = f.PROBABILITY_PRODUCTS * f.PROBABILITY_MAX * f.OPERAND_MAX;
  const longest = 4096;
  const rowSum = slack + longest / 2;
  const flushed = int32 * 2 ** f.MAX_FLUSH_SHIFT * f.MAX_FLUSHES;
  const tokens = f.MAX_FLUSHES * f.OPERAND_PRODUCTS;
  const range = (f.OPERAND_MAX + 1) / 2 ** f.MIN_ACTIVATION_FRACTION;
  const summed = tokens * 2 ** f.GRADIENT_LIMIT_BITS * range * 2 ** f.WEIGHT_GRADIENT_FRACTION;
  const pair = 2 * i8.INT8_ROW_MAX * (2 * i8.INT8_COLUMN_MAX + 1);
  const chunk = i8.INT8_CHUNK * i8.INT8_OPERAND_MAX * f.OPERAND_MAX;
  const xhats = XHAT_COLUMNS.map((columns) => largestXhat(columns, f.xhatFraction(columns)));
  const holds =
    operands < int32 - slack &&
    probabilities < int32 - slack &&
    f.OPERAND_L1_MAX * f.OPERAND_MAX < int32 &&
    rowSum * f.OPERAND_MAX < 2 ** 28 &&
    f.LOGIT_GRADIENT_L1_MAX < f.OPERAND_L1_MAX &&
    f.OPERAND_PRODUCTS * f.OPERAND_MAX < f.OPERAND_L1_MAX &&
    flushed <= 2 ** 63 &&
    pair < 2 ** 15 &&
    chunk < int32 - slack &&
    i8.INT8_L1_MAX * i8.INT8_OPERAND_MAX < int32 &&
    summed <= 2 ** 63 &&
    xhats.every((value) => value < 32767.5);
  if (!holds) throw new Error('formats: a bound of docs/number-formats.md does not hold');
  return [
    `(1)  products of operands:  ${f.OPERAND_PRODUCTS} * ${f.OPERAND_MAX}^2 = ` +
      `${exact(operands)} < 2^31 - 2^15                       OPERAND_PRODUCTS`,
    `     with a probability:    ${f.PROBABILITY_PRODUCTS} * ${f.PROBABILITY_MAX} * ` +
      `${f.OPERAND_MAX} = ${exact(probabilities)} < 2^31 - 2^15               ` +
      'PROBABILITY_PRODUCTS',
    '(2)  q k^T, dO v^T:  K = head size <= 128 (checked for every model), so (1) covers them',
    `(3)  x W^T, dy W:  ${f.OPERAND_MAX} * (largest sum of |w| over a row or column of the ` +
      `copy, at most ${exact(f.OPERAND_L1_MAX)}) < 2^31      OPERAND_L1_MAX`,
    `     of a head of ${exact(f.LARGE_VOCABULARY)} logits or more:  rows of W as above; of dy, ` +
      `whose rows' sums of |v| are at most ${exact(f.LOGIT_GRADIENT_L1_MAX)} < ` +
      `${exact(f.OPERAND_L1_MAX)}      LOGIT_GRADIENT_L1_MAX`,
    `(4)  P v:  the probabilities of a row sum to at most 2^15 + T/2 <= ${exact(rowSum)} raw ` +
      `units, times ${f.OPERAND_MAX} < 2^28`,
    `(5)  weight gradient, by flushes:  2^31 * ${log2(2 ** f.MAX_FLUSH_SHIFT)} ` +
      `(MAX_FLUSH_SHIFT) * ${log2(f.MAX_FLUSHES)} (MAX_FLUSHES) = ${log2(flushed)}`,
    `     by tokens:  ${log2(tokens)} tokens * ${log2(2 ** f.GRADIENT_LIMIT_BITS)} ` +
      `(gradient) * ${log2(range)} (activation) * ${log2(2 ** f.WEIGHT_GRADIENT_FRACTION)} ` +
      `(grid) = ${log2(summed)}`,
    '     gain of a layer norm:  |x-hat| < 2^(15 - f), so a row of f fraction bits counts as ' +
      '2^(11 - f) tokens',
    `(6)  x-hat:  sqrt(C - 1) 2^f, with what is rounded at most ` +
      `${list(xhats.map((value) => Math.round(value * 100) / 100))} for C = ` +
      `${list(XHAT_COLUMNS)}, below 2^15 - 1/2      xhatFraction`,
    `(7)  8 bits, a pair in the instruction:  2 * ${i8.INT8_ROW_MAX} * ` +
      `${2 * i8.INT8_COLUMN_MAX + 1} = ${exact(pair)} < 2^15      INT8_ROW_MAX, INT8_COLUMN_MAX`,
    `     of a sequence:  ${i8.INT8_CHUNK} * ${i8.INT8_OPERAND_MAX} * ${f.OPERAND_MAX} = ` +
      `${exact(chunk)} < 2^31 - 2^15      INT8_CHUNK, INT8_OPERAND_MAX`,
    `     x W^T, dy W:  ${i8.INT8_OPERAND_MAX} * (largest sum of |w| after rounding, at most ` +
      `${exact(i8.INT8_L1_MAX)}) < 2^31      INT8_L1_MAX`,
    "     which rounding keeps if (3) has room for 9/16 of a column's factor an element: " +
      `${exact(i8.int8Room(512, f.OPERAND_MAX))} of K = 512 at most      int8Room`,
  ].map((line) => `    ${line}`);
}

/** Rounding rules with their results for -1.5, -0.5, 0.5, 1.5, computed by
 *  src/kernels/reference/fixed.ts. */
export async function ROUNDING_ROWS() {
  const { shiftRightFloor, halfUp, halfEvenBig } = await load('src/kernels/reference/fixed.ts');
  const halves = [-3, -1, 1, 3];
  const row = (rule, formula, round, use) => [
    rule,
    `\`${formula}\``,
    ...halves.map((a) => String(Number(round(a)) + 0)),
    use,
  ];
  return [
    row(
      'floor',
      'floor(a / 2^s)',
      (a) => shiftRightFloor(a, 1),
      'polynomials and tables, quotients, roots',
    ),
    row(
      'half up',
      'floor((a + 2^(s-1)) / 2^s)',
      (a) => halfUp(a, 1),
      'every change of format, gradients included',
    ),
    row(
      'half even',
      'nearest, ties to even',
      (a) => halfEvenBig(BigInt(a), 1),
      'the residual update',
    ),
    row('toward zero', 'trunc(a / 2^s)', (a) => BigInt(a) / 2n, "Adam's first moment and its step"),
  ];
}

// The blocks of docs/int8.md: its bounds, with the constants of the built library, and the bytes of
// packed weights.

import { constants } from './format-tables.mjs';
import { grouped, table } from './markdown.mjs';

const library = () => import('../../dist/index.js');

/** The equations of the bounds, as indented lines. Throws if one does not hold. */
export async function int8Bounds() {
  const f = await library();
  const { INT8_ROW_MAX: row, INT8_COLUMN_MAX: column, INT8_CHUNK: chunk } = f;
  const { INT8_OPERAND_MAX: operand, INT8_L1_MAX: norm } = f;
  const { OPERAND_MAX: widest } = await constants();
  const pair = 2 * row * (2 * column + 1);
  const factor = Math.ceil(widest / column);
  const flushed = chunk * operand * factor * column;
  const slack = 2 ** 31 - 2 ** 15;
  const shift = Math.ceil(Math.log2(widest / row));
  const most = Math.ceil(widest / 2 ** shift) * 2 ** shift;
  const holds =
    pair < 2 ** 15 &&
    Math.ceil(widest / 2 ** shift) <= row &&
    most === operand &&
    factor * column <= operand &&
    operand * norm < 2 ** 31 &&
    flushed < slack;
  if (!holds) throw new Error('int8: a bound of docs/int8.md does not hold');
  return [
    `(1)  a pair of products of the instruction:  2 * ${row} * ${2 * column + 1} = ` +
      `${grouped(pair)} < 2^15`,
    `(2)  an operand again:  |a'| <= 2^${shift} * ceil(${grouped(widest)} / 2^${shift}) = ` +
      `${grouped(most)}, |b'| <= ${column} * ${factor} = ${grouped(column * factor)}` +
      '      INT8_OPERAND_MAX',
    `(3)  x W^T, dy W:  ${grouped(operand)} * (largest sum of |b'| over a column, at most ` +
      `${grouped(norm)}) < 2^31      INT8_L1_MAX`,
    `(4)  dy^T x, a chunk:  ${chunk} * ${grouped(operand)} * ${grouped(factor * column)} = ` +
      `${grouped(flushed)} < 2^31 - 2^15      INT8_CHUNK`,
  ]
    .map((line) => `    ${line}`)
    .join('\n');
}

/** Rows and columns of the weights of a block of 128 channels. */
const MATRICES = [
  ['qkv', 384, 128],
  ['up', 512, 128],
  ['down', 128, 512],
];

/** Bytes of the packed copies of a block's weights. */
export async function int8Bytes() {
  const { int8PackedBytes } = await library();
  return table(
    ['weights', 'int16, int8 baseline', 'int8 relaxed'],
    MATRICES.map(([name, out, into]) => [
      `${name}, ${out} x ${into}`,
      ...['baseline', 'relaxed'].map((build) => grouped(int8PackedBytes(build, into, out))),
    ]),
    [1, 2],
  );
}

// The networks that HexaConv is shown with: digits on a hexagon by convolutions over p6 or planar
// ones, and on a square by square ones. Each convolution is normalised row by row, as the sums of
// windows whose parts are alike leave any format that is planned for independent ones. All end in a
// sum over all rows. No turn of the lattice changes either.

import { conv2d, crossEntropy, defineModel, layerNorm, linear, patches, relu } from 'retrograd';
import { hexagon, hexConv } from './model.mjs';

/** The sum of all rows divided by a 32nd of the power of two above their number, as means of
 *  small weights are small: from branch [rows, C] to branch [1, C]. Sums of integers have no
 *  order: neither has this. */
export const sumOfRows = () => ({
  takes: ['branch'],
  output: (input) => ({ ...input, rows: 1 }),
  plan: (_, { rows, columns }) => new SumOfRows(rows, columns),
});

class SumOfRows {
  needsInput = false;

  constructor(rows, columns) {
    Object.assign(this, { rows, columns, shift: -5 });
    for (let power = 1; power < rows; power *= 2) this.shift++;
    this.sums = new Float64Array(columns);
  }

  saved() {}

  rowsOf() {
    return 1;
  }

  prepare() {}

  forward({ int32 }, x, _, y) {
    const { rows, columns, sums, shift } = this;
    sums.fill(0);
    for (let i = 0; i < rows * columns; i++) sums[i % columns] += int32[x.at / 4 + i];
    y.rows = 1;
    for (let c = 0; c < columns; c++) int32[y.at / 4 + c] = Math.floor(sums[c] / 2 ** shift + 0.5);
  }

  /** Every row's gradient is that of the sum, last row first, as dx may lie where dy does. */
  backward({ int32 }, dy, _x, _, dx) {
    if (dx === undefined) return;
    const { rows, columns, shift } = this;
    const from = dy.at / 4;
    for (let row = rows - 1; row >= 0; row--)
      int32.copyWithin(dx.at / 4 + row * columns, from, from + columns);
    dx.exponent = dy.exponent - shift;
  }
}

const depth = 3;
const loss = crossEntropy({ targets: ({ labels }) => labels, name: 'labels', counts: true });

/** Convolutions by their number, each normalised row by row, and what ends a network. */
const layersOf = (convolution) => [
  ...Array.from({ length: depth }, (_, i) => [
    convolution(i),
    layerNorm({ name: `norm${i}`, bias: true }),
    relu(),
  ]).flat(),
  linear(10, { name: 'classes', deviation: 0.1 }),
  sumOfRows(),
];

/** Convolutions over p6, or planar ones, each with `channels` channels. */
export const hexagonal = defineModel('hexagonal', ({ radius, channels, toGroup = true }) => ({
  input: patches({ width: hexagon(radius).length, height: 1, colours: 1, patch: 1 }),
  layers: layersOf((i) => hexConv(channels, { radius, toGroup, name: `hex${i}`, bias: false })),
  loss,
}));

/** The same with square filters of 3 x 3 pixels. */
export const square = defineModel('square', ({ size, channels }) => ({
  input: patches({ width: size, height: size, colours: 1, patch: 1 }),
  layers: layersOf((i) => conv2d(channels, { name: `conv${i}` })),
  loss,
}));

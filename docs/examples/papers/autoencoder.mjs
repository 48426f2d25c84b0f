// The loss and the network of the papers' autoencoders of digits of 8 x 8 pixels.
//
// A sample is a set of digits, one a row: what a loss asks of the distribution of latents is asked
// of the rows of a sample. No sample looks at another one, so micro-batches change no bit.

import { defineModel, features, linear, meanSquaredError, patches, relu } from 'retrograd';
import { BRANCH_FRACTION, beside } from './latent.mjs';

export const PIXELS = 64;
const SLOPE_FRACTION = BRANCH_FRACTION - 1;

/** (1 / n) sum of (y - pixel)^2 over the n pixels of a set, y the first 64 columns of a row, plus
 *  weight * penalty, of the columns behind them. A pixel p is (2 p - 255) / 128.
 *  penalty({ rows, columns }) plans a function of (latents, slopes), latents int32 [rows, columns]
 *  with 16 fraction bits, that returns the penalty and writes its slopes, real numbers both: exact
 *  sums of integers until the last product. */
export const autoencoding = ({ weight, penalty }) => ({
  takes: ['branch'],
  plan: (at, input) => new Autoencoding(at, input, { weight, penalty }),
});

class Autoencoding {
  taken = new Uint8Array(0);

  constructor(at, { rows, columns }, { weight, penalty }) {
    Object.assign(this, { rows, columns });
    this.weight = weight * rows * PIXELS;
    this.targets = at.allocate('workspace', at.layout.sequences * rows * PIXELS * 4);
    const width = columns - PIXELS;
    this.latents = new Int32Array(rows * width);
    this.slopes = new Float64Array(rows * width);
    this.penalty = penalty({ rows, columns: width });
  }

  take({ images }, count) {
    this.taken = Uint8Array.from(images);
    return count * this.rows * PIXELS;
  }

  load({ int32 }, first, count) {
    const size = this.rows * PIXELS;
    for (let i = 0; i < count * size; i++)
      int32[this.targets / 4 + i] = (2 * this.taken[first * size + i] - 255) * 2 ** 9;
  }

  /** |y - pixel| < 2^11: a square has less than 2^54 raw, and is rounded to 16 fraction bits. */
  score(run, x, s, sum, dx) {
    const { rows, columns, latents, slopes, weight } = this;
    const width = columns - PIXELS;
    const { int32 } = run;
    const [from, to] = [x.at / 4, (dx?.at ?? 0) / 4];
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < width; c++)
        latents[r * width + c] = int32[from + r * columns + PIXELS + c];
    const found = this.penalty(latents, slopes);
    sum.loss += Math.floor(found * weight * 2 ** 16);
    for (let r = 0; r < rows; r++) {
      const target = this.targets / 4 + (s * rows + r) * PIXELS;
      for (let c = 0; c < PIXELS; c++) {
        const difference = int32[from + r * columns + c] - int32[target + c];
        sum.loss += Math.floor((difference * difference) / 2 ** 16);
        if (dx !== undefined) int32[to + r * columns + c] = difference;
      }
    }
    if (dx === undefined) return;
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < width; c++)
        int32[to + r * columns + PIXELS + c] = Math.floor(
          slopes[r * width + c] * weight * 2 ** SLOPE_FRACTION + 0.5,
        );
    dx.exponent = -SLOPE_FRACTION; // 2 (y - t)
  }
}

const HIDDEN = 128;
const hidden = (name, deviation) => [linear(HIDDEN, { name, deviation, bias: true }), relu()];
const decoder = () => [
  ...hidden('unfold', 0.3),
  linear(PIXELS, { name: 'image', deviation: 0.1, bias: true }),
];

/** Sets of `rows` digits to `codes` numbers each, through `channel` (layers) to latents, and back:
 *  output [rows, 64 + what the decoder is given]. */
export const autoencoder = ({ rows, codes, channel, loss }) => ({
  input: patches({ width: 8, height: 8 * rows, colours: 1, patch: 8 }),
  layers: [
    ...hidden('fold', 0.1),
    linear(codes, { name: 'code', deviation: 0.1, bias: true }),
    ...channel.before,
    beside(...channel.inside, ...decoder()),
  ],
  loss,
});

/** The decoder alone, of one digit's latents. */
export const decoding = defineModel('decoding', ({ count }) => ({
  input: features({ count }),
  layers: decoder(),
  loss: meanSquaredError(),
}));

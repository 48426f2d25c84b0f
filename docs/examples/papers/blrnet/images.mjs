// What a network of random signs needs of images: windows of pixels as rows, and the largest of
// random signs.

import { UsageError } from 'retrograd';

const half = (x) => Math.floor(x + 0.5);

/** The side of a square image whose pixels are rows. */
function sideOf({ rows }) {
  const side = Math.sqrt(rows);
  if (side % 1 !== 0) throw new UsageError(`${rows} pixels are no square`);
  return side;
}

/** For every window of side x side pixels and each of its pixels, the pixel's row. */
function windowsOf(wide, side, stride) {
  const across = Math.floor((wide - side) / stride) + 1;
  return Array.from({ length: across ** 2 }, (_, r) => {
    const first = (Math.floor(r / across) * wide + (r % across)) * stride;
    return Array.from(
      { length: side ** 2 },
      (__, i) => first + Math.floor(i / side) * wide + (i % side),
    );
  });
}

/** Windows of side x side pixels as rows: operand [pixels, channels] to [windows, side side
 *  channels]. It moves numbers and changes none. */
export const windows = (side) => {
  const places = (input) => windowsOf(sideOf(input), side, 1);
  return {
    takes: ['operand'],
    output: (input) => ({
      kind: 'operand',
      rows: places(input).length,
      columns: side ** 2 * input.columns,
    }),
    plan: (at, input) => new Windows(at, places(input), input),
  };
};

class Windows {
  needsInput = false;

  constructor(at, pixels, { columns }) {
    const places = (pixel) => Array.from({ length: columns }, (_, c) => pixel * columns + c);
    this.rows = pixels.length;
    this.places = Int32Array.from(pixels.flat().flatMap(places));
    this.shift = 0;
    while (2 ** this.shift < pixels[0].length) this.shift++;
    this.sent = at.scratch('gradient of windows', this.places.length * 4);
  }

  saved() {}

  rowsOf() {
    return this.rows;
  }

  prepare(_, x, y) {
    y.fraction = x.fraction;
    Object.assign(y.range, x.range);
  }

  forward({ int16 }, x, _, y) {
    y.rows = this.rows;
    this.places.forEach((place, i) => {
      int16[y.at / 2 + i] = int16[x.at / 2 + place];
    });
  }

  /** Adds what the windows of a pixel send, shifted so that the sum fits. */
  backward(run, dy, x, _, dx) {
    if (dx === undefined) return;
    const { places, shift, sent } = this;
    const { int32 } = run;
    const { length } = places;
    int32.copyWithin(sent.at / 4, dy.at / 4, dy.at / 4 + length);
    run.clear(dx.at, x.size * 4);
    for (let i = 0; i < length; i++)
      int32[dx.at / 4 + places[i]] += half(int32[sent.at / 4 + i] / 2 ** shift);
    dx.exponent = dy.exponent + shift;
  }
}

/** Means of signs to the means of the largest of 2 x 2: m = 1 - 2 (product of (1 - m_i) / 2), as it
 *  is -1 only if all four are. Operand [pixels, channels] to [pixels / 4, channels]. Of sure signs
 *  it is the largest. */
export const largestSign = () => ({
  takes: ['operand'],
  output: (input) => ({ ...input, rows: windowsOf(sideOf(input), 2, 2).length }),
  plan: (at, input) => new LargestSign(at, windowsOf(sideOf(input), 2, 2), input),
});

class LargestSign {
  needsInput = true;

  constructor(at, pixels, { columns }) {
    const places = pixels.flatMap((four) =>
      Array.from({ length: columns }, (_, c) => four.map((pixel) => pixel * columns + c)),
    );
    this.four = Int32Array.from(places.flat());
    this.rows = pixels.length;
    this.sent = at.scratch('gradient of windows', this.four.length);
  }

  saved() {}

  rowsOf() {
    return this.rows;
  }

  prepare(_, x, y) {
    y.fraction = x.fraction;
    Object.assign(y.range, x.range);
  }

  /** 1 - m < 2^13 of four: products below 2^52. */
  forward({ int16, counts }, x, _, y) {
    const { four, rows } = this;
    const one = 2 ** x.fraction;
    const unit = 8 * one * one * one;
    y.rows = rows;
    for (let i = 0; i < four.length; i += 4) {
      let all = 1;
      for (let n = i; n < i + 4; n++) all *= one - int16[x.at / 2 + four[n]];
      const mean = one - half(all / unit);
      const kept = Math.min(4095, Math.max(-4095, mean));
      if (kept !== mean) counts.saturated++;
      int16[y.at / 2 + i / 4] = kept;
    }
  }

  /** dm_i = dm times the product of the other three chances. */
  backward({ int16, int32 }, dy, x, _, dx) {
    if (dx === undefined) return;
    const { four, sent } = this;
    const one = 2 ** x.fraction;
    int32.copyWithin(sent.at / 4, dy.at / 4, dy.at / 4 + four.length / 4);
    for (let i = 0; i < four.length; i++) {
      let chance = 1;
      for (let n = i & ~3; n < (i & ~3) + 4; n++)
        if (n !== i) chance *= (one - int16[x.at / 2 + four[n]]) / 2 / one;
      int32[dx.at / 4 + four[i]] = half(int32[sent.at / 4 + (i >> 2)] * chance);
    }
    dx.exponent = dy.exponent;
  }
}

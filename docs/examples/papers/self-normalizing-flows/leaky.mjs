// The activation between self-normalizing layers.

/** y = x where x >= 0, else x / 2, rounded half up: operand to operand. Its slopes are powers of
 *  two, so log |det| is a count. */
export const leaky = () => ({
  takes: ['operand'],
  output: (input) => input,
  plan: () => new Leaky(),
});

const halved = (value) => (value + 1) >> 1;

class Leaky {
  needsInput = true;
  history = [];

  saved() {}

  prepare(_run, x, y) {
    y.fraction = x.fraction;
    Object.assign(y.range, x.range);
  }

  forward({ int16 }, x, _, y) {
    y.rows = x.rows;
    for (let i = 0; i < x.size; i++) {
      const value = int16[x.at / 2 + i];
      int16[y.at / 2 + i] = value < 0 ? halved(value) : value;
    }
  }

  backward({ int16, int32 }, dy, x, _, dx) {
    for (let i = 0; dx !== undefined && i < x.size; i++) {
      const value = int32[dy.at / 4 + i];
      int32[dx.at / 4 + i] = int16[x.at / 2 + i] < 0 ? halved(value) : value;
    }
    if (dx !== undefined) dx.exponent = dy.exponent;
  }
}

// Dataflow-based joint quantization (Geng, Fu, Zhao, Lin, Sabry Aly, Pal, Chandrasekhar 2019):
// weights, biases and activations are whole numbers of n bits times a power of two, so that a
// change of format is a shift with a rounding. Convolution, normalisation and activation are one
// module with one rounding at its end, and the formats of a module are chosen together.

/** Sums of a convolution: values of `into` channels by weights [out, kernel, kernel, into]. Exact
 *  for whole numbers, as long as no sum is beyond 2^53. */
export function convolve({ side, channels, values }, weight, { kernel, padding }) {
  const size = kernel * kernel * channels;
  const out = weight.length / size;
  const to = side + 2 * padding - kernel + 1;
  const sums = new Float64Array(to * to * out);
  for (let pixel = 0; pixel < to * to; pixel++)
    for (let tap = 0; tap < kernel * kernel; tap++) {
      const y = Math.floor(pixel / to) + Math.floor(tap / kernel) - padding;
      const x = (pixel % to) + (tap % kernel) - padding;
      if (y < 0 || x < 0 || y >= side || x >= side) continue;
      const from = (y * side + x) * channels;
      for (let o = 0; o < out; o++) {
        let sum = 0;
        for (let c = 0; c < channels; c++)
          sum += values[from + c] * weight[o * size + tap * channels + c];
        sums[pixel * out + o] += sum;
      }
    }
  return { side: to, channels: out, values: sums };
}

/** Each value by its channel. */
export const byChannel = (image, f) => ({
  ...image,
  values: image.values.map((value, i) => f(value, i % image.channels)),
});

export const rectify = (image) => byChannel(image, (value) => Math.max(0, value));

/** Formats beside the one that the largest value fits: finer ones clip. */
const WINDOW = 4;
/** The largest sum of a module, whatever its input of n bits: it must be below 2^31. */
export function sumBound({ weight, bias }, { x, w, b, bits }) {
  const size = weight.length / bias.length;
  const sums = bias.map((value, o) => {
    const row = weight.subarray(o * size, (o + 1) * size);
    const most = row.reduce((sum, each) => sum + Math.abs(each), 0) * (2 ** bits - 1);
    return most + Math.abs(shift(value, b - x - w));
  });
  return Math.max(...sums);
}

/** r 2^N rounded half up and clipped to n bits: r is about the result by 2^-N. */
export const quantise = (values, bits, fraction) =>
  values.map((value) => clip(Math.floor(value * 2 ** fraction + 0.5), bits));

export const clip = (value, bits) =>
  Math.min(2 ** (bits - 1) - 1, Math.max(-(2 ** (bits - 1)), value));

/** Powers of two by their exponents: looked up, since shifts are most of what is computed here. */
const POWERS = Array.from({ length: 64 }, (_, n) => 2 ** n);

/** A whole number shifted to the right with a rounding, or to the left: the only other operation on
 *  activations. */
export function shift(value, by) {
  if (by <= 0) return value * POWERS[-by];
  return Math.floor((value + POWERS[by - 1]) / POWERS[by]); // (value + half) >> by
}

/** The formats that are tried for values: from the one that the largest fits on. */
function formatsOf(values, bits) {
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 2 ** -20);
  const first = bits - 1 - Math.ceil(Math.log2(largest));
  return Array.from({ length: WINDOW }, (_, i) => first + i);
}

/** The sum of squares of a by 2^fraction less b. */
function distance(a, b, fraction) {
  const step = 2 ** -fraction;
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] * step - b[i]) ** 2;
  return sum;
}

/** The format with the least error of the values alone. */
export function ownFormat(values, bits) {
  const error = (fraction) => distance(quantise(values, bits, fraction), values, fraction);
  return least(formatsOf(values, bits), error);
}

/** Of what is tried, what has the least error. */
function least(all, error) {
  const errors = all.map(error);
  return all[errors.indexOf(Math.min(...errors))];
}

/** The values of all images. */
export function joined(images) {
  const all = new Float64Array(images.reduce((sum, { values }) => sum + values.length, 0));
  let at = 0;
  for (const { values } of images) {
    all.set(values, at);
    at += values.length;
  }
  return all;
}

/** One module in whole numbers: sums of products, a bias that is brought to their format, the
 *  rectifier, and one rounding. `formats`: of its input, weights, bias and output. */
export const runJoint = (module, input, formats) =>
  finish(module, convolve(input, module.weight, module), formats);

/** What the rectifier gives has no sign: all n bits are for its size, unless one is kept. */
const bitsOf = ({ isNormal, isSigned }, bits) => bits + (isNormal && !isSigned ? 1 : 0);

function finish(module, sums, { x, w, b, o, bits }) {
  const own = bitsOf(module, bits);
  const { bias, isNormal } = module;
  const rounded = byChannel(sums, (sum, c) =>
    clip(shift(sum + shift(bias[c], b - x - w), x + w - o), own),
  );
  return isNormal ? rectify(rounded) : rounded;
}

/** The normalisation is in the weights: W' = gain W, so that the module has two tensors. */
export const folded = (module) => {
  const size = module.weight.length / module.gain.length;
  return { ...module, weight: module.weight.map((w, i) => w * module.gain[Math.floor(i / size)]) };
};

/** Quantises a module by its formats of weights, bias and output together: those with which the
 *  output is nearest to the float64 module's, |O - O^q|_2 over the images (section 3.3). */
export function joint(module, inputs, wanted, { x, bits }) {
  const whole = folded(module);
  const target = joined(wanted);
  const outs = formatsOf(target, bitsOf(module, bits));
  const tried = formatsOf(whole.weight, bits).flatMap((w) => {
    const weight = quantise(whole.weight, bits, w);
    const sums = inputs.map((input) => convolve(input, weight, module));
    return formatsOf(whole.bias, bits).flatMap((b) => {
      const own = { ...whole, weight, bias: quantise(whole.bias, bits, b) };
      return outs.map((o) => {
        const formats = { x, w, b, o, bits };
        const found = joined(sums.map((sum) => finish(own, sum, formats)));
        return { own, formats, error: distance(found, target, o) };
      });
    });
  });
  const { own, formats } = least(tried, ({ error }) => error);
  const run = (input) => runJoint(own, input, formats);
  return { run, own, formats, o: formats.o, roundings: 1, tensors: 2 };
}

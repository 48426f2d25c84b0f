// The network for MNIST: three layers of signs, whose sums are normalised by rows.

import { crossEntropy, defineModel, layerNorm, patches } from 'retrograd';
import { binaryLinear, signs } from './model.mjs';

/** A sample is a sheet of `across` x `across` digits, which `patches` cuts apart again: a row is a
 *  digit, so that a product has many. `onLogits` is told the logits of a sheet, raw int32. */
export const binarized = defineModel(
  'binarized',
  ({ across, side = 28, hidden = 1024, products, onLogits }) => ({
    input: patches({ width: side * across, height: side * across, colours: 1, patch: side }),
    layers: [
      ...['first', 'second', 'third'].flatMap((name) => [
        binaryLinear(hidden, { name, products }),
        layerNorm({ name: `${name}-norm`, bias: true }),
        signs(),
      ]),
      binaryLinear(10, { name: 'classes', products }),
    ],
    loss: heard(
      crossEntropy({ targets: ({ labels }) => labels, name: 'labels', counts: true }),
      onLogits,
    ),
  }),
);

/** A rate that falls to 0, evenly. */
export const falling = (peak) => ({
  name: 'falling',
  options: { peak },
  rate: (step, steps) => BigInt(Math.round((peak * 2 ** 32 * (steps - step)) / steps)),
});

/** A loss of which somebody hears what it is given. */
const heard = (loss, onLogits) => ({
  ...loss,
  plan(at, input) {
    const planned = loss.plan(at, input);
    const score = planned.score.bind(planned);
    planned.score = (run, x, ...others) => {
      onLogits?.(run.view(x.at, x.size).slice());
      return score(run, x, ...others);
    };
    return planned;
  },
});

/** Sheets of digits of a set, of `across` x `across` places each. */
export function sheetsOf({ width: side, pixels, labels }, places, across) {
  const images = new Uint8Array(places.length * side * side);
  places.forEach((place, i) => {
    const sheet = Math.floor(i / across ** 2) * across ** 2 * side * side;
    const left = sheet + (i % across) * side;
    const top = Math.floor((i % across ** 2) / across) * side;
    for (let y = 0; y < side; y++) {
      const row = pixels.subarray((place * side + y) * side, (place * side + y + 1) * side);
      images.set(row, left + (top + y) * across * side);
    }
  });
  return { images, labels: Int32Array.from(places, (place) => labels[place]) };
}

// The network that BLRNet is shown with, how its probabilities stay probabilities, and the binary
// networks that are drawn of them.

import { createWasmBackend, crossEntropy, defineModel, patches, Run } from 'retrograd';
import { binary } from './binary.mjs';
import { largestSign, windows } from './images.mjs';

/** Digits of 8 x 8 pixels: two convolutions of 3 x 3 with a pooling between them, and classes. With
 *  a softness signs are drawn as it is trained, so what layers take are values; without, it is the
 *  probabilistic network, of which weights of -1 and 1 make a binary one. */
export const blrnet = defineModel('blrnet', ({ channels, hidden, softness = 0 }) => ({
  input: patches({ width: 8, height: 8, colours: 1, patch: 1 }),
  layers: [
    windows(3),
    binary(channels, { name: 'first', isKnown: true, softness, stream: 1 }),
    largestSign(),
    windows(3),
    binary(hidden, { name: 'second', isKnown: softness > 0, softness, stream: 2 }),
    binary(10, { name: 'classes', isKnown: softness > 0, isLast: true }),
  ],
  loss: crossEntropy({ targets: ({ labels }) => labels, name: 'labels', counts: true }),
}));

/** 1 as a weight. */
const ONE = 2 ** 24;
const isMean = (path) => path.endsWith('.mean');

/** `base`, after which a mean of signs goes on from zero by up to `push` of the rate, the more the
 *  nearer the end of `steps`, and not beyond a sure sign: what is undecided decides itself. */
export const deciding = (base, { push, steps }) => ({
  ...base,
  name: `deciding ${base.name}`,
  options: { ...base.options, push, steps },
  update(run, part, info) {
    const clamped = base.update(run, part, info);
    if (!isMean(part.parameter.path)) return clamped;
    const by = Math.floor((Number(info.rate) * push * info.step) / steps / 2 ** 8);
    const means = run.view(part.master, part.n);
    for (let i = 0; i < part.n; i++) {
      const moved = means[i] + Math.sign(means[i]) * by;
      means[i] = Math.min(ONE, Math.max(-ONE, moved));
    }
    return clamped;
  },
});

/** Random words, n of them: Philox4x32-10 at place `draw` under a seed. */
function words(n, { seed, draw, tensor }) {
  const run = new Run(createWasmBackend({ pages: 64 }));
  const { base } = run.backend;
  const count = Math.ceil(n / 4) * 4;
  run.kernels.random_u32(base, count, tensor, draw, 0, seed, 0);
  return new Uint32Array(run.bytes.buffer, base, n);
}

/** Makes every weight a sign: the likelier one, or of draw 1, 2, ... a random one, which is 1 if a
 *  word is below (1 + mean) / 2 * 2^32, exactly. Returns what puts the means back. */
export function settle(trainer, { seed, draw = 0 }) {
  const means = trainer.tensors().filter(({ name }) => isMean(name));
  const before = means.map(({ data }) => data.slice());
  means.forEach(({ data }, tensor) => {
    const random = draw === 0 ? undefined : words(data.length, { seed, draw, tensor });
    data.forEach((mean, i) => {
      const isOne = random === undefined ? mean >= 0 : random[i] < (ONE + mean) * 2 ** 7;
      data[i] = isOne ? ONE : -ONE;
    });
  });
  return () => {
    means.forEach(({ data }, i) => {
      data.set(before[i]);
    });
  };
}

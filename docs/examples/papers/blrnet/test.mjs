// What is so of BLRNet, and a short run of it.

import { adamw, Trainer } from 'retrograd';
import { apply } from '../apply.mjs';
import { binary } from './binary.mjs';
import { largestSign, windows } from './images.mjs';
import { blrnet, deciding, settle } from './networks.mjs';
import { normalSign } from './sign.mjs';

const input = { kind: 'operand', rows: 4, columns: 16 };
const pixels = { kind: 'operand', rows: 16, columns: 3 };
export const layers = {
  'means of signs': [binary(5, { name: 'b' }), { input, wanted: 'operand' }],
  'of known values': [binary(5, { name: 'b', isKnown: true }), { input, wanted: 'operand' }],
  'drawn and relaxed': [
    binary(5, { name: 'b', isKnown: true, softness: 0.5, stream: 1 }),
    { input, wanted: 'operand' },
  ],
  classes: [binary(10, { name: 'b', isLast: true }), { input }],
  'largest of signs': [largestSign(), { input: pixels, wanted: 'operand' }],
  windows: [windows(3), { input: pixels, wanted: 'operand' }],
};

const images = Uint8Array.from({ length: 256 }, (_, i) => (i * 89) % 256);
const batch = { images, labels: Int32Array.of(3, 1, 4, 5) };

/** Ten steps of a small network. */
function trained(given = {}) {
  const optimizer = deciding(adamw({ weightDecay: 0 }), { push: 0.1, steps: 10 });
  const model = blrnet({ channels: 4, hidden: 8, softness: 0.5 });
  const trainer = Trainer.create({ model, batch: 4, steps: 10, optimizer, ...given });
  while (trainer.steps < 10) trainer.step(batch);
  return trainer;
}

const means = (trainer) =>
  trainer
    .tensors()
    .filter(({ name }) => name.endsWith('.mean') && !name.startsWith('optimizer'))
    .flatMap(({ data }) => Array.from(data));

/** The means of four sums of eight signs, by weights that are signs; and the signs by counting. */
function ofSigns() {
  const signs = Array.from({ length: 8 }, (_, i) => (i % 3 === 0 ? 1 : -1));
  const weights = Array.from({ length: 32 }, (_, i) => ((i * i + (i >> 3)) % 5 < 2 ? 1 : -1));
  const weightOf = (path, i) => (path.endsWith('.mean') ? weights[i] : 0);
  const input8 = { kind: 'operand', rows: 1, columns: 8 };
  const raw = signs.map((sign) => sign * 2 ** 9);
  const found = apply(binary(4, { name: 'b' }), input8, raw, weightOf);
  const counts = [0, 1, 2, 3].map((o) => signs.filter((s, i) => s === weights[o * 8 + i]).length);
  const all = counts.reduce((a, b) => a + b);
  return {
    means: Array.from(new Int16Array(Int32Array.from(found).buffer).slice(0, 4)),
    counted: counts.map((agreeing) => (4 * agreeing >= all ? 2 ** 11 : -(2 ** 11))),
  };
}

export const facts = {
  'of weights of -1 and 1 signs are sure, and those that counting finds': () => {
    const { means: found, counted } = ofSigns();
    return found.join() === counted.join() && new Set(found).size === 2;
  },
  'every weight is a sign after settling, and what it was once it is put back': () => {
    const trainer = trained();
    const before = means(trainer).join();
    const putBack = settle(trainer, { seed: 1, draw: 3 });
    const settled = means(trainer);
    putBack();
    const areSigns = settled.every((mean) => Math.abs(mean) === 2 ** 24);
    return areSigns && means(trainer).join() === before && settled.join() !== before;
  },
  'a draw is a function of seed and number': () => {
    const trainer = trained();
    const of = (seed, draw) => {
      const putBack = settle(trainer, { seed, draw });
      const drawn = means(trainer).join();
      putBack();
      return drawn;
    };
    const [first, again, other, seeded] = [of(1, 3), of(1, 3), of(1, 4), of(2, 3)];
    return first === again && first !== other && first !== seeded;
  },
  'as many draws are 1 as the probability says, within four deviations': () => {
    const trainer = trained();
    const data = trainer
      .tensors()
      .find(({ name }) => name === 'second.mean')
      .data.fill(2 ** 23);
    const draws = Array.from({ length: 16 }, (_, i) => {
      const putBack = settle(trainer, { seed: 1, draw: i + 1 });
      const ones = data.filter((mean) => mean > 0).length;
      putBack();
      return ones;
    });
    const n = 16 * data.length;
    const ones = draws.reduce((a, b) => a + b);
    return Math.abs(ones - 0.75 * n) < 4 * Math.sqrt(n * 0.75 * 0.25);
  },
  'the table of signs: 2 Phi(1) - 1 is 0.6827, its slope 0.4839': () =>
    normalSign.means[2 ** 11] === Math.round(0.6826895 * 2 ** 11) &&
    normalSign.slopes[2 ** 11] === Math.round(0.4839414 * 2 ** 14),
};

/** Ten steps, and a binary network that is drawn of what they left. */
export async function brief(given) {
  const trainer = trained(given);
  settle(trainer, { seed: 1, draw: 1 });
  return trainer.weightsSha256();
}

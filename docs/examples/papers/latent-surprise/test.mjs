// What is so of latent surprise, and a short run of it.

import { sha256Hex, Trainer } from 'retrograd';
import { enlarged, grey } from './images.mjs';
import { auroc, Density, reading, share } from './model.mjs';
import { classifier, hidden } from './networks.mjs';

const input = { kind: 'operand', rows: 3, columns: 5 };
export const layers = { reading: [reading(), { input }] };

const config = { side: 8, width: 6 };
const images = Uint8Array.from({ length: 4 * 64 }, (_, i) => (i * i * 37) % 256);
const labels = Int32Array.of(3, 1, 4, 1);
const imageOf = (i) => images.subarray(i * 64, (i + 1) * 64);

/** The classifier after some steps. */
function trained(given = {}) {
  const options = { model: classifier(config), batch: 4, steps: 10, ...given };
  const trainer = Trainer.create({ ...options, learningRate: 0.01 });
  while (trainer.steps < 10) trainer.step({ images, labels });
  return trainer;
}

/** What reads its states after `depth` layers. */
function readerOf(trainer, depth) {
  const reader = Trainer.create({ model: hidden({ ...config, depth }), batch: 1, steps: 1 });
  share(trainer, reader);
  return reader;
}

/** States on a lattice around one of two places. */
const lattice = (place) =>
  Array.from({ length: 25 }, (_, i) => [place + (i % 5) / 4, place - Math.floor(i / 5) / 4]);

function fitted(order) {
  const density = new Density(2, 2);
  for (const i of order) density.add(lattice(i < 25 ? -3 : 3)[i % 25], i < 25 ? 0 : 1);
  return density.fit(0.001);
}
const FORWARD = Array.from({ length: 50 }, (_, i) => i);

export const facts = {
  'a hidden state is that of the whole network: ReLU of the one before it': () => {
    const trainer = trained();
    const [before, after] = [1, 2].map((depth) => readerOf(trainer, depth).predict(imageOf(0)));
    return before.some((v) => v < 0) && after.every((v, i) => v === Math.max(0, before[i]));
  },
  'the order in which states come changes no bit of a surprise': () => {
    const [one, other] = [FORWARD, FORWARD.toReversed()].map(fitted);
    return [-3, 0, 7].every((v) => one.surprise([v, v]) === other.surprise([v, v]));
  },
  'a density is a density: it sums to one': () => {
    const density = fitted(FORWARD);
    let sum = 0;
    for (let x = -6; x < 7; x += 0.05)
      for (let y = -7; y < 6; y += 0.05) sum += Math.exp(-density.surprise([x, y])) * 0.0025;
    return Math.abs(sum - 1) < 0.001;
  },
  'what lies between the classes surprises, what lies in them does not': () => {
    const density = fitted(FORWARD);
    const [inside, between] = [-2.5, 0].map((v) => density.surprise([v, v]));
    return between > inside + 5;
  },
  'AUROC of what is apart, mixed, the same': () =>
    auroc([1, 2], [3, 4]) === 1 && auroc([1, 3], [2, 4]) === 0.75 && auroc([1, 1], [1]) === 0.5,
  'a grey image stays so, and an even one is enlarged to an even one': () => {
    const even = { count: 1, labels: Int32Array.of(0), pixels: new Uint8Array(3072).fill(77) };
    const [small, large] = [
      enlarged({ ...even, width: 8, height: 8 }),
      grey({ ...even, width: 32, height: 32 }),
    ];
    return [small, large].every(({ pixels }) => pixels.every((p) => p === 77));
  },
};

/** Ten steps of the classifier, and the hidden states of its images after each layer. */
export async function brief(given) {
  const trainer = trained(given);
  const states = [1, 2, 3, 4].flatMap((depth) => {
    const reader = readerOf(trainer, depth);
    return [0, 1, 2, 3].flatMap((i) => Array.from(reader.predict(imageOf(i))));
  });
  const bytes = new Uint8Array(Int32Array.from(states, (v) => v * 2 ** 16).buffer);
  return sha256Hex(bytes);
}

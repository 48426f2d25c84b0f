// What is so of AutoShuffleNet, and a short run of it.

import { adamw, sgd, Trainer } from 'retrograd';
import { shuffle, shuffling } from './model.mjs';
import { grouped, planted } from './networks.mjs';
import { lossAt, lossOf, plant } from './orders.mjs';
import { assignment, handMade, permute, rounded } from './permutations.mjs';

const input = { kind: 'operand', rows: 4, columns: 8 };
export const layers = {
  shuffle: [shuffle(), { input, wanted: 'operand' }],
  'shuffle of two halves': [shuffle({ channels: 4 }), { input, wanted: 'operand' }],
  'shuffle of branches': [shuffle(), { input, wanted: 'branch' }],
};

const values = Array.from({ length: 32 }, (_, i) => ((i * 37) % 64) / 16 - 2);
const targets = values.map((_, i) => values[(i & ~7) | (7 - (i & 7))]);
const options = { model: planted({ channels: 8 }), batch: 4, steps: 300, learningRate: 0.5 };

/** Its M after 300 steps, by the penalty. */
function learned(penalty) {
  const optimizer = shuffling(sgd(), { penalty, steps: 300 });
  const trainer = Trainer.create({ ...options, clip: 'none', optimizer });
  while (trainer.steps < 300) trainer.step({ values, targets });
  return trainer.tensors()[0].data;
}

/** Numbers that look random. */
let state = 1;
function normal() {
  state = (state * 48271) % 2147483647;
  return (state / 2147483647 - 0.5) * 3.5;
}
const orders = plant({ order: [3, 1, 4, 0, 5, 2, 7, 6], noise: 0.2, normal });

export const facts = {
  'a permutation moves channels and changes no bit': () => {
    const trainer = Trainer.create(options);
    permute(trainer.tensors()[0].data, [7, 6, 5, 4, 3, 2, 1, 0]);
    return trainer.evaluate({ values, targets }).loss === 0;
  },
  'rows and columns of M sum to one, to a part in a thousand': () => {
    const M = learned(0.02);
    const sums = Array.from({ length: 16 }, (_, line) =>
      Array.from({ length: 8 }, (__, i) => (line < 8 ? M[line * 8 + i] : M[i * 8 + line - 8])),
    ).map((all) => all.reduce((a, b) => a + b) / 2 ** 24);
    return M.every((m) => m >= 0) && sums.every((sum) => Math.abs(sum - 1) < 0.001);
  },
  'a reversal is learned': () => rounded(learned(0.02), 8).join() === '7,6,5,4,3,2,1,0',
  'ties are rounded to a permutation': () =>
    rounded(Int32Array.of(0, 3, 0, 2, 0, 2, 2, 0, 2), 3).join() === '1,0,2',
  'the best rounding is found where the largest element is a bad start': () =>
    assignment([5, 4, 0, 4, 0, 0, 0, 0, 1], 3).join() === '1,0,2',
  'of two planted orders a flat M has no loss, and the permutation has its own': () => {
    const flat = lossAt(orders, (M) => M.fill(2 ** 21));
    const own = lossAt(orders, (M) => permute(M, orders.order));
    const wanted = lossOf(orders, orders.order) / 4;
    return flat < own / 1000 && Math.abs(own - wanted) < wanted / 100;
  },
  "ShuffleNet's shuffle of two groups": () => handMade(6, 2).join() === '0,3,1,4,2,5',
};

/** Ten steps of the grouped network. */
export async function brief(given) {
  const trainer = Trainer.create({
    model: grouped({ channels: 8, groups: 2 }),
    batch: 4,
    steps: 10,
    optimizer: shuffling(adamw(), { penalty: 0.02, steps: 10 }),
    ...given,
  });
  const images = Uint8Array.from({ length: 256 }, (_, i) => (i * 89) % 256);
  while (trainer.steps < 10) trainer.step({ images, labels: Int32Array.of(3, 1, 4, 5) });
  return trainer.weightsSha256();
}

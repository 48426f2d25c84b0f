// Two orders of the same channels, planted: a layer A and another one, A' = P A P^T and noise.
// Every row and column of both sums to zero, as behind a normalisation, which takes the mean away.

import { constant, matching, sgd, Trainer } from 'retrograd';
import { shuffling } from './model.mjs';
import { aligned } from './networks.mjs';
import { assignment } from './permutations.mjs';

/** What x is in one channel, and 1 as a weight: 24 fraction bits. */
const SIZE = 4;
const ONE = 2 ** 24;

/** Takes the means of rows and columns away. */
function centre(A) {
  const n = A.length;
  const sum = (values) => values.reduce((a, b) => a + b, 0);
  const rows = A.map((row) => sum(row) / n);
  const columns = A.map((_, j) => sum(A.map((row) => row[j])) / n);
  const all = sum(rows) / n;
  return A.map((row, i) => row.map((value, j) => value - rows[i] - columns[j] + all));
}

/** A, A' and the order of its channels, of normal numbers `normal()`. */
export function plant({ order, noise, normal }) {
  const n = order.length;
  const matrix = () => centre(order.map(() => order.map(() => normal() / Math.sqrt(n))));
  const [first, error] = [matrix(), matrix()];
  const second = error.map((row, i) =>
    row.map((value, j) => first[order[i]][order[j]] + noise * value),
  );
  return { order, first, second };
}

/** |P A - A' P|^2 of a permutation. */
export function lossOf({ first, second }, places) {
  let loss = 0;
  places.forEach((from, i) => {
    places.forEach((to, j) => {
      loss += (first[from][to] - second[i][j]) ** 2;
    });
  });
  return loss;
}

/** All permutations of some places. */
function* permutations(places) {
  if (places.length === 0) yield [];
  for (const [i, place] of places.entries())
    for (const rest of permutations(places.toSpliced(i, 1))) yield [place, ...rest];
}

/** Permutations that move two or three channels of an order. */
function* neighbours(order) {
  for (const [i, a] of order.entries())
    for (let j = 0; j < i; j++) {
      yield order.with(i, order[j]).with(j, a);
      for (let k = 0; k < j; k++) {
        yield order.with(i, order[j]).with(j, order[k]).with(k, a);
        yield order.with(i, order[k]).with(k, order[j]).with(j, a);
      }
    }
}

/** The least loss of another permutation, by the planted one's: of all for up to 8 channels, of its
 *  neighbours for more. */
export function rival(task) {
  const { order } = task;
  const all = order.length <= 8 ? permutations(order) : neighbours(order);
  let least = Infinity;
  for (const places of all)
    if (places.some((place, i) => place !== order[i]))
      least = Math.min(least, lossOf(task, places));
  return least / lossOf(task, order);
}

/** Every channel of x alone, and what A makes of it; M A x - A' M x should be zero. */
function batchOf({ first }) {
  const n = first.length;
  const values = first.flatMap((_, k) => [
    ...first.map((__, i) => (i === k ? SIZE : 0)),
    ...first.map((row) => SIZE * row[k]),
  ]);
  return { values, targets: Array(n * n).fill(0) };
}

/** A network that looks for the order. Its loss is |M A - A' M|^2 / 4, whatever n is. */
function searching({ second }, options) {
  const n = second.length;
  const freeze = matching(['second.weight']);
  const trainer = Trainer.create({ model: aligned({ channels: n }), batch: n, freeze, ...options });
  const of = (name) => trainer.tensors().find((tensor) => tensor.name === name).data;
  const weight = of('second.weight').fill(0);
  const scale = (ONE * n) / 2 / SIZE;
  second.forEach((row, i) => {
    row.forEach((value, j) => {
      weight[i * 2 * n + j] = -Math.round(scale * value);
    });
    weight[i * 2 * n + n + i] = scale;
  });
  return { trainer, M: of('shuffle.weight') };
}

/** The network's loss with an M that `fill` writes. */
export function lossAt(task, fill) {
  const { trainer, M } = searching(task, { steps: 1 });
  fill(M);
  return trainer.evaluate(batchOf(task)).loss;
}

/** The order that descent finds from a random M, and the mean of its rows' largest elements. */
export function search(task, { penalty, steps, seed, uniform }) {
  const n = task.order.length;
  const optimizer = shuffling(sgd(), { penalty, steps });
  const options = { steps, seed, clip: 'none', learningRate: constant(0.25, { warmup: 0 }) };
  const { trainer, M } = searching(task, { ...options, optimizer });
  for (let i = 0; i < n * n; i++) M[i] = Math.floor((2 * ONE * uniform()) / n);
  const batch = batchOf(task);
  while (trainer.steps < steps) trainer.step(batch);
  const largest = task.order.map((_, i) => Math.max(...M.subarray(i * n, (i + 1) * n)) / ONE);
  const places = assignment(M, n);
  return { places, loss: lossOf(task, places), largest: largest.reduce((a, b) => a + b) / n };
}

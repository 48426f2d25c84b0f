// Online learning with Lipschitz networks (Uziel 2019): a network predicts the next value of a
// process from the last ones and learns from it, and is never steeper than a given bound.

const isWeight = ({ path }) => path.endsWith('.weight');

/** Sum of magnitudes of every row of W [out, in], exact: whole numbers below 2^(28 + 12). */
const rowSums = (W, out) =>
  Array.from({ length: out }, (_, row) => {
    const into = W.length / out;
    return W.subarray(row * into, (row + 1) * into).reduce((sum, w) => sum + Math.abs(w), 0);
  });

/** Shortens every row whose magnitudes sum to more than `most` to at most that. */
function shorten(W, out, most) {
  const into = W.length / out;
  rowSums(W, out).forEach((sum, row) => {
    if (sum <= most) return;
    for (let i = row * into; i < (row + 1) * into; i++) W[i] = Math.trunc((W[i] * most) / sum);
  });
}

/** An optimizer after whose steps the magnitudes of each row of a weight sum to at most `bound`. So
 *  a layer, with ReLU or without, moves its outputs at most `bound` times as far as its inputs, in
 *  the largest difference. One thread changes all of a weight. */
export const lipschitz = (base, { bound }) => ({
  ...base,
  name: `lipschitz ${base.name}`,
  options: { ...base.options, bound },
  unit: (parameter) => (isWeight(parameter) ? parameter.size : 64),
  update(run, part, info) {
    const clamped = base.update(run, part, info);
    const { parameter } = part;
    if (isWeight(parameter) && part.n > 0) {
      const W = run.view(parameter.master, parameter.size);
      shorten(W, parameter.shape[0], Math.floor(bound * 2 ** 24));
    }
    return clamped;
  },
});

/** What a network's output differs by at most, for inputs that differ by at most 1 each: the
 *  product of its layers' largest row sums. */
export const steepness = (trainer) =>
  trainer
    .tensors()
    .filter(({ name }) => isWeight({ path: name }) && !name.startsWith('optimizer.'))
    .reduce((most, { data, shape }) => (most * Math.max(...rowSums(data, shape[0]))) / 2 ** 24, 1);

/** A rate that falls as `after` / (after + step): whoever learns on line knows no last step. */
export const slowing = (peak, { after }) => ({
  name: 'slowing',
  options: { peak, after },
  rate: (step) => (BigInt(Math.round(peak * 2 ** 32)) * BigInt(after)) / BigInt(after + step),
});

/** A threshold autoregression (Tong 1978), x_t = 0.6 - 0.8 |x_(t-1)| + 0.5 e_t, where e_t has mean
 *  0 and variance 1: stationary and ergodic, as 0.8 < 1. */
export function process({ normal }, length) {
  const values = [0];
  for (let t = 1; t < length + 200; t++) values.push(best(values[t - 1]) + 0.5 * normal());
  return values.slice(200);
}

/** The best prediction of what follows x: its mean squared error is 0.25, and none is less. */
export const best = (x) => 0.6 - 0.8 * Math.abs(x);

/** Predicts every value of a process before it is seen, from the `past` values before it, and makes
 *  a step on a batch of those seen so far: the newest, and others by chance. Returns the squared
 *  errors. */
export function online(trainer, values, { past, below }) {
  const { batch, steps } = trainer.options;
  const before = (t) => values.slice(t - past, t);
  return Array.from({ length: steps }, (_, i) => {
    const t = past + i;
    const [predicted] = trainer.predict(before(t));
    const places = Array.from({ length: batch }, (__, k) => (k === 0 ? t : past + below(i + 1)));
    trainer.step({ values: places.flatMap(before), targets: places.map((place) => values[place]) });
    return (predicted - values[t]) ** 2;
  });
}

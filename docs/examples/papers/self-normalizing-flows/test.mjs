// What is so of Self Normalizing Flows, and a short run of them.

import { adamw, constant, matching, sha256Hex, Trainer } from 'retrograd';
import { leaky } from './leaky.mjs';
import { selfNormalizing } from './model.mjs';
import { begin, flow, invertExactly, inverted, logLikelihood, single } from './networks.mjs';

const input = { kind: 'operand', rows: 3, columns: 8 };
const plain = selfNormalizing({ name: 'flow', volume: false });
export const layers = {
  'a square layer': [plain, { input, wanted: 'operand' }],
  'a square layer, branch': [plain, { input, wanted: 'branch' }],
  leaky: [leaky(), { input, wanted: 'operand', seed: 2 }],
};

/** Numbers of two columns that go together. */
const values = Array.from({ length: 64 }, (_, i) => {
  const [a, b] = [((i >> 1) * 37) % 32, ((i >> 1) * 11) % 32].map((n) => n / 8 - 2);
  return i % 2 === 0 ? a + b / 4 : a - b / 4;
});
const targets = new Float64Array(64);

/** One layer of two columns after some steps. */
function whitened(given, steps = 400) {
  const options = { model: single({ size: 2 }), batch: 32, steps, ...given };
  const trainer = Trainer.create({ ...options, learningRate: constant(0.01, { warmup: 0 }) });
  begin(trainer, 2);
  while (trainer.steps < steps) {
    if (given.freeze !== undefined) invertExactly(trainer, 2, ['first']);
    trainer.step({ values, targets });
  }
  const [W, R] = trainer.tensors().map(({ data }) => Float64Array.from(data, (w) => w / 2 ** 24));
  return { W, R };
}

const optimizer = adamw({ weightDecay: 0 });
const near = (a, b, most) => a.every((value, i) => Math.abs(value - b[i]) < most);

export const facts = {
  'the gradient of -2 log |det W| is -2 R^T for each sample, to the bit': () => {
    const trainer = Trainer.create({ model: single({ size: 2 }), batch: 32, steps: 10 });
    const zeros = new Float64Array(64);
    trainer.computeGradients({ values: zeros, targets: zeros });
    const R = trainer.tensors().find(({ name }) => name === 'first.inverse').data;
    const wanted = [0, 2, 1, 3].map((i) => BigInt(R[i]) * -2n * 2n ** 4n * 32n);
    return trainer.gradient('first.weight').every((raw, i) => raw === wanted[i]);
  },
  'R becomes the inverse of W': () => {
    const { W, R } = whitened({ optimizer });
    return near(R, inverted(W, 2).inverse, 0.1);
  },
  'the learned inverse and the exact one whiten alike': () => {
    const exact = whitened({ optimizer, freeze: matching(['*.inverse']) });
    return near(whitened({ optimizer }).W, exact.W, 0.05);
  },
  'the likelihood of the identity is that of a normal density': () => {
    const trainer = Trainer.create({ model: flow({ size: 2 }), batch: 1, steps: 1 });
    begin(trainer, 2);
    const found = logLikelihood(trainer, 2, [[1, 2]]);
    return Math.abs(found - (-2.5 - Math.log(2 * Math.PI))) < 1e-12;
  },
  'an inverse is one, and its determinant': () => {
    const { inverse, logDeterminant } = inverted([0, 2, 4, 2], 2);
    return inverse.join() === '-0.25,0.25,0.5,0' && logDeterminant === Math.log(4) + Math.log(2);
  },
};

/** Ten steps of the flow. */
export async function brief(given) {
  const model = flow({ size: 8, penalty: 0 });
  const trainer = Trainer.create({ model, batch: 8, steps: 10, optimizer, ...given });
  begin(trainer, 8);
  while (trainer.steps < 10) trainer.step({ values, targets });
  const all = trainer.tensors().map(({ data }) => data.join());
  return sha256Hex(new TextEncoder().encode(all.join('\n')));
}

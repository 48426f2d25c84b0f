// The GPT and its AdamW step in tfjs. Tokens enter as one-hot rows: the gradient of a gather is not
// in the WebAssembly backend. GELU is the tanh form, as tfjs has none; AdamW is written out, as
// tfjs has only Adam.

import * as tf from '@tensorflow/tfjs';
import { causalMask, corrections, isDecayed, oneHot, transposed } from './task.mjs';

function norm(x, gain) {
  const { mean, variance } = tf.moments(x, -1, true);
  return x.sub(mean).div(variance.add(1e-5).sqrt()).mul(gain);
}

const gelu = (x) =>
  x.mul(0.5).mul(
    x
      .mul(x)
      .mul(0.044715)
      .add(1)
      .mul(x)
      .mul(Math.sqrt(2 / Math.PI))
      .tanh()
      .add(1),
  );

function attention(x, w, { batch, context: T, channels: C, heads: H }, mask) {
  const [q, k, v] = tf
    .split(tf.matMul(x, w.qkv), 3, -1)
    .map((t) => t.reshape([batch, T, H, C / H]).transpose([0, 2, 1, 3]));
  const scores = tf
    .matMul(q, k, false, true)
    .mul(1 / Math.sqrt(C / H))
    .add(mask);
  return tf.matMul(
    tf
      .matMul(tf.softmax(scores), v)
      .transpose([0, 2, 1, 3])
      .reshape([batch * T, C]),
    w.projection,
  );
}

/** Mean loss. inputs and targets are one-hot rows. */
function loss(weights, inputs, targets, mask, shape) {
  const { batch, context: T, channels: C, layers } = shape;
  let x = tf
    .matMul(inputs, weights.token)
    .reshape([batch, T, C])
    .add(weights.position)
    .reshape([batch * T, C]);
  for (let i = 0; i < layers; i++) {
    const w = weights.blocks[i];
    x = x.add(attention(norm(x, w.norm1), w, shape, mask));
    x = x.add(tf.matMul(gelu(tf.matMul(norm(x, w.norm2), w.up)), w.down));
  }
  const logits = tf.matMul(norm(x, weights.norm), weights.token, false, true);
  return logits.logSumExp(-1).sub(logits.mul(targets).sum(-1)).mean();
}

/** A trainer: step(t) trains on the task's batch and gives the loss before the update. The backend
 *  has been started. */
export function createTfjsGpt({ model, batch, adamw, inputs, targets, weights: given }) {
  const shape = { ...model, batch };
  const by = new Map(given.map((w) => [w.name, w]));
  const variables = [];
  const make = ({ shape: dims, data }) => {
    const variable = tf.variable(tf.tensor(data, [...dims]));
    variables.push(variable);
    return variable;
  };
  const get = (name) => make(by.get(name));
  const matrix = (name) => make(transposed(by.get(name)));
  const weights = {
    token: get('token.weight'),
    position: get('position.weight'),
    norm: get('norm.gain'),
    blocks: Array.from({ length: model.layers }, (_, i) => ({
      norm1: get(`block.${i}.norm1.gain`),
      norm2: get(`block.${i}.norm2.gain`),
      ...Object.fromEntries(
        ['qkv', 'projection', 'up', 'down'].map((part) => [
          part,
          matrix(`block.${i}.${part}.weight`),
        ]),
      ),
    })),
  };
  const moments = variables.map((w) => ({
    m: tf.variable(tf.zerosLike(w)),
    v: tf.variable(tf.zerosLike(w)),
  }));
  const x = tf.tensor2d(oneHot(inputs, model.vocabulary), [inputs.length, model.vocabulary]);
  const y = tf.tensor2d(oneHot(targets, model.vocabulary), [targets.length, model.vocabulary]);
  const mask = tf.tensor2d(causalMask(model.context), [model.context, model.context]);
  const { rate, beta1, beta2, epsilon, decay, clip } = adamw;
  const step = (t) =>
    tf.tidy(() => {
      const { value, grads } = tf.variableGrads(() => loss(weights, x, y, mask, shape), variables);
      const [c1, c2] = corrections(adamw, t);
      const total = variables.map((w) => grads[w.name].square().sum()).reduce((a, b) => a.add(b));
      const scale = tf.minimum(tf.scalar(clip).div(total.sqrt()), 1);
      variables.forEach((w, i) => {
        const g = grads[w.name].mul(scale);
        const { m, v } = moments[i];
        m.assign(m.mul(beta1).add(g.mul(1 - beta1)));
        v.assign(v.mul(beta2).add(g.square().mul(1 - beta2)));
        w.assign(
          w
            .mul(1 - (isDecayed(w) ? rate * decay : 0))
            .sub(m.div(c1).div(v.div(c2).sqrt().add(epsilon)).mul(rate)),
        );
      });
      return value.dataSync()[0];
    });
  return { step };
}

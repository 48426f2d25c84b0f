// The GPT and its AdamW step in jax-js. A function consumes its arrays; `.ref` keeps one for
// another use. Attention is written as plain products: dotProductAttention needs iterator methods
// that Node 20 lacks, and is no faster where they are. One jit for the step.

import { defaultDevice, init, jit, nn, numpy as np, tree, valueAndGrad } from '@jax-js/jax';
import { causalMask, corrections, isDecayed, oneHot, transposed } from './task.mjs';

const norm = (x, gain) => nn.standardize(x).mul(gain);

function attention(x, w, { batch, context: T, channels: C, heads: H }, mask) {
  const split = (t) => t.reshape([batch, T, H, C / H]).transpose([0, 2, 1, 3]);
  const [q, k, v] = np.split(np.matmul(x, w.qkv), 3, -1).map(split);
  const scores = np
    .matmul(q, k.transpose([0, 1, 3, 2]))
    .mul(1 / Math.sqrt(C / H))
    .add(mask);
  return np.matmul(
    np
      .matmul(nn.softmax(scores), v)
      .transpose([0, 2, 1, 3])
      .reshape([batch * T, C]),
    w.projection,
  );
}

/** Mean loss. inputs and targets are one-hot rows. */
function loss(weights, inputs, targets, mask, shape) {
  const { batch, context: T, channels: C, layers } = shape;
  let x = np
    .matmul(inputs, weights.token.ref)
    .reshape([batch, T, C])
    .add(weights.position)
    .reshape([batch * T, C]);
  for (let i = 0; i < layers; i++) {
    const w = weights.blocks[i];
    x = x.ref.add(attention(norm(x, w.norm1), w, shape, mask.ref));
    x = x.ref.add(np.matmul(nn.gelu(np.matmul(norm(x, w.norm2), w.up)), w.down));
  }
  mask.dispose();
  const logits = np.matmul(norm(x, weights.norm), weights.token.transpose());
  return nn
    .logSoftmax(logits)
    .mul(targets)
    .sum()
    .mul(-1 / (batch * T));
}

function update(
  { weights, grads, m, v },
  [c1, c2],
  decayed,
  { rate, beta1, beta2, epsilon, decay, clip },
) {
  const leaves = tree.leaves(grads);
  const total = leaves.map((g) => np.square(g.ref).sum()).reduce((a, b) => a.add(b));
  const scale = np.minimum(np.array(clip).div(np.sqrt(total)), 1);
  const [w0, structure] = tree.flatten(weights);
  const ms = tree.leaves(m);
  const vs = tree.leaves(v);
  const out = { w: [], m: [], v: [] };
  leaves.forEach((grad, i) => {
    const g = grad.mul(scale.ref);
    const m1 = ms[i].mul(beta1).add(g.ref.mul(1 - beta1));
    const v1 = vs[i].mul(beta2).add(np.square(g).mul(1 - beta2));
    const change = m1.ref.div(c1.ref).div(np.sqrt(v1.ref.div(c2.ref)).add(epsilon));
    out.w.push(w0[i].mul(1 - (decayed[i] ? rate * decay : 0)).sub(change.mul(rate)));
    out.m.push(m1);
    out.v.push(v1);
  });
  for (const used of [scale, c1, c2]) used.dispose();
  return [out.w, out.m, out.v].map((list) => tree.unflatten(structure, list));
}

/** A trainer: step(t) trains on the task's batch and resolves to the loss before the update. */
export async function createJaxGpt({ model, batch, adamw, inputs, targets, weights: given }) {
  await init('wasm');
  defaultDevice('wasm');
  const shape = { ...model, batch };
  const by = new Map(given.map((w) => [w.name, w]));
  const array = ({ shape: dims, data }) => np.array(data).reshape([...dims]);
  const get = (name) => array(by.get(name));
  const matrix = (name) => array(transposed(by.get(name)));
  let weights = {
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
  const decayed = tree.leaves(weights).map((w) => isDecayed(w));
  const zeros = () => tree.map((w) => np.zeros(w.shape), weights);
  let m = zeros();
  let v = zeros();
  const x = array({
    shape: [inputs.length, model.vocabulary],
    data: oneHot(inputs, model.vocabulary),
  });
  const y = array({
    shape: [targets.length, model.vocabulary],
    data: oneHot(targets, model.vocabulary),
  });
  const mask = array({ shape: [model.context, model.context], data: causalMask(model.context) });
  const step = jit((w, m0, v0, c, [xs, ys, causal]) => {
    const [value, grads] = valueAndGrad((p) => loss(p, xs, ys, causal, shape))(tree.ref(w));
    return [value, ...update({ weights: w, grads, m: m0, v: v0 }, c, decayed, adamw)];
  });
  return {
    async step(t) {
      const [c1, c2] = corrections(adamw, t);
      const c = [np.array(c1), np.array(c2)];
      const result = step(weights, m, v, c, [x.ref, y.ref, mask.ref]);
      weights = result[1];
      m = result[2];
      v = result[3];
      const [value] = await result[0].data();
      await Promise.all(
        [...tree.leaves(weights), ...tree.leaves(m), ...tree.leaves(v)].map((w) =>
          w.blockUntilReady(),
        ),
      );
      return value;
    },
  };
}

// Part "memory" of bench/all.mjs: memory against depth. Ours: the plan by purpose and the peak of a
// process that trained three steps. jax-js: its WebAssembly memory after three steps in a fresh
// process. And a yardstick computed by formula: a float32 trainer that stores exactly what its
// backward pass reads.

import { join } from 'node:path';
import { NODE } from '../stamp.mjs';
import { BATCH, MODEL } from './part-step.mjs';
import { askFresh } from './turns.mjs';

const DEPTHS = [2, 4, 8, 16, 32];
const RIVAL_DEPTHS = [2, 4, 8, 16];

/** In words and numbers: bytes of weights, gradients and two moments in float32; bytes of what a
 *  block's backward pass reads. */
export const FRUGAL = {
  formula: '16 P + 4 B T (L (14 C + H T) + 2 C + 2 V)',
  words:
    '16 bytes a parameter (weight, gradient, two moments); a block stores for each token two ' +
    'normalised inputs (2 C), queries, keys and values (3 C), ' +
    'the attention weights (H T), the attended values (C), the MLP before and after GELU (8 ' +
    'C); the head stores its input, normalised and not (2 C), logits and probabilities (2 V)',
  bytes: ({ channels: C, heads: H, context: T, vocabulary: V }, layers, batch, parameters) =>
    16 * parameters + 4 * batch * T * (layers * (14 * C + H * T) + 2 * C + 2 * V),
};

async function ours(built, model, reversible) {
  const answer = await askFresh([...NODE, join(built, 'bench-step.mjs')], {
    task: 'memory',
    model,
    batch: BATCH,
    reversible,
  });
  if (answer.error !== undefined)
    throw new Error(`memory of ${model.layers} layers, ${reversible}: ${answer.error}`);
  return answer;
}

async function jax(built, model) {
  const folder = join(built, `bench-task-${model.layers}`);
  await askFresh([...NODE, join(built, 'bench-step.mjs')], {
    task: 'export',
    model,
    batch: BATCH,
    folder,
  });
  const { error, heap, processPeak } = await askFresh(
    [...NODE, join(import.meta.dirname, 'step-jax.mjs')],
    { folder, warmup: 0, steps: 3 },
  );
  return error === undefined ? { heap, processPeak } : { failed: error };
}

export async function run({ quick, built, log }) {
  const rows = [];
  for (const layers of quick ? [2, 4] : DEPTHS) {
    log(`${layers} layers`);
    const model = { ...MODEL, layers };
    const bdia = await ours(built, model, 'bdia');
    const none = await ours(built, model, 'none');
    rows.push({
      layers,
      parameters: bdia.parameters,
      bdia,
      none,
      frugal: FRUGAL.bytes(MODEL, layers, BATCH, bdia.parameters),
      jax: RIVAL_DEPTHS.includes(layers) ? await jax(built, model) : undefined,
    });
  }
  return {
    model: MODEL,
    batch: BATCH,
    frugal: { formula: FRUGAL.formula, words: FRUGAL.words },
    rows,
  };
}

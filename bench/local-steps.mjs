// node bench/local-steps.mjs [--text FILE] [--rounds 25] [--seeds 1,2,3] [--write]: what training
// loses where machines exchange weights only now and then. K shards make H steps each from the same
// weights; the exact sum of what they changed, over K, is the change of the round. At equal tokens,
// beside steps of K times the batch (synchronous): with the moments of the optimizer begun anew in
// each round, or kept by each shard, and with the change as it is or by Nesterov's momentum
// (0.9, rate 0.7: DiLoCo). All in integers, so the bits depend on K and H alone.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { adamw, cosine, fillBatch, gpt, isWeight, Trainer, textWindows } from '../dist/index.js';
import { ROOT, resultFile, stamp, writeResult } from './stamp.mjs';

const { values } = parseArgs({
  options: {
    text: { type: 'string' },
    name: { type: 'string', default: "this repository's documents" },
    rounds: { type: 'string', default: '25' },
    seeds: { type: 'string', default: '1,2,3' },
    write: { type: 'boolean', default: false },
  },
});
const [K, H, ROUNDS] = [4, 16, Number(values.rounds)];
const CONTEXT = 64;
const BATCH = 8;
const STEPS = H * ROUNDS;

const raw =
  values.text === undefined
    ? readdirSync(join(ROOT, 'docs'))
        .filter((name) => name.endsWith('.md'))
        .sort()
        .map((name) => readFileSync(join(ROOT, 'docs', name), 'latin1'))
        .join('\n')
    : readFileSync(values.text, 'latin1');
const characters = [...new Set(raw)].sort();
const numbers = new Map(characters.map((character, i) => [character, i]));
const tokens = Int32Array.from(raw, (character) => numbers.get(character));
const cut = Math.floor(tokens.length * 0.9);
const train = tokens.subarray(0, cut);
const judged = textWindows(tokens.subarray(cut, cut + 400 * CONTEXT + 1), CONTEXT);

const model = {
  layers: 4,
  channels: 64,
  heads: 4,
  context: CONTEXT,
  vocabulary: characters.length,
};
const trainerOf = (seed, batch) =>
  Trainer.create({
    model: gpt(model),
    optimizer: adamw({ weightDecay: 0.1 }),
    learningRate: cosine(0.003, { warmup: 40 }),
    batch,
    microBatch: BATCH,
    steps: STEPS,
    seed,
    threads: 1,
  });

/** The batch of a local step of a shard: together they are those of a synchronous step. */
function batchOf(seed, step, first, count) {
  const inputs = new Int32Array(K * BATCH * CONTEXT);
  const targets = new Int32Array(K * BATCH * CONTEXT);
  fillBatch(train, { seed, batch: K * BATCH, context: CONTEXT, step }, inputs, targets);
  const part = (all) => all.subarray(first * CONTEXT, (first + count) * CONTEXT);
  return { inputs: part(inputs), targets: part(targets) };
}

function synchronous(seed) {
  const trainer = trainerOf(seed, K * BATCH);
  for (let step = 0; step < STEPS; step++) trainer.step(batchOf(seed, step, 0, K * BATCH));
  return trainer.evaluate(judged).loss;
}

const copies = (tensors) => tensors.map((tensor) => ({ ...tensor, data: tensor.data.slice() }));

/** round(a b / 2^10) of whole numbers, half up. */
const scaled = (value, factor) => Math.floor((value * factor + 512) / 1024);
const MOMENTUM = 922; // 0.9
const RATE = 717; // 0.7

function local(seed, { keeps, nesterov }) {
  const trainer = trainerOf(seed, BATCH);
  const initial = copies(trainer.tensors());
  let weights = initial.filter(isWeight);
  const moments = Array.from({ length: K }, () => initial.filter((one) => !isWeight(one)));
  const velocity = weights.map(({ data }) => new Float64Array(data.length));
  for (let round = 0; round < ROUNDS; round++) {
    // of whole numbers below 2^53
    const sums = weights.map(({ data }) => new Float64Array(data.length));
    for (let shard = 0; shard < K; shard++) {
      const begun = keeps ? moments[shard] : initial.filter((one) => !isWeight(one));
      trainer.restore([...weights, ...begun], round * H);
      for (let h = 0; h < H; h++) trainer.step(batchOf(seed, round * H + h, shard * BATCH, BATCH));
      const ended = copies(trainer.tensors());
      ended.filter(isWeight).forEach(({ data }, i) => {
        for (let j = 0; j < data.length; j++) sums[i][j] += data[j] - weights[i].data[j];
      });
      moments[shard] = ended.filter((one) => !isWeight(one));
    }
    weights = weights.map((tensor, i) => ({
      ...tensor,
      data: tensor.data.map((value, j) => {
        const change = Math.round(sums[i][j] / K);
        if (!nesterov) return value + change;
        velocity[i][j] = scaled(velocity[i][j], MOMENTUM) + change;
        return value + scaled(change + scaled(velocity[i][j], MOMENTUM), RATE);
      }),
    }));
  }
  trainer.restore([...weights, ...moments[0]], STEPS);
  return trainer.evaluate(judged).loss;
}

const WAYS = {
  synchronous: (seed) => synchronous(seed),
  'moments anew': (seed) => local(seed, { keeps: false, nesterov: false }),
  'moments kept': (seed) => local(seed, { keeps: true, nesterov: false }),
  'moments anew, Nesterov': (seed) => local(seed, { keeps: false, nesterov: true }),
  'moments kept, Nesterov': (seed) => local(seed, { keeps: true, nesterov: true }),
};

const seeds = values.seeds.split(',').map(Number);
const rows = Object.entries(WAYS).map(([way, run]) => {
  const losses = seeds.map((seed) => {
    const loss = run(seed);
    console.log(`${way}, seed ${seed}: ${loss.toFixed(4)}`);
    return loss;
  });
  return { way, losses };
});
const mean = (list) => list.reduce((a, b) => a + b, 0) / list.length;
const base = mean(rows[0].losses);
for (const { way, losses } of rows)
  console.log(
    `${way}: ${mean(losses).toFixed(4)}, ${((mean(losses) / base - 1) * 100).toFixed(2)} %`,
  );
const about = { shards: K, localSteps: H, rounds: ROUNDS, batch: BATCH, model, text: values.name };
if (values.write) writeResult(resultFile('local-steps'), { stamp: stamp(), ...about, seeds, rows });

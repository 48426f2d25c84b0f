// What the engine promises, held against the models of docs/examples/models, in whatever runtime
// runs this: digests of the same run cut and kept in every way. It stands beside the compiled
// examples and uses the package only. Runtimes of a command line print JSON:
//   node promises.mjs [gradients]

import { decodeCheckpoint, encodeCheckpoint, gpt, lion, Trainer } from 'retrograd';
import { checkLayer, checkRule } from 'retrograd/verify';
import * as cnn from './cnn.js';
import * as digits from './digits.js';
import * as masked from './masked.js';
import * as ownLayer from './own-layer.js';
import * as ownOptimizer from './own-optimizer.js';
import * as ownRule from './own-rule.js';
import * as regression from './regression.js';

export const BATCH = 4;
const STEPS = 4;

/** Whole numbers below n, a function of the seed. */
export function numbers(seed, count, n) {
  let state = seed;
  return Int32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  });
}

/** Ten glyphs of 8 x 8 pixels, with noise. */
export function glyphs(seed, count) {
  const labels = numbers(seed, count, 10);
  const noise = numbers(seed + 1, count * 64, 64);
  const images = Uint8Array.from(noise, (grey, i) => {
    const shape = numbers(100 + labels[i >> 6], 64, 2);
    return shape[i & 63] * 160 + grey;
  });
  return { images, labels };
}

/** Windows of a text that can be learned: of four words, again and again. */
export function words(seed, count, context) {
  const text = ['the ', 'house ', 'is ', 'open. '];
  const all = Array.from(numbers(seed, 400, 4), (i) => text[i]).join('');
  const windows = Array.from({ length: count }, (_, s) => {
    const from = numbers(seed + s + 1, 1, all.length - context - 1)[0];
    return Array.from(all.slice(from, from + context + 1), (c) => c.charCodeAt(0));
  });
  return {
    inputs: Int32Array.from(windows.flatMap((window) => window.slice(0, -1))),
    targets: Int32Array.from(windows.flatMap((window) => window.slice(1))),
  };
}

const SENTENCES = [
  'the house is open today ',
  'nobody rows over the sea',
  'whole numbers add up so ',
  'we go back bit after bit',
];

/** Sentences of 24 characters: what is hidden follows from the rest. */
const sentences = (seed, count) => {
  const text = Array.from(numbers(seed, count, 4), (i) => SENTENCES[i]).join('');
  return Int32Array.from(text, (c) => c.charCodeAt(0));
};

/** Options, a step's batch, and what a checkpoint is read with. */
const text = (step) => words(1000 + 10 * step, BATCH, 16);
export const CASES = {
  regression: {
    options: regression.options,
    batchOf: (step) => regression.table(BATCH, 1 + step),
    reader: { models: [regression.regression] },
  },
  digits: {
    options: { ...digits.options, model: digits.classifier({ width: 16 }) },
    batchOf: (step) => glyphs(1 + step, BATCH),
    reader: { models: [digits.classifier] },
  },
  cnn: {
    options: { ...cnn.options, model: cnn.convolutional({ width: 4 }) },
    batchOf: (step) => glyphs(1 + step, BATCH),
    reader: { models: [cnn.convolutional] },
  },
  masked: {
    options: masked.options,
    batchOf: (step) => masked.hide(sentences(10 + step, BATCH), 256, step),
    reader: { models: [masked.masked] },
  },
  'own-layer': {
    options: { model: ownLayer.model({ vocabulary: 256 }) },
    batchOf: text,
    reader: { models: [ownLayer.model] },
  },
  'own-rule': {
    options: { model: ownRule.model(256) },
    batchOf: text,
    reader: { choices: { midpoint: ownRule.midpoint } },
  },
  'own-optimizer': {
    options: ownOptimizer.options,
    batchOf: text,
    reader: { choices: { signum: ownOptimizer.signum } },
  },
  lion: {
    options: { model: gpt(ownOptimizer.options.model.config), optimizer: lion() },
    batchOf: text,
    reader: {},
  },
};

const workerOf = (name) =>
  name === 'lion' ? undefined : new URL(`./${name}-thread.js`, import.meta.url);

const create = (name, more) =>
  Trainer.create({ ...CASES[name].options, batch: BATCH, steps: 100, ...more });

/** Trains to a step. */
function train(trainer, name, to = STEPS) {
  while (trainer.steps < to) trainer.step(CASES[name].batchOf(trainer.steps));
}

async function digestOf(name, more) {
  const trainer = create(name, more);
  train(trainer, name);
  const { totals } = trainer;
  return { digest: await trainer.weightsSha256(), totals };
}

/** With threads: the digest, how many were at work, and how many when it was closed. */
async function threaded(name, threads, start) {
  const trainer = create(name, { threads, worker: start ?? workerOf(name) });
  await trainer.ready();
  const { threads: atWork, threadsNote } = trainer;
  train(trainer, name);
  trainer.close();
  return { digest: await trainer.weightsSha256(), threads: atWork, threadsNote };
}

/** Stopped half way, written to a file's bytes, read, and gone on with. */
async function resumed(name) {
  const { reader } = CASES[name];
  const first = create(name, {});
  train(first, name, STEPS / 2);
  const file = await encodeCheckpoint(
    {
      tensors: first.tensors(),
      options: first.options,
      step: first.steps,
      vocabulary: null,
      dataSha256: '0'.repeat(64),
      libraryVersion: '0.1.0',
    },
    reader,
  );
  const { options, tensors, step } = await decodeCheckpoint(file, reader);
  const second = Trainer.create(options);
  second.restore(tensors, step);
  train(second, name);
  return second.weightsSha256();
}

/** Every promise of a model, as digests that must be one, and counts. `start`: of a model's name,
 *  what starts its worker, where the threads' modules are elsewhere. */
export async function promises(name, start = () => undefined) {
  const one = await digestOf(name, {});
  const threads = [await threaded(name, 2, start(name)), await threaded(name, 3, start(name))];
  const digests = {
    one: one.digest,
    'micro-batches of 1': (await digestOf(name, { microBatch: 1 })).digest,
    'micro-batches of 2': (await digestOf(name, { microBatch: 2 })).digest,
    'stopped and resumed': await resumed(name),
    'without verify': (await digestOf(name, { verify: false })).digest,
    'stored gradients': (await digestOf(name, { keep: 'activations' })).digest,
    '2 threads': threads[0].digest,
    '3 threads': threads[1].digest,
  };
  const atWork = threads.map(({ threads: n, threadsNote }) => `${n}${threadsNote}`);
  return { digests, atWork, totals: one.totals };
}

/** Weights and gradients after some steps, and the batch. */
export function gradients(name) {
  const trainer = create(name, {});
  const { batchOf } = CASES[name];
  train(trainer, name);
  const batch = batchOf(trainer.steps);
  const loss = trainer.computeGradients(batch);
  const names = trainer.tensors().filter((tensor) => !tensor.name.startsWith('optimizer.'));
  const tensors = names.map(({ name: path, shape, data }) => ({
    path,
    shape,
    weights: Array.from(data, (raw) => raw / 2 ** 24),
    gradient: Array.from(trainer.gradient(path), (raw) => Number(raw) / 2 ** 28),
  }));
  const given = Object.entries(batch).map(([key, values]) => [key, Array.from(values)]);
  return { step: trainer.steps, loss, tensors, batch: Object.fromEntries(given) };
}

/** How well each learns: R^2, accuracy, and losses beside those of frequencies alone. */
export function learned() {
  const images = (seed, count) => {
    const { images: pixels, labels } = glyphs(seed, count);
    return { pixels, labels, count };
  };
  const run = (name, steps, learningRate) => {
    const trainer = create(name, { steps, learningRate });
    train(trainer, name, steps);
    const held = CASES[name].batchOf(10_000);
    return { ...trainer.evaluate(held), chance: entropy(held.targets) };
  };
  return {
    regression: regression.train(),
    digits: digits.train(images(1, 500), images(5001, 300)),
    cnn: digits.train(images(1, 500), images(5001, 300), create('cnn', { batch: 8, steps: 300 })),
    masked: run('masked', 400, 0.005),
    'own-layer': run('own-layer', 150, 0.005),
    'own-rule': run('own-rule', 100, 0.005),
    'own-optimizer': run('own-optimizer', 200, 0.002),
    lion: run('lion', 200, 0.002),
  };
}

/** Nats of a target of a batch for who knows how frequent each is, and no more. */
function entropy(targets) {
  const known = Array.from(targets).filter((target) => target >= 0);
  const shareOf = (target) => known.filter((other) => other === target).length / known.length;
  return known.reduce((sum, target) => sum - Math.log(shareOf(target)), 0) / known.length;
}

/** The package's own checks of a layer and of a rule. */
function checks() {
  const input = { kind: 'operand', rows: 5, columns: 12 };
  const { cosines } = checkLayer(ownLayer.squaredRelu(), { input, wanted: 'operand' });
  return { layer: cosines['the input'], rule: checkRule(ownRule.midpoint(), { depth: 4 }) };
}

/** Why threads do not work where they cannot: the notes. The run goes on alone. */
async function notes() {
  const ways = {
    'another model': new URL('./own-layer-thread.js', import.meta.url),
    'no module': new URL('./nowhere.js', import.meta.url),
    'no worker': () => undefined,
    'an error': () => {
      throw new Error('no such luck');
    },
  };
  const found = {};
  for (const [way, worker] of Object.entries(ways)) {
    const trainer = create('regression', { threads: 2, worker });
    await trainer.ready();
    train(trainer, 'regression');
    const { threads, threadsNote } = trainer;
    found[way] = { threads, threadsNote, digest: await trainer.weightsSha256() };
  }
  return found;
}

/** All of it. */
export async function all(what = '', start = undefined) {
  const found = {};
  for (const name of Object.keys(CASES)) {
    found[name] = await promises(name, start);
    if (what === 'gradients') found[name].gradients = gradients(name);
  }
  return what === 'gradients'
    ? { found, learned: learned(), checks: checks(), notes: await notes() }
    : { found };
}

if (globalThis.process?.argv?.[1]?.endsWith('promises.mjs'))
  console.log(JSON.stringify(await all(process.argv[2])));

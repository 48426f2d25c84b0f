// Trains an i-RevNet on MNIST or CIFAR-10, says the share of unseen images that it tells, and
// rebuilds these from its last layer. Stopped, it goes on where it was:
//
//   node bench/i-revnet.mjs --data DIR --out FILE [--steps 9375] [--threads 2]
//     [--keeps activations|nothing] [--write]
//
// The activations of the flows are kept, or rebuilt on the way back: the same bits, and slower.
// --write: what it ends with goes to bench/results/flows.json, for docs/reversibility.md.
// DIR: MNIST's four IDX files, or CIFAR-10's binary records as train*.bin and test*.bin; gzipped or
// not.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import {
  adamw,
  augment,
  cosine,
  EpochOrder,
  FlowRunner,
  iRevNet,
  iRevNetFlows,
  readCifar,
  readIdx,
} from '../dist/index.js';
import { trainImages } from './image-run.mjs';

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    out: { type: 'string' },
    steps: { type: 'string', default: '9375' },
    threads: { type: 'string', default: '2' },
    save: { type: 'string', default: '100' },
    evaluate: { type: 'string', default: '1000' },
    images: { type: 'string', default: '10000' },
    keeps: { type: 'string', default: 'activations' },
    write: { type: 'boolean', default: false },
  },
});

const names = readdirSync(values.data);
const isMnist = names.some((name) => name.startsWith('train-images'));

function fileOf(name) {
  const found = names.find((file) => file.startsWith(name) && /\.(bin|gz)$|ubyte$/.test(file));
  const bytes = readFileSync(join(values.data, found ?? name));
  return found?.endsWith('.gz') ? gunzipSync(bytes) : bytes;
}
const digitsOf = (name) =>
  readIdx(fileOf(`${name}-images`), fileOf(`${name}-labels`), [`${name}-images`, `${name}-labels`]);
const photosOf = (name) => readCifar(fileOf(name), 10, name);
const [train, test] = isMnist
  ? [digitsOf('train'), digitsOf('t10k')]
  : [photosOf('train'), photosOf('test')];

const BATCH = 32;
const SEED = 1;
const { width: SIZE, channels: COLOURS } = train;
const PIXELS = SIZE * SIZE;
const BYTES = PIXELS * COLOURS;
const CONFIG = { size: SIZE, colours: COLOURS, classes: 10, keeps: values.keeps };
const count = Math.min(Number(values.images), test.count);
const order = new EpochOrder(SEED, train.count);

/** Images in an order that the seed decides, cut at random from a margin of two pixels, half of the
 *  photographs mirrored. */
function batchOf(step) {
  const images = new Uint8Array(BATCH * BYTES);
  const labels = new Int32Array(BATCH);
  for (let sample = 0; sample < BATCH; sample++) {
    const image = order.at(step * BATCH + sample);
    const out = images.subarray(sample * BYTES, (sample + 1) * BYTES);
    augment(train, image, out, { crop: 2, flip: !isMnist }, { seed: SEED, step, sample });
    labels[sample] = train.labels[image];
  }
  return { images, labels };
}

const unseen = {
  images: test.pixels.slice(0, count * BYTES),
  labels: test.labels.slice(0, count),
};
function evaluate(trainer) {
  const { accuracy } = trainer.evaluate(unseen);
  const share = `${(100 * accuracy).toFixed(2)} % of ${count} unseen images`;
  const different = rebuilt(trainer);
  console.log(`step ${trainer.steps}: ${share}, ${different} bytes rebuilt differ`);
  return { images: train.count, unseen: count, accuracy, different };
}

/** Bytes of the unseen images that are not what they were when they come back. */
function rebuilt(trainer) {
  const layer = iRevNetFlows(CONFIG);
  const { channels, fraction } = layer.shape;
  const runner = new FlowRunner(layer, trainer.tensors());
  const factor = 2 ** (fraction - 7);
  const place = (i) => Math.floor(i / COLOURS) * channels + (i % COLOURS);
  const numbers = new Int32Array(PIXELS * channels);
  let different = 0;
  for (let s = 0; s < count; s++) {
    const image = unseen.images.subarray(s * BYTES, (s + 1) * BYTES);
    image.forEach((byte, i) => {
      numbers[place(i)] = (byte - 128) * factor;
    });
    const back = runner.inverse(runner.forward(numbers));
    different += image.filter((byte, i) => back[place(i)] / factor + 128 !== byte).length;
  }
  return different;
}

await trainImages(values.out, {
  definition: iRevNet,
  options: {
    model: iRevNet(CONFIG),
    batch: BATCH,
    steps: Number(values.steps),
    seed: SEED,
    learningRate: cosine(0.002, { warmup: 200 }),
    optimizer: adamw({ weightDecay: 0.05 }),
  },
  more: {
    threads: Number(values.threads),
    worker: new URL('./i-revnet-thread.mjs', import.meta.url),
  },
  batchOf,
  save: Number(values.save),
  evaluate,
  evaluateEvery: Number(values.evaluate),
  kept: values.write ? `iRevNet ${isMnist ? 'MNIST' : 'CIFAR-10'}` : undefined,
});

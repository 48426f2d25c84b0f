// Trains an integer discrete flow on 32 x 32 images and says the bits per dimension of images that
// it has not seen. Stopped, it goes on where it was:
//
//   node bench/idf.mjs --data DIR --out FILE [--steps 10096] [--threads 2] [--test 1000]
//     [--keeps activations|nothing] [--write]
//
// --write: what it ends with goes to bench/results/flows.json, for docs/reversibility.md.
// The activations of the flows are kept, or rebuilt on the way back: the same bits, and slower.
// DIR: CIFAR-10's binary records, plain or gzipped, as data_batch_*.bin and test_batch*.bin.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { adamw, augment, cosine, EpochOrder, idf, joinImages, readCifar } from '../dist/index.js';
import { trainImages } from './image-run.mjs';

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    out: { type: 'string' },
    steps: { type: 'string', default: '10096' },
    threads: { type: 'string', default: '2' },
    save: { type: 'string', default: '100' },
    test: { type: 'string', default: '1000' },
    evaluate: { type: 'string', default: '1000' },
    keeps: { type: 'string', default: 'activations' },
    write: { type: 'boolean', default: false },
  },
});

function setOf(prefix) {
  const files = readdirSync(values.data).filter((name) => name.startsWith(prefix));
  const sets = files.sort().map((name) => {
    const bytes = readFileSync(join(values.data, name));
    return readCifar(name.endsWith('.gz') ? gunzipSync(bytes) : bytes, 10, name);
  });
  return joinImages(sets, prefix);
}

const BATCH = 32;
const SEED = 1;
const PIXELS = 32 * 32 * 3;
const [train, test] = [setOf('data_batch'), setOf('test_batch')];
const order = new EpochOrder(SEED, train.count);

/** Images in an order that the seed decides, half of them mirrored. */
function batchOf(step) {
  const images = new Uint8Array(BATCH * PIXELS);
  for (let sample = 0; sample < BATCH; sample++) {
    const out = images.subarray(sample * PIXELS, (sample + 1) * PIXELS);
    const image = order.at(step * BATCH + sample);
    augment(train, image, out, { crop: 0, flip: true }, { seed: SEED, step, sample });
  }
  return { images };
}

function evaluate(trainer) {
  const count = Math.min(Number(values.test), test.count);
  const { loss } = trainer.evaluate({ images: test.pixels.slice(0, count * PIXELS) });
  console.log(`step ${trainer.steps}: ${loss.toFixed(4)} bits a dimension, ${count} test images`);
  return { images: train.count, unseen: count, bits: loss };
}

await trainImages(values.out, {
  definition: idf,
  options: {
    model: idf({ width: 32, height: 32, keeps: values.keeps }),
    batch: BATCH,
    steps: Number(values.steps),
    seed: SEED,
    learningRate: cosine(0.002, { warmup: 200 }),
    optimizer: adamw({ weightDecay: 0 }),
  },
  more: {
    threads: Number(values.threads),
    worker: new URL('./idf-thread.mjs', import.meta.url),
  },
  batchOf,
  save: Number(values.save),
  evaluate,
  evaluateEvery: Number(values.evaluate),
  kept: values.write ? 'idf' : undefined,
});

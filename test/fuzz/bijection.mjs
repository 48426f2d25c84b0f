// npm run fuzz:bijection: images through whole models of flows and back, as the models begin and
// after training; a byte that comes back another is a fault.
//
//   node test/fuzz/bijection.mjs [--cases 4000000] [--seed S] [--only WORD] [--case I]

import { FlowRunner, idf, idfFlows, iRevNet, iRevNetFlows, Trainer } from '../../dist/index.js';
import { fuzz, fuzzOptions, Random } from './runner.mjs';

const SIZE = 8;
const PIXELS = SIZE * SIZE;
const BATCH = 4;
const STEPS = 60;

const constant = (value) => () => value;
/** Images of all kinds: what a byte of one is. */
const KINDS = [
  (random) => () => random.below(256),
  (random) => constant(random.below(256)),
  (random) => () => 255 * random.below(2),
  (random) => () => (random.oneIn(20) ? random.below(256) : 128),
  (random) => {
    const [from, slope] = [random.below(256), random.below(9) - 4];
    return (_, i) => (from + slope * i) & 255;
  },
];
const imageOf = (random) => Uint8Array.from({ length: PIXELS }, random.pick(KINDS)(random));

const SHAPE = { levels: 2, channels: 8 };
const IDF = { width: SIZE, height: SIZE, colours: 1, flows: 2, ...SHAPE };
const REVNET = { size: SIZE, colours: 1, classes: 3, blocks: 2, levels: 2, width: 8 };

/** Name, model, its flows, and a batch of images as it takes them. */
const MODELS = [
  ['idf', idf(IDF), idfFlows(IDF), (images) => ({ images })],
  [
    'i-RevNet',
    iRevNet(REVNET),
    iRevNetFlows(REVNET),
    (images) => ({ images, labels: Int32Array.from({ length: BATCH }, (_, i) => i % 3) }),
  ],
];

/** A target: the model after so many steps. */
function target([name, model, layer, batchOf], steps) {
  const options = { model, batch: BATCH, steps: STEPS, learningRate: 0.01 };
  const trainer = Trainer.create(options);
  while (trainer.steps < steps) {
    const random = new Random(trainer.steps, 0);
    const images = Array.from({ length: BATCH }, () => [...imageOf(random)]).flat();
    trainer.step(batchOf(Uint8Array.from(images)));
  }
  const runner = new FlowRunner(layer, trainer.tensors());
  const { channels, fraction } = layer.shape;
  const numbers = new Int32Array(PIXELS * channels);
  const run = (random) => {
    const image = imageOf(random);
    image.forEach((byte, i) => {
      numbers[i * channels] = (byte - 128) << (fraction - 7);
    });
    const state = runner.forward(numbers).subarray(0, numbers.length);
    const back = runner.inverse(state);
    const wrong = back.findIndex((number, i) => number !== numbers[i]);
    if (wrong >= 0) throw new Error(`element ${wrong} came back as ${back[wrong]}`);
  };
  return { name: `${name}, ${steps === 0 ? 'as it begins' : 'trained'}`, run };
}

const targets = MODELS.flatMap((model) => [target(model, 0), target(model, STEPS)]);
/** Nothing is refused here: every error is a fault. */
const SETTINGS = { isRefusal: () => false, limits: { slow: 2000, heavy: 2 ** 29 } };
export const run = (options, settings = {}) =>
  fuzz('bijection', targets, options, { ...SETTINGS, ...settings });

if (process.argv[1] === import.meta.filename) await run(fuzzOptions(4_000_000));

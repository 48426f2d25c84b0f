// The table of docs/papers.md: surprise of digits that a network has not seen, of other images and
// of other digits, layer by layer and of all layers together, beside the largest probability.

import { cosine, Trainer } from 'retrograd';
import { accuracyOn, cifar, digits, mean, mnist, trainOn } from '../data.mjs';
import { enlarged, grey } from './images.mjs';
import { auroc, Density, share } from './model.mjs';
import { classifier, hidden } from './networks.mjs';

export const seeds = [1, 2, 3, 4, 5];
const CONFIG = { side: 28, width: 64 };
/** Hidden states: after each layer but the last. */
const DEPTHS = [1, 2, 3, 4];
/** Digits of the training set that densities are fitted to. */
const FITTED = 20000;
const RIDGE = 0.001;
const BINS = 10;

/** What `work` gives of each of a set's first images. */
function each({ width, height, pixels, count }, work, most = count) {
  const size = width * height;
  return Array.from({ length: most }, (_, i) => work(pixels.subarray(i * size, (i + 1) * size), i));
}

/** Of each set the surprise of the states after `depth` layers. */
function surprises(trainer, depth, { known, sets }) {
  const model = hidden({ ...CONFIG, depth });
  const reader = Trainer.create({ model, batch: 1, steps: 1 });
  share(trainer, reader);
  const density = new Density(CONFIG.width, 10);
  each(known, (image, i) => density.add(reader.predict(image), known.labels[i]), FITTED);
  density.fit(RIDGE);
  return sets.map((set) => each(set, (image) => density.surprise(reader.predict(image))));
}

/** How little the largest probability of the softmax is. */
function doubt(logits) {
  const top = Math.max(...logits);
  return -1 / logits.reduce((sum, logit) => sum + Math.exp(logit - top), 0);
}

/** Errors in bins of equal size, from the least surprising images to the most. */
function binned(surprise, isWrong) {
  const order = surprise.map((_, i) => i).sort((a, b) => surprise[a] - surprise[b]);
  const size = order.length / BINS;
  return Array.from(
    { length: BINS },
    (_, bin) => order.slice(bin * size, (bin + 1) * size).filter((i) => isWrong[i]).length,
  );
}

export function measure({ seed, data, steps = 2000 }) {
  const { known, unseen } = mnist(data);
  const name = 'test_batch_first1000.bin';
  const sets = [unseen, grey(cifar(data, name)), enlarged(digits(data).unseen)];
  const model = classifier(CONFIG);
  const options = { model, batch: 32, steps, seed, learningRate: cosine(0.002) };
  const trainer = trainOn(known, Trainer.create(options));
  const logits = sets.map((set) => each(set, (image) => trainer.predict(image)));
  const isWrong = logits[0].map((row, i) => row.indexOf(Math.max(...row)) !== unseen.labels[i]);
  const found = ([inside, ...outside]) => ({
    auroc: outside.map((values) => auroc(inside, values)),
    errors: binned(inside, isWrong),
  });
  const layers = DEPTHS.map((depth) => surprises(trainer, depth, { known, sets }));
  const together = sets.map((_, s) =>
    layers[0][s].map((__, i) => layers.reduce((sum, layer) => sum + layer[s][i], 0)),
  );
  return {
    accuracy: accuracyOn(unseen, trainer),
    softmax: found(logits.map((rows) => rows.map(doubt))),
    layers: layers.map(found),
    together: found(together),
  };
}

const SETS = ['grey CIFAR-10', 'optdigits of 28 × 28'];

/** A row: unseen MNIST against one of the other sets. */
function against(found, set) {
  const of = (pick) => found.map((record) => pick(record).auroc[set]);
  const shown = (pick) => mean(of(pick)).toFixed(4);
  const single = DEPTHS.map((_, i) => shown(({ layers }) => layers[i])).join(', ');
  const least = Math.min(...of(({ together }) => together));
  return {
    shown: `AUROC of surprise, MNIST against ${SETS[set]}`,
    bar: '≥ 0.95, beside the largest probability',
    measured:
      `${shown(({ together }) => together)} (least ${least.toFixed(4)}, ${found.length} seeds); ` +
      `layers alone ${single}; largest probability ${shown(({ softmax }) => softmax)}`,
    isReached: least >= 0.95,
  };
}

export function rows(found) {
  const errors = Array.from({ length: BINS }, (_, bin) =>
    found.reduce((sum, { together }) => sum + together.errors[bin], 0),
  );
  const accuracy = mean(found.map((record) => record.accuracy));
  const size = found.length * 1000;
  return [
    ...SETS.map((_, set) => against(found, set)),
    {
      shown: 'error rate of MNIST in ten bins, from the least surprise to the most',
      bar: 'rises',
      measured:
        `${errors.map((count) => ((100 * count) / size).toFixed(2)).join(', ')} % ` +
        `(${(100 * accuracy).toFixed(2)} % recognised)`,
      isReached: errors.every((count, bin) => bin === 0 || count >= errors[bin - 1]),
    },
  ];
}

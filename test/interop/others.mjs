// A vision transformer and a translator that have learned something, exported for transformers,
// with what the library says of images and sentences.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exportHf } from '../../dist/export.js';
import {
  BytePairs,
  createPairBatch,
  fillPairBatch,
  normaliseSentence,
  PairData,
  SPECIAL,
  Trainer,
  translator,
  vit,
} from '../../dist/index.js';
import { writeAll } from './write.mjs';

const SHAPE = { layers: 2, channels: 48, heads: 4, bias: true };
const IMAGE = { width: 16, height: 24, colours: 3, patch: 8, classes: 3 };

/** Images of stripes: of class 0 across, of class 1 along, of class 2 neither. */
function images(seed, count) {
  const { width, height, colours } = IMAGE;
  let state = seed;
  const random = (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const labels = Int32Array.from({ length: count }, () => random(3));
  const pixels = Uint8Array.from({ length: count * width * height * colours }, (_, i) => {
    const at = Math.floor(i / colours) % (width * height);
    const label = labels[Math.floor(i / (width * height * colours))];
    const place = [Math.floor(at / width), at % width, random(8)][label];
    return (place & 2 ? 200 : 40) + random(50);
  });
  return { images: pixels, labels };
}

function makeVit(folder) {
  const options = { batch: 8, steps: 60, learningRate: 0.002 };
  const trainer = Trainer.create({ ...options, model: vit({ ...IMAGE, ...SHAPE }) });
  while (trainer.steps < 60) trainer.step(images(trainer.steps + 1, 8));
  const test = images(1000, 12);
  const size = test.images.length / 12;
  const logits = Array.from({ length: 12 }, (_, i) => [
    ...trainer.predict(test.images.subarray(i * size, (i + 1) * size)),
  ]);
  const labels = ['across', 'along', 'noise'];
  writeAll(folder, exportHf(trainer, { labels, name: 'stripes' }));
  const { width, height } = IMAGE;
  const expected = { width, height, pixels: [...test.images], logits, labels };
  writeFileSync(join(folder, 'expected.json'), JSON.stringify(expected));
}

const PAIRS = [
  ['Go on.', 'Vas-y !'],
  ['The sea is blue.', 'La mer est bleue.'],
  ['The shell is small.', 'La coquille est petite.'],
  ['She sells shells.', 'Elle vend des coquilles.'],
  ['I see the sea.', 'Je vois la mer.'],
  ['She sees the shell, the sea!', 'Elle voit la coquille, la mer !'],
].map(([source, target]) => ({
  source: normaliseSentence(source),
  target: normaliseSentence(target),
}));

const argmax = (logits) => logits.indexOf(Math.max(...logits));

function makeTranslator(folder) {
  const context = 24;
  const joint = BytePairs.learn(
    PAIRS.flatMap(({ source, target }) => [source, target]),
    90,
  );
  const data = PairData.encode(PAIRS, { source: joint, target: joint, context });
  const model = translator({ ...SHAPE, vocabulary: joint.size, context });
  const options = { batch: 6, steps: 150, learningRate: 0.004 };
  const trainer = Trainer.create({ ...options, model });
  const batch = createPairBatch(6, context);
  while (trainer.steps < 150) {
    fillPairBatch(data, { seed: 1, batch: 6, step: trainer.steps }, batch);
    trainer.step(batch);
  }
  const sentences = PAIRS.map(({ source }) => {
    const ids = [...joint.encode(source), SPECIAL.end];
    const next = trainer.predictor(Int32Array.from(ids));
    const tokens = [SPECIAL.begin];
    const logits = [];
    while (tokens.length < context && tokens.at(-1) !== SPECIAL.end) {
      logits.push([...next(Int32Array.from(tokens))]);
      tokens.push(argmax(logits.at(-1)));
    }
    return { source, ids, tokens, logits, text: joint.decode(tokens) };
  });
  writeAll(folder, exportHf(trainer, { vocabulary: joint, name: 'sea' }));
  writeFileSync(join(folder, 'expected.json'), JSON.stringify({ sentences }));
}

/** Makes both, in folders of their names. */
export function makeOthers(folder) {
  makeVit(join(folder, 'vit'));
  makeTranslator(join(folder, 'translator'));
}

// What is so of HexaConv, to the bit, and a short run of it.

import { conv2d, layerNorm, relu, sequential, Trainer } from 'retrograd';
import { apply } from '../apply.mjs';
import { hexagon, hexConv, TURNS, turned } from './model.mjs';
import { hexagonal, sumOfRows } from './networks.mjs';

const RADIUS = 2;
const cells = hexagon(RADIUS);
const N = cells.length;
const plane = { kind: 'operand', rows: N, columns: 2 };
const group = { kind: 'operand', rows: N * TURNS, columns: 2 };

export const layers = {
  'from the plane to the group': [hexConv(2, { radius: 1 }), { input: { ...plane, rows: 7 } }],
  'from the group to the group': [hexConv(2, { radius: 1 }), { input: { ...group, rows: 42 } }],
  planar: [hexConv(3, { radius: 1, toGroup: false }), { input: { ...plane, rows: 7 } }],
  'sum of rows': [sumOfRows(), { input: { kind: 'branch', rows: 5, columns: 3 } }],
};

/** Whole numbers of -500..500 that look random. */
const noiseAt = (i, seed) => (((i + 7) ** 3 * (seed + 31)) % 1001) - 500;
const noise = (count, seed) => Array.from({ length: count }, (_, i) => noiseAt(i, seed));
const weightOf = (path, i) => noiseAt(i, path.length) / 1000;

/** The rows of an image in one piece each. */
const rowsOf = (values, columns) =>
  Array.from({ length: values.length / columns }, (_, i) =>
    values.slice(i * columns, (i + 1) * columns),
  );

/** A signal of the plane or the group turned by 60 degrees: cells move, and in every cell turn s
 *  becomes turn s + 1. */
function turnedSignal(values, columns) {
  const rows = rowsOf(values, columns);
  const turns = rows.length / N;
  const each = Array.from({ length: N }, (_, i) => rows.slice(i * turns, (i + 1) * turns));
  const moved = turned(each, RADIUS);
  return moved.flatMap((all) => all.map((_, s) => all[(s + turns - 1) % turns])).flat();
}

/** Whether turning the input turns the output of a layer with three channels, to the bit. */
function isEquivariant(input, layer = hexConv(3, { radius: RADIUS })) {
  const values = noise(input.rows * input.columns, 1);
  const after = turnedSignal(apply(layer, input, values, weightOf), 3);
  const before = apply(layer, input, turnedSignal(values, input.columns), weightOf);
  return before.length === N * TURNS * 3 && before.every((v, i) => v === after[i]);
}

/** Place of a cell [q, r] in a square array. */
const SIZE = 2 * RADIUS + 1;
const inSquare = ([q, r]) => (r + RADIUS) * SIZE + q + RADIUS;
/** Cells of a 3 x 3 filter in the order of a hexagonal one; two corners are masked. */
const UNMASKED = [4, 5, 7, 6, 3, 1, 2];

/** Whether a planar convolution is the square one with masked filters, to the bit. */
function isMaskedSquare() {
  const values = noise(N * 2, 2);
  const spread = Array(SIZE * SIZE * 2).fill(0);
  cells.forEach((cell, i) => {
    spread.splice(inSquare(cell) * 2, 2, values[2 * i], values[2 * i + 1]);
  });
  const masked = (path, i) => {
    const place = UNMASKED.indexOf(Math.floor(i / 2) % 9);
    if (path.endsWith('bias')) return weightOf('a.bias', i);
    return place < 0 ? 0 : weightOf('a.weight', Math.floor(i / 18) * 14 + place * 2 + (i % 2));
  };
  const own = (path, i) => weightOf(path.replace('hex', 'a'), i);
  const hex = rowsOf(apply(hexConv(3, { radius: RADIUS, toGroup: false }), plane, values, own), 3);
  const image = { ...plane, rows: SIZE * SIZE };
  const square = rowsOf(apply(conv2d(3, { bias: true }), image, spread, masked), 3);
  return cells.every((cell, i) => square[inSquare(cell)].join() === hex[i].join());
}

const create = (given) =>
  Trainer.create({
    model: hexagonal({ radius: RADIUS, channels: 4 }),
    batch: 4,
    steps: 10,
    ...given,
  });
const images = Uint8Array.from({ length: 4 * N }, (_, i) => (i * 89) % 256);

/** Ten steps of the network over p6. */
function train(given) {
  const trainer = create(given);
  while (trainer.steps < 10) trainer.step({ images, labels: Int32Array.of(3, 1, 4, 5) });
  return trainer;
}

export const brief = (given) => train(given).weightsSha256();

export const facts = {
  'six turns are none': () => {
    const image = noise(N, 3);
    const turns = [image];
    for (let s = 0; s < 6; s++) turns.push(turned(turns[s], RADIUS));
    return turns[6].join() === image.join() && new Set(turns.map(String)).size === 6;
  },
  'turning an image turns the output, to the bit': () => isEquivariant(plane),
  'turning a signal of the group turns the output, to the bit': () => isEquivariant(group),
  'turning an image turns what two normalised convolutions give, to the bit': () => {
    const first = [hexConv(4, { radius: RADIUS }), layerNorm({ bias: true }), relu()];
    return isEquivariant(plane, sequential(...first, hexConv(3, { radius: RADIUS, name: 'b' })));
  },
  'a planar convolution is the square one with masked filters, to the bit': isMaskedSquare,
  'no turn changes a bit of what a trained network says': () => {
    const trainer = train({});
    let image = images.slice(0, N);
    const said = Array.from({ length: 6 }, () => {
      image = turned(image, RADIUS);
      return trainer.predict(image).join();
    });
    return new Set(said).size === 1 && said[0] !== create({}).predict(image).join();
  },
};

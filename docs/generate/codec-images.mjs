// The figures of images in docs/codec.md, from what bench/codec-images.mjs wrote.

import { existsSync, readFileSync } from 'node:fs';
import { kindOf, resultFile } from '../../bench/stamp.mjs';
import { count, table } from './markdown.mjs';

const COMMAND = '`node bench/codec-images.mjs --model FILE --data DIR --write`';
/** Of CIFAR-10 by Hoogeboom, Peters, van den Berg and Welling (NeurIPS 2019); the weights are
 *  counted from the sizes that they give. */
const PAPER = { bits: 3.34, images: 50_000, epochs: 2000, weights: 58.4e6 };
/** Bits a value by which an archive may differ from the model's loss. */
const BAR = 0.01;

const bits = (value) => (value === undefined ? '' : value.toFixed(2));

/** Bits a value of images that no model saw. */
export function imageFigures() {
  const file = resultFile('codec-images');
  if (!existsSync(file)) return `Not measured yet: run ${COMMAND}.`;
  const result = JSON.parse(readFileSync(file, 'utf8'));
  const { images, archive, loss, others, missing, model, weights, step, steps, batch } = result;
  const apart = archive.each - loss;
  const rows = [
    ['an archive, coded here', bits(archive.each), bits(archive.mosaic)],
    ["the model's own loss", bits(loss), ''],
    ...others.map((row) => [row.what, bits(row.each ?? row.stream), bits(row.mosaic)]),
  ];
  const left = missing.length === 0 ? '' : ` Not here: ${missing.join(', ')}.`;
  const met = Math.abs(apart) <= BAR ? 'within' : '**not within**';
  return `${table(['bits a value', 'image by image', 'as one mosaic'], rows, [1, 2])}

${count(images)} test images of CIFAR-10, ${model.width} x ${model.height} pixels, which the model
did not see. One archive has all of them, with their names, sizes and checks: ${apart.toFixed(4)}
bits a value beside the loss, ${met} the ${BAR} that are allowed. PNG: the filter of least sum for
each row, deflate at level 9. WebP: -lossless -z 9. xz has all pixels as one stream.${left} The
model: ${count(weights)} weights (${model.levels} levels of ${model.flows} couplings,
${model.channels} channels, ${model.components} components), ${count(step)} of ${count(steps)} steps
of ${batch} images ([bench/idf.mjs](../bench/idf.mjs)). ${result.encode.toFixed(0)} kB/s to encode
and ${result.decode.toFixed(0)} kB/s to decode, of the processor's time on one core. The paper's
flow reaches ${PAPER.bits} bits on all 10,000 test images; it has some
${Math.round(PAPER.weights / weights)} times the weights and saw all ${count(PAPER.images)} training
images ${count(PAPER.epochs)} times. ${COMMAND}; ${kindOf(result)}, ${result.cores} cores,
${result.system}, ${result.date}, commit ${result.commit ?? 'unknown'}.`;
}

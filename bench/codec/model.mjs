// What a model of messages makes of messages that it did not see, one by one, and how fast: seconds
// of the processor, on one core.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode, encode, MessageModel, trainMessages } from '../../dist/codec.js';

/** Messages that are decoded. */
const DECODED = 100;

const seconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

/** The model's file: kept, or trained now. */
async function fileOf({ samples, work }, options) {
  const path = join(work, 'model.rgm');
  const kept = join(work, 'model.json');
  if (existsSync(path)) return { file: readFileSync(path), ...JSON.parse(readFileSync(kept)) };
  const before = seconds();
  let mean;
  const onStep = (step, bits) => {
    mean = mean === undefined ? bits : 0.98 * mean + 0.02 * bits;
    if (step % 100 === 0) console.log(`step ${step} of ${options.steps}: ${mean.toFixed(3)} bits`);
  };
  const file = await trainMessages(samples, { ...options, onStep });
  const about = { ...options, trainingSeconds: seconds() - before };
  writeFileSync(kept, JSON.stringify(about));
  writeFileSync(path, file);
  return { file, ...about };
}

export async function measureModel(set, options) {
  const { file, ...about } = await fileOf(set, options);
  const model = MessageModel.read(file);
  const { test } = set;
  let before = seconds();
  const coded = [];
  for (const message of test) coded.push(await encode(model, message));
  const encoding = seconds() - before;
  before = seconds();
  let bytes = 0;
  for (let i = 0; i < Math.min(DECODED, test.length); i++) {
    const message = await decode(model, coded[i]);
    if (Buffer.compare(message, test[i]) !== 0) throw new Error(`message ${i} came back changed`);
    bytes += message.length;
  }
  const sum = (all) => all.reduce((total, { length }) => total + length, 0);
  return {
    ...about,
    ...model.shape,
    weights: model.parameters,
    modelBytes: file.length,
    coded: sum(coded),
    encodeRate: sum(test) / encoding / 1000,
    decodeRate: bytes / (seconds() - before) / 1000,
  };
}

// The figures of docs/codec.md, from what bench/codec.mjs wrote.

import { existsSync, readFileSync } from 'node:fs';
import { resultFile } from '../../bench/stamp.mjs';
import { count, environment, table } from './markdown.mjs';

const percent = (share) => `${(100 * share).toFixed(1)} %`;
const rate = (value) => value.toFixed(1);

const COMMAND = '`node bench/codec.mjs --sentences FILE --write`';

/** Least share that a set must need fewer than zstd. */
const BAR = 0.2;

const verdict = (sets) => {
  const failed = sets.filter(({ fewer }) => fewer < BAR).map(({ what }) => what);
  if (failed.length === 0) return `All are ${100 * BAR} % fewer at least, which is the bar.`;
  return `The bar of ${100 * BAR} % is **not met** by ${failed.join(' and ')}.`;
};

/** Messages that no model saw, coded one by one. */
export function codecFigures() {
  const file = resultFile('codec');
  if (!existsSync(file)) return `Not measured yet: run ${COMMAND}.`;
  const result = JSON.parse(readFileSync(file, 'utf8'));
  const { sets, coder } = result;
  const head = ['held out', 'bytes', 'zstd', 'without its magic', 'here', 'fewer', 'kB/s'];
  const rows = sets.map((set) => [
    `${count(set.messages)} ${set.what}`,
    count(set.bytes),
    count(set.zstd.bytes),
    count(set.zstd.withoutMagic),
    count(set.coded),
    percent(set.fewer),
    rate(set.decodeRate),
  ]);
  const [{ zstd }] = sets;
  const models = sets.map(
    (set) =>
      `${set.what}: ${count(set.weights)} weights (${set.layers} x ${set.channels}, context ` +
      `${set.context}) in ${count(set.modelBytes)} bytes, ${count(set.steps)} steps of ` +
      `${set.batch} x ${set.context} bytes in ${Math.round(set.trainingSeconds / 60)} minutes of ` +
      `one core, ${count(set.samples)} samples of ${count(set.sampleBytes)} bytes`,
  );
  return `${table(head, rows, [1, 2, 3, 4, 5, 6])}

Each message is coded on its own; "here" has the byte of framing. zstd ${zstd.version}, level 19,
with a dictionary of ${count(zstd.dictionary)} bytes trained on the same samples, without checksum
and dictionary number; "fewer" is against the column without its magic, too. ${verdict(sets)}
kB/s: decoding, one message after the other, of the processor's time on one core. JSON rows and log
lines are made up ([messages.mjs](../bench/codec/messages.mjs)), the sentences are Tatoeba's.
Models: ${models.join('; ')}. The range coder alone, on a known table:
${rate(coder.encode)} MB/s to encode, ${rate(coder.decode)} MB/s to decode, ${count(coder.bytes)}
bytes where -sum log2 p says ${count(coder.theory)}. ${COMMAND}; ${environment(result)}.`;
}

/** What learning is worth on a channel. */
export function channelFigures() {
  const file = resultFile('codec');
  if (!existsSync(file)) return `Not measured yet: run ${COMMAND}.`;
  const { channels } = JSON.parse(readFileSync(file, 'utf8'));
  const head = ['messages', 'bytes', 'one by one', 'on a channel', 'that learns', 'fewer', 'steps'];
  const rows = channels.map((one) => [
    `${count(one.messages)} ${one.what}`,
    ...[one.plain, one.alone, one.frozen, one.learning].map(count),
    percent(1 - one.learning / one.frozen),
    count(one.steps),
  ]);
  return `${table(head, rows, [1, 2, 3, 4, 5, 6])}

Frames of both kinds have their 3 bytes in them; "fewer" is what learning saves beside the channel
that does not learn. A channel pays where messages become others than the samples were; what a model
knows already it learns no better, and a little is lost. From the same run as the table above.`;
}

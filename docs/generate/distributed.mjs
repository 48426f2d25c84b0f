// The tables of docs/distributed.md, from what bench/distributed.mjs wrote.

import { count, environment, table } from './markdown.mjs';
import { read, result } from './source.mjs';

const COMMAND = '`node bench/distributed.mjs --write`';
const NOTHING = `Not measured yet: run ${COMMAND}.`;
const two = (value) => value.toFixed(2);

/** Bytes a weight, and what coding and adding costs. */
export function wireBytes() {
  const found = result('distributed');
  if (found === undefined) return NOTHING;
  const { model, rows, stamp, tokens, compute } = found;
  const head = ['after', 'gradients', 'of one sample', 'change of a step', 'whole weights'];
  const bytes = rows.map((row) => [
    `${row.step} steps`,
    ...[row.gradients, row.one, row.change, row.whole].map((each) => two(each.bytes)),
  ]);
  const last = rows.at(-1);
  const rate = (milliseconds) => `${count(Math.round(model.weights / milliseconds / 1000))} M`;
  const times = [
    `gradients are coded at ${rate(last.gradients.encode)}`,
    `read and digested at ${rate(last.gradients.decode)}`,
    `checked and added at ${rate(last.gradients.add)}`,
    `a change is coded at ${rate(last.change.encode)} and read at ${rate(last.change.decode)}`,
  ];
  return `${table(head, bytes, [1, 2, 3, 4])}

Bytes a weight; without coding gradients have 8 and weights 4. A GPT of ${model.layers} layers
and ${model.channels} channels, ${count(model.weights)} weights, batches of ${count(tokens)} tokens
of this repository's documents. Weights a second on one core: ${times.join(', ')}. A part of
${count(tokens)} tokens takes ${Math.round(compute)} ms. ${COMMAND}; ${environment(stamp)}.`;
}

/** Bits a second up and down. */
const LINKS = [
  ['home, 20 Mbit/s up, 100 down', 20e6, 100e6],
  ['1 GbE', 1e9, 1e9],
  ['10 GbE', 1e10, 1e10],
];

/** Most tokens of a step: a gradient adds at most MAX_FLUSHES sums of 128. */
function mostTokens() {
  const found = /^export const MAX_FLUSHES = 2 \*\* (\d+);$/m.exec(read('src/memory/formats.ts'));
  return 2 ** Number(found[1]) * 128;
}

/** Tokens that a worker computes in the time that a step's bytes take. */
export function breakEven() {
  const found = result('distributed');
  if (found === undefined) return NOTHING;
  const { rows, model, tokens, compute } = found;
  const { gradients, change } = rows.at(-1);
  const perSecond = (model.weights * tokens * 1000) / compute; // weights times tokens
  const of = (up, down, bytes, threads) =>
    count(Math.round(((bytes[0] * 8) / up + (bytes[1] * 8) / down) * perSecond * threads));
  const head = ['link', 'raw up', 'coded up', 'coded, up and down', 'the same, 4 threads'];
  const lines = LINKS.map(([name, up, down]) => [
    name,
    of(up, down, [8, 0], 1),
    of(up, down, [gradients.bytes, 0], 1),
    of(up, down, [gradients.bytes, change.bytes], 1),
    of(up, down, [gradients.bytes, change.bytes], 4),
  ]);
  return `${table(head, lines, [1, 2, 3, 4])}

Tokens that a worker of one thread has to compute for each upload to spend half of its time
computing, by the bytes of the table above after ${rows.at(-1).step} steps and
${two(perSecond / 1e9)} G weights times tokens a second. Bytes and time both grow with the number of
weights, so the model does not matter. The last column is four times the one before it: threads
that compute four times as fast. A step has at most ${count(mostTokens())} tokens
(\`MAX_FLUSHES\` x 128), whoever computes them.`;
}

/** One worker against two on one machine, over a server on loopback. */
export function workersSpeed() {
  const found = result('workers');
  const command = '`node bench/workers.mjs --write`';
  if (found === undefined) return `Not measured yet: run ${command}.`;
  const { rows, ratio, parameters, version, stamp } = found;
  const head = [
    ...['workers, a thread each', 'ms a step', 'processor ms: workers', 'coordinator', 'server'],
    'bytes a weight',
  ];
  const whole = (value) => String(Math.round(value));
  const lines = rows.map(({ workers, milliseconds, processor, bytesAWeight }) => [
    ...[String(workers), whole(milliseconds), whole(processor.workers)],
    ...[whole(processor.coordinator), whole(processor.server), two(bytesAWeight)],
  ]);
  return `${table(head, lines, [1, 2, 3, 4, 5])}

Two workers make ${two(ratio)} times the steps of one: a GPT of ${count(parameters)} weights,
batches of 32 sequences of 128 tokens, receipt included, ${version} on the same machine,
which has ${stamp.cores} processors for all of them; the digests are equal. ${command};
${environment(stamp)}.`;
}

/** What exchanging weights only now and then costs. */
export function localSteps() {
  const found = result('local-steps');
  const command = '`node bench/local-steps.mjs --write`';
  if (found === undefined) return `Not measured yet: run ${command}.`;
  const { rows, steps, batch, model, text, seeds, stamp } = found;
  const mean = (list) => list.reduce((a, b) => a + b, 0) / list.length;
  const price = ({ losses }) => (mean(losses) / mean(rows[0].losses) - 1) * 100;
  const head = ['way', 'validation loss', 'each seed', 'against steps', 'bytes up a token'];
  const lines = rows.map((row) => [
    row.localSteps === 0 ? 'steps' : `rounds, K = ${row.shards}, H = ${row.localSteps}`,
    ...[mean(row.losses).toFixed(4), row.losses.map((loss) => loss.toFixed(4)).join(', ')],
    ...[`${two(price(row))} %`, row.bytesPerToken.toFixed(1)],
  ]);
  const [whole, round] = rows;
  const shape = `${model.layers} layers and ${model.channels} channels`;
  const less = (whole.bytesPerToken / round.bytesPerToken).toFixed(1);
  return `${table(head, lines, [1, 3, 4])}

${steps} steps of ${batch} sequences of ${model.context} tokens, so equal tokens; a GPT of
${shape} on ${text}, ${seeds.length} seeds. Rounds lose ${two(price(round))} %
here and upload ${less} times less, parts of a step being as large as shards. ${command};
${environment(stamp)}.`;
}

/** Schedules that did not, and what was found. */
const wrongOnes = (wrong) =>
  wrong.map(({ seed, what, mended }) => ` Not so seed ${seed}: ${mended ?? what}.`).join('');

/** What divided runs went through over a real server and a bad network. */
export function schedules() {
  const found = result('schedules');
  const command = '`npm run fuzz:workers -- --schedules 200 --write`';
  if (found === undefined) return `Not counted yet: run ${command}.`;
  const { faults, schedules: all, equal, longest, longestWait, stamp } = found;
  const { crashes, repeated, steps, wrong } = found;
  const lines = Object.entries(faults).map(([what, times]) => [what, count(times)]);
  return `${table(['what happened', 'times'], lines, [1])}

${count(equal)} of ${count(all)} schedules of one to five of these, drawn at random, ended with the
digest of one machine alone, the longest after ${Math.round(longest)} s.${wrongOnes(wrong)}
No other run waited longer than ${Math.ceil(longestWait)} s for its next step. ${count(crashes)}
coordinators died at the very point they were to die at, ${count(repeated)} messages were carried
twice. ${steps} steps, one or two workers for each part, ${stamp.cores} processors for all of it.
${command}; ${environment(stamp)}.`;
}

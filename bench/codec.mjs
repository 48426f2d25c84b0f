// node bench/codec.mjs [--sets json,log,sentences] [--sentences FILE] [--steps 1200] [--work DIR]
// [--write]: trains a model on each set of messages, codes messages that it did not see one by one,
// and the same by zstd level 19 with a dictionary trained on the same samples. A set that is done
// is kept in DIR (build/codec), so a run that was stopped goes on with the next; trained models are
// kept there too. --write keeps the figures, of which docs/codec.md is made.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { measureChannels } from './codec/channel.mjs';
import { jsonRows, logLines } from './codec/messages.mjs';
import { measureModel } from './codec/model.mjs';
import { measureCoder } from './codec/speed.mjs';
import { measureZstd } from './codec/zstd.mjs';
import { refuse, resultFile, stamp, writeResult } from './stamp.mjs';

const { values } = parseArgs({
  options: {
    sets: { type: 'string', default: 'json,log,sentences' },
    sentences: { type: 'string' },
    steps: { type: 'string', default: '1200' },
    batch: { type: 'string', default: '8' },
    threads: { type: 'string', default: '1' },
    work: { type: 'string', default: 'build/codec' },
    write: { type: 'boolean', default: false },
  },
});

/** English sentences of a file of pairs (Tatoeba, manythings.org), each once, in an order of its
 *  own. */
function sentences() {
  if (values.sentences === undefined)
    refuse('no --sentences', 'give fra.txt.gz of manythings.org, or leave them out by --sets');
  const file = readFileSync(values.sentences);
  const text = values.sentences.endsWith('.gz') ? gunzipSync(file).toString() : file.toString();
  const all = [
    ...new Set(
      text
        .trim()
        .split('\n')
        .map((line) => line.split('\t')[0]),
    ),
  ];
  let state = 1;
  for (let i = all.length - 1; i > 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const j = Math.floor((state / 2 ** 32) * (i + 1));
    [all[i], all[j]] = [all[j], all[i]];
  }
  return all;
}

/** Messages, how many of them are held out, and what they are. */
const SETS = {
  json: { make: () => jsonRows(7000), held: 300, what: 'JSON rows' },
  log: { make: () => logLines(25_000), held: 1000, what: 'log lines' },
  sentences: { make: sentences, held: 2000, what: 'sentences' },
};

const { work, write, ...numbers } = values;
mkdirSync(work, { recursive: true });
const bytes = (text) => new TextEncoder().encode(text);
const sum = (all) => all.reduce((total, { length }) => total + length, 0);

async function measure(name) {
  const { make, held, what } = SETS[name];
  const messages = make().map(bytes);
  const samples = messages.slice(0, -held);
  const test = messages.slice(-held);
  console.log(`${what}: ${samples.length} samples, ${sum(samples)} bytes; ${held} held out`);
  const set = { samples, test, work: join(work, name) };
  mkdirSync(set.work, { recursive: true });
  const zstd = measureZstd(set);
  const options = { steps: Number(numbers.steps), batch: Number(numbers.batch) };
  const model = await measureModel(set, { ...options, threads: Number(numbers.threads) });
  return {
    set: name,
    what,
    samples: samples.length,
    sampleBytes: sum(samples),
    messages: held,
    bytes: sum(test),
    zstd,
    ...model,
    fewer: 1 - model.coded / Math.min(zstd.bytes, zstd.withoutMagic),
  };
}

const sets = [];
for (const name of values.sets.split(',')) {
  if (!(name in SETS)) refuse(`no set ${name}`, `one of ${Object.keys(SETS).join(', ')}`);
  const file = join(work, `${name}.json`);
  if (!existsSync(file)) writeFileSync(file, JSON.stringify(await measure(name)));
  const set = JSON.parse(readFileSync(file, 'utf8'));
  console.log(
    `${set.what}: ${set.bytes} bytes, zstd ${set.zstd.bytes} (${set.zstd.withoutMagic} without ` +
      `its magic), here ${set.coded}: ${(100 * set.fewer).toFixed(1)} % fewer; decoding ` +
      `${set.decodeRate.toFixed(1)} kB/s`,
  );
  sets.push(set);
}
const channels = await measureChannels(work);
for (const { what, alone, frozen, learning } of channels)
  console.log(`${what}: ${alone} alone, ${frozen} on a channel, ${learning} on one that learns`);
const coder = measureCoder();
console.log(`range coder: ${coder.encode.toFixed(1)} and ${coder.decode.toFixed(1)} MB/s`);
if (write) writeResult(resultFile('codec'), { ...stamp(), sets, channels, coder });

// The runs that kills.mjs kills: small ones of every kind, their data, and what a directory must
// hold.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const SENTENCE = 'she sells sea shells by the sea shore, and peter piper picks a peck. ';

function writePairs(path) {
  const who = [
    ['I', 'je'],
    ['you', 'tu'],
    ['we', 'nous'],
    ['they', 'elles'],
    ['she', 'elle'],
  ];
  const does = [
    ['see', 'regarde'],
    ['take', 'prends'],
    ['want', 'veux'],
    ['know', 'connais'],
  ];
  const what = [
    ['the house', 'la maison'],
    ['a dog', 'un chien'],
    ['bread', 'du pain'],
  ];
  const side = (i, s) => `${who[i % 5][s]} ${does[i % 4][s]} ${what[i % 3][s]}.`;
  const lines = Array.from({ length: 60 }, (_, i) => `${side(i, 0)}\t${side(i, 1)}`);
  writeFileSync(path, lines.join('\n'));
}

/** Files as those of MNIST: 40 and 8 images of 8 x 8 in four classes. */
function writeImages(folder) {
  const word = (n) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
  mkdirSync(folder);
  for (const [part, count] of [
    ['train', 40],
    ['t10k', 8],
  ]) {
    const pixels = Array.from({ length: count * 64 }, (_, i) => (i * 7 + (i >> 6) * 60) % 256);
    const labels = Array.from({ length: count }, (_, i) => i % 4);
    const images = [2051, count, 8, 8].flatMap(word).concat(pixels);
    writeFileSync(join(folder, `${part}-images-idx3-ubyte`), Uint8Array.from(images));
    const labelled = [2049, count].flatMap(word).concat(labels);
    writeFileSync(join(folder, `${part}-labels-idx1-ubyte`), Uint8Array.from(labelled));
  }
}

export function writeData(root) {
  writeFileSync(join(root, 't.txt'), SENTENCE.repeat(12));
  writePairs(join(root, 'pairs.txt'));
  writeImages(join(root, 'images'));
}

const SHAPE = ['--layers', '2', '--channels', '16', '--heads', '2', '--batch', '2'];
const train = (name, steps, data, ...shape) => ({
  name,
  steps,
  begin: ['train', name, ...data, ...SHAPE, ...shape, '--steps', String(steps)],
  resume: ['train', name, ...data],
});

/** Runs that save checkpoints. `begin`: a new one, `resume`: one that goes on; --out follows. */
export const TRAININGS = [
  train('gpt', 300, ['--text', 't.txt'], '--context', '8'),
  train('vit', 200, ['--data', 'images'], '--classes', '4', '--patch', '4'),
  train('translate', 100, ['--pairs', 'pairs.txt'], '--context', '16', '--vocabulary-size', '60'),
];

/** Two runs of an experiment, about twenty steps each. */
export const EXPERIMENT = {
  name: 'experiment',
  folder: 'gpt-scale-0.005',
  cells: ['plain-1', 'plain-2'],
  words: [
    'experiment',
    'gpt',
    '--data',
    't.txt',
    '--scale',
    '0.005',
    '--cells',
    'plain',
    '--seeds',
    '1,2',
  ],
};

/** Names of files that are there when nobody works any more. */
const OURS = ['checkpoint.safetensors', 'weights.f32.safetensors', 'log.jsonl', 'log.old.jsonl'];
export const strangers = (dir) => readdirSync(dir).filter((name) => !OURS.includes(name));

const lines = (path) => readFileSync(path, 'utf8').split('\n');

/** A log is JSON lines; the last one may be torn by a kill. */
function checkLog(path) {
  const all = lines(path);
  all.pop();
  for (const line of all) JSON.parse(line);
}

/** A file of tensors is as long as its header says. */
function checkTensors(path) {
  const bytes = readFileSync(path);
  const size = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + size));
  delete header.__metadata__;
  const ends = Object.values(header).map(({ data_offsets: at }) => at[1]);
  if (bytes.length !== 8 + size + Math.max(...ends)) throw new Error('has another length');
}

/** Reads everything in a run's directory as a user would. Throws for what is not whole; returns the
 *  checkpoint, or undefined if there is none. */
export async function readRun(dir, decodeCheckpoint) {
  const path = (name) => join(dir, name);
  const read = async (name, check) => {
    if (!existsSync(path(name))) return undefined;
    try {
      return await check(path(name));
    } catch (error) {
      throw new Error(`${name} is broken: ${error.message}`);
    }
  };
  await read('weights.f32.safetensors', checkTensors);
  await read('log.jsonl', checkLog);
  return read('checkpoint.safetensors', (file) => decodeCheckpoint(readFileSync(file)));
}

/** The digests of an experiment's results that are there. */
export function readResults(folder) {
  if (!existsSync(folder)) return {};
  const results = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return Object.fromEntries(
    results.map((name) => {
      const { found } = JSON.parse(readFileSync(join(folder, name), 'utf8'));
      return [name.slice(0, -5), found.weightsSha256];
    }),
  );
}

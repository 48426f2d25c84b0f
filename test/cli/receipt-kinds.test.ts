// Receipts of every kind of run are audited with nothing but the receipt and the data: what decides
// a bit, known to the library or not, is in the receipt. In npm run test:all.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readReceipt } from '../../src/receipt/index.ts';
import { type Event, events, expectRefusal, retrograd, TRAIN, workspace } from './command.ts';
import { idxFiles, makeFolder } from './image-files.ts';
import { lines, TRAIN as TRANSLATE } from './pair-files.ts';

let cwd: string;
let remove: () => void;
const SHAPE = ['--layers', '2', '--channels', '16', '--heads', '2', '--patch', '4', '--batch', '4'];
const VIT = ['train', 'vit', '--data', 'set', '--classes', '4', ...SHAPE];
const IMAGES = ['--data', 'set'];
const PAIRS = ['--pairs', 'pairs.txt'];
const TEXT = ['--text', 'text.txt'];

beforeAll(() => {
  ({ path: cwd, remove } = workspace());
  makeFolder(join(cwd, 'set'), idxFiles());
  makeFolder(join(cwd, 'fewer'), idxFiles({ train: 44 }));
  writeFileSync(join(cwd, 'pairs.txt'), lines());
  writeFileSync(join(cwd, 'en'), lines(0));
  writeFileSync(join(cwd, 'fr'), lines(1));
  events([...TRAIN, '--steps', '6', '--bias', '--out', 'base'], { cwd });
});
afterAll(() => remove());

let made = 0;
/** Trains with a receipt; returns its file. */
function receiptOf(words: readonly string[]): string {
  const file = `${made++}.jsonl`;
  events([...words, '--receipt', file], { cwd });
  return file;
}

const audited = (file: string, ...words: string[]): Event =>
  events(['audit', file, ...words], { cwd }).at(-1)!;
const NOTHING = { nonce: null, difference: null, kernel: null, workers: [] };
const EQUAL = { event: 'audit', equal: true, ...NOTHING };
const chain = (file: string): string =>
  readReceipt(readFileSync(join(cwd, file))).seals.at(-1) as string;

describe('a receipt is audited with the data alone', () => {
  test.each<[string, string[]]>([
    ['steps', ['--steps', '3']],
    ['epochs', ['--epochs', '1', '--limit', '12']],
    ['crop', ['--steps', '3', '--crop', '3']],
    ['no crop', ['--steps', '3', '--crop', '0']],
    ['flip', ['--steps', '3', '--flip']],
    ['limit', ['--steps', '3', '--limit', '7']],
    ['validation', ['--steps', '3', '--validation', '30']],
    ['dropout, stochastic depth', ['--steps', '3', '--dropout', '0.2', '--stochastic-depth', '.5']],
    [
      'momentum',
      ['--steps', '3', '--reversible', 'momentum', '--momentum', '0.5', '--random-momentum'],
    ],
  ])('images: %s', (_, words) => {
    const file = receiptOf([...VIT, ...words]);
    expect(audited(file, ...IMAGES)).toEqual({ ...EQUAL, steps: 3 });
  });

  test('images: each of these options makes another receipt', () => {
    const more = [[], ['--crop', '3'], ['--flip'], ['--limit', '7'], ['--validation', '30']];
    const chains = more.map((words) => chain(receiptOf([...VIT, '--steps', '3', ...words])));
    expect(new Set(chains).size).toBe(more.length);
  });

  test.each<[string, string[], string[]]>([
    ['one file', TRANSLATE, PAIRS],
    ['two files', TRANSLATE, ['--source', 'en', '--target', 'fr']],
    ['limit', [...TRANSLATE, '--limit', '100'], PAIRS],
    ['a smaller vocabulary', [...TRANSLATE, '--vocabulary-size', '70'], PAIRS],
    ['no BLEU', [...TRANSLATE, '--bleu-pairs', '0', '--dropout', '0.1'], PAIRS],
  ])('pairs: %s', (_, words, data) => {
    const file = receiptOf([...words, '--steps', '3']);
    expect(audited(file, ...data)).toEqual({ ...EQUAL, steps: 3 });
  });

  test.each<[string, string[]]>([
    ['bytes', ['--vocabulary', 'bytes']],
    ['a tokenizer that it learned', ['--tokenizer', 'bpe:270']],
    ['operands of 8 bits', ['--operands', 'int8']],
    ['frozen weights', ['--freeze', 'token.*']],
    ['activations stored', ['--reversible', 'none', '--untied', '--bias']],
    ['constant learning rate, no clipping', ['--decay', 'constant', '--clip', 'none']],
  ])('text: %s', (_, words) => {
    const file = receiptOf([...TRAIN, ...words, '--steps', '3']);
    expect(audited(file, ...TEXT)).toEqual({ ...EQUAL, steps: 3 });
  });

  test('other data are refused, with the digests of both', () => {
    const file = receiptOf([...VIT, '--steps', '1']);
    for (const [words, message] of [
      [['--data', 'fewer'], /the data set 'fewer' has SHA-256 \w+, expected/],
      [PAIRS, /--data is missing, expected/],
      [[], /--data is missing, expected/],
    ] as const) {
      const { code, stderr } = retrograd(['audit', file, ...words], { cwd });
      expect(stderr).toMatch(message);
      expect(code).toBe(2);
    }
  });
});

describe('a run that begins with the weights of another', () => {
  const INIT = ['train', 'gpt', '--init', 'base', ...TEXT, '--steps', '4', '--save-every', '2'];

  test.each<[string, string[]]>([
    ['--init', []],
    ['--lora', ['--lora', '2']],
    ['--freeze', ['--freeze', 'block.0.*']],
    ['--reversible', ['--reversible', 'none']],
  ])('is audited with them: %s', (name, words) => {
    const run = `run${name}`;
    const file = receiptOf([...INIT, ...words, '--keep-states', '--out', run]);
    expect(audited(file, ...TEXT, '--from', 'base')).toEqual({ ...EQUAL, steps: 4 });
    const parts = ['--run', run, '--jobs', '2'];
    expect(audited(file, ...TEXT, '--from', 'base', ...parts)).toEqual({ ...EQUAL, steps: 4 });
    const { stdout } = retrograd(['receipt', 'verify', file], { cwd });
    expect(stdout).toMatch(/^begins with +imported weights, SHA-256 [0-9a-f]{64}$/m);
  });

  test('says which of them are fresh, and is refused without them', () => {
    const file = receiptOf([...INIT, '--fresh', 'token.*', '--out', 'fresh']);
    const audit = ['audit', file, ...TEXT];
    expectRefusal(audit, cwd, /begins with imported weights at step 0, expected a checkpoint/);
    const { stderr, code } = retrograd([...audit, '--from', 'base', '--json'], { cwd });
    expect(stderr).toMatch(/'base' is not the state that the receipt has .*--from and --fresh/);
    expect(code).toBe(2);
    const fresh = ['--from', 'base', '--fresh', 'token.*', '--run', 'fresh'];
    expect(audited(file, ...TEXT, ...fresh)).toEqual({ ...EQUAL, steps: 4 });
  });

  test('may be a run that was resumed without its receipt', () => {
    const begin = [...TRAIN, '--steps', '6', '--save-every', '2', '--keep-states'];
    events([...begin, '--out', 'begun', '--stop-at', '5'], { cwd });
    const from = ['--from', join('begun', 'state-4.safetensors')];
    events(['train', 'gpt', '--resume', from[1], '--out', 'later', '--receipt', 'later.jsonl'], {
      cwd,
    });
    const audit = ['audit', 'later.jsonl', ...TEXT];
    expectRefusal(audit, cwd, /imported weights at step 4, expected a checkpoint of them/);
    expect(audited('later.jsonl', ...TEXT, ...from)).toEqual({ ...EQUAL, steps: 2 });
    expect(audited('later.jsonl', ...TEXT, '--run', 'begun')).toEqual({ ...EQUAL, steps: 2 });
  });
});

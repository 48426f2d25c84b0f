// Every wrong use of a translator from the command line is one line.

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { pattern } from '../helpers/pattern.ts';
import { expectRefusal, retrograd, workspace } from './command.ts';
import { lines, SHAPE, TRAIN } from './pair-files.ts';

let cwd: string;
let remove: () => void;
beforeAll(() => {
  ({ path: cwd, remove } = workspace());
  writeFileSync(join(cwd, 'pairs.txt'), lines());
  writeFileSync(join(cwd, 'pairs.txt.gz'), gzipSync(lines()));
  writeFileSync(join(cwd, 'en.gz'), gzipSync(lines(0)));
  writeFileSync(join(cwd, 'fr'), lines(1));
});
afterAll(() => remove());

/** A run that does not say where its data are. */
const withoutLog = (run: string): string => {
  rmSync(join(cwd, run, 'log.jsonl'), { force: true });
  return run;
};

describe('wrong use is one line', () => {
  beforeAll(() => {
    writeFileSync(join(cwd, 'no-tab.txt'), 'a\tb\nc d\n');
    writeFileSync(join(cwd, 'short'), lines(1).split('\n').slice(1).join('\n'));
    writeFileSync(join(cwd, 'cut.gz'), gzipSync(lines()).subarray(0, 100));
    writeFileSync(join(cwd, 'few-pairs.txt'), lines().split('\n').slice(0, 10).join('\n'));
    writeFileSync(join(cwd, 'nothing.txt'), '');
    retrograd([...TRAIN, '--steps', '4', '--stop-at', '2', '--out', 'begun'], { cwd });
  });
  const on = (pairs: string, ...more: string[]): string[] => [
    'train',
    'translate',
    '--pairs',
    pairs,
    ...SHAPE,
    ...more,
  ];
  test.each<[string, () => string[], RegExp]>([
    [
      'no pairs',
      () => ['train', 'translate'],
      /--pairs is missing, expected a file of sentence pairs to train on, or --source and --target/,
    ],
    [
      'half of the files',
      () => ['train', 'translate', '--source', 'en.gz'],
      /--source given, expected --pairs, or --source and --target/,
    ],
    [
      'too many files',
      () => on('pairs.txt', '--target', 'fr'),
      /--pairs and --target given, expected --pairs, or --source and --target/,
    ],
    [
      'a missing file',
      () => on('nowhere'),
      /file 'nowhere' does not exist, expected a file of sentences/,
    ],
    ['a directory', () => on('.'), /file '\.' is a directory/],
    ['an empty file', () => on('nothing.txt'), /file 'nothing\.txt' is empty/],
    ['a line without a TAB', () => on('no-tab.txt'), /file 'no-tab\.txt' has no TAB in line 2/],
    [
      'a truncated gzip file',
      () => on('cut.gz'),
      /file 'cut\.gz' is a truncated or damaged gzip file/,
    ],
    [
      'files of different lengths',
      () => ['train', 'translate', '--source', 'en.gz', '--target', 'short'],
      /unpaired lines: file 'en\.gz' has 120, file 'short' has 119/,
    ],
    [
      'too few pairs to hold out',
      () => on('few-pairs.txt'),
      /10 distinct source sentences, expected at least 50/,
    ],
    [
      'a limit above the file',
      () => on('pairs.txt', '--limit', '121'),
      /--limit is 121, expected 1 to 120, the pairs of file 'pairs\.txt'/,
    ],
    [
      'a context that no pair fits',
      () => on('pairs.txt', '--context', '3'),
      /none of the \d+ .*pairs.* fits a context of 3 tokens/,
    ],
    [
      'a vocabulary below the characters',
      () => on('pairs.txt', '--vocabulary-size', '9'),
      /vocabulary's size is 9, expected at least \d+/,
    ],
    [
      'other pairs to resume',
      () => ['train', 'translate', '--pairs', 'few-pairs.txt', '--resume', 'begun'],
      pattern(
        /the set of pairs in file 'few-pairs\.txt' has SHA-256 \w+, expected \w+, the /,
        /set of pairs that the run began with/,
      ),
    ],
    [
      'other options to resume',
      () => [
        'train',
        'translate',
        '--pairs',
        'pairs.txt',
        '--resume',
        'begun',
        '--limit',
        '60',
        '--vocabulary-size',
        '81',
        '--context',
        '8',
      ],
      pattern(
        /--limit is 60 \(checkpoint: not given\), --vocabulary-size is 81 \(checkpoint: /,
        /80\), --context is 8 \(checkpoint: 16\)/,
      ),
    ],
    [
      'eval without pairs',
      () => ['eval', withoutLog('begun')],
      /--pairs is missing, expected a file of sentence pairs to evaluate on/,
    ],
    [
      'nothing to translate',
      () => ['translate', 'begun'],
      /--text and --file are missing, expected one of them/,
    ],
    [
      'two things to translate',
      () => ['translate', 'begun', '--text', 'a', '--file', 'fr'],
      /--text and --file are given, expected one of them/,
    ],
    [
      'an empty sentence',
      () => ['translate', 'begun', '--text', ' '],
      /--text is empty, expected a sentence/,
    ],
    [
      'a long sentence',
      () => ['translate', 'begun', '--text', 'the sea '.repeat(20)],
      /--text has \d+ tokens with its end, expected at most 16/,
    ],
    [
      'a beam of none',
      () => ['translate', 'begun', '--text', 'a', '--beam', '0'],
      /--beam is '0', expected a whole number from 1 to 1000/,
    ],
    [
      'a directory without a run',
      () => ['translate', 'nowhere', '--text', 'a'],
      /checkpoint 'nowhere\/checkpoint\.safetensors' does not exist/,
    ],
  ])('%s', (_, words, message) => expectRefusal(words(), cwd, message));
});

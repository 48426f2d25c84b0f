// Every wrong use of a vision transformer from the command line is one line.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { pattern } from '../helpers/pattern.ts';
import { expectRefusal, retrograd, workspace } from './command.ts';
import { idxFiles, makeFolder } from './image-files.ts';

const SHAPE = ['--layers', '2', '--channels', '16', '--heads', '2', '--patch', '4', '--batch', '4'];
const TRAIN = ['train', 'vit', '--data', 'set', '--classes', '4', ...SHAPE];
let cwd: string;
let remove: () => void;
beforeAll(() => {
  ({ path: cwd, remove } = workspace());
  makeFolder(join(cwd, 'set'), idxFiles());
  makeFolder(join(cwd, 'other'), idxFiles({ train: 24, test: 8 }));
  makeFolder(join(cwd, 'wide'), idxFiles({ side: 12 }));
});
afterAll(() => remove());

/** A run that does not say where its data are. */
const withoutLog = (run: string): string => {
  rmSync(join(cwd, run, 'log.jsonl'), { force: true });
  return run;
};

describe('wrong use is one line', () => {
  const set = idxFiles();
  const labels = set['train-labels-idx1-ubyte'].slice();
  const images = set['train-images-idx3-ubyte'];
  labels[20] = 7; // of 4 classes
  beforeAll(() => {
    makeFolder(join(cwd, 'empty'), {});
    makeFolder(join(cwd, 'mislabelled'), { ...set, 'train-labels-idx1-ubyte': labels });
    makeFolder(join(cwd, 'truncated'), {
      ...set,
      'train-images-idx3-ubyte': images.subarray(0, 500),
    });
    makeFolder(join(cwd, 'magic'), {
      ...set,
      'train-images-idx3-ubyte': Uint8Array.of(...images.subarray(0, 3), 9, ...images.subarray(4)),
    });
    makeFolder(join(cwd, 'absent'), {
      ...set,
      'train-labels-idx1-ubyte': set['train-labels-idx1-ubyte'].map((label, i) =>
        i >= 8 && label === 3 ? 2 : label,
      ),
    });
    retrograd([...TRAIN, '--steps', '4', '--stop-at', '2', '--out', 'begun'], { cwd });
    retrograd(
      [
        'train',
        'gpt',
        '--text',
        'text.txt',
        '--layers',
        '1',
        '--channels',
        '8',
        '--heads',
        '2',
        '--context',
        '8',
        '--steps',
        '1',
        '--out',
        'text-run',
      ],
      { cwd },
    );
  });
  const on = (data: string, ...more: string[]): string[] => [
    'train',
    'vit',
    '--data',
    data,
    '--classes',
    '4',
    ...SHAPE,
    ...more,
  ];
  test.each<[string, () => string[], RegExp]>([
    [
      'no data',
      () => ['train', 'vit'],
      /--data is missing, expected a directory of images to train on/,
    ],
    [
      'a directory that is not there',
      () => on('nowhere'),
      /'nowhere' does not exist, expected a directory of images/,
    ],
    ['a directory without images', () => on('empty'), /'empty' holds no images/],
    ['a wrong label', () => on('mislabelled'), /has the label 7 at record 12/],
    ['a truncated file', () => on('truncated'), /has 500 bytes, expected 3088/],
    ['a wrong magic number', () => on('magic'), /begins with the number/],
    [
      'an absent class',
      () => on('absent'),
      /\(training\) has no image of class 3, expected at least one/,
    ],
    [
      'the wrong number of classes',
      () => ['train', 'vit', '--data', 'set', '--classes', '5'],
      /has no image of class 4/,
    ],
    [
      'steps and epochs',
      () => on('set', '--steps', '3', '--epochs', '2'),
      /--steps is 3 and --epochs is 2, expected one of them/,
    ],
    [
      'a patch that does not divide',
      () => on('set', '--patch', '3'),
      /--patch is 3, expected a divisor of width and height of the images \(8 x 8\)/,
    ],
    [
      'a limit above the set',
      () => on('set', '--limit', '49'),
      /--limit is 49, expected 1 to 48, the training images of 'set'/,
    ],
    [
      'a limit without a class',
      () => on('set', '--limit', '3'),
      /\(the first 3 images, for training\) has no image of class 3/,
    ],
    [
      'all held out',
      () => on('set', '--validation', '48'),
      /--validation is 48, expected less than the 48 training images/,
    ],
    [
      'an unknown part',
      () => on('set', '--validation', 'half'),
      /--validation is 'half', expected test or a whole number from 1 to 16777216/,
    ],
    [
      'a margin as large as the image',
      () => on('set', '--crop', '8'),
      /--crop is 8, expected a whole number from 0 to 7/,
    ],
    [
      'a momentum that there is not',
      () => on('set', '--reversible', 'momentum', '--momentum', '0.3'),
      /--momentum is 0\.3, expected one of 0\.125, 0\.25/,
    ],
    [
      'a momentum that is not exact',
      () => on('set', '--reversible', 'momentum', '--momentum', '0.875', '--random-momentum'),
      /--momentum is 0\.875, expected 0\.125, 0\.25, 0\.5 or 0\.75 with --random-momentum/,
    ],
    [
      'too much dropout',
      () => on('set', '--dropout', '0.9'),
      /--dropout is 0\.9, expected a number from 0 to 0\.8/,
    ],
    [
      'too little memory',
      () => on('set', '--memory-limit', '1KiB'),
      /needs \d+ bytes, 1024 are allowed/,
    ],
    [
      'another data set to resume',
      () => ['train', 'vit', '--data', 'other', '--resume', 'begun'],
      /the data set 'other' has SHA-256 \w+, expected \w+, the data set that the run began with/,
    ],
    [
      'other options to resume',
      () => [
        'train',
        'vit',
        '--data',
        'set',
        '--resume',
        'begun',
        '--crop',
        '2',
        '--flip',
        '--patch',
        '2',
        '--epochs',
        '3',
      ],
      pattern(
        /--crop is 2 \(checkpoint: 1\), --flip is true \(checkpoint: false\), --patch is /,
        /2 \(checkpoint: 4\), --epochs is 3 \(checkpoint: not given\), expected the /,
        /checkpoint's/,
      ),
    ],
    [
      'a GPT to resume',
      () => ['train', 'vit', '--data', 'set', '--resume', 'text-run'],
      pattern(
        /the run in 'text-run' is of a GPT \(train gpt\), expected a vision transformer /,
        /\(train vit\)/,
      ),
    ],
    [
      'eval without data',
      () => ['eval', withoutLog('begun')],
      /--data is missing, expected a directory of images/,
    ],
    [
      'eval on a text',
      () => ['eval', 'begun', '--text', 'text.txt'],
      /--text is given, but the run in 'begun' is of a vision transformer, expected --data/,
    ],
    [
      'eval on images of another size',
      () => ['eval', 'begun', '--data', 'wide'],
      /'wide' has images of 12 x 12 x 1 in 4 classes, expected images of 8 x 8 x 1 in 4 classes/,
    ],
    [
      'a gamma that there is not',
      () => ['eval', 'begun', '--data', 'set', '--gamma', '0.3'],
      /--gamma is 0\.3, expected 0, \+-0\.125, \+-0\.25 or \+-0\.5/,
    ],
    [
      'a sample',
      () => ['sample', 'begun'],
      /the run in 'begun' is of a vision transformer \(train vit\), expected a GPT/,
    ],
    [
      'a plan of no width',
      () => ['plan', 'vit', '--width', '0'],
      /--width is 0, expected a whole number from 1/,
    ],
  ])('%s', (_, words, message) => expectRefusal(words(), cwd, message));
});

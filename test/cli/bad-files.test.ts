// Every kind of wrong text, directory, run to resume and checkpoint that we could think of: exit
// code 2, or 1 for a damaged checkpoint, one line.

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { some } from '../helpers/all.ts';
import { pattern } from '../helpers/pattern.ts';
import { CLI, retrograd, TINY, TRAIN } from './command.ts';
import { cwd, file, refused, useWorkspace } from './refused.ts';

useWorkspace();

describe('texts', () => {
  const train = (text: string): string[] => [
    'train',
    'gpt',
    '--text',
    text,
    ...TINY,
    '--out',
    'new',
  ];
  test.each<[string, string, RegExp]>([
    ['an empty file', 'empty.txt', /text 'empty\.txt' is empty/],
    [
      'a file of one character',
      'one.txt',
      /'one\.txt' has one distinct character in 1, expected at least 2/,
    ],
    [
      'a file of one character many times',
      'same.txt',
      /'same\.txt' has one distinct character in 1000/,
    ],
    [
      'a text shorter than the context',
      'short.txt',
      pattern(
        /its validation part has 8 tokens, expected at least 9 \(context 8 \+ 1\)\. /,
        /HINT: use a text of at least 81 characters, or a context of at most 7/,
      ),
    ],
    ['bytes that are not UTF-8', 'latin1.txt', /is not UTF-8: byte 0xe9 at offset 20/],
    [
      'a missing file',
      'missing.txt',
      /text 'missing\.txt' does not exist, expected a readable file/,
    ],
    ['a directory', 'folder', /text 'folder' is a directory/],
    ['a path below a file', 'taken/x', /text 'taken\/x' is not a directory/],
    ['a very long name', 'x'.repeat(5000), /is too long a name/],
    ['a name with a line break', 'a\nb', /text 'a\\nb' does not exist/],
    ['no name', '', /text '' does not exist/],
  ])('%s is refused', (_, text, message) => refused(train(text), 2, message));

  test('no --text is refused', () =>
    refused(['train', 'gpt'], 2, /--text is missing, expected a text file/));
  test('a file that is not UTF-8 is accepted as bytes', () => {
    expect(
      retrograd(
        ['train', 'gpt', '--text', 'latin1.txt', '--vocabulary', 'bytes', ...TINY, '--steps', '1'],
        { cwd },
      ).code,
    ).toBe(0);
  });
});

describe('directories', () => {
  test.each<[string, string, RegExp]>([
    [
      'a file',
      'taken',
      /--out 'taken' is not a directory, expected a directory that can be written/,
    ],
    ['a path below a file', 'taken/run', /--out 'taken\/run' is not a directory/],
    [
      'a run that is there already',
      'run',
      pattern(
        /--out 'run' holds the checkpoint of a run, expected a new or empty directory\. /,
        /HINT: choose another --out, or continue that run: .* train gpt --text text\.txt /,
        /--resume run$/m,
      ),
    ],
    ['a directory that cannot be made', '/proc/retrograd', /--out '\/proc\/retrograd' /],
    ['nothing', '', /--out is '', expected a directory/],
  ])('--out that is %s is refused before training', (_, out, message) =>
    refused([...TRAIN, '--out', out, '--steps', '1000000'], 2, message),
  );

  test('--out that is read-only is refused before training', () => {
    const isRoot = process.getuid?.() === 0;
    const nobody = 65534;
    // Root may write anywhere, so the command runs as nobody if nobody may read it.
    const uid =
      isRoot &&
      spawnSync(process.execPath, [CLI, '--version'], { uid: nobody, gid: nobody }).status === 0
        ? nobody
        : undefined;
    mkdirSync(file('locked'));
    chmodSync(file('locked'), 0o555);
    chmodSync(cwd, 0o755);
    if (isRoot && uid === undefined)
      return refused([...TRAIN, '--out', '/proc/self'], 2, /--out '\/proc\/self' /);
    refused(
      [...TRAIN, '--out', 'locked'],
      2,
      pattern(
        /--out 'locked' may not be used \(permission denied\), expected a directory that /,
        /can be written/,
      ),
      uid,
    );
    refused([...TRAIN, '--out', 'locked/below'], 2, /--out 'locked\/below' may not be used/, uid);
  });

  test.each<[string, string[], RegExp]>([
    [
      'a directory that is not there',
      ['inspect', 'nowhere'],
      pattern(
        /checkpoint 'nowhere\/checkpoint\.safetensors' does not exist, expected the /,
        /directory of a run/,
      ),
    ],
    [
      'a directory without a checkpoint',
      ['sample', 'folder'],
      /checkpoint 'folder\/checkpoint\.safetensors' does not exist/,
    ],
    ['a file', ['inspect', 'taken'], /'taken' is a file, expected the directory of a run/],
    [
      'a resume of nothing',
      ['train', 'gpt', '--text', 'text.txt', '--resume', 'nowhere'],
      /checkpoint 'nowhere\/checkpoint\.safetensors' does not exist/,
    ],
  ])('%s is refused', (_, words, message) => refused(words, 2, message));

  test.each<[string, string[], RegExp]>([
    [
      '--save-every',
      ['--save-every', '2'],
      /--save-every is 2, but there is no directory to save in, expected --out DIR too/,
    ],
    [
      '--export-float32',
      ['--export-float32'],
      /--export-float32 is given, but there is no directory/,
    ],
  ])('%s without --out is refused', (_, words, message) =>
    refused([...TRAIN, ...words], 2, message),
  );

  test('--stop-at outside the run is refused', () => {
    refused(
      [...TRAIN, '--steps', '10', '--stop-at', '11', '--out', 'new'],
      2,
      /--stop-at is 11, expected a step from 1 to 10/,
    );
    refused(
      ['train', 'gpt', '--text', 'text.txt', '--resume', 'run', '--stop-at', '2'],
      2,
      /--stop-at is 2, expected a step from 3 to 4/,
    );
  });
});

describe('--resume', () => {
  const resume = (...words: string[]): string[] => [
    'train',
    'gpt',
    '--text',
    'text.txt',
    '--resume',
    'run',
    ...words,
  ];
  test.each<[string, string[], RegExp]>([
    [
      'other options, all of which are named',
      ['--seed', '2', '--layers', '3', '--bias', '--vocabulary', 'bytes', '--steps', '4'],
      pattern(
        /--vocabulary is bytes \(checkpoint: characters\), --layers is 3 \(checkpoint: /,
        /2\), --bias is true \(checkpoint: false\), --seed is 2 \(checkpoint: 1\), /,
        /expected the checkpoint's/,
      ),
    ],
    ['fewer steps than it was begun with', ['--steps', '3'], /--steps is 3 \(checkpoint: 4\)/],
    [
      'another learning rate without more steps',
      ['--learning-rate', '0.002'],
      /--learning-rate is 0.002 \(checkpoint: 0.001\)/,
    ],
    [
      'a longer warm-up than the steps that are added',
      ['--steps', '6', '--warmup', '3'],
      /--warmup is 3, expected a whole number from 0 to 2/,
    ],
    ['--init', ['--init', 'run'], /--init and --resume are given, expected one of them/],
    [
      'an --out that holds another run',
      ['--out', 'complete'],
      /--out 'complete' holds the checkpoint of a run/,
    ],
    [
      'a micro-batch that does not divide the batch',
      ['--micro-batch', '3'],
      /--micro-batch 3 does not divide batch 4/,
    ],
    ['too little memory', ['--memory-limit', '1000'], /bytes, 1000 are allowed/],
  ])('with %s is refused', (_, words, message) => refused(resume(...words), 2, message));

  test('with another text is refused', () =>
    refused(
      ['train', 'gpt', '--text', 'other.txt', '--resume', 'run'],
      2,
      pattern(
        /text 'other\.txt' has SHA-256 [0-9a-f]{64}, expected [0-9a-f]{64}, the text /,
        /that the run began with/,
      ),
    ));
  test('of a complete run is refused', () =>
    refused(
      ['train', 'gpt', '--text', 'text.txt', '--resume', 'complete'],
      2,
      /complete: step 2 of 2, expected an unfinished one, or more --steps to extend it/,
    ));
});

describe('checkpoints', () => {
  const damaged = (name: string, bytes: Uint8Array): void => {
    mkdirSync(file(name), { recursive: true });
    writeFileSync(join(file(name), 'checkpoint.safetensors'), bytes);
  };

  test(
    'cut, changed, foreign, of another kind: eval, sample, inspect and --resume exit with 1 ' +
      'and say why',
    () => {
      const whole = readFileSync(file('run/checkpoint.safetensors'));
      const flipped = Buffer.from(whole);
      flipped[whole.length >> 1] ^= 1;
      damaged('damaged-cut', whole.subarray(0, 10_000));
      damaged('damaged-bit', flipped);
      damaged('damaged-text', Buffer.from('this is no checkpoint at all'));
      damaged('damaged-empty', new Uint8Array(0));
      for (const words of [
        ['inspect'],
        ['sample'],
        ['eval', '--text', 'text.txt'],
        ['train', 'gpt', '--text', 'text.txt', '--resume'],
      ]) {
        const at = words[0] === 'train' ? words.length : 1;
        const on = (dir: string): string[] => [...words.slice(0, at), dir, ...words.slice(at)];
        const named = (dir: string): string => `'${dir}/checkpoint\\.safetensors': `;
        const damages: [string, string][] = [
          ['damaged-cut', `${named('damaged-cut')}truncated at 10000 of ${whole.length} bytes`],
          ['damaged-bit', `${named('damaged-bit')}damaged: its SHA-256 is`],
          ['damaged-text', ': not a safetensors file'],
          ['damaged-empty', ': the file is empty'],
        ];
        for (const [dir, why] of words[0] === 'inspect' ? damages : some(damages, 3))
          refused(on(dir), 1, new RegExp(why));
      }
    },
  );

  test('a damaged checkpoint is not overwritten by a new run', () => {
    damaged('damaged-kept', Buffer.from('precious'));
    refused(
      [...TRAIN, '--out', 'damaged-kept'],
      2,
      /--out 'damaged-kept' holds the checkpoint of a run/,
    );
  });

  test('a text with characters that the model does not know is refused by eval', () =>
    refused(
      ['eval', 'run', '--text', 'greek.txt'],
      2,
      /text 'greek\.txt' has the character 'α' \(U\+03B1\) at position 0/,
    ));

  test('a checkpoint behind a link is read', () => {
    symlinkSync('run', file('link'));
    expect(retrograd(['inspect', 'link'], { cwd }).code).toBe(0);
    mkdirSync(file('copy'));
    copyFileSync(file('run/checkpoint.safetensors'), file('copy/checkpoint.safetensors'));
    expect(retrograd(['eval', 'copy', '--text', 'text.txt'], { cwd }).code).toBe(0);
  });
});

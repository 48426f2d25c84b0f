// Every kind of wrong use that we could think of: exit code 2 (1 for a damaged checkpoint), one
// line on stderr that says what was given, what is expected and a hint, nothing on stdout, nothing
// written, no stack trace.

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { run } from '../../src/cli/program.ts';
import { pattern } from '../helpers/pattern.ts';
import { CLI, retrograd, TINY, TRAIN, textOf, workspace } from './command.ts';

let cwd: string;
let remove: () => void;
const file = (name: string): string => join(cwd, name);

beforeAll(() => {
  ({ path: cwd, remove } = workspace());
  writeFileSync(file('empty.txt'), '');
  writeFileSync(file('one.txt'), 'a');
  writeFileSync(file('same.txt'), 'a'.repeat(1000));
  writeFileSync(file('short.txt'), 'abcdefgh'.repeat(10));
  writeFileSync(
    file('latin1.txt'),
    Buffer.from([
      ...Buffer.from('plain text and then '),
      0xe9,
      ...Buffer.from(' in Latin-1'.repeat(50)),
    ]),
  );
  writeFileSync(file('other.txt'), textOf(3000));
  writeFileSync(file('greek.txt'), 'αβγδ'.repeat(100));
  mkdirSync(file('folder'));
  writeFileSync(file('taken'), 'a file');
  expect(
    retrograd([...TRAIN, '--steps', '4', '--out', 'run', '--stop-at', '2'], { cwd }).code,
  ).toBe(0);
  expect(retrograd([...TRAIN, '--steps', '2', '--out', 'complete'], { cwd }).code).toBe(0);
  mkdirSync(file('unlogged'));
  copyFileSync(file('run/checkpoint.safetensors'), file('unlogged/checkpoint.safetensors'));
});
afterAll(() => remove());

/** Names, sizes and times of everything in the workspace. */
const snapshot = (): string =>
  (readdirSync(cwd, { recursive: true }) as string[])
    .sort()
    .map(
      (name) =>
        `${name} ${statSync(file(name)).size} ` +
        `${statSync(file(name)).isFile() ? statSync(file(name)).mtimeMs : ''}`,
    )
    .join('\n');

function refused(words: readonly string[], code: number, message: RegExp, uid?: number): void {
  const before = snapshot();
  const outcome = retrograd(words, { cwd, uid });
  expect(outcome.stderr, words.join(' ')).toMatch(message);
  expect(outcome.code, outcome.stderr).toBe(code);
  expect(outcome.stderr).toMatch(/^retrograd: [^\n]+\. HINT: [^\n]+\n$/);
  expect(outcome.stderr).not.toMatch(/ at .*:\d+:\d+|node:internal|unexpected/);
  expect(outcome.stdout).toBe('');
  expect(snapshot()).toBe(before);
}

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

describe('numbers', () => {
  const WHOLE = [
    'layers',
    'channels',
    'heads',
    'context',
    'mlp-ratio',
    'batch',
    'steps',
    'seed',
    'warmup',
    'gamma-shift',
    'fraction-bits',
    'micro-batch',
    'threads',
    'save-every',
    'validate-every',
    'stop-at',
  ];
  const REAL = ['learning-rate', 'weight-decay', 'clip'];
  /** In this process: two hundred starts of Node would take minutes. */
  const bad = async (flag: string, value: string, kind = 'gpt'): Promise<void> => {
    let stderr = '';
    let stdout = '';
    const spies = [
      vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
        stderr += String(text);
        return true;
      }),
      vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
        stdout += String(text);
        return true;
      }),
    ];
    const code = await run(['plan', kind, `--${flag}`, value]);
    for (const spy of spies) spy.mockRestore();
    expect(stderr, `plan ${kind} --${flag} ${value}`).toMatch(
      new RegExp(`^retrograd: --${flag} is '?[^ ]*'?, expected [^\\n]+\\. HINT: [^\\n]+\\n$`),
    );
    expect([code, stdout]).toEqual([2, '']);
  };
  test.each([...WHOLE, ...REAL])(
    '--%s refuses words, nothing, hexadecimal, negative and huge numbers, naming itself and ' +
      'the range',
    async (flag) => {
      for (const value of ['abc', '', '0x10', '1_000', '12px', 'NaN', 'Infinity', '-5', '1e300'])
        await bad(flag, value);
      if (WHOLE.includes(flag)) await bad(flag, '1.5');
      if (!['seed', 'warmup', 'validate-every', 'weight-decay'].includes(flag))
        await bad(flag, '0');
    },
  );

  const OTHERS = {
    gpt: [...REAL, 'momentum', 'dropout', 'stochastic-depth'],
    vit: [
      'patch',
      'classes',
      'width',
      'height',
      'colours',
      'limit',
      'validation',
      'crop',
      'epochs',
      'layers',
      'batch',
      'steps',
      'learning-rate',
    ],
    translate: [
      'limit',
      'vocabulary-size',
      'bleu-pairs',
      'context',
      'layers',
      'batch',
      'steps',
      'learning-rate',
    ],
  };
  test.each(Object.entries(OTHERS))('the numbers of plan %s too', async (kind, flags) => {
    for (const flag of flags)
      for (const value of ['abc', '', '0x10', '12px', 'NaN', '-5', '1e300'])
        await bad(flag, value, kind);
    for (const flag of flags.filter(
      (name) =>
        !['crop', 'bleu-pairs', 'weight-decay', 'dropout', 'stochastic-depth'].includes(name),
    ))
      await bad(flag, '0', kind);
  });

  test.each<[string, string[], RegExp]>([
    [
      'channels not divisible by heads',
      ['--channels', '130', '--heads', '4'],
      /channels 130 is not divisible by heads 4\. HINT: choose heads among the divisors of 130/,
    ],
    [
      'heads that are too wide',
      ['--channels', '1024', '--heads', '2'],
      /head size 512 .* is larger than 128/,
    ],
    [
      'a micro-batch that does not divide the batch',
      ['--batch', '8', '--micro-batch', '3'],
      /--micro-batch 3 does not divide batch 8/,
    ],
    [
      'a warm-up longer than the run',
      ['--steps', '10', '--warmup', '11'],
      /--warmup is 11, expected a whole number from 0 to 10/,
    ],
    [
      'a seed beyond 2^53',
      ['--seed', '9007199254740993'],
      /--seed is 9007199254740992, expected a whole number from 0 to 9007199254740991/,
    ],
    ['an unknown decay', ['--decay', 'linear'], /--decay is 'linear', expected cosine or constant/],
    ['an unknown rule', ['--reversible', 'yes'], /--reversible is 'yes', expected bdia or none/],
    [
      'an unknown vocabulary',
      ['--vocabulary', 'words'],
      /--vocabulary is 'words', expected characters or bytes/,
    ],
    [
      'memory without a number',
      ['--memory-limit', 'much'],
      /--memory-limit is 'much', expected 1 byte to 4GiB/,
    ],
    ['no memory', ['--memory-limit', '0'], /--memory-limit is '0'/],
    ['more memory than there can be', ['--memory-limit', '5GiB'], /--memory-limit is '5GiB'/],
  ])('%s is refused', (_, words, message) =>
    refused(['train', 'gpt', '--text', 'text.txt', ...words], 2, message),
  );

  test(
    'a model too large for memory is refused with the bytes needed and allowed, before ' +
      'anything is made',
    () => {
      const started = Date.now();
      refused(
        [
          'train',
          'gpt',
          '--text',
          'text.txt',
          '--layers',
          '1024',
          '--channels',
          '4096',
          '--heads',
          '32',
          '--context',
          '64',
          '--out',
          'new',
        ],
        2,
        /needs \d{11,} bytes, 4026531840 are allowed/,
      );
      expect(Date.now() - started).toBeLessThan(20_000);
    },
  );
});

describe('options and commands', () => {
  test.each<[string, string[], RegExp]>([
    [
      'an unknown option near a known one',
      ['train', 'gpt', '--laers', '2'],
      pattern(
        /unknown option '--laers', expected an option of 'retrograd train gpt'\. HINT: /,
        /did you mean --layers\?/,
      ),
    ],
    [
      'an unknown option near none',
      ['train', 'gpt', '--zzzzzz', '2'],
      /unknown option '--zzzzzz'.*HINT: see \S.* train gpt --help$/m,
    ],
    ['an unknown short option', ['inspect', 'run', '-x'], /unknown option '-x'/],
    [
      'an option without its value',
      ['train', 'gpt', '--text'],
      /option '--text <file>' argument missing, expected a value/,
    ],
    [
      'a word too many',
      ['train', 'gpt', 'text.txt'],
      /too many arguments for 'gpt'\. Expected 0 arguments but got 1/,
    ],
    [
      'an unknown command',
      ['trian'],
      pattern(
        /unknown command 'trian', expected one of train, eval, sample, inspect, plan, /,
        /bench, demo, verify, translate(, \w+)*\. HINT: did you mean train\?/,
      ),
    ],
    ['an unknown model', ['train', 'vgg'], /unknown command 'vgg', expected one of gpt/],
    ['train without a model', ['train'], /'retrograd train' is not complete, expected one of gpt/],
    ['eval without a directory', ['eval'], /missing required argument 'DIR', expected it/],
    ['eval of a run without a log, without a text', ['eval', 'unlogged'], /--text is missing/],
    [
      'best without a directory',
      [...TRAIN, '--keep-best'],
      /--keep-best is given, but there is no directory/,
    ],
    [
      'best without validations',
      [...TRAIN, '--keep-best', '--out', 'new', '--validate-every', '0'],
      /--keep-best is given and --validate-every is 0/,
    ],
    [
      'a resume from one checkpoint into its run',
      ['train', 'gpt', '--resume', 'run/checkpoint.safetensors'],
      /is one checkpoint of a run, expected --out DIR too/,
    ],
    [
      'an unknown part',
      ['eval', 'run', '--text', 'text.txt', '--part', 'half'],
      /--part is 'half', expected all or validation/,
    ],
    [
      'a temperature that is no number',
      ['sample', 'run', '--temperature', 'warm'],
      /--temperature is 'warm', expected a number/,
    ],
    [
      'a negative temperature',
      ['sample', 'run', '--temperature', '-1'],
      /--temperature is -1, expected a number from 0/,
    ],
    [
      'a sample of no length',
      ['sample', 'run', '--length', '0'],
      /--length is '0', expected a whole number from 1/,
    ],
    [
      'an empty prompt',
      ['sample', 'run', '--prompt', ''],
      /--prompt is '', expected at least one character/,
    ],
    [
      'a prompt with an unknown character',
      ['sample', 'run', '--prompt', 'the Ω'],
      pattern(
        /--prompt has the character 'Ω' \(U\+03A9\) at position 4, /,
        /expected one of the 28 characters/,
      ),
    ],
    [
      'no step to time',
      ['bench', '--repeat', '0'],
      /--repeat is '0', expected a whole number from 1 to 100000/,
    ],
    [
      'a model that cannot be timed',
      ['bench', 'vit', '--heads', '5'],
      /channels 128 is not divisible by heads 5/,
    ],
    [
      'a vocabulary of one',
      ['plan', 'gpt', '--vocabulary-size', '1'],
      /--vocabulary-size is '1', expected a whole number from 2 to 65536/,
    ],
  ])('%s is refused', (_, words, message) => refused(words, 2, message));

  test.each([
    [[]],
    [['--help']],
    [['train', 'gpt', '--help']],
    [['eval', '--help']],
    [['sample', '--help']],
    [['inspect', '--help']],
    [['plan', 'gpt', '--help']],
    [['bench', '--help']],
    [['bench', 'vit', '--help']],
    [['demo', '--help']],
    [['--version']],
  ])('retrograd %j shows help or the version and exits with 0', (words) => {
    const { code, stdout, stderr } = retrograd(words, { cwd });
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(words[0] === '--version' ? /^\d+\.\d+\.\d+\n$/ : /^Usage: retrograd /);
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
    ['more steps than it was begun with', ['--steps', '5'], /--steps is 5 \(checkpoint: 4\)/],
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
      /the run in 'complete' is complete: step 2 of 2/,
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
        refused(
          on('damaged-cut'),
          1,
          new RegExp(
            `'damaged-cut/checkpoint.safetensors': truncated at 10000 of ${whole.length} bytes`,
          ),
        );
        refused(
          on('damaged-bit'),
          1,
          /'damaged-bit\/checkpoint\.safetensors': damaged: its SHA-256 is/,
        );
        refused(on('damaged-text'), 1, /: not a safetensors file/);
        refused(on('damaged-empty'), 1, /: the file is empty/);
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

// Every kind of wrong number, option and command that we could think of: exit code 2, one line.

import { describe, expect, test, vi } from 'vitest';
import { run } from '../../src/cli/program.ts';
import { pattern } from '../helpers/pattern.ts';
import { retrograd, TRAIN } from './command.ts';
import { cwd, refused, useWorkspace } from './refused.ts';

useWorkspace();

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
        /unknown command 'trian', expected one of train, eval, sample, classify, compress, /,
        /decompress, test, export, import, audit, receipt, worker, runs, /,
        /inspect, plan, bench, demo, verify, /,
        /translate(, \w+)*/,
        /\. HINT: did you mean train\?/,
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

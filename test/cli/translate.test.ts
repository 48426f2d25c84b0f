// A translator from the command line: training, resuming, judging, translating, and every wrong use
// in one line.

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeCheckpoint } from '../../src/index.ts';
import { pattern } from '../helpers/pattern.ts';
import { ended, events, retrograd, start, workspace } from './command.ts';

const WHO = [
  ['I', 'je'],
  ['you', 'tu'],
  ['we', 'nous'],
  ['they', 'elles'],
  ['she', 'elle'],
  ['he', 'il'],
];
const DOES = [
  ['see', 'regarde'],
  ['take', 'prends'],
  ['want', 'veux'],
  ['know', 'connais'],
  ['sell', 'vends'],
];
const WHAT = [
  ['the house', 'la maison'],
  ['a dog', 'un chien'],
  ['the sea', 'la mer'],
  ['bread', 'du pain'],
];
/** 120 sentences and their translations. */
const PAIRS = Array.from({ length: 120 }, (_, i) => [
  WHO[i % 6],
  DOES[Math.floor(i / 6) % 5],
  WHAT[Math.floor(i / 30)],
]).map((words) => [0, 1].map((side) => `${words.map((word) => word[side]).join(' ')}.`));
const lines = (side?: number): string =>
  PAIRS.map((pair) => (side === undefined ? pair.join('\t') : pair[side])).join('\n');

const SHAPE = [
  '--layers',
  '1',
  '--channels',
  '16',
  '--heads',
  '2',
  '--context',
  '16',
  '--batch',
  '4',
  '--vocabulary-size',
  '80',
];
const TRAIN = ['train', 'translate', '--pairs', 'pairs.txt', ...SHAPE];
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

const last = (...words: string[]): Record<string, any> =>
  events([...TRAIN, ...words], { cwd }).at(-1)!;

describe('train translate', () => {
  test('--json prints plan, steps, validation, BLEU at the end alone, and done', () => {
    const all = events([...TRAIN, '--steps', '4', '--validate-every', '2'], { cwd });
    expect(all.map((e) => e.event)).toEqual([
      'plan',
      'step',
      'step',
      'validation',
      'step',
      'step',
      'validation',
      'done',
    ]);
    const [first, final, done] = [all[3], all[6], all[7]];
    expect(first).toEqual({ event: 'validation', step: 2, loss: expect.any(Number) });
    expect(final).toEqual({
      event: 'validation',
      step: 4,
      loss: done.validationLoss,
      bleu: done.validationBleu,
      bleuSignature: done.bleuSignature,
    });
    expect(done.bleuSignature).toMatch(
      /^nrefs:1\|case:mixed\|eff:no\|tok:13a\|smooth:exp\|version:/,
    );
    for (const field of [
      'trainLoss',
      'validationLoss',
      'validationBleu',
      'pairsPerSecond',
      'parameters',
    ])
      expect(done[field], field).toBeTypeOf('number');
    expect(last('--steps', '1', '--bleu-pairs', '0')).not.toHaveProperty('validationBleu');
  });

  test(
    'the same digest from one file, gzipped or not, and from two; for any micro-batch and ' +
      'threads; options reach the run',
    () => {
      const expected = last('--steps', '5').weightsSha256;
      const other = (...data: string[]) =>
        events(['train', 'translate', ...data, ...SHAPE, '--steps', '5'], { cwd }).at(-1)!
          .weightsSha256;
      expect(other('--pairs', 'pairs.txt.gz')).toBe(expected);
      expect(other('--source', 'en.gz', '--target', 'fr')).toBe(expected);
      for (const words of [
        ['--micro-batch', '1'],
        ['--threads', '2'],
      ])
        expect(last('--steps', '5', ...words).weightsSha256, words.join(' ')).toBe(expected);
      for (const words of [
        ['--limit', '100'],
        ['--vocabulary-size', '70'],
        ['--dropout', '0.2'],
        ['--reversible', 'coupling'],
        ['--seed', '2'],
      ])
        expect(last('--steps', '5', ...words).weightsSha256, words.join(' ')).not.toBe(expected);
    },
  );

  test('learns to translate, and says so to people', () => {
    const { code, stdout, stderr } = retrograd(
      [
        ...TRAIN,
        '--channels',
        '32',
        '--batch',
        '16',
        '--steps',
        '300',
        '--learning-rate',
        '0.01',
        '--warmup',
        '50',
        '--out',
        'learnt',
      ],
      { cwd },
    );
    expect([code, stderr]).toEqual([0, '']);
    for (const part of [
      /parameters, vocabulary \d+, 118 \+ 2 pairs, 0 left out as longer than 16 tokens$/m,
      / pairs\/s /,
      /loss in nats a token/,
      /^BLEU +100\.00 \(nrefs:1\|/m,
    ])
      expect(stdout).toMatch(part);
    expect(stdout).not.toMatch(/NaN|undefined/);
    const translated = retrograd(['translate', 'learnt', '--text', ' you  see the sea.'], {
      cwd,
    }).stdout;
    expect(translated).toBe('tu regarde la mer.\n');
    writeFileSync(join(cwd, 'sentences'), 'you see the sea.\nI want bread.\n');
    for (const beam of ['1', '3'])
      expect(
        retrograd(['translate', 'learnt', '--file', 'sentences', '--beam', beam], { cwd }).stdout,
      ).toBe('tu regarde la mer.\nje veux du pain.\n');
    expect(
      events(['translate', 'learnt', '--text', 'I want bread.', '--beam', '2'], { cwd }),
    ).toEqual([
      {
        event: 'translation',
        source: 'I want bread.',
        text: 'je veux du pain.',
        beam: 2,
        score: expect.any(Number),
        ended: true,
      },
    ]);
  });

  test('6 steps = 2 + resume + 4, bit for bit; SIGINT saves', async () => {
    const whole = last('--steps', '6', '--limit', '110', '--out', 'whole');
    expect(last('--steps', '6', '--limit', '110', '--out', 'part', '--stop-at', '2').note).toMatch(
      /^stopped after step 2 of 6/,
    );
    const same = events(
      [
        'train',
        'translate',
        '--source',
        'en.gz',
        '--target',
        'fr',
        '--resume',
        'part',
        '--micro-batch',
        '2',
        '--limit',
        '110',
      ],
      { cwd },
    ).at(-1)!;
    for (const field of ['weightsSha256', 'validationLoss', 'validationBleu'])
      expect(same[field], field).toBe(whole[field]);
    const child = start([...TRAIN, '--steps', '5000', '--out', 'killed', '--json'], cwd);
    await new Promise((resolve) => child.stdout!.once('data', resolve));
    child.kill('SIGTERM');
    expect(await ended(child)).toEqual({ code: 143, signal: null });
    expect(events(['inspect', 'killed'], { cwd })[0].step).toBeGreaterThan(0);
  });
});

describe('a saved one', () => {
  beforeAll(() => {
    expect(retrograd([...TRAIN, '--steps', '3', '--out', 'run'], { cwd }).code).toBe(0);
  });

  test('eval: its held-out pairs, any other pairs as a whole, other gammas', () => {
    writeFileSync(join(cwd, 'few.txt'), lines().split('\n').slice(0, 7).join('\n'));
    const done = last('--steps', '3');
    const [own] = events(['eval', 'run', '--pairs', 'pairs.txt'], { cwd });
    expect(own).toEqual({
      event: 'evaluation',
      loss: done.validationLoss,
      bleu: done.validationBleu,
      bleuSignature: done.bleuSignature,
      pairs: 2,
      omitted: 0,
      step: 3,
      isTrainingData: true,
    });
    expect(
      events(['eval', 'run', '--pairs', 'few.txt', '--bleu-pairs', '0', '--gamma', '0'], {
        cwd,
      })[0],
    ).toEqual({
      event: 'evaluation',
      loss: expect.any(Number),
      pairs: 7,
      omitted: 0,
      step: 3,
      isTrainingData: false,
      gamma: 0,
    });
    expect(retrograd(['eval', 'run', '--pairs', 'pairs.txt'], { cwd }).stdout).toMatch(
      pattern(
        /^loss +\d\.\d{4} nats a token\nBLEU +\d.*\nover +2 pairs, held out of those it /,
        /was trained on\nmodel +step 3 of 3\n$/,
      ),
    );
  });

  test('inspect and the library show what it holds', async () => {
    const [info] = events(['inspect', 'run'], { cwd });
    expect(info).toMatchObject({
      options: { model: { kind: 'translator', context: 16 } },
      vocabulary: {
        kind: 'pairs',
        source: { kind: 'byte-pairs' },
        target: { kind: 'byte-pairs' },
        limit: null,
        vocabularySize: 80,
      },
    });
    expect(retrograd(['inspect', 'run'], { cwd }).stdout).toMatch(
      /^vocabulary +\d+ byte pairs of both languages$/m,
    );
    expect(
      (await decodeCheckpoint(readFileSync(join(cwd, 'run/checkpoint.safetensors')))).step,
    ).toBe(3);
  });

  test('plan translate is the plan of the run', () => {
    expect(events(['plan', 'translate', '--pairs', 'pairs.txt', ...SHAPE], { cwd })).toEqual([
      events([...TRAIN, '--steps', '1'], { cwd })[0],
    ]);
    expect(retrograd(['plan', 'translate'], { cwd }).stdout).toMatch(
      /parameters, vocabulary 4000; storing/,
    );
  });
});

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
  ])('%s', (_, words, message) => {
    const { code, stdout, stderr } = retrograd(words(), { cwd });
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^retrograd: [^\n]+\. HINT: [^\n]+\n$/);
    expect([code, stdout]).toEqual([2, '']);
  });
});

// A translator from the command line: training, resuming, judging, translating.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeCheckpoint } from '../../src/index.ts';
import { pattern } from '../helpers/pattern.ts';
import { type Event, ended, events, retrograd, start, workspace } from './command.ts';
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

const last = (...words: string[]): Event => events([...TRAIN, ...words], { cwd }).at(-1)!;

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

// eval, sample, inspect, plan and demo.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import golden from '../../src/verify/published/demo.json';
import { pattern } from '../helpers/pattern.ts';
import { type Event, events, retrograd, TINY, TRAIN, textOf, workspace } from './command.ts';

let cwd: string;
let remove: () => void;
let done: Event;
beforeAll(() => {
  ({ path: cwd, remove } = workspace());
  done = events([...TRAIN, '--steps', '30', '--out', 'run'], { cwd }).at(-1)!;
});
afterAll(() => remove());

describe('eval', () => {
  test("on the training text gives done's validation loss, over its validation part", () => {
    const [result] = events(['eval', 'run', '--text', 'text.txt'], { cwd });
    expect(result).toEqual({
      event: 'evaluation',
      loss: done.validationLoss,
      part: 'validation',
      tokens: 192,
      bitsPerByte: expect.closeTo(done.validationLoss / Math.LN2, 12),
      step: 30,
      isTrainingText: true,
    });
  });

  test('takes the whole of any other text, and of the training text if asked', () => {
    writeFileSync(join(cwd, 'other.txt'), textOf(100));
    expect(events(['eval', 'run', '--text', 'other.txt'], { cwd })[0]).toMatchObject({
      part: 'all',
      tokens: 96,
      isTrainingText: false,
    });
    expect(
      events(['eval', 'run', '--text', 'text.txt', '--part', 'all'], { cwd })[0],
    ).toMatchObject({ part: 'all', tokens: 1992 });
    expect(
      events(['eval', 'run', '--text', 'other.txt', '--part', 'validation'], { cwd })[0],
    ).toMatchObject({ part: 'validation', tokens: 8 });
  });

  test('takes another gamma, if the rule of the model has one', () => {
    const at = (gamma: string) =>
      events(['eval', 'run', '--text', 'text.txt', '--gamma', gamma], { cwd })[0];
    expect(at('0')).toMatchObject({ loss: done.validationLoss, gamma: 0 });
    const losses = ['0', '0.125', '-0.125', '0.25', '-0.25', '0.5', '-0.5'].map(
      (gamma) => at(gamma).loss,
    );
    expect(new Set(losses).size).toBe(losses.length);
    retrograd([...TRAIN, '--steps', '1', '--reversible', 'coupling', '--out', 'coupled'], { cwd });
    expect(
      retrograd(['eval', 'coupled', '--text', 'text.txt', '--gamma', '0.5'], { cwd }),
    ).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(
        pattern(
          /^retrograd: --gamma is 0\.5, expected 0: the model was trained with /,
          /--reversible coupling, which has no gamma\. HINT: [^\n]+\n$/,
        ),
      ),
    });
    expect(retrograd(['eval', 'coupled', '--text', 'text.txt', '--gamma', '0'], { cwd }).code).toBe(
      0,
    );
  });

  test('says loss, bits and perplexity to people', () => {
    const { stdout } = retrograd(['eval', 'run', '--text', 'text.txt'], { cwd });
    expect(stdout).toContain(`loss       ${done.validationLoss.toFixed(4)} nats a token`);
    expect(stdout).toMatch(
      pattern(
        /bits, perplexity \d+\.\d{3}\nper byte +\d\.\d{4} bits: .*\n/,
        /over +192 tokens: the validation part \(last /,
        /tenth\) of the text it was trained on\nmodel +step 30 of 30\n$/,
      ),
    );
  });

  test('a text shorter than the context is refused', () => {
    writeFileSync(join(cwd, 'tiny.txt'), 'the');
    expect(retrograd(['eval', 'run', '--text', 'tiny.txt'], { cwd })).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/has 3 tokens, expected at least 9/),
    });
  });
});

describe('sample', () => {
  const sample = (...words: string[]): string =>
    events(['sample', 'run', '--length', '40', ...words], { cwd })[0].text;

  test('a seed gives the same text, another seed another, temperature 0 always the same', () => {
    expect(sample('--prompt', 'the ')).toBe(
      sample('--prompt', 'the ', '--seed', '1', '--temperature', '0.8'),
    );
    expect(sample('--prompt', 'the ', '--seed', '2')).not.toBe(sample('--prompt', 'the '));
    expect(sample('--temperature', '0', '--seed', '3')).toBe(sample('--temperature', '0'));
    expect(sample()).toHaveLength(40);
  });

  test('prints prompt and text and nothing else, also for a prompt longer than the context', () => {
    const prompt = 'the quick brown fox jumps';
    expect(retrograd(['sample', 'run', '--length', '40', '--prompt', prompt], { cwd }).stdout).toBe(
      `${prompt}${sample('--prompt', prompt)}\n`,
    );
  });

  test('a model of bytes writes bytes', () => {
    expect(
      retrograd([...TRAIN, '--steps', '2', '--vocabulary', 'bytes', '--out', 'bytes'], { cwd })
        .code,
    ).toBe(0);
    expect(
      events(['sample', 'bytes', '--prompt', 'é', '--length', '5'], { cwd })[0].text.length,
    ).toBeGreaterThan(0);
  });
});

describe('inspect', () => {
  test('shows step, options, digests, parameters, every tensor with its format and range', () => {
    const [info] = events(['inspect', 'run'], { cwd });
    expect(info).toMatchObject({
      event: 'checkpoint',
      step: 30,
      parameters: done.parameters,
      weightsSha256: done.weightsSha256,
      options: { steps: 30, seed: 1, model: { layers: 2, channels: 32 } },
    });
    expect(info.tensors[0]).toMatchObject({
      name: 'token.weight',
      shape: [28, 32],
      format: 'int32 Q7.24',
    });
    expect(info.tensors[0].min).toBeLessThan(info.tensors[0].max);
    expect(info.tensors.length % 3).toBe(0);
    const { stdout } = retrograd(['inspect', 'run'], { cwd });
    expect(stdout).toContain(`SHA-256 of the text it was trained on:\n${info.dataSha256}\n`);
    expect(stdout).toMatch(/^step +30 of 30$/m);
  });
});

describe('plan gpt', () => {
  test('is the plan of the same training run, and runs nothing', () => {
    expect(
      events(['plan', 'gpt', '--text', 'text.txt', ...TINY, '--steps', '30'], { cwd }),
    ).toEqual([events([...TRAIN, '--steps', '1'], { cwd })[0]]);
    expect(events(['plan', 'gpt', ...TINY, '--vocabulary-size', '28'], { cwd })[0].parameters).toBe(
      done.parameters,
    );
  });

  test('state bytes are the same at depth 4 and 64; side bits are (L - 1) B T C / 8', () => {
    const bytes = (layers: number) =>
      events(
        [
          'plan',
          'gpt',
          '--layers',
          String(layers),
          '--channels',
          '128',
          '--context',
          '64',
          '--batch',
          '12',
        ],
        { cwd },
      )[0].bytes;
    expect(bytes(64).states).toBe(bytes(4).states);
    for (const layers of [1, 4, 64])
      expect(bytes(layers).sideBits).toBe(((layers - 1) * 12 * 64 * 128) / 8);
  });

  test('shows a table to people', () => {
    const { code, stdout } = retrograd(['plan', 'gpt'], { cwd });
    expect(code).toBe(0);
    for (const row of [
      'weights',
      'gradients',
      'optimizer',
      'states',
      'side bits',
      'workspace',
      'all',
    ])
      expect(stdout).toMatch(new RegExp(`^${row} +[\\d.]+ (B|KiB|MiB|GiB) +[\\d,]+ `, 'm'));
  });
});

describe('bench', () => {
  const SMALL = [
    '--layers',
    '2',
    '--channels',
    '8',
    '--heads',
    '2',
    '--batch',
    '2',
    '--repeat',
    '2',
    '--threads',
    '1',
    '--operands',
    'int16',
  ];

  test.each([
    ['gpt', 'tokens', ['--context', '16']],
    ['vit', 'images', []],
    ['translate', 'pairs', ['--context', '8', '--vocabulary-size', '30']],
  ])('%s: products, the step, its kernels', (kind, unit, more) => {
    const all = events(['bench', kind, '--profile', ...SMALL, ...more], { cwd });
    const products = all.filter(({ event }) => event === 'product');
    const kernels = all.filter(({ event }) => event === 'kernel');
    expect(products).toHaveLength(3);
    for (const { rate, peak, ofPeak } of products)
      for (const value of [rate, peak, ofPeak]) expect(value).toBeGreaterThan(0);
    const step = all.find(({ event }) => event === 'step')!;
    expect(step).toMatchObject({ repeat: 2, threads: 1, unit, reversible: 'bdia' });
    expect(step.shortest).toBeLessThanOrEqual(step.milliseconds);
    const share = kernels.reduce((sum, kernel) => sum + kernel.share, 0);
    expect(share).toBeGreaterThan(0);
    expect(share).toBeLessThan(1);
    expect(kernels.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['gemm_i16i16i32', 'gemm_i16i16i64', 'adamw_i64', 'bdia_inverse_i32']),
    );
    for (const { name, macs } of kernels) expect(macs > 0).toBe(name.startsWith('gemm_'));
  });

  test(
    'the multiply-accumulates are those of the model: six times the weights a token, forward ' +
      'once more, and attention',
    () => {
      const kernels = events(
        [
          'bench',
          '--profile',
          '--reversible',
          'none',
          '--layers',
          '1',
          '--channels',
          '16',
          '--heads',
          '1',
          '--context',
          '32',
          '--batch',
          '1',
          '--vocabulary-size',
          '64',
          '--repeat',
          '1',
          '--threads',
          '1',
        ],
        { cwd },
      );
      const macs = kernels
        .filter(({ event }) => event === 'kernel')
        .reduce((sum, kernel) => sum + kernel.macs, 0);
      const linear = 32 * (12 * 16 * 16 + 64 * 16);
      expect(macs).toBe(3 * linear + 6 * 32 * 32 * 16);
    },
  );

  test('shows a table to people', () => {
    const { code, stdout, stderr } = retrograd(
      ['bench', '--profile', ...SMALL, '--context', '16'],
      { cwd },
    );
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(
      /^product 512 x 512 x 512 +[\d.]+ GMAC\/s +([\d.]+ % of the peak|disturbed)$/m,
    );
    expect(stdout).toMatch(/^a training step: [\d.]+ ms, median of 2 /m);
    expect(stdout).toMatch(/^adamw_i64 +[\d,]+ +[\d.]+ ms +[\d.]+ %$/m);
  });
});

describe('verify', () => {
  test('prints a line a row and ends with one to paste; --json: the rows and the verdict', () => {
    const { code, stdout, stderr } = retrograd(['verify'], { cwd });
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^gemm_i16i16i32 +\d+ cases +[0-9a-f]{16} +equal$/m);
    expect(stdout.trim().split('\n').at(-1)).toMatch(
      /^retrograd verify: equal; Node .*; [0-9a-f]{64}$/,
    );
    const all = events(['verify', '--json'], { cwd });
    const last = all.at(-1)!;
    expect(last).toMatchObject({ event: 'done', equal: true, digest: last.expected });
    expect(all.length).toBeGreaterThan(45);
    expect(all.slice(0, -1).every(({ event, equal }) => event === 'row' && equal === true)).toBe(
      true,
    );
  });
});

describe('demo', () => {
  test('trains on the declarations of the pinned compiler, reports like this after 3 steps', () => {
    const { code, stdout, stderr } = retrograd(['demo', '--steps', '3'], { cwd });
    expect([code, stderr]).toEqual([0, '']);
    for (const part of [
      /^A GPT of 4 layers, 128 channels and 4 heads \(8\d\d,\d{3} weights\)/,
      /loss in nats a token/,
      /beginning with "interface"/,
      /Rebuilt \d+ activation states .*: 0 elements differed\./,
      /Activations took .*; storing them would take /,
      /^SHA-256 of the weights .*:\n[0-9a-f]{64}$/m,
      new RegExp(`published digest is that of ${golden.steps} steps`),
    ])
      expect(stdout).toMatch(part);
  });

  test('the published run is the default run, and its text is the one of the lock file', () => {
    expect(golden.weightsSha256).toMatch(/^[0-9a-f]{64}$/);
    expect(readFileSync(join(import.meta.dirname, '../../src/cli/demo.ts'), 'utf8')).toContain(
      `const STEPS = ${golden.steps};`,
    );
    const last = events(['demo', '--steps', '1'], { cwd }).at(-1)!;
    expect(last).toMatchObject({
      textSha256: golden.textSha256,
      parameters: golden.parameters,
      isSame: null,
    });
  });
});

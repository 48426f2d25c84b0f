// Training from the command line: events, checkpoints, resuming.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeCheckpoint } from '../../src/checkpoint/checkpoint.ts';
import { decodeSafetensors } from '../../src/checkpoint/safetensors.ts';
import { runsAll, some } from '../helpers/all.ts';
import { ended, events, retrograd, start, TRAIN, workspace } from './command.ts';

let cwd: string;
let remove: () => void;
beforeAll(() => {
  ({ path: cwd, remove } = workspace());
});
afterAll(() => remove());

const digestOf = (...words: string[]): string =>
  events([...TRAIN, ...words], { cwd }).at(-1)!.weightsSha256;
const load = (dir: string) =>
  decodeCheckpoint(readFileSync(join(cwd, dir, 'checkpoint.safetensors')));

describe('train gpt --json', () => {
  test(
    'prints plan, one step event a step, validation and done, with the documented fields as ' +
      'numbers',
    () => {
      const all = events([...TRAIN, '--steps', '5'], { cwd });
      expect(all.map((e) => e.event)).toEqual([
        'plan',
        'step',
        'step',
        'step',
        'step',
        'step',
        'validation',
        'done',
      ]);
      const [plan, ...rest] = all;
      const done = rest.pop()!;
      const validation = rest.pop()!;
      for (const purpose of [
        'weights',
        'gradients',
        'optimizer',
        'states',
        'sideBits',
        'workspace',
      ])
        expect(plan.bytes[purpose], purpose).toBeTypeOf('number');
      expect(plan.storedStatesWouldBe).toBeGreaterThan(plan.bytes.states);
      rest.forEach((step, i) => {
        expect(step.step).toBe(i + 1);
        for (const field of ['loss', 'milliseconds']) expect(step[field], field).toBeGreaterThan(0);
      });
      expect(validation).toEqual({ event: 'validation', step: 5, loss: done.validationLoss });
      for (const field of [
        'steps',
        'trainLoss',
        'validationLoss',
        'parameters',
        'tokensPerSecond',
        'saturated',
        'overflowed',
        'peakBytes',
      ])
        expect(done[field], field).toBeTypeOf('number');
      expect(done.steps).toBe(5);
      expect(done.trainLoss).toBeCloseTo(rest.reduce((sum, { loss }) => sum + loss, 0) / 5, 12);
      expect(done.weightsSha256).toMatch(/^[0-9a-f]{64}$/);
      expect(done.reconstruction).toEqual({
        checkedStates: expect.any(Number),
        mismatchedElements: 0,
      });
      expect(done.reconstruction.checkedStates).toBeGreaterThan(0);
      expect(done.overflowed).toBe(0);
    },
  );

  test('--validate-every adds validations, the last one only once', () => {
    const steps = events([...TRAIN, '--steps', '6', '--validate-every', '2'], { cwd })
      .filter((e) => e.event === 'validation')
      .map((e) => e.step);
    expect(steps).toEqual([2, 4, 6]);
  });

  test(
    'the same digest for micro-batches 4, 2, 1, any --threads, with and without --verify, ' +
      'saved or not',
    () => {
      const expected = digestOf('--steps', '6');
      for (const words of [
        ['--micro-batch', '2'],
        ['--micro-batch', '1', '--threads', '7'],
        ['--threads', '2'],
        ['--no-verify'],
        ['--out', 'digest', '--save-every', '2'],
        ['--memory-limit', '64MiB'],
        ['--validate-every', '3'],
      ])
        expect(digestOf('--steps', '6', ...words), words.join(' ')).toBe(expected);
      expect(digestOf('--steps', '6', '--seed', '2')).not.toBe(expected);
    },
  );

  test('every option reaches the run', () => {
    const expected = digestOf('--steps', '6');
    const options = [
      ['--learning-rate', '0.01'],
      ['--warmup', '2'],
      ['--decay', 'constant', '--warmup', '1'],
      ['--weight-decay', '0.4', '--learning-rate', '0.5'],
      ['--clip', '0.001', '--learning-rate', '0.3', '--warmup', '0'],
      ['--reversible', 'none'],
      ['--gamma-shift', '2'],
      ['--fraction-bits', '12'],
      ['--mlp-ratio', '2'],
      ['--bias'],
      ['--untied'],
      ['--vocabulary', 'bytes'],
      ['--heads', '4'],
      ['--reversible', 'coupling'],
      ['--dropout', '0.1'],
      ['--context', '16'],
      ['--layers', '3'],
    ]; // the other rules: vit.test.ts
    for (const words of some(options, 3))
      expect(digestOf('--steps', '6', ...words), words.join(' ')).not.toBe(expected);
    expect(digestOf('--steps', '6', '--reversible', 'checkpointing')).toBe(
      digestOf('--steps', '6', '--reversible', 'none'),
    );
  });
});

describe('train gpt for people', () => {
  test('shows about twenty lines of progress, the loss curve and a report', () => {
    const { code, stdout, stderr } = retrograd([...TRAIN, '--steps', '60', '--out', 'people'], {
      cwd,
    });
    expect([code, stderr]).toEqual([0, '']);
    const progress = stdout.match(
      /^step +\d+ of 60 {3}loss \d\.\d{4} {3}[\d,]+ tokens\/s {3}.* left$/gm,
    )!;
    expect(progress.length).toBeGreaterThanOrEqual(20);
    expect(progress.length).toBeLessThanOrEqual(21);
    for (const part of [
      /loss in nats a token\n +\d\.\d\d [┤┼]/,
      /^training loss +\d\.\d{4} \(mean of the last 60 steps\)$/m,
      /^validation loss +\d/m,
      /^states rebuilt +[\d,]+ checked against the forward pass, 0 elements differed$/m,
      /^activation memory .*; storing the states would need /m,
      /^weights +[\d,]+$/m,
      /^SHA-256 of the weights:\n[0-9a-f]{64}$/m,
      /^checkpoint +people\/checkpoint\.safetensors$/m,
    ])
      expect(stdout).toMatch(part);
    expect(stdout).not.toMatch(/\u001b|NaN|undefined|Infinity/);
  });

  test('says so when nothing was rebuilt or checked', () => {
    expect(retrograd([...TRAIN, '--steps', '2', '--reversible', 'none'], { cwd }).stdout).toMatch(
      /^states +stored, not rebuilt/m,
    );
    expect(
      retrograd([...TRAIN, '--steps', '2', '--reversible', 'checkpointing'], { cwd }).stdout,
    ).toMatch(/^states +recomputed from stored ones, not rebuilt/m);
    expect(retrograd([...TRAIN, '--steps', '2', '--no-verify'], { cwd }).stdout).toMatch(
      /^states rebuilt +not checked \(--no-verify\)$/m,
    );
    expect(retrograd([...TRAIN, '--steps', '1'], { cwd }).code).toBe(0);
  });
});

describe('checkpoints and --resume', () => {
  test(
    '12 steps = 5 + resume + 7, bit for bit, also with another micro-batch and into another ' +
      'directory',
    () => {
      const whole = digestOf('--steps', '12', '--out', 'whole');
      const part = events([...TRAIN, '--steps', '12', '--out', 'part', '--stop-at', '5'], {
        cwd,
      }).at(-1)!;
      expect(part.steps).toBe(5);
      expect(part.note).toMatch(
        /^stopped after step 5 of 12; continue with: .* train gpt --text text\.txt --resume part$/,
      );
      const other = events(
        [
          'train',
          'gpt',
          '--text',
          'text.txt',
          '--resume',
          'part',
          '--out',
          'other',
          '--micro-batch',
          '1',
        ],
        { cwd },
      );
      expect(other.filter((e) => e.event === 'step').map((e) => e.step)).toEqual([
        6, 7, 8, 9, 10, 11, 12,
      ]);
      expect(other.at(-1)!.weightsSha256).toBe(whole);
      const same = events(['train', 'gpt', '--text', 'text.txt', '--resume', 'part'], { cwd }).at(
        -1,
      )!;
      expect(same.weightsSha256).toBe(whole);
      expect(readFileSync(join(cwd, 'part/checkpoint.safetensors'))).toEqual(
        readFileSync(join(cwd, 'whole/checkpoint.safetensors')),
      );
    },
  );

  test('options that agree with the checkpoint may be repeated', () => {
    retrograd([...TRAIN, '--steps', '4', '--out', 'repeat', '--stop-at', '2'], { cwd });
    expect(
      retrograd(
        [
          ...TRAIN,
          '--steps',
          '4',
          '--seed',
          '1',
          '--decay',
          'cosine',
          '--vocabulary',
          'characters',
          '--resume',
          'repeat',
          '--out',
          'repeat',
        ],
        { cwd },
      ).code,
    ).toBe(0);
  });

  test('--save-every leaves a whole checkpoint after each save, and no other file', async () => {
    retrograd(
      [...TRAIN, '--steps', '7', '--out', 'every', '--save-every', '3', '--export-float32'],
      { cwd },
    );
    expect((await load('every')).step).toBe(7);
    expect(readdirSync(join(cwd, 'every')).sort()).toEqual([
      'checkpoint.safetensors',
      'log.jsonl',
      'weights.f32.safetensors',
    ]);
    const { tensors } = decodeSafetensors(readFileSync(join(cwd, 'every/weights.f32.safetensors')));
    const { tensors: saved } = await load('every');
    expect(tensors.map((t) => t.name)).toEqual(
      saved.map((t) => t.name).filter((name) => !name.startsWith('optimizer.')),
    );
    expect(tensors[0].bytes.length).toBe(4 * saved[0].data.length);
  });

  test('without --out nothing is written', () => {
    const before = readdirSync(cwd).sort();
    retrograd([...TRAIN, '--steps', '2'], { cwd });
    expect(readdirSync(cwd).sort()).toEqual(before);
  });

  const SIGNALS = [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
    ['SIGQUIT', 131],
    ['SIGUSR2', 140],
  ] as const;
  test.each(SIGNALS.slice(0, runsAll ? 5 : 2))(
    '%s writes the checkpoint, says how to go on and exits with %d',
    async (signal, code) => {
      const whole = digestOf('--steps', '400');
      const dir = `killed-${signal}`;
      const child = start([...TRAIN, '--steps', '400', '--out', dir, '--json'], cwd);
      let stdout = '';
      await new Promise<void>((resolve) =>
        child.stdout!.on('data', (chunk: Buffer) => {
          stdout += chunk.toString();
          if (stdout.includes('"step":20,')) resolve();
        }),
      );
      child.kill(signal);
      expect(await ended(child)).toEqual({ code, signal: null });
      const done = JSON.parse(stdout.trimEnd().split('\n').at(-1)!);
      expect(done).toMatchObject({
        event: 'done',
        validationLoss: null,
        note: expect.stringMatching(
          `^interrupted after step ${done.steps} of 400; continue with: .* --resume ${dir}$`,
        ),
      });
      expect(done.steps).toBeGreaterThanOrEqual(20);
      expect(done.steps).toBeLessThan(400);
      expect((await load(dir)).step).toBe(done.steps);
      expect(
        events(['train', 'gpt', '--text', 'text.txt', '--resume', dir], { cwd }).at(-1)!
          .weightsSha256,
      ).toBe(whole);
    },
  );
});

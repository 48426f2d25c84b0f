// A vision transformer from the command line: training, resuming, judging.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeCheckpoint } from '../../src/index.ts';
import { some } from '../helpers/all.ts';
import { pattern } from '../helpers/pattern.ts';
import { type Event, ended, events, retrograd, start, workspace } from './command.ts';
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

const last = (...words: string[]): Event => events([...TRAIN, ...words], { cwd }).at(-1)!;
const digestOf = (...words: string[]): string => last(...words).weightsSha256;

describe('train vit', () => {
  test('--json prints plan, steps, validation with accuracy, and done', () => {
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
    const validation = all.at(-2)!;
    const done = all.at(-1)!;
    expect(validation).toEqual({
      event: 'validation',
      step: 4,
      loss: done.validationLoss,
      accuracy: done.validationAccuracy,
    });
    for (const field of [
      'trainLoss',
      'validationLoss',
      'validationAccuracy',
      'imagesPerSecond',
      'peakBytes',
      'parameters',
    ])
      expect(done[field], field).toBeTypeOf('number');
    expect(done).toMatchObject({
      steps: 4,
      overflowed: 0,
      reconstruction: { checkedStates: 16, mismatchedElements: 0 },
    });
    expect(done).not.toHaveProperty('tokensPerSecond');
    expect(done).not.toHaveProperty('validationBleu');
  });

  test('learns, in epochs, and says so to people', () => {
    const { code, stdout, stderr } = retrograd(
      [
        ...TRAIN,
        '--epochs',
        '15',
        '--crop',
        '0',
        '--learning-rate',
        '0.01',
        '--warmup',
        '20',
        '--out',
        'learnt',
      ],
      { cwd },
    );
    expect([code, stderr]).toEqual([0, '']);
    for (const part of [
      /^[\d,]+ parameters, 48 \+ 12 images of 8 x 8 x 1 in 4 classes \(IDX\)$/m,
      /^steps 1 to 180 of 180, batch 4, bdia, seed 1, /m,
      / images\/s /,
      /loss in nats an image/,
      /^accuracy +100\.00 % of the validation images$/m,
      /^checkpoint +learnt\/checkpoint\.safetensors$/m,
    ])
      expect(stdout).toMatch(part);
    expect(stdout).not.toMatch(/NaN|undefined|token/);
    const { stdout: judged } = retrograd(['eval', 'learnt', '--data', 'set'], { cwd });
    expect(judged).toMatch(
      pattern(
        /^loss +0\.\d{4} nats an image\naccuracy +100\.00 %, 12 right\nover +12 images /,
        /of the test set of the data it was trained on\nmodel +step 180 of 180\n$/,
      ),
    );
  });

  test('the same digest for any micro-batch and threads; every option reaches the run', () => {
    const expected = digestOf('--steps', '6');
    for (const words of [
      ['--micro-batch', '1'],
      ['--threads', '2'],
      ['--no-verify'],
      ['--validate-every', '1'],
    ])
      expect(digestOf('--steps', '6', ...words), words.join(' ')).toBe(expected);
    const options = [
      ['--seed', '2'],
      ['--crop', '0'],
      ['--crop', '3'],
      ['--flip'],
      ['--limit', '20'],
      ['--validation', '20'],
      ['--bias'],
      ['--dropout', '0.2'],
      ['--stochastic-depth', '0.5'],
      ['--gamma-shift', '2'],
      ['--reversible', 'none'],
      ['--reversible', 'coupling'],
      ['--reversible', 'leapfrog'],
      ['--reversible', 'momentum'],
      ['--reversible', 'momentum', '--momentum', '0.5'],
      ['--reversible', 'momentum', '--momentum', '0.5', '--random-momentum'],
    ];
    for (const words of some(options, 3))
      expect(digestOf('--steps', '6', ...words), words.join(' ')).not.toBe(expected);
    expect(digestOf('--steps', '6', '--reversible', 'checkpointing')).toBe(
      digestOf('--steps', '6', '--reversible', 'none'),
    );
    expect(digestOf('--epochs', '1')).toBe(digestOf('--steps', '12'));
  });

  test('validation is the same to the last bit for any micro-batch', () => {
    expect(last('--steps', '3', '--micro-batch', '1').validationLoss).toBe(
      last('--steps', '3').validationLoss,
    );
  });

  test('7 steps = 3 + resume + 4, bit for bit, with the options of the checkpoint', () => {
    const words = ['--steps', '7', '--flip', '--validation', '8', '--dropout', '0.1'];
    const whole = last(...words, '--out', 'whole');
    expect(last(...words, '--out', 'part', '--stop-at', '3').note).toMatch(
      /^stopped after step 3 of 7; continue with: .* train vit --data set --resume part$/,
    );
    const same = events(
      [
        'train',
        'vit',
        '--data',
        'set',
        '--resume',
        'part',
        '--micro-batch',
        '2',
        '--threads',
        '1',
        '--crop',
        '1',
        '--flip',
      ],
      { cwd },
    ).at(-1)!;
    expect([same.weightsSha256, same.validationLoss]).toEqual([
      whole.weightsSha256,
      whole.validationLoss,
    ]);
  });

  test('SIGINT writes the checkpoint', async () => {
    const child = start([...TRAIN, '--steps', '5000', '--out', 'killed', '--json'], cwd);
    await new Promise((resolve) => child.stdout!.once('data', resolve));
    child.kill('SIGINT');
    expect(await ended(child)).toEqual({ code: 130, signal: null });
    expect(readdirSync(join(cwd, 'killed'))).toEqual(['checkpoint.safetensors', 'log.jsonl']);
    expect(events(['inspect', 'killed'], { cwd })[0].step).toBeGreaterThan(0);
  });
});

describe('a saved one', () => {
  beforeAll(() => {
    expect(
      retrograd([...TRAIN, '--steps', '5', '--validation', '8', '--out', 'run'], { cwd }).code,
    ).toBe(0);
  });

  test('eval: its own held-out images, the test images of another set, other gammas', () => {
    const [own] = events(['eval', 'run', '--data', 'set'], { cwd });
    const [other] = events(['eval', 'run', '--data', 'other'], { cwd });
    expect(own).toEqual({
      event: 'evaluation',
      loss: expect.any(Number),
      accuracy: expect.any(Number),
      images: 8,
      step: 5,
      isTrainingData: true,
    });
    expect(own.loss).toBe(last('--steps', '5', '--validation', '8').validationLoss);
    expect(other).toMatchObject({ images: 8, isTrainingData: false });
    const [zero] = events(['eval', 'run', '--data', 'set', '--gamma', '0'], { cwd });
    const [half] = events(['eval', 'run', '--data', 'set', '--gamma', '-0.5'], { cwd });
    expect([zero.loss, zero.gamma, half.gamma]).toEqual([own.loss, 0, -0.5]);
    expect(half.loss).not.toBe(own.loss);
  });

  test('inspect shows its classes', () => {
    const [info] = events(['inspect', 'run'], { cwd });
    expect(info).toMatchObject({
      step: 5,
      options: { model: { kind: 'vit', width: 8, classes: 4 } },
      vocabulary: {
        kind: 'classes',
        names: ['0', '1', '2', '3'],
        crop: 1,
        flip: false,
        limit: null,
        validation: 8,
        epochs: null,
      },
    });
    expect(retrograd(['inspect', 'run'], { cwd }).stdout).toMatch(/^classes +4: 0, 1, 2, 3$/m);
  });

  test('is read by the library', async () => {
    const file = readFileSync(join(cwd, 'run/checkpoint.safetensors'));
    const { model } = (await decodeCheckpoint(file)).options;
    expect(model).toMatchObject({ name: 'vit', config: { patch: 4 } });
  });
});

test('plan vit is the plan of the run, with data or without', () => {
  const [expected] = events([...TRAIN, '--steps', '1'], { cwd });
  expect(
    events(['plan', 'vit', '--data', 'set', '--classes', '4', ...SHAPE, '--steps', '30'], { cwd }),
  ).toEqual([expected]);
  expect(
    events(
      [
        'plan',
        'vit',
        '--width',
        '8',
        '--height',
        '8',
        '--colours',
        '1',
        '--classes',
        '4',
        ...SHAPE,
      ],
      { cwd },
    ),
  ).toEqual([{ ...expected, data: undefined }]);
  expect(retrograd(['plan', 'vit'], { cwd }).stdout).toMatch(
    /parameters, images of 28 x 28 x 1, patches of 7 x 7; storing the states would need /,
  );
});

// Learning on from the command line: --init begins with the weights of a run, --resume with more
// --steps extends one.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { events, retrograd, TINY, TRAIN, textOf, workspace } from './command.ts';
import { idxFiles, makeFolder } from './image-files.ts';

let cwd: string;
let remove: () => void;
const OTHER = ['train', 'gpt', '--text', 'other.txt', '--steps', '3'];
const fails = (words: string[]): string => {
  const { code, stderr } = retrograd(words, { cwd });
  expect(code).toBe(2);
  return stderr;
};
const done = (words: string[]) => events(words, { cwd }).at(-1)!;

beforeAll(() => {
  ({ path: cwd, remove } = workspace());
  writeFileSync(join(cwd, 'other.txt'), textOf(1500).split('').reverse().join(''));
  writeFileSync(join(cwd, 'alien.txt'), `${textOf(1500)} Ä`);
  events([...TRAIN, '--steps', '6', '--reversible', 'none', '--out', 'base'], { cwd });
});
afterAll(() => remove());

describe('--init', () => {
  test('begins with the weights, the shape, the vocabulary and the rule of a run', () => {
    const { weightsSha256 } = events(['inspect', 'base'], { cwd })[0];
    const words = [...OTHER, '--init', 'base', '--out', 'fine', '--learning-rate', '0.0001'];
    const [plan] = events(words, { cwd });
    expect(plan.init).toEqual({ run: join(cwd, 'base'), step: 6, weightsSha256 });
    const [base, fine] = ['base', 'fine'].map((run) => events(['inspect', run], { cwd })[0]);
    expect(fine.options.model).toEqual(base.options.model);
    expect(fine.vocabulary).toEqual(base.vocabulary);
    expect(fine.options.reversible).toBe('none');
    expect(fine).toMatchObject({ step: 3 });
    expect(fine.options).toMatchObject({ steps: 3, warmup: 3, learningRate: 0.0001 });
  });

  test('loss of the first step is lower than that of a new run', () => {
    const first = (...words: string[]): number =>
      events([...TRAIN, '--steps', '1', '--reversible', 'none', ...words], { cwd })[1].loss;
    expect(first('--init', 'base')).toBeLessThan(first());
  });

  test('interrupted and resumed it has the digest of the run at once', () => {
    const whole = done([...OTHER, '--init', 'base']).weightsSha256;
    events([...OTHER, '--init', 'base', '--stop-at', '1', '--out', 'part'], { cwd });
    expect(done(['train', 'gpt', '--resume', 'part']).weightsSha256).toBe(whole);
    const { weightsSha256 } = events(['inspect', 'base'], { cwd })[0];
    const [base, part] = ['base', 'part'].map((run) => events(['inspect', run], { cwd })[0]);
    expect([base.initSha256, part.initSha256]).toEqual([undefined, weightsSha256]);
    const { stdout } = retrograd(['inspect', 'part'], { cwd });
    expect(stdout).toContain(`SHA-256 of the weights it began with:\n${weightsSha256}\n`);
    expect(retrograd(['inspect', 'base'], { cwd }).stdout).not.toContain('began with');
  });

  test('another rule, bits of the state and seed may be chosen', () => {
    const digest = (...words: string[]): string =>
      done([...OTHER, '--init', 'base', ...words]).weightsSha256;
    const all = [digest(), digest('--reversible', 'bdia'), digest('--fraction-bits', '12')];
    expect(new Set([...all, digest('--seed', '2')]).size).toBe(4);
    expect(digest('--reversible', 'checkpointing')).toBe(all[0]);
  });

  test('--fresh leaves tensors as a new run has them', () => {
    const init = ['--init', 'base', '--stop-at', '1', '--batch', '4'];
    const changed = done([...OTHER, ...init, '--fresh', 'position.*,norm.gain']).weightsSha256;
    expect(changed).not.toBe(done([...OTHER, ...init]).weightsSha256);
    expect(done([...OTHER, ...init, '--fresh', '*']).weightsSha256).toBe(
      done([
        ...OTHER,
        ...TINY,
        '--stop-at',
        '1',
        '--reversible',
        'none',
        '--vocabulary',
        'characters',
      ]).weightsSha256,
    );
  });

  test('a vision transformer gets a fresh head for other classes', () => {
    makeFolder(join(cwd, 'two'), idxFiles({ classes: 2 }));
    makeFolder(join(cwd, 'three'), idxFiles({ classes: 3 }));
    const shape = ['--layers', '1', '--channels', '16', '--heads', '2', '--steps', '2'];
    const vit = (data: string, ...words: string[]): string[] => [
      'train',
      'vit',
      '--data',
      data,
      '--batch',
      '4',
      ...words,
    ];
    events(vit('two', ...shape, '--classes', '2', '--out', 'two-run'), { cwd });
    const words = vit('three', '--init', 'two-run', '--classes', '3', '--steps', '2');
    expect(retrograd(words, { cwd }).stderr).toMatch(
      /tensor head.weight has shape \[2, 16\], expected \[3, 16\]. HINT: .*--fresh/,
    );
    expect(done([...words, '--fresh', 'head.*']).steps).toBe(2);
  });

  test.each<[string, string[], RegExp]>([
    ['a text with other characters', ['--text', 'alien.txt'], /'alien.txt' has the character 'Ä'/],
    [
      'another shape',
      ['--layers', '3'],
      /--layers is 3 \(checkpoint: 2\), expected the checkpoint/,
    ],
    ['another vocabulary', ['--vocabulary', 'bytes'], /--vocabulary is bytes \(checkpoint: char/],
    ['a run that is not there', ['--init', 'nowhere'], /checkpoint 'nowhere\/checkpoint/],
    ['no run at all', ['--init', ''], /--init is '', expected a directory/],
    ['names that fit nothing', ['--fresh', 'head.*'], /--fresh has "head.\*", which fits none/],
    ['names that are empty', ['--fresh', 'head.*,'], /--fresh is 'head.\*,', expected names/],
  ])('with %s is refused', (_, words, message) =>
    expect(fails([...OTHER, '--init', 'base', ...words])).toMatch(message),
  );

  test('--fresh alone is refused, and weights of another kind of model', () => {
    expect(fails([...OTHER, '--fresh', 'norm.gain'])).toMatch(/expected --init DIR too/);
    const vit = ['train', 'vit', '--data', 'two', '--init', 'base'];
    expect(fails(vit)).toMatch(/is of a GPT \(train gpt\), expected a vision transformer/);
  });
});

describe('--freeze', () => {
  const FREEZE = ['--freeze', 'token.weight,block.*,!*.gain'];

  test('tensors stay as they are; the checkpoint keeps which, and a resumed run goes on so', () => {
    const tensors = (run: string): { name: string; min: number; max: number }[] =>
      events(['inspect', run], { cwd })[0].tensors;
    const words = [...OTHER, '--init', 'base', ...FREEZE];
    const [plan] = events([...words, '--out', 'frozen'], { cwd });
    const [whole] = events([...OTHER, '--init', 'base', '--stop-at', '1'], { cwd });
    expect(plan.bytes.gradients).toBeLessThan(whole.bytes.gradients / 20);
    const [before, after] = ['base', 'frozen'].map(tensors);
    for (const { name, min, max } of after.slice(
      0,
      after.findIndex((t) => /^opt/.test(t.name)),
    )) {
      const { min: low, max: high } = before.find((tensor) => tensor.name === name)!;
      const isTrained = name === 'position.weight' || name.endsWith('gain');
      expect([min, max].join() !== [low, high].join(), name).toBe(isTrained);
    }
    expect(events(['inspect', 'frozen'], { cwd })[0].options.freeze).toEqual(FREEZE[1].split(','));
    events([...words, '--stop-at', '2', '--out', 'frozen-part'], { cwd });
    expect(done(['train', 'gpt', '--resume', 'frozen-part', ...FREEZE]).weightsSha256).toBe(
      events(['inspect', 'frozen'], { cwd })[0].weightsSha256,
    );
  });

  test.each<[string, string[], RegExp]>([
    ['names that fit nothing', ['--freeze', 'head.*'], /--freeze has "head.\*", which fits none/],
    ['an empty name', ['--freeze', ''], /--freeze is '', expected names with a comma between/],
  ])('with %s is refused', (_, words, message) =>
    expect(fails([...OTHER, ...words])).toMatch(message),
  );

  test('other names than the checkpoint has are refused', () =>
    expect(fails(['train', 'gpt', '--resume', 'frozen', '--freeze', 'norm.gain'])).toMatch(
      /--freeze is norm.gain \(checkpoint: token.weight,block.\*,!\*.gain\), expected/,
    ));
});

describe('--resume with more --steps', () => {
  const MORE = ['train', 'gpt', '--resume'];
  const START = [...TRAIN, '--steps', '4', '--warmup', '1'];

  test('extends a run that is complete; one digest however it was interrupted', () => {
    const run = (dir: string, ...words: string[]) =>
      events([...MORE, dir, '--steps', '9', '--warmup', '2', ...words], { cwd });
    events([...START, '--out', 'whole'], { cwd });
    const steps = run('whole').filter(({ event }) => event === 'step');
    expect(steps.map(({ step }) => step)).toEqual([5, 6, 7, 8, 9]);
    const { weightsSha256: expected } = events(['inspect', 'whole'], { cwd })[0];

    events([...START, '--out', 'cut', '--stop-at', '2'], { cwd });
    run('cut', '--stop-at', '6');
    expect(done([...MORE, 'cut']).weightsSha256).toBe(expected);

    events([...START, '--out', 'twice', '--stop-at', '3'], { cwd });
    run('twice', '--stop-at', '5');
    expect(run('twice').at(-1)!.weightsSha256).toBe(expected);
  });

  test('rates: those of the run, then a warm-up and a decay of their own', () => {
    const rates = (words: string[]): number[] =>
      events(words, { cwd })
        .filter(({ event }) => event === 'step')
        .map(({ learningRate }) => learningRate);
    const before = rates([...START, '--out', 'rates']);
    const words = ['--learning-rate', '0.0005', '--warmup', '2'];
    const after = rates([...MORE, 'rates', '--steps', '9', ...words]);
    expect(before).toEqual(rates([...TRAIN, '--steps', '4', '--warmup', '1']));
    expect(after).toEqual(rates([...TRAIN, '--steps', '5', ...words]));
    const { options } = events(['inspect', 'rates'], { cwd })[0];
    expect(options).toMatchObject({ steps: 9, extended: [4], learningRate: 0.0005, warmup: 2 });
  });

  test('extends it again, with what was given last', () => {
    events([...START, '--out', 'again'], { cwd });
    events([...MORE, 'again', '--steps', '6', '--decay', 'constant', '--lr', '0.0002'], { cwd });
    events([...MORE, 'again', '--steps', '9'], { cwd });
    const { step, options } = events(['inspect', 'again'], { cwd })[0];
    expect(step).toBe(9);
    expect(options).toMatchObject({ extended: [4, 6], learningRate: 0.0002, decay: 'constant' });
  });
});

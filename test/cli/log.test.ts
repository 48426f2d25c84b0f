// DIR/log.jsonl, --keep-best, validations that nobody asked for, and data that a run finds again.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadCheckpoint } from '../../src/cli/files.ts';
import { readLog } from '../../src/cli/log.ts';
import { validationsOf } from '../../src/cli/validation.ts';
import { type Event, ended, events, retrograd, start, TRAIN, workspace } from './command.ts';

let cwd: string;
let remove: () => void;
beforeAll(() => {
  ({ path: cwd, remove } = workspace());
});
afterAll(() => remove());

const at = (...names: string[]): string => join(cwd, ...names);
const logOf = (run: string): Event[] => [...readLog(at(run, 'log.jsonl'))];
const stepsOf = (log: Event[]): number[] =>
  log.filter(({ event }) => event === 'step').map(({ step }) => step);
const upTo = (last: number, first = 1): number[] =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i);

describe('log.jsonl', () => {
  test('has what --json prints, whether it is printed or not', () => {
    const printed = events([...TRAIN, '--steps', '25', '--out', 'json'], { cwd });
    expect(logOf('json')).toEqual(printed);
    const { stdout } = retrograd([...TRAIN, '--steps', '25', '--out', 'words'], { cwd });
    expect(stdout).not.toContain('{');
    const timeless = (log: Event[]): Event[] =>
      log.map(({ milliseconds: _, tokensPerSecond: __, checkpoint: ___, ...rest }) => rest);
    expect(timeless(logOf('words'))).toEqual(timeless(printed));
  });

  test.each([
    ['as it was', (log: string) => log],
    ['with a torn last line', (log: string) => `${log}{"event":"step","step":6,"lo`],
    ['with a last line that lacks its line feed', (log: string) => log.trimEnd()],
    [
      'with steps after the checkpoint',
      (log: string) => `${log}{"event":"step","step":6}\n{"event":"step","step":7}\n`,
    ],
  ])('of a resumed run goes on %s, and has every step once', (_, change) => {
    fs.rmSync(at('part'), { recursive: true, force: true });
    events([...TRAIN, '--steps', '9', '--out', 'part', '--stop-at', '5'], { cwd });
    const before = fs.readFileSync(at('part/log.jsonl'), 'utf8');
    fs.writeFileSync(at('part/log.jsonl'), change(before));
    const later = events(['train', 'gpt', '--resume', 'part'], { cwd });
    expect(fs.readFileSync(at('part/log.jsonl'), 'utf8')).toBe(
      before + later.map((event) => `${JSON.stringify(event)}\n`).join(''),
    );
    expect(stepsOf(logOf('part'))).toEqual(upTo(9));
  });

  test('goes along when a run goes on in another directory', () => {
    events([...TRAIN, '--steps', '6', '--out', 'first', '--stop-at', '4'], { cwd });
    const before = fs.readFileSync(at('first/log.jsonl'), 'utf8');
    events(['train', 'gpt', '--resume', 'first', '--out', 'second'], { cwd });
    expect(fs.readFileSync(at('first/log.jsonl'), 'utf8')).toBe(before);
    expect(stepsOf(logOf('second'))).toEqual(upTo(6));
  });

  test('after SIGKILL at any time the resumed run has all steps once, equal weights', async () => {
    const words = [...TRAIN, '--steps', '300'];
    const whole = events([...words, '--out', 'unkilled'], { cwd }).at(-1)!;
    const child = start([...words, '--out', 'killed', '--save-every', '20', '--json'], cwd);
    await new Promise<void>((resolve) =>
      child.stdout!.on('data', (chunk: Buffer) => {
        if (chunk.toString().includes('"step":67,')) resolve();
      }),
    );
    child.kill('SIGKILL');
    await ended(child);
    const killed = stepsOf(logOf('killed')).length;
    expect(killed).toBeGreaterThanOrEqual(67);
    const { step } = await loadCheckpoint(at('killed'));
    const resumed = events(['train', 'gpt', '--resume', 'killed'], { cwd });
    expect(stepsOf(resumed)).toEqual(upTo(300, step + 1));
    expect(stepsOf(logOf('killed'))).toEqual(upTo(300));
    expect(resumed.at(-1)!.weightsSha256).toBe(whole.weightsSha256);
    const losses = (log: Event[]): number[] =>
      log.filter(({ event }) => event === 'step').map(({ loss }) => loss);
    expect(losses(logOf('killed'))).toEqual(losses(logOf('unkilled')));
  });

  test('of an earlier run without a checkpoint is kept beside the new one', () => {
    events([...TRAIN, '--steps', '3', '--out', 'anew'], { cwd });
    const before = fs.readFileSync(at('anew/log.jsonl'), 'utf8');
    fs.rmSync(at('anew/checkpoint.safetensors'));
    events([...TRAIN, '--steps', '4', '--out', 'anew'], { cwd });
    expect(stepsOf(logOf('anew'))).toEqual(upTo(4));
    expect(fs.readFileSync(at('anew/log.old.jsonl'), 'utf8')).toBe(before);
  });

  test.each<[string, (path: string) => void]>([
    ['a directory', (path) => fs.mkdirSync(path)],
    ['a link to a full disk', (path) => fs.symlinkSync('/dev/full', path)],
    ['a link to a file of somebody else', (path) => fs.symlinkSync(at('precious'), path)],
    ['a pipe', (path) => spawnSync('mkfifo', [path])],
    ['a log of another program', (path) => fs.writeFileSync(path, '{"level":"info"}\n')],
  ])('that is %s costs a warning and not the run, and is left alone', (name, make) => {
    const dir = `bad ${name}`;
    fs.writeFileSync(at('precious'), 'precious');
    fs.mkdirSync(at(dir));
    make(at(dir, 'log.jsonl'));
    const { code, stderr } = retrograd([...TRAIN, '--steps', '3', '--out', dir], { cwd });
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /^retrograd: warning: the log '[^']+' [^\n]+; the run goes on without it\n$/,
    );
    expect(fs.readFileSync(at('precious'), 'utf8')).toBe('precious');
    if (name.includes('program'))
      expect(fs.readFileSync(at(dir, 'log.jsonl'), 'utf8')).toBe('{"level":"info"}\n');
  });

  test('is read in pieces: long lines, bytes that are not UTF-8, characters across pieces', () => {
    const event = { event: 'step', step: 1, text: 'ü'.repeat(70_000) };
    fs.writeFileSync(
      at('mixed.jsonl'),
      Buffer.concat([
        Buffer.from(`x${JSON.stringify({ ...event, text: '' })}\n${JSON.stringify(event)}\n`),
        Buffer.from([0xff, 0xfe, 10, 10]),
        Buffer.from(`"${'y'.repeat(3 * 2 ** 20)}"\n{"event":"done"}`),
      ]),
    );
    expect([...readLog(at('mixed.jsonl'))]).toEqual([event, { event: 'done' }]);
  });
});

describe('validation', () => {
  test('by default is some twenty times of a few samples, and changes no bit', () => {
    expect(validationsOf({}, { steps: 1000, batch: 8 })).toEqual({ every: 50, scope: 24 });
    expect(validationsOf({}, { steps: 10, batch: 1 })).toEqual({ every: 20, scope: 1 });
    expect(validationsOf({ validateEvery: 7 }, { steps: 1000, batch: 8 })).toEqual({
      every: 7,
      scope: 'all',
    });
    expect(validationsOf({ keepBest: true }, { steps: 1000, batch: 8 })).toEqual({
      every: 50,
      scope: 'all',
    });
    const by = (...more: string[]): Event[] =>
      events([...TRAIN, '--steps', '60', ...more], { cwd });
    const some = by();
    const none = by('--validate-every', '0');
    const judged = some.filter(({ event }) => event === 'validation');
    expect(judged.map(({ step }) => step)).toEqual([20, 40, 60]);
    expect(judged.map(({ share }) => share)).toEqual([4 / 24, 4 / 24, undefined]);
    expect(some.at(-1)!.weightsSha256).toBe(none.at(-1)!.weightsSha256);
    expect(none.filter(({ event }) => event === 'validation')).toHaveLength(1);
  });

  test(
    '--keep-best keeps the lowest loss, also over a resume, and sample, eval and --resume take ' +
      'it',
    async () => {
      const words = [
        ...TRAIN,
        '--steps',
        '80',
        '--lr',
        '0.03',
        '--decay',
        'constant',
        '--warmup',
        '1',
      ];
      const lowest = (log: Event[]): Event =>
        log
          .filter(({ event }) => event === 'validation')
          .reduce((a, b) => (b.loss < a.loss ? b : a));
      const part = events(
        [...words, '--out', 'best', '--keep-best', '--validate-every', '4', '--stop-at', '50'],
        { cwd },
      );
      const before = lowest(part);
      expect(part.at(-1)).toMatchObject({
        best: 'best/best.safetensors',
        bestStep: before.step,
        bestValidationLoss: before.loss,
      });
      events(['train', 'gpt', '--resume', 'best', '--keep-best', '--validate-every', '4'], { cwd });
      const best = lowest(logOf('best'));
      expect((await loadCheckpoint(at('best/best.safetensors'))).step).toBe(best.step);
      const [judged] = events(['eval', 'best/best.safetensors'], { cwd });
      expect(judged).toMatchObject({ loss: best.loss, step: best.step, isTrainingText: true });
      expect(events(['sample', 'best/best.safetensors', '--length', '5'], { cwd })[0].step).toBe(
        best.step,
      );
      const again = events(
        [
          'train',
          'gpt',
          '--resume',
          'best/best.safetensors',
          '--out',
          'from-best',
          '--stop-at',
          String(best.step + 1),
        ],
        { cwd },
      );
      expect(stepsOf(again)).toEqual([best.step + 1]);
      expect(stepsOf(logOf('from-best'))).toEqual(upTo(best.step + 1));
    },
  );
});

describe('data that a run finds again', () => {
  test('eval DIR and --resume DIR need no path, from any directory', () => {
    const done = events([...TRAIN, '--steps', '3', '--out', 'own'], { cwd }).at(-1)!;
    const [{ loss, isTrainingText, part }] = events(['eval', at('own')], { cwd: '/' });
    expect([loss, isTrainingText, part]).toEqual([done.validationLoss, true, 'validation']);
  });

  test('eval DIR refuses a text that changed since, and says which', () => {
    fs.copyFileSync(at('text.txt'), at('changing.txt'));
    events([...TRAIN, '--steps', '2', '--out', 'changed', '--text', 'changing.txt'], { cwd });
    fs.appendFileSync(at('changing.txt'), 'the lazy dog');
    const { code, stderr } = retrograd(['eval', 'changed'], { cwd });
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/changing\.txt', which the log names, changed since the run/),
    ]);
    fs.rmSync(at('changing.txt'));
    expect(retrograd(['eval', 'changed'], { cwd })).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/does not exist/),
    });
  });
});

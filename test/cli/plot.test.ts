// retrograd plot: curves in characters, as SVG, as a table.

import fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Curve, readHistory, thin, ticks } from '../../src/cli/plot/curves.ts';
import { svgChart } from '../../src/cli/plot/svg.ts';
import { textChart } from '../../src/cli/plot/text.ts';
import { lossChart } from '../../src/cli/report.ts';
import { type Event, events, retrograd, TRAIN, workspace } from './command.ts';

let cwd: string;
let remove: () => void;
let log: Event[];
beforeAll(() => {
  ({ path: cwd, remove } = workspace());
  log = events([...TRAIN, '--steps', '60', '--out', 'run'], { cwd });
  events([...TRAIN, '--steps', '40', '--seed', '2', '--out', 'a, "b" <c>'], { cwd });
});
afterAll(() => remove());

const curve = (losses: number[], more: Partial<Curve> = {}): Curve => ({
  run: 'a',
  kind: 'training',
  steps: losses.map((_, i) => i + 1),
  losses,
  ...more,
});
const falling = curve(Array.from({ length: 1000 }, (_, i) => 4 * 0.998 ** i));
const OPTIONS = { columns: 80, rows: 11, hasColour: false, isPlain: false };

describe('a chart in characters', () => {
  test.each([24, 40, 80, 200])(
    'fits %i columns, falls from left to right and names its ends',
    (columns) => {
      const [title, ...lines] = textChart('loss', [falling], { ...OPTIONS, columns }).split('\n');
      expect([title, lines.length]).toEqual(['loss', 12]);
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
      expect(lines[0].indexOf('*')).toBeLessThan(lines[9].indexOf('*'));
      expect(lines[0]).toMatch(/^ +\d\.\d\d ┤\*/);
      expect(lines[11]).toMatch(/^ +1 +1000 {2}step$/);
    },
  );

  test('tells curves apart by marks, with colour by colour too', () => {
    const rising = curve([1, 4], { run: 'b', steps: [1, 1000] });
    const chart = textChart('loss', [falling, rising], OPTIONS);
    expect(chart).toMatch(/\n {2}\* a {3}o b {3}% several$/);
    expect(textChart('loss', [falling, rising], { ...OPTIONS, hasColour: true })).toContain(
      '\u001b[33mo\u001b[0m b',
    );
    expect(textChart('loss', [falling, rising], { ...OPTIONS, isPlain: true })).toMatch(
      /^[ -~\n]+$/,
    );
  });

  test('is drawn for constant, single and few losses', () => {
    for (const losses of [[1, 1, 1], [2], [3, 1]])
      expect(textChart('loss', [curve(losses)], OPTIONS)).not.toMatch(/NaN|undefined/);
  });

  test('of a run that ends has its validation too', () => {
    const history = {
      from: 0,
      losses: falling.losses,
      validations: [
        { step: 500, loss: 2 },
        { step: 1000, loss: 1 },
      ],
      clampedSteps: 0,
      milliseconds: 1,
    };
    expect(lossChart(history, 80)).toMatch(
      /^loss in nats a token\n[\s\S]*\* training {3}o validation/,
    );
    expect(lossChart({ ...history, validations: [] }, 80)).not.toContain('validation');
  });
});

describe('numbers of a chart', () => {
  test('ticks are round and within the range', () => {
    expect(ticks([0, 10], 5)).toEqual([0, 2, 4, 6, 8, 10]);
    expect(ticks([1.93, 3.31], 6)).toEqual([2, 2.5, 3]);
    expect(ticks([0.1, 0.3], 4)).toEqual([0.1, 0.15, 0.2, 0.25, 0.3]);
  });

  test('a long curve is thinned to means; a short one is as it is', () => {
    const { steps, losses } = thin(curve([1, 3, 5, 7]), 2);
    expect([steps, losses]).toEqual([
      [1.5, 3.5],
      [2, 6],
    ]);
    expect(thin(falling, 1000)).toEqual(falling);
  });
});

describe('an SVG file', () => {
  const runs = [falling, curve([1, 2], { run: 'x & <y>', kind: 'validation' })];
  const chart = svgChart('Loss of 2 runs', 'nats a token', runs);

  test('is XML with title, description, axes with units, both colour schemes and a legend', () => {
    for (const part of [
      '<title id="title">Loss of 2 runs</title>',
      '<desc id="desc">Loss in nats a token against steps.',
      'role="img" aria-labelledby="title desc"',
      'prefers-color-scheme: dark',
      '>step</text>',
      '>loss in nats a token</text>',
      'x &#38; &#60;y&#62; (validation)',
      'stroke-dasharray',
    ])
      expect(chart).toContain(part);
    expect(chart).not.toMatch(/NaN|undefined|Infinity|<script|href/);
    expect(chart.match(/<(\w+)[ >]/g)!.length).toBe(chart.match(/<\/\w+>|\/>/g)!.length);
  });

  test('is written, replaces a chart and nothing else', () => {
    expect(retrograd(['plot', 'run', 'a, "b" <c>', '--svg', 'chart.svg'], { cwd })).toMatchObject({
      code: 0,
      stdout: 'chart.svg written\n',
      stderr: '',
    });
    expect(fs.readFileSync(join(cwd, 'chart.svg'), 'utf8')).toMatch(
      /^<svg [\s\S]*&#34;b&#34; &#60;c&#62;[\s\S]*<\/svg>\n$/,
    );
    expect(retrograd(['plot', 'run', '--svg', 'chart.svg'], { cwd }).code).toBe(0);
    const before = fs.readFileSync(join(cwd, 'run/checkpoint.safetensors'));
    expect(
      retrograd(['plot', 'run', '--svg', 'run/checkpoint.safetensors'], { cwd }),
    ).toMatchObject({ code: 2, stderr: expect.stringContaining('is a file that is no SVG') });
    expect(fs.readFileSync(join(cwd, 'run/checkpoint.safetensors'))).toEqual(before);
    expect(retrograd(['plot', 'run', '--svg', 'no/where.svg'], { cwd })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('does not exist'),
    });
  });
});

describe('retrograd plot', () => {
  test('shows both curves of one run, the training loss of several', () => {
    const one = retrograd(['plot', 'run'], { cwd }).stdout;
    expect(one).toMatch(/^loss in nats a token of run\n/);
    expect(one).toMatch(/\n {2}\* training {3}o validation/);
    expect(retrograd(['plot', 'run', 'a, "b" <c>'], { cwd }).stdout).toMatch(
      /\n {2}\* run {3}o a, "b" <c>/,
    );
    expect(retrograd(['plot', 'run', 'a, "b" <c>', '--curve', 'validation'], { cwd }).code).toBe(0);
    const curves = events(['plot', 'run'], { cwd });
    expect(curves.map(({ run, kind }) => [run, kind])).toEqual([
      ['run', 'training'],
      ['run', 'validation'],
    ]);
    expect(curves[0].losses).toEqual(
      log.filter(({ event }) => event === 'step').map(({ loss }) => loss),
    );
  });

  test('--csv has a row a step, quoted where needed', () => {
    const lines = retrograd(['plot', 'run', 'a, "b" <c>', '--csv'], { cwd })
      .stdout.trimEnd()
      .split('\n');
    expect(lines[0]).toBe('run,step,loss,validationLoss,gradientNorm,learningRate,milliseconds');
    expect(lines).toHaveLength(101);
    const { loss, gradientNorm, learningRate, milliseconds } = log.filter(
      ({ event }) => event === 'step',
    )[59];
    const { loss: judged } = log.filter(({ event }) => event === 'validation').at(-1)!;
    expect(lines[60]).toBe(
      ['run', 60, loss, judged, gradientNorm, learningRate, milliseconds].join(','),
    );
    expect(lines[61]).toMatch(/^"a, ""b"" <c>",1,/);
  });

  test('takes a log too, in which a step that comes again counts once', () => {
    const at = (step: number, loss: number): string =>
      JSON.stringify({ event: 'step', step, loss });
    fs.writeFileSync(
      join(cwd, 'own.jsonl'),
      [at(1, 5), at(2, 4), at(3, 9), 'torn', at(2, 4.5), at(3, 3)].join('\n'),
    );
    expect(readHistory(join(cwd, 'own.jsonl')).steps.map(({ step, loss }) => [step, loss])).toEqual(
      [
        [1, 5],
        [2, 4.5],
        [3, 3],
      ],
    );
  });

  test.each<[string, string[], RegExp]>([
    ['nothing', [], /missing required argument 'DIR', expected it/],
    [
      'a directory that is not there',
      ['nowhere'],
      /the log of 'nowhere' does not exist, expected the directory of a run or its log/,
    ],
    ['a file that is no log', ['text.txt'], /the log of 'text\.txt' has no step/],
    [
      'a curve that there is not',
      ['run', '--curve', 'test'],
      /--curve is 'test', expected training or validation or both/,
    ],
  ])('%s is refused', (_, words, message) => {
    const { code, stdout, stderr } = retrograd(['plot', ...words], { cwd });
    expect(stderr).toMatch(message);
    expect([code, stdout]).toEqual([2, '']);
  });
});

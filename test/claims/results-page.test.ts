// docs/results.md from runs: tables, verdicts, targets and charts made from runs whose means and
// deviations are known, any subset of them.

import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EXPERIMENTS, FIGURES } from '../../bench/experiments/list.ts';

const root = join(import.meta.dirname, '../..');
const script: string = join(root, 'docs/generate/results-page.mjs');
const page = await import(/* @vite-ignore */ script);
const defined = JSON.parse(JSON.stringify({ experiments: EXPERIMENTS, figures: FIGURES }));
const experimentOf = (name: string) =>
  defined.experiments.find((one: { name: string }) => one.name === name);
// MNIST has been run with BDIA only; a second cell to compare it with
experimentOf('mnist').cells.push({ id: 'plain', label: 'plain', options: {}, paper: '98.56 %' });

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'retrograd-results-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A run of a cell that ended with this accuracy; its curve climbs to it. */
function put(
  into: string,
  { experiment, cell, seed }: { experiment: string; cell: string; seed: number },
  accuracy: number,
  more: object = {},
): void {
  const curve = [1, 2].map((part) => ({
    step: part * 100,
    trainLoss: 2 / part,
    loss: 2.1 / part,
    accuracy: (accuracy * part) / 2,
  }));
  const found = {
    final: curve[1],
    best: { accuracy, loss: 1.05 },
    curve,
    gammas: [-0.5, 0, 0.5].map((gamma) => ({
      gamma,
      accuracy: accuracy - (cell === 'plain' ? 0.4 : 0.01) * Math.abs(gamma),
      loss: 1,
    })),
    millisecondsPerStep: 50,
    peakBytes: 12e6,
    plan: { bytes: { sideBits: 1e5 } },
    totals: { checkedStates: 1000, mismatchedElements: 0, saturated: 3, overflowed: 0 },
    ...more,
  };
  const environment = {
    cpu: 'a processor',
    cores: 2,
    system: 'linux x64',
    node: 'v20',
    threads: 1,
    date: '2026-01-02',
    commit: 'abc',
  };
  mkdirSync(join(into, experiment), { recursive: true });
  writeFileSync(
    join(into, experiment, `${cell}-${seed}.json`),
    JSON.stringify({
      experiment,
      cell,
      label: experimentOf(experiment).cells.find(({ id }: { id: string }) => id === cell).label,
      seed,
      scale: 1,
      options: { model: { layers: 6 }, batch: 32, steps: 200, seed, trainImages: 100 },
      data: { name: 'd', sha256: 'f'.repeat(64) },
      found,
      libraryVersion: '0.1.0',
      environment,
      seconds: 1800,
    }),
  );
}
function fixture(name: string, cells: Record<string, number[]>, experiment = 'mnist'): string {
  const into = join(folder, name);
  for (const [cell, accuracies] of Object.entries(cells))
    for (const [i, accuracy] of accuracies.entries())
      put(into, { experiment, cell, seed: i + 1 }, accuracy);
  return into;
}
const block = (into: string, name = 'mnist'): string =>
  page.resultParts(defined, into).blocks[`results-${name}`];

describe('tables and sentences', () => {
  test('mean ± deviation, n, the target, what was rebuilt, where it comes from', () => {
    const made = block(
      fixture('wins', { bdia: [0.985, 0.986, 0.987], plain: [0.96, 0.961, 0.962] }),
    );
    expect(made).toContain('| BDIA | 3 | 98.60 ± 0.10 | 98.60 ± 0.10 | 1.0500 |');
    expect(made).toContain('| plain | 3 | 96.10 ± 0.10 |');
    expect(made).toContain(
      'BDIA (98.60 ± 0.10 %) has the highest mean (test accuracy), before plain (96.10 ± ' +
        '0.10 %); the difference of 2.50 percentage points exceeds the spread of seeds (larger ' +
        'standard deviation of the two: 0.10).',
    );
    expect(made).toContain(
      'Target: BDIA, test accuracy: at least 98.50 %; measured 98.60 ± 0.10 %: reached.',
    );
    expect(made).toContain(
      '6,000 states were rebuilt and checked in 6 runs: 0 elements differed, 0 elements ' +
        'overflowed.',
    );
    expect(made).toMatch(/seeds 1, 2, 3; 3\.0 h of runs, 2026-01-02: a processor, 2 cores/);
  });

  test('BDIA that does not win is said not to, and a target missed is', () => {
    const made = block(
      fixture('loses', { bdia: [0.97, 0.98, 0.975], plain: [0.976, 0.98, 0.978] }),
    );
    expect(made).toContain(
      '**Not BDIA**: plain (97.80 ± 0.20 %) has the highest mean (test accuracy), BDIA ' +
        '(97.50 ± 0.50 %) is behind; the difference of 0.30 percentage points does **not** ' +
        'exceed the spread of seeds',
    );
    expect(made).toMatch(/at least 98\.50 %; measured 97\.50 ± 0\.50 %: \*\*missed\*\*\./);
  });

  test('a target in units of another cell: the ratio of means, reached, missed or not run', () => {
    const into = fixture(
      'relative',
      { bdia: [0.2, 0.18], 'float32-bdia': [0.2, 0.2, 0.2], plain: [0.188, 0.189] },
      'translation',
    );
    const bleu = (cell: string, seed: number, score: number): void =>
      put(into, { experiment: 'translation', cell, seed }, 0, {
        final: { step: 200, trainLoss: 1, loss: 1, bleu: score },
      });
    bleu('bdia', 1, 20);
    bleu('bdia', 2, 18);
    for (const seed of [1, 2, 3]) bleu('float32-bdia', seed, 20); // 19 of 20
    const lines = (): string[] =>
      block(into, 'translation')
        .split('\n')
        .filter((line) => line.startsWith('Target'));
    expect(lines()).toEqual([
      'Target: BDIA, BLEU, greedy: at least 0.950 x that of BDIA, float32 (PyTorch); ' +
        'measured 0.950 x (n = 2 and 3): reached.',
      'Target: BDIA, int8, BLEU, greedy: at least 0.950 x that of BDIA; not run yet.',
      'Target: plain, BLEU, greedy: at least 0.950 x that of plain, float32 (PyTorch); not ' +
        'run yet.',
    ]);
    bleu('bdia', 2, 17.9);
    bleu('plain', 1, 30);
    bleu('plain', 2, 30);
    bleu('float32', 1, 24);
    bleu('bdia-int8', 1, 37.9);
    expect(lines()).toEqual([
      expect.stringContaining('measured 0.948 x (n = 2 and 3): **missed**.'),
      expect.stringContaining('measured 2.000 x (n = 1 and 2): reached.'),
      expect.stringContaining('measured 1.250 x (n = 2 and 1): reached.'),
    ]);
    // the same rule in other numbers is no rival of it
    expect(block(into, 'translation')).toContain('plain (30.00) has the highest mean');
  });

  test('one seed has no spread, a missing cell is named so, a run that ended by itself too', () => {
    const into = fixture('few', { plain: [0.3, 0.31], dropout: [0.35] }, 'cifar');
    expect(block(into, 'cifar')).toContain('BDIA has no run yet, so nothing is compared.');
    put(into, { experiment: 'cifar', cell: 'bdia', seed: 1 }, 0.33);
    put(into, { experiment: 'cifar', cell: 'coupling', seed: 1 }, 0, {
      failed: 'a state left its range',
    });
    const made = block(into, 'cifar');
    expect(made).toContain(
      'cannot be compared with the spread of seeds: a cell has one run only. 1 cell of 5 ' +
        'not run yet.',
    );
    expect(made).toContain('| coupling (RevViT) | 1 (1 ended by itself) |');
    expect(made).toContain(
      '**coupling (RevViT), seed 1, ended by itself**: a state left its range.',
    );
    expect(made).toMatch(/\| plain, stochastic depth 0\.1 \| not run yet \|/);
    expect(made).toMatch(/\| plain \| 2 \|.*\| 88\.15 % \|/);
    expect(made).toContain('as reported in machine-written reviews');
    expect(block(into, 'mnist')).toBe('Not run yet: `npm run experiment -- mnist`.');
  });

  test('runs of different data in one table are said to be', () => {
    const into = fixture('mixed', { bdia: [0.9, 0.9] });
    const file = join(into, 'mnist/bdia-2.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('f'.repeat(64), 'e'.repeat(64)));
    expect(block(into)).toContain('**The runs are of different data.**');
  });
});

test('figure 1: a column a cell, how far each falls, a chart', () => {
  const into = fixture('figure', { plain: [0.5, 0.52], bdia: [0.51, 0.53] }, 'cifar');
  const { blocks, charts } = page.resultParts(defined, into);
  const made = blocks['results-figure1'];
  expect(made).toContain('| gamma | plain, % | BDIA, % |');
  expect(made).toContain('| -0.5 | 31.00 ± 1.41 | 51.50 ± 1.41 |');
  expect(made).toContain(
    'plain loses 20.00 percentage points (n = 2); BDIA loses 0.50 percentage points (n = 2)',
  );
  expect(Object.keys(charts).sort()).toEqual(['results-cifar.svg', 'results-figure1.svg']);
  for (const svg of Object.values(charts)) {
    expect(svg).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  }
});

describe('where a rule wins', () => {
  /** Runs of a set whose losses are `plain` and, with a rule, so much more at each evaluation. */
  function putSet(into: string, set: string, rules: Record<string, number[]>, seeds = 2): void {
    const plain = [2, 1.5, 1.2, 1.3];
    for (const [rule, differences] of Object.entries({ plain: [0, 0, 0, 0], ...rules }))
      for (let seed = 1; seed <= seeds; seed++) {
        const losses = plain.map((loss, i) => loss + differences[i] * (1 + 0.1 * seed));
        const curve = losses.map((loss, i) => ({
          step: 50 * (i + 1),
          trainLoss: 2 / (i + 1),
          loss,
        }));
        put(into, { experiment: 'where', cell: `${set}-${rule}`, seed }, 0, {
          curve,
          final: curve[3],
          best: { loss: Math.min(...losses) },
        });
      }
  }

  test('a crossing is shown with the training losses and epochs around it', () => {
    const into = join(folder, 'crossing');
    putSet(into, 'text-50', {
      'bdia-1': [0.1, 0.05, -0.05, -0.1], // crosses between 1 and 0.667
      'bdia-2': [-0.1, -0.1, -0.1, -0.1], // was never above: no crossing
      'bdia-3': [0.1, -0.05, 0.05, 0.1],
      dropout: [0.1, 0.1, 0.1, -0.1],
    });
    const made = block(into, 'where');
    expect(made).toMatch(
      /^\*\*A crossing is shown\*\* on 1 of 1 sets: text, 50 kB \(BDIA, gamma \+-1\/2\)\. /,
    );
    expect(made).toContain(
      'BDIA, gamma +-1/2 crosses where the training loss of plain falls from 1.000 to 0.667 ' +
        '(epochs 32.0 to 48.0), -0.1150 ± 0.0071 at the end; BDIA, gamma +-1/4 is below plain, ' +
        '-0.1150 ± 0.0071 at the end; BDIA, gamma +-1/8 is above plain, +0.1150 ± 0.0071 at ' +
        'the end; plain, dropout 0.1 crosses where',
    );
    expect(made).toContain('plain ends +0.1000 over its lowest held-out loss');
    expect(made).toContain(
      'BDIA below plain on text, 50 kB (BDIA, gamma +-1/2 and BDIA, gamma +-1/4); above it on ' +
        'text, 50 kB (BDIA, gamma +-1/8).',
    );
    expect(made).not.toMatch(/not run yet|150 kB|digits|4,000|NaN|undefined/);
    const { charts } = page.resultParts(defined, into);
    const svg: string = charts['results-where.svg'];
    expect(svg.match(/ -?[\d.]+h0/g)).toHaveLength(16);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });

  test('none is said to be none; what is within the spread of seeds is no win', () => {
    const into = join(folder, 'no-crossing');
    putSet(into, 'text-50', { 'bdia-1': [0.1, 0.1, 0.1, 0.1] });
    putSet(into, 'text-150', { 'bdia-1': [0.1, 0.1, 0.1, -0.1] }, 1);
    expect(block(into, 'where')).toMatch(
      /^\*\*No crossing was found\*\* on 2 sets: nowhere does BDIA /,
    );
    expect(block(into, 'where')).toContain(
      'BDIA, gamma +-1/2 is not to be told from plain, -0.1100',
    );
  });

  test('a set is borrowed from another experiment under names of its own', () => {
    const into = join(folder, 'borrowed');
    putSet(into, 'text-50', { 'bdia-1': [0.1, 0.1, 0.1, 0.1] });
    for (const seed of [1, 2])
      for (const [cell, loss] of [
        ['plain', 1],
        ['bdia', 0.9],
      ] as const)
        put(into, { experiment: 'gpt', cell, seed }, 0, {
          curve: [1.1, loss].map((held, i) => ({ step: 100 * (i + 1), trainLoss: 1, loss: held })),
          final: { step: 200, trainLoss: 1, loss },
          best: { loss },
        });
    expect(block(into, 'where')).toMatch(
      /\| text, 50 kB, larger model \| BDIA, gamma \+-1\/2 \| 2 \| .*\| 0\.9000 \| -0\.1000 \|/,
    );
  });
});

describe('the page', () => {
  test('has a place for every experiment and figure, by its title, and works with no run', () => {
    const text = readFileSync(join(root, 'docs/results.md'), 'utf8');
    const { blocks, charts } = page.resultParts(defined, join(folder, 'none'));
    const filled: string = page.fillPage(text, blocks);
    expect(charts).toEqual({});
    for (const { name, title } of [...EXPERIMENTS, ...FIGURES]) {
      expect(filled).toContain(`\`npm run experiment -- ${name}\``);
      expect(filled).toMatch(
        new RegExp(`^##+ ${title.replace(/[.*+?^$()|[\]\\]/g, '\\$&')}$`, 'm'),
      );
    }
    expect(() => page.fillPage(text, { ...blocks, 'results-more': '' })).toThrow(
      'docs has no place'.replace('docs', 'results.md'),
    );
    expect(() =>
      page.fillPage(`${text}<!-- results-other:begin --><!-- results-other:end -->`, blocks),
    ).toThrow('no experiment makes the block results-other');
  });

  test('is written once: a second time nothing is stale', () => {
    const out = mkdtempSync(join(folder, 'docs-'));
    const from = fixture('write', { bdia: [0.9, 0.91], plain: [0.8, 0.81] });
    cpSync(join(root, 'docs/results.md'), join(out, 'results.md'));
    expect(page.writeResults({ folder: from, out, defined, isCheck: true })).toEqual([
      'results.md',
      'results-mnist.svg',
    ]);
    expect(page.writeResults({ folder: from, out, defined })).toEqual([
      'results.md',
      'results-mnist.svg',
    ]);
    expect(page.writeResults({ folder: from, out, defined })).toEqual([]);
  });
});

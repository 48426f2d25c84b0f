// The models of docs/examples/models against the packed package only: they compile strictly, learn,
// and keep every promise of the engine in whatever runtime is here.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cosineOf } from '../helpers/float64.ts';
import { inBrowser } from '../package/pages.mjs';
import { oracle, type Told } from './oracle.ts';
import { bundlePage, compile, examplesProject, installedProgram, run } from './project.mjs';

const ROOT = join(import.meta.dirname, '../..');
const EXAMPLES = join(ROOT, 'docs/examples/models');
const NAMES = [
  ...['regression', 'digits', 'cnn', 'masked', 'own-layer', 'own-rule', 'own-optimizer'],
  'lion',
];
/** Those without a stack. */
const PLAIN = ['regression', 'digits', 'cnn'];

interface Promises {
  digests: Record<string, string>;
  atWork: string[];
  totals: { checkedStates: number; mismatchedElements: number };
  gradients: Told;
}

interface Learned {
  chance: number;
  loss: number;
  accuracy: number;
}

let folder = '';
let project = '';
let found: Record<string, Promises> = {};
let checks: { layer: number; rule: { rebuilt: number; cosine: number } };
let notes: Record<string, { threads: number; threadsNote: string; digest: string }>;
let learned: { regression: number; digits: number; cnn: number } & Record<string, number | Learned>;

beforeAll(() => {
  mkdirSync(join(ROOT, 'build'), { recursive: true });
  folder = mkdtempSync(join(ROOT, 'build', 'openness-'));
  project = examplesProject(folder);
  expect(compile(project, 'nodenext')).toEqual([]);
  const said = run(process.execPath, [join(project, 'build/promises.mjs'), 'gradients']);
  ({ found, learned, checks, notes } = JSON.parse(said));
}, 300_000);
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const sources = readdirSync(EXAMPLES).filter((file) => file.endsWith('.ts'));

describe('the examples', () => {
  test.each(sources)('%s has at most 60 lines of at most 100 columns', (file) => {
    const lines = readFileSync(join(EXAMPLES, file), 'utf8').trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(60);
    expect(lines.filter((line) => line.length > 100)).toEqual([]);
  });

  test.each(sources)('%s imports the package only', (file) => {
    const text = readFileSync(join(EXAMPLES, file), 'utf8');
    for (const [, from] of text.matchAll(/from '([^']+)'/g))
      expect(from).toMatch(/^(retrograd|retrograd\/(thread|verify)|node:\w+|\.\/[\w-]+\.js)$/);
  });

  test('compile as a bundler finds the package', () => {
    expect(compile(project, 'bundler')).toEqual([]);
  });
});

describe.each(NAMES)('%s', (name) => {
  test('one digest: threads, micro-batches, a stop, verify, stored gradients', () => {
    const { digests } = found[name];
    expect(Object.keys(digests).length).toBe(8);
    expect(new Set(Object.values(digests)).size, JSON.stringify(digests)).toBe(1);
  });

  test('as many threads as asked', () => {
    expect(found[name].atWork).toEqual(['2', '3']);
  });

  test('every rebuilt state is the same', () => {
    const { checkedStates, mismatchedElements } = found[name].totals;
    const isStack = !PLAIN.includes(name);
    expect(checkedStates > 0).toBe(isStack);
    expect(mismatchedElements).toBe(0);
  });

  test('gradients of every tensor are those of float64', () => {
    const { gradients } = found[name];
    const expected = oracle(name, gradients);
    const cosines = gradients.tensors.map(({ path, gradient }) => {
      const wanted = expected.gradients.get(path) ?? new Float64Array();
      return [path, cosineOf(Float64Array.from(gradient), wanted)] as const;
    });
    const wrong = cosines.filter(([, cosine]) => !(cosine >= 0.999));
    expect(wrong).toEqual([]);
    const { labels, targets = labels } = gradients.batch;
    const predictions = targets.filter((target) => name === 'regression' || target >= 0).length;
    expect(Math.abs(expected.loss / predictions / gradients.loss - 1)).toBeLessThan(0.01);
  });
});

describe('the checks that the package brings pass', () => {
  test('own-layer', () => {
    expect(checks.layer).toBeGreaterThan(0.9999);
  });

  test('own-rule', () => {
    expect(checks.rule.rebuilt).toBe(7);
    expect(checks.rule.cosine).toBeGreaterThan(0.999999);
  });
});

describe('one thread and a note', () => {
  test.each([
    [
      'another model',
      /^a thread failed: the model "regression" is not known here, expected one of/,
    ],
    ['no module', /^a thread failed: Cannot find module/],
    ['no worker', /^no thread can be started: worker\(\) gave no worker$/],
    ['an error', /^no thread can be started: no such luck$/],
  ])('%s', (way, note) => {
    const { threads, threadsNote, digest } = notes[way];
    expect(threads).toBe(1);
    expect(threadsNote).toMatch(note);
    expect(digest).toBe(found.regression.digests.one);
  });
});

describe('they learn', () => {
  test('regression: R^2 of rows that were not seen', () => {
    expect(learned.regression).toBeGreaterThanOrEqual(0.95);
  });

  test.each(['digits', 'cnn'] as const)('%s: glyphs that were not seen', (name) => {
    expect(learned[name]).toBeGreaterThanOrEqual(0.95);
  });

  test.each(NAMES.slice(PLAIN.length))('%s: the loss of a batch that was not seen', (name) => {
    const { chance, loss } = learned[name] as Learned;
    expect(loss).toBeLessThan(chance * 0.7);
  });
});

/** What another runtime found must be what Node did. */
function expectSame(there: Record<string, Promises>): void {
  for (const name of NAMES) {
    const { digests, atWork, totals } = found[name];
    expect(there[name]).toEqual({ digests, atWork, totals });
  }
}

/** Runtimes of the command line beside Node. */
const OTHERS = { deno: ['run', '-A'], bun: [] };

describe.each(Object.entries(OTHERS))('%s', (runtime, words) => {
  const program = installedProgram(runtime);
  test.skipIf(program === undefined)('the same digests and threads', () => {
    const said = run(program ?? '', [...words, join(project, 'build/promises.mjs')]);
    expectSame(JSON.parse(said).found);
  });
});

describe('chromium', () => {
  const isolated = {
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-embedder-policy': 'require-corp',
  };

  test.skipIf(installedProgram('chromium') === undefined)(
    'the same digests and threads on an isolated page, bundled',
    async () => {
      const page = await bundlePage(project);
      const said = await inBrowser(page, '/index.html', { headers: isolated });
      expectSame(JSON.parse(said).found);
    },
  );
});

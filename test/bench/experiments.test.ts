// npm run experiment: runs on generated images, results on the disk, going on, refusals. In this
// process, so that any state of the sources is tested; the last test holds the built command to it.

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { experiment } from '../../bench/experiments/command.ts';
import { EXPERIMENTS, FIGURES } from '../../bench/experiments/list.ts';
import { claim, readResult } from '../../bench/experiments/store.ts';
import { Lock } from '../../src/cli/lock.ts';
import { UsageError } from '../../src/core/errors.ts';
import { randomU32 } from '../../src/core/random.ts';
import { decodeCheckpoint, encodeCheckpoint, type ImageBatch, Trainer } from '../../src/index.ts';
import { events, retrograd, textOf } from '../cli/command.ts';
import { pattern } from '../helpers/pattern.ts';

let root: string;
const bigEndian = (...numbers: number[]): number[] =>
  numbers.flatMap((n) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255]);

/** MNIST's four files with images of 28 x 28 whose brightness is their class, and some noise. */
function writeImages(folder: string): void {
  for (const [part, count] of [
    ['train', 80],
    ['t10k', 20],
  ] as const) {
    const pixels = Array.from(
      { length: count * 784 },
      (_, i) => (Math.floor(i / 784) % 10) * 24 + (randomU32(1, 0, 0, 0, i) & 15),
    );
    writeFileSync(
      join(folder, `${part}-images-idx3-ubyte`),
      Uint8Array.from([...bigEndian(2051, count, 28, 28), ...pixels]),
    );
    writeFileSync(
      join(folder, `${part}-labels-idx1-ubyte`),
      Uint8Array.from([
        ...bigEndian(2049, count),
        ...Array.from({ length: count }, (_, i) => i % 10),
      ]),
    );
  }
}

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'retrograd-experiment-'));
  writeImages(root);
  writeFileSync(join(root, 'text.txt'), textOf(2000));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** What the command printed, and its exit code. */
async function run(
  name: string | undefined,
  values: Parameters<typeof experiment>[1],
): Promise<{ code: number; printed: string }> {
  const lines: string[] = [];
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    lines.push(String(chunk));
    return true;
  });
  try {
    return { code: await experiment(name, values), printed: lines.join('') };
  } finally {
    spy.mockRestore();
  }
}
const refusal = (
  name: string | undefined,
  values: Parameters<typeof experiment>[1],
): Promise<unknown> =>
  run(name, values).then(
    () => 'accepted',
    (error: unknown) => (error instanceof UsageError ? error.message : error),
  );
const load = (...path: string[]) => JSON.parse(readFileSync(join(root, ...path), 'utf8'));

describe('a tiny experiment, end to end', () => {
  const values = () => ({ data: root, out: join(root, 'out'), scale: 0.4, seeds: '1,2' });
  const folder = ['out', 'mnist-scale-0.4'];

  test('writes one file a cell and seed, with everything that says what it is', async () => {
    const { code, printed } = await run('mnist', values());
    expect(code).toBe(0);
    expect(readdirSync(join(root, ...folder)).sort()).toEqual(['bdia-1.json', 'bdia-2.json']);
    const one = load(...folder, 'bdia-2.json');
    expect(one).toMatchObject({
      experiment: 'mnist',
      cell: 'bdia',
      label: 'BDIA',
      seed: 2,
      scale: 0.4,
      libraryVersion: expect.any(String),
      seconds: expect.any(Number),
    });
    expect(one.options).toMatchObject({
      reversible: 'bdia',
      seed: 2,
      batch: 32,
      steps: 8,
      trainImages: 80,
      testImages: 20,
      model: { layers: 6, channels: 128, width: 28 },
    });
    expect(Object.keys(one.options)).not.toContain('threads');
    expect(one.data.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(one.environment).toMatchObject({
      cpu: expect.any(String),
      node: process.version,
      threads: 1,
    });
    const { found } = one;
    expect(found.curve.map((point: { step: number }) => point.step)).toEqual([1, 3, 4, 5, 7, 8]);
    expect(found.final).toEqual(found.curve.at(-1));
    expect(found.best.accuracy).toBe(
      Math.max(...found.curve.map((point: { accuracy: number }) => point.accuracy)),
    );
    expect(found.totals).toMatchObject({
      mismatchedElements: 0,
      overflowed: 0,
      checkedStates: 8 * 5 * 32,
    });
    expect(found.plan.bytes.sideBits).toBeGreaterThan(0);
    expect(found.millisecondsPerStep).toBeGreaterThan(0);
    expect(found.weightsSha256).toMatch(/^[0-9a-f]{64}$/);
    expect(printed).toMatch(/^mnist bdia, seed 1: \d+ % {3}step \d+ {3}loss .* left, .* of all$/m);
    expect(printed).toMatch(/BDIA +\d+\.\d\d ± \d+\.\d\d +n = 2/);
  });

  test('keeps what is there, and makes what is missing with the same bits', async () => {
    const before = load(...folder, 'bdia-2.json');
    rmSync(join(root, ...folder, 'bdia-2.json'));
    const { printed } = await run('mnist', values());
    expect(printed.match(/kept, made before with the same options/g)).toHaveLength(1);
    const again = load(...folder, 'bdia-2.json');
    expect(again.found.weightsSha256).toBe(before.found.weightsSha256);
    expect(again.found.curve).toEqual(before.found.curve);
  });

  /** What a run found, without times. */
  const bits = (file: string): object => {
    const {
      found: { millisecondsPerStep: _, ...found },
    } = load(...folder, file);
    return found;
  };
  /** Runs one cell; `press` is asked before every step whether Ctrl-C is pressed. */
  async function pressed(press: (step: number) => boolean) {
    const original = Trainer.prototype.step;
    const spy = vi.spyOn(Trainer.prototype, 'step').mockImplementation(function (
      this: Trainer<ImageBatch>,
      batch,
    ) {
      if (press(this.steps)) process.emit('SIGINT', 'SIGINT');
      return original.call(this, batch);
    });
    try {
      return await run('mnist', { ...values(), cells: 'bdia', seeds: '2' });
    } finally {
      spy.mockRestore();
    }
  }

  test(
    'goes on after Ctrl-C with the same bits, wherever it comes, and when what was kept is ' +
      'damaged or of another program',
    async () => {
      const whole = bits('bdia-2.json');
      const partial = join(root, ...folder, '.bdia-2.partial');
      const again = () => rmSync(join(root, ...folder, 'bdia-2.json'));
      again();
      for (const at of [1, 2]) {
        // 1: between two validations; 2: on the step before one
        const { code, printed } = await pressed((step) => step === at);
        expect([code, printed]).toEqual([
          130,
          expect.stringContaining(
            `interrupted in bdia, seed 2, kept at step ${at + 1}; the same command goes on`,
          ),
        ]);
        expect(existsSync(join(root, ...folder, 'bdia-2.json'))).toBe(false);
      }
      const steps: number[] = [];
      const { printed } = await pressed((step) => {
        steps.push(step);
        return false;
      });
      expect(printed).toContain('bdia, seed 2: goes on from step 3\n');
      expect(steps).toEqual([3, 4, 5, 6, 7]);
      expect(bits('bdia-2.json')).toEqual(whole);
      expect(existsSync(partial)).toBe(false);
      const ofAnother = async (file: Buffer): Promise<Uint8Array> => {
        const kept = await decodeCheckpoint(file);
        const { identity, ...notes } = kept.vocabulary as { identity: object };
        return encodeCheckpoint({
          ...kept,
          vocabulary: { identity: { ...identity, commit: 'another' }, ...notes },
        });
      };
      const unusable = 'bdia, seed 2: begins again, what was kept of it cannot be used: ';
      for (const [damage, why] of [
        [(file: Buffer) => file.fill(1, file.length - 9), new RegExp(`${unusable}.*SHA-256`)],
        [(file: Buffer) => file.subarray(0, 100), new RegExp(unusable)],
        [ofAnother, new RegExp(`${unusable}it is of other options, data or another version`)],
      ] as const) {
        again();
        await pressed((step) => step === 1);
        writeFileSync(partial, await damage(readFileSync(partial)));
        const { printed: said } = await pressed(() => false);
        expect(said).toMatch(why);
        expect(said).not.toContain('goes on from');
        expect(bits('bdia-2.json')).toEqual(whole);
      }
    },
  );

  test('refuses results of other options or data, before anything runs', async () => {
    const file = join(root, ...folder, 'bdia-1.json');
    const text = readFileSync(file, 'utf8');
    for (const [from, to, said] of [
      [
        '"learningRate": 0.0015',
        '"learningRate": 0.003',
        pattern(
          /is of other options: learningRate \(0\.003 there, 0\.0015 now\), expected the /,
          /same\. HINT: move it away/,
        ),
      ],
      [/"sha256": "[0-9a-f]{8}/, '"sha256": "00000000', /is of other options: data SHA-256/],
      ['{', '[', /is no result/],
    ] as const) {
      writeFileSync(file, text.replace(from, to));
      expect(await refusal('mnist', values())).toMatch(said);
    }
    writeFileSync(file, text);
  });

  test('a run that another living process makes is not made twice', async () => {
    const path = join(root, ...folder);
    const lock = claim(path, 'x', 1);
    expect(lock).toBeInstanceOf(Lock);
    expect(claim(path, 'x', 1)).toMatchObject({ pid: process.pid, host: hostname() });
    expect(claim(path, 'x', 2)).toBeInstanceOf(Lock);
    (lock as Lock).release();
    expect(claim(path, 'x', 1)).toBeInstanceOf(Lock);
    expect(readResult(path, 'nothing', 1, {}, null)).toBeUndefined();
  });
});

test('a figure runs the cells of its experiment, which measure it', async () => {
  await run('figure1', { data: root, out: join(root, 'out'), scale: 0.04, seeds: '1', json: true });
  expect(readdirSync(join(root, 'out', 'cifar-scale-0.04')).sort()).toEqual([
    'bdia-1.json',
    'plain-1.json',
  ]);
  const { found } = load('out', 'cifar-scale-0.04', 'bdia-1.json');
  expect(found.gammas.map(({ gamma }: { gamma: number }) => gamma)).toEqual([
    -0.5, -0.25, -0.125, 0, 0.125, 0.25, 0.5,
  ]);
  expect(found.gammas[3]).toEqual({
    gamma: 0,
    loss: found.final.loss,
    accuracy: found.final.accuracy,
  });
  expect(
    FIGURES.every(({ of, cells }) =>
      cells.every((cell) =>
        EXPERIMENTS.find(({ name }) => name === of)!.cells.some(({ id }) => id === cell),
      ),
    ),
  ).toBe(true);
});

test('gpt: curves of both losses from a text', async () => {
  await run('gpt', {
    data: join(root, 'text.txt'),
    out: join(root, 'out'),
    scale: 0.001,
    seeds: '3',
    cells: 'plain',
    json: true,
  });
  const { found, options } = load('out', 'gpt-scale-0.001', 'plain-3.json');
  expect(options).toMatchObject({ reversible: 'none', steps: 4, trainTokens: 1800 });
  expect(found.curve).toHaveLength(1);
  for (const key of ['loss', 'trainLoss']) expect(found.final[key]).toBeGreaterThan(0);
});

test('where: reads the sets of the cells to run only, each with its own digest', async () => {
  const data = mkdtempSync(join(root, 'sets-'));
  const values = { data, out: join(root, 'out'), scale: 0.001, seeds: '1' };
  const cells = 'text-50-plain,text-50-bdia-3,text-150-dropout';
  expect(await refusal('where', { ...values, cells })).toMatch(
    /tinyshakespeare.* does not exist, expected a readable file/,
  );
  mkdirSync(join(data, 'tinyshakespeare'));
  writeFileSync(join(data, 'tinyshakespeare', 'input.txt'), textOf(60_000));
  await run('where', { ...values, cells, json: true });
  const of = (cell: string) => load('out', 'where-scale-0.001', `${cell}-1.json`);
  const [plain, eighth, dropout] = cells.split(',').map(of);
  expect(plain.options).toMatchObject({
    reversible: 'none',
    operands: 'int8',
    trainTokens: 45_000,
  });
  expect(eighth.options).toMatchObject({ reversible: 'bdia', gammaShift: 3, steps: 6 });
  expect(dropout.options).toMatchObject({ reversible: 'none', dropout: 0.1, trainTokens: 54_000 });
  expect(eighth.data.sha256).toBe(plain.data.sha256);
  expect(dropout.data.sha256).not.toBe(plain.data.sha256);
  expect(await refusal('where', { ...values, cells: 'digits-400-plain' })).toMatch(
    /digits' does not exist/,
  );
});

test('a grid has a cell for each set that is its own, and rule; what it borrows is there', () => {
  for (const { name, grid, cells, reference } of EXPERIMENTS) {
    if (grid === undefined) continue;
    const own = grid.sets.filter(({ from }) => from === undefined);
    expect(
      cells.map(({ id }) => id),
      name,
    ).toEqual(own.flatMap((set) => grid.rules.map((rule) => `${set.id}-${rule.id}`)));
    expect(reference).toBe(`${own[0].id}-${grid.against}`);
    const rules = grid.rules.map(({ id }) => id);
    for (const { from } of grid.sets.filter((set) => set.from !== undefined)) {
      const other = EXPERIMENTS.find((one) => one.name === from?.experiment);
      expect(other?.cells.map(({ id }) => id)).toEqual(
        expect.arrayContaining(Object.keys(from?.cells ?? {})),
      );
      expect(rules).toEqual(expect.arrayContaining(Object.values(from?.cells ?? {})));
      expect(Object.values(from?.cells ?? {})).toContain(grid.against);
    }
  }
});

describe('what is wrong is said in one line', () => {
  test.each([
    [
      'minst',
      {},
      pattern(
        /^experiment is 'minst', expected one of mnist, cifar, .*figure1\. HINT: what /,
        /they are: npm run experiment -- --list$/m,
      ),
    ],
    [undefined, {}, /^the name of an experiment is missing, expected one of mnist/],
    ['mnist', {}, /^--data is missing, expected a directory of images\. HINT: MNIST, complete/],
    ['gpt', {}, /^--data is missing, expected a text file/],
    ['mnist', { data: 'x', cells: 'bdai' }, /^--cells has 'bdai', expected cells of mnist: bdia$/],
    ['mnist', { data: 'x', seeds: '1,1' }, /^--seeds is '1,1', expected whole numbers, each once/],
    ['mnist', { data: 'x', seeds: '1,a' }, /^--seeds is 'a', expected a number/],
    ['mnist', { data: 'x', scale: 0 }, /^--scale is 0, expected more than 0 and at most 1/],
    [
      'mnist',
      { data: join(tmpdir(), 'there is none') },
      /there is none' does not exist, expected a directory/,
    ],
  ])('%s %o', async (name, values, said) => {
    expect(await refusal(name, values)).toMatch(said);
  });
});

test('--list names every experiment and figure', async () => {
  const { printed } = await run(undefined, { list: true });
  for (const { name } of [...EXPERIMENTS, ...FIGURES])
    expect(printed).toMatch(new RegExp(`^${name} `, 'm'));
  for (const { name, reference, cells, metrics, bars } of EXPERIMENTS) {
    expect(
      cells.map(({ id }) => id),
      name,
    ).toContain(reference);
    expect(new Set(cells.map(({ id }) => id)).size).toBe(cells.length);
    expect(metrics[0].better, name).toBeDefined();
    for (const { cell, of = cell, path } of bars) {
      expect(metrics.map((metric) => metric.path)).toContain(path);
      expect(cells.map(({ id }) => id)).toEqual(expect.arrayContaining([cell, of]));
    }
  }
});

test('npm run experiment has it', () => {
  expect(events(['experiment', '--list']).map(({ name }) => name)).toEqual(
    [...EXPERIMENTS, ...FIGURES].map(({ name }) => name),
  );
  const { code, stderr } = retrograd(['experiment', 'minst']);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^retrograd: experiment is 'minst', expected one of mnist.*\n$/);
});

// Threads that end or fall silent, at any moment: the same bits by fewer threads or an error that
// says what to do, never a hang.

import { spawnSync } from 'node:child_process';
import * as fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import {
  createWasmBackend,
  RetrogradError,
  type StepReport,
  type TextBatch,
  type Trainer,
} from '../../src/index.ts';
import { LIFE } from '../../src/threads/team.ts';
import { runsAll } from '../helpers/all.ts';
import { createGpt, type FlatOptions } from '../helpers/flat.ts';
import { pattern } from '../helpers/pattern.ts';
import { batchOf, lossOf, randomTokens, smallOptions } from '../helpers/runs.ts';

const threadModule = new URL('../../dist/thread.js', import.meta.url);
const indexModule = new URL('../../dist/index.js', import.meta.url);
const DEFAULTS = { ...LIFE };
afterEach(() => void Object.assign(LIFE, DEFAULTS));

const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 6000 && !condition(); i++) await sleep(10);
  expect(condition()).toBe(true);
}

/** What befalls the worker of rank 1 when it has told the others something by Atomics for the
 *  `count`-th time. */
type Fate = 'exits' | 'throws' | 'hangs' | 'comes back';
const FATES: Record<Fate, string> = {
  exits: 'process.exit(0)',
  throws: "throw new Error('bad luck')",
  hangs: 'for (;;) wait(idle, 0, 0, 1000)',
  'comes back': 'wait(idle, 0, 0, 400)',
};

/** A thread's module with that fate. The first call that counts is that of READY; `only` counts
 *  some of them. */
const fated = (fate: Fate, count: number, only = 'true'): URL =>
  new URL(
    `data:text/javascript,${encodeURIComponent(`
  import { parentPort } from 'node:worker_threads';
  const idle = new Int32Array(new SharedArrayBuffer(4)), { wait } = Atomics;
  const once = parentPort.once.bind(parentPort);
  let left = Infinity;
  parentPort.once = (event, listener) => once(event, (message) => {
    if (message.rank === 1) left = ${count};
    listener(message);
  });
  for (const name of ['add', 'compareExchange', 'store']) {
    const real = Atomics[name];
    Atomics[name] = (...args) => {
      const value = real(...args);
      if (${only} && --left === 0) ${FATES[fate]};
      return value;
    };
  }
  import(${JSON.stringify(threadModule.href)});`)}`,
  );

const OPTIONS = smallOptions({ batch: 4, microBatch: 2, model: { layers: 2 } });

/** Steps on, until a step throws; what every step reported, and the weights after them. */
async function trained(options: FlatOptions, module: URL | undefined, steps: number) {
  const trainer = createGpt(options, undefined, module);
  const reports: StepReport[] = [];
  let error: unknown;
  if (module !== undefined) await until(() => trainer.threadsNote !== 'the threads are starting');
  try {
    while (trainer.steps < steps) reports.push(trainer.step(batchOf(trainer)));
  } catch (thrown) {
    error = thrown;
  }
  const weights = error === undefined ? await trainer.weightsSha256() : undefined;
  return { trainer, error, outcome: { reports, weights, totals: trainer.totals } };
}

/** Nothing of the trainer can be had any more. */
async function expectBroken(trainer: Trainer<TextBatch>, error: unknown): Promise<void> {
  expect(error).toBeInstanceOf(RetrogradError);
  expect((error as Error).message).toMatch(
    pattern(
      /^a thread ended in step \d, which left no whole weights\. HINT: go on from the /,
      /last checkpoint$/,
    ),
  );
  expect(() => trainer.tensors()).toThrow(RetrogradError);
  expect(() => lossOf(trainer, new Int32Array(30))).toThrow(RetrogradError);
  await expect(trainer.weightsSha256()).rejects.toThrow(RetrogradError);
}

/** Adds to the word of a barrier that counts who has arrived. */
const ARRIVALS = "name === 'add' && args[1] === 0";

/** What a thread tells the others within a job only: locks and barriers. Who throws between two
 *  jobs is lost as one who exits is. */
const IN_JOBS = `(name !== 'add' || ${ARRIVALS})`;

describe('a thread that is lost', () => {
  for (const fate of Object.keys(FATES) as Fate[])
    test(`at any moment (${fate}): the same bits, or an error`, async () => {
      Object.assign(LIFE, {
        sleep: 20,
        patience: fate === 'exits' || fate === 'throws' ? DEFAULTS.patience : 200,
      });
      const alone = (await trained({ ...OPTIONS, threads: 1 }, undefined, 3)).outcome;
      const seen = { whole: 0, broken: 0 };
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 2, max: 150 }),
          fc.integer({ min: 2, max: 3 }),
          async (count, threads) => {
            const { trainer, error, outcome } = await trained(
              { ...OPTIONS, threads },
              fate === 'throws' ? fated(fate, 1 + (count % 12), IN_JOBS) : fated(fate, count),
              3,
            );
            if (error === undefined) {
              seen.whole++;
              expect(outcome).toEqual(alone);
            } else {
              seen.broken++;
              if (fate === 'throws') expect(error).toMatchObject({ message: 'bad luck' });
              else await expectBroken(trainer, error);
            }
            trainer.close();
          },
        ),
        { numRuns: runsAll ? 12 : 6, endOnFailure: true },
      );
      if (fate === 'throws') expect(seen.broken).toBeGreaterThan(0);
      console.log(
        `a thread ${fate}: ${seen.whole} runs with the same bits, ${seen.broken} ended by an error`,
      );
    });

  for (const [barrier, which] of ['first', 'second'].entries())
    test(`at the ${which} barrier of update 2: an error, weights may be written`, async () => {
      Object.assign(LIFE, { sleep: 20 });
      const { trainer, error, outcome } = await trained(
        { ...OPTIONS, threads: 3 },
        fated('exits', 3 + barrier, ARRIVALS),
        3,
      );
      await expectBroken(trainer, error);
      expect(outcome.reports).toHaveLength(1);
    });

  test('while it evaluates: the same loss', async () => {
    Object.assign(LIFE, { sleep: 20 });
    const tokens = Int32Array.from({ length: 24 * 9 + 1 }, (_, i) => (i * i) % 29);
    const alone = lossOf(createGpt(OPTIONS), tokens);
    for (const count of [3, 5, 8, 12]) {
      const trainer = createGpt({ ...OPTIONS, threads: 2 }, undefined, fated('exits', count));
      await until(() => trainer.threadsNote !== 'the threads are starting');
      expect(lossOf(trainer, tokens)).toBe(alone);
      expect([trainer.threads, trainer.threadsNote]).toEqual([1, 'a thread ended']);
      trainer.close();
    }
  });
});

const threads = process.getBuiltinModule('node:worker_threads');
const { Worker } = threads;
afterEach(() => {
  threads.Worker = Worker;
});

/** The workers that trainers make from now on. */
function spied(postMessage = Worker.prototype.postMessage): InstanceType<typeof Worker>[] {
  const made: InstanceType<typeof Worker>[] = [];
  threads.Worker = class extends Worker {
    override postMessage = postMessage;
    constructor(...args: ConstructorParameters<typeof Worker>) {
      super(...args);
      made.push(this);
    }
  };
  return made;
}

describe('the pool', () => {
  test('a worker that ends between two steps: one thread, a note, the same bits', async () => {
    const made = spied();
    const trainer = createGpt({ ...OPTIONS, threads: 3 }, undefined, threadModule);
    await until(() => trainer.threads === 3);
    expect([made.length, trainer.threadsNote]).toEqual([2, '']);
    await made[1].terminate();
    await until(() => trainer.threads === 1);
    expect(trainer.threadsNote).toBe('a thread ended');
    const batch = randomTokens(OPTIONS, 0);
    const alone = createGpt(OPTIONS);
    expect(trainer.step(batch)).toEqual(alone.step(batch));
    expect(await trainer.weightsSha256()).toBe(await alone.weightsSha256());
  });

  test('a worker that ends, and nobody comes to hear of it before the next step', async () => {
    Object.assign(LIFE, { sleep: 20 });
    const made = spied();
    const trainer = createGpt({ ...OPTIONS, threads: 2 }, undefined, threadModule);
    await until(() => trainer.threads === 2);
    const batch = randomTokens(OPTIONS, 0);
    const alone = createGpt(OPTIONS);
    void made[0].terminate();
    expect(trainer.step(batch)).toEqual(alone.step(batch));
    expect([trainer.threads, trainer.threadsNote]).toEqual([1, 'a thread ended']);
  });

  test.each([
    ['throws while it loads', "throw new Error('no such luck')", /^a thread failed: no such luck$/],
    ['ends while it loads', 'process.exit(1)', /^a thread ended$/],
    ['cannot be loaded', 'import "./nowhere.js"', /^a thread failed: /],
  ])('a worker that %s: one thread, and why', async (_, code, note) => {
    const trainer = createGpt(
      { ...OPTIONS, threads: 3 },
      undefined,
      new URL(`data:text/javascript,${encodeURIComponent(code)}`),
    );
    await until(() => trainer.threadsNote !== 'the threads are starting');
    expect(trainer.threads).toBe(1);
    expect(trainer.threadsNote).toMatch(note);
    const batch = randomTokens(OPTIONS, 0);
    expect(trainer.step(batch)).toEqual(createGpt(OPTIONS).step(batch));
  });

  test('workers that cannot be told anything are ended', async () => {
    const made = spied(() => {
      throw new Error('nobody may share this'); // as a page that is not cross-origin isolated
    });
    const trainer = createGpt({ ...OPTIONS, threads: 3 }, undefined, threadModule);
    expect([trainer.threads, trainer.threadsNote]).toEqual([
      1,
      'no thread can be started: nobody may share this',
    ]);
    expect(made).toHaveLength(1);
    await until(() => made[0].threadId === -1);
  });

  test('notes: alone on purpose, starting, at work, closed, no shared memory', async () => {
    expect(createGpt(OPTIONS).threadsNote).toBe('');
    const trainer = createGpt({ ...OPTIONS, threads: 2 }, undefined, threadModule);
    expect(trainer.threadsNote).toBe('the threads are starting');
    await until(() => trainer.threads === 2);
    expect(trainer.threadsNote).toBe('');
    trainer.close();
    expect(trainer.threadsNote).toBe('the trainer was closed');
    const unshared = createGpt({ ...OPTIONS, threads: 2 }, (bytes) =>
      createWasmBackend({ pages: Math.ceil(bytes / 65536) }),
    );
    expect([unshared.threads, unshared.threadsNote]).toEqual([
      1,
      'this runtime has no shared memory',
    ]);
  });

  test('a trainer that is dropped without close() ends its threads', () => {
    const code = `
      import worker from 'node:worker_threads';
      const { Worker } = worker, ended = [];
      process.getBuiltinModule('node:worker_threads').Worker = class extends Worker {
        constructor(...args) {
          super(...args);
          ended.push(new Promise((resolve) => this.on('exit', resolve)));
        }
      };
      const { Trainer, gpt } = await import(${JSON.stringify(indexModule.href)});
      const model = gpt({ vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 });
      const x = new Int32Array(16);
      async function create(isDroppedAtOnce) {
        const trainer = Trainer.create({ model, batch: 4, steps: 10, threads: 3 });
        while (!isDroppedAtOnce && trainer.threads < 3)
          await new Promise((resolve) => setTimeout(resolve, 5));
        trainer.step({ inputs: x, targets: x });
      }
      for (const isDroppedAtOnce of [true, false, false]) await create(isDroppedAtOnce);
      const timer = setInterval(gc, 50);
      await Promise.all(ended);
      console.log(ended.length);
      clearInterval(timer);`;
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ['--expose-gc', '--input-type=module', '--eval', code],
      { encoding: 'utf8', timeout: 60_000 },
    );
    expect([stderr, stdout]).toEqual(['', '6\n']);
  });
});

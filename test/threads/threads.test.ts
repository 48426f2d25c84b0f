// Threads: the same bits for any number of them, errors reported as by one thread. The workers run
// dist/thread.js.

import { existsSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import {
  createWasmBackend,
  isWeight,
  type Kernels,
  OverflowError,
  ReconstructionError,
  type TextBatch,
  type Trainer,
} from '../../src/index.ts';
import { Team } from '../../src/threads/team.ts';
import { createGpt, type FlatOptions } from '../helpers/flat.ts';
import { pattern } from '../helpers/pattern.ts';
import { continueTraining, lossOf, randomTokens, smallOptions } from '../helpers/runs.ts';

type GptTrainer = Trainer<TextBatch>;
const threadModule = new URL('../../dist/thread.js', import.meta.url);

async function start(options: FlatOptions): Promise<GptTrainer> {
  const trainer = createGpt(options, undefined, threadModule);
  for (let i = 0; i < 1000 && trainer.threads < (options.threads ?? 1); i++)
    await new Promise((resolve) => setTimeout(resolve, 10));
  expect(trainer.threads).toBe(options.threads ?? 1);
  return trainer;
}

/** Weights with which many samples overflow: rows of one sign, so that what a block adds does not
 *  cancel. */
function makeOverflow(trainer: GptTrainer): void {
  const fill = (end: string, of: (value: number, i: number) => number): void => {
    for (const { name, data } of trainer.tensors())
      if (isWeight({ name }) && name.endsWith(end)) data.set(data.map(of));
  };
  fill('up.weight', (value) => value * 12);
  fill('down.weight', (_, i) => (Math.floor(i / 128) % 3 === 0 ? 15 : -15) * 2 ** 24);
}

describe('threads', () => {
  test('the workers are built', () => expect(existsSync(threadModule)).toBe(true));

  for (const reversible of ['bdia', 'none'] as const)
    test(
      '1, 2, 3 and 5 threads give the same weights, losses and counts after 6 steps ' +
        `(${reversible})`,
      async () => {
        const options = smallOptions({ batch: 7, reversible, model: { bias: true } });
        const seen = new Set<string>();
        for (const threads of [1, 2, 3, 5]) {
          const trainer = await start({ ...options, threads });
          continueTraining(trainer, 6);
          const report = trainer.step(randomTokens(options, 99));
          const tokens = Int32Array.from({ length: 24 * 9 + 1 }, (_, i) => (i * i) % 29);
          seen.add(
            JSON.stringify({
              ...report,
              weights: await trainer.weightsSha256(),
              validation: lossOf(trainer, tokens),
              totals: trainer.totals,
            }),
          );
          trainer.close();
        }
        expect([...seen]).toHaveLength(1);
      },
    );

  test('a worker of another version, which lays memory out in another way, stays out', async () => {
    const moved = (by: number): URL =>
      new URL(`data:text/javascript,import { parentPort } from 'node:worker_threads';
      const once = parentPort.once.bind(parentPort);
      parentPort.once = (event, listener) =>
        once(event, (message) => listener({ ...message, end: message.end + ${by} }));
      import(${JSON.stringify(threadModule.href)});`);
    const threads: number[] = [];
    for (const by of [0, 64]) {
      const trainer = createGpt(smallOptions({ threads: 2 }), undefined, moved(by));
      for (let i = 0; i < (by === 0 ? 1000 : 100) && trainer.threads === 1; i++)
        await new Promise((resolve) => setTimeout(resolve, 10));
      threads.push(trainer.threads);
      trainer.close();
    }
    expect(threads).toEqual([2, 1]);
  });

  test('a layer whose lock is held adds to its gradient second: the same gradients', () => {
    const options = smallOptions({ model: { bias: true } });
    const batch = randomTokens(options, 0);
    const calls: boolean[] = [];
    const gradients = (): BigInt64Array[] => {
      const trainer = createGpt(options);
      trainer.computeGradients(batch);
      return trainer
        .tensors()
        .filter(isWeight)
        .map(({ name }) => trainer.gradient(name));
    };
    const expected = gradients();
    const isHeld = vi.spyOn(Team.prototype, 'isHeld').mockImplementation(() => {
      const answer = calls.length % 3 > 0;
      calls.push(answer);
      return answer;
    });
    const found = gradients();
    isHeld.mockRestore();
    expect(calls).toContain(true);
    expect(calls).toContain(false);
    expect(found).toEqual(expected);
  });

  for (const tied of [true, false])
    test(
      `every gradient is added to under one lock, always the same (${tied ? 'tied' : 'own'} ` +
        'head)',
      () => {
        const options = smallOptions({ model: { bias: true, tied } });
        const held: number[] = [];
        const writes: [address: number, lock: number | undefined][] = [];
        const exclusive = vi.spyOn(Team.prototype, 'exclusive').mockImplementation((lock, work) => {
          held.push(lock);
          work();
          held.pop();
        });
        /** Which arguments are the int64 sums that a kernel adds to. */
        const sums = {
          gemm_i16i16i64: [4],
          sum_rows_i16i64: [4],
          accumulate_i64: [1],
          embedding_backward_i32i64: [2, 3],
        } as const;
        const trainer = createGpt(options, (bytes) => {
          const backend = createWasmBackend({ pages: Math.ceil(bytes / 65536) });
          const kernels = { ...backend.kernels } as Record<string, (...a: number[]) => unknown>;
          for (const [name, places] of Object.entries(sums)) {
            const call = kernels[name];
            kernels[name] = (...a) => {
              for (const place of places) writes.push([a[place], held.at(-1)]);
              return call(...a);
            };
          }
          return { ...backend, kernels: kernels as unknown as Kernels };
        });
        continueTraining(trainer, 1);
        exclusive.mockRestore();
        const parameters = trainer
          .tensors()
          .filter(isWeight)
          .map(({ name }) => ({
            name,
            at: trainer.gradient(name).byteOffset,
            end: trainer.gradient(name).byteOffset + trainer.gradient(name).byteLength,
          }));
        const locks = parameters.map(
          ({ at, end }) =>
            new Set(
              writes.filter(([address]) => address >= at && address < end).map(([, lock]) => lock),
            ),
        );
        expect(
          parameters
            .filter((_, i) => locks[i].size !== 1 || locks[i].has(undefined))
            .map(({ name }) => name),
        ).toEqual([]);
        expect(new Set(locks.flatMap((set) => [...set])).size).toBeGreaterThan(8);
      },
    );

  test(
    'an overflow in a worker is the error that one thread throws, the weights are untouched, ' +
      'and the next step works',
    async () => {
      const options = smallOptions({ batch: 4, threads: 2, model: { channels: 64 } });
      const trainer = await start(options);
      const batch = randomTokens(options, 0);
      const gain = trainer.tensors().find((t) => t.name === 'position.weight')!;
      const kept = gain.data.slice();
      const before = await trainer.weightsSha256();
      const down = trainer.tensors().find((t) => t.name === 'block.2.down.weight')!;
      const keptDown = down.data.slice();
      down.data.fill(2 ** 28 - 2 ** 15 - 1); // every row of one sign: sums pass the exact range
      expect(() => trainer.step(batch)).toThrow(OverflowError);
      down.data.set(keptDown);
      gain.data.set(kept);
      expect(await trainer.weightsSha256()).toBe(before);
      const alone = await start({ ...options, threads: 1 });
      expect(trainer.step(batch)).toEqual(alone.step(batch));
      trainer.close();
    },
  );

  test('of many samples that overflow, 1, 2, 3 and 5 threads name the same one', async () => {
    const messages = [];
    for (const seed of [1, 2, 3, 4, 5]) {
      const seen = new Set<string>();
      for (const threads of [1, 2, 3, 5]) {
        const options = smallOptions({ batch: 6, seed, threads, model: { layers: 24 } });
        const trainer = await start(options);
        const batch = randomTokens(options, 0);
        makeOverflow(trainer);
        try {
          trainer.step(batch);
        } catch (error) {
          const { name, message, hint } = error as OverflowError;
          seen.add(`${name} ${message} ${hint}`);
        }
        trainer.close();
      }
      expect([...seen]).toHaveLength(1);
      messages.push(...seen);
    }
    for (const message of messages)
      expect(message).toMatch(
        pattern(
          /^OverflowError the residual state left .* lower the learning rate or lengthen /,
          /the warm-up$/,
        ),
      );
    expect(messages.some((message) => !message.includes('sample 0'))).toBe(true);
  });

  test('a sample that is not rebuilt does not spoil others of its thread and block', async () => {
    const options = smallOptions({ batch: 12, threads: 2, model: { layers: 2 } });
    const batch = randomTokens(options, 0);
    let calls = 0;
    const trainer = createGpt(
      options,
      (bytes) => {
        const backend = createWasmBackend({ pages: Math.ceil(bytes / 65536), shared: true });
        const { kernels } = backend;
        const damaged: Kernels['bdia_inverse_i32'] = (...a) => {
          kernels.bdia_inverse_i32(...a);
          if (calls++ === 0) new Int32Array(backend.memory.buffer, a[4], a[5])[7] ^= 1 << 20;
        };
        return { ...backend, kernels: { ...kernels, bdia_inverse_i32: damaged } };
      },
      threadModule,
    );
    for (let i = 0; i < 1000 && trainer.threads < 2; i++)
      await new Promise((resolve) => setTimeout(resolve, 10));
    let thrown: unknown;
    try {
      trainer.step(batch);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(ReconstructionError);
    expect((thrown as Error).message).toMatch(
      pattern(
        /^the states before block 1 of sample 0 were not rebuilt exactly in step 1: 1 of /,
        /768 elements differ, the first is element 7;/,
      ),
    );
    expect(calls).toBeGreaterThan(1); // others came after it, rebuilt with the same block's weights
    expect(trainer.totals).toMatchObject({ checkedStates: 12, mismatchedElements: 1 });
    trainer.close();
  });

  test('after close the trainer goes on with one thread and the same bits', async () => {
    const options = smallOptions({ batch: 4, threads: 2 });
    const trainer = await start(options);
    const alone = await start({ ...options, threads: 1 });
    continueTraining(trainer, 2);
    trainer.close();
    expect(trainer.threads).toBe(1);
    continueTraining(trainer, 2);
    continueTraining(alone, 4);
    expect(await trainer.weightsSha256()).toBe(await alone.weightsSha256());
  });

  test('a thread that is held up leaves its sequences to others, bits stay the same', async () => {
    const options = smallOptions({ batch: 8, threads: 2 });
    const batch = randomTokens(options, 0);
    const alone = await start({ ...options, threads: 1 });
    let taken = 0;
    const trainer = createGpt(
      options,
      (bytes) => {
        const backend = createWasmBackend({ pages: Math.ceil(bytes / 65536), shared: true });
        const { cross_entropy_i32: loss } = backend.kernels;
        const slow: Kernels['cross_entropy_i32'] = (...a) => {
          taken++;
          for (const end = performance.now() + 250; performance.now() < end; );
          return loss(...a);
        };
        return { ...backend, kernels: { ...backend.kernels, cross_entropy_i32: slow } };
      },
      threadModule,
    );
    for (let i = 0; i < 1000 && trainer.threads < 2; i++)
      await new Promise((resolve) => setTimeout(resolve, 10));
    expect(trainer.step(batch)).toEqual(alone.step(batch));
    expect(taken).toBeLessThan(4); // its share; one in 250 ms is what it can do
    expect(await trainer.weightsSha256()).toBe(await alone.weightsSha256());
    trainer.close();
  });

  test('where the workers cannot start, one thread works', () => {
    const options = smallOptions({ threads: 2 });
    const trainer = createGpt(options, undefined, new URL('file:///nowhere/thread.js'));
    expect(trainer.threads).toBe(1);
    continueTraining(trainer, 1);
    trainer.close();
  });
});

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
import { controlBytes, MAX_LOCKS, Team, TeamFailure } from '../../src/threads/team.ts';
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

/** A team's members on one control block. */
function team(size: number, items: number): Team[] {
  const words = new Int32Array(new SharedArrayBuffer(controlBytes(items)));
  const members = Array.from({ length: size }, (_, rank) => new Team(words, rank, size));
  members[0].reset();
  return members;
}

describe('items of a team', () => {
  test(
    'a member does its own first, then those of others from the last; nothing is done twice; ' +
      'each stage is complete',
    () => {
      for (const [size, n] of [
        [2, 7],
        [3, 2],
        [5, 8],
        [2, 0],
      ] as const) {
        const members = team(size, n);
        const done: number[][] = [];
        for (const member of [...members, ...members]) {
          // all of a stage by who comes first; the second time round everybody is at stage 2
          const mine: number[] = [];
          done.push(mine);
          member.each(n, (i) => void mine.push(i));
        }
        const isOwn = (i: number): boolean => i % size === 0;
        const items = Array.from({ length: n }, (_, i) => i);
        const order = [...items.filter(isOwn), ...items.filter((i) => !isOwn(i)).reverse()];
        const nothing = Array.from({ length: size - 1 }, () => []);
        expect(done).toEqual([order, ...nothing, order, ...nothing]);
      }
    },
  );

  test('who comes while another one is at work takes the rest', () => {
    const [first, second] = team(2, 6);
    const mine: number[] = [];
    const others: number[] = [];
    first.each(6, (i) => {
      mine.push(i);
      if (i === 2) second.each(6, (j) => void others.push(j));
    });
    expect([mine, others]).toEqual([
      [0, 2],
      [1, 3, 5, 4],
    ]);
  });

  test(
    'who fails does what is left of the stage, throws the error of the first item and ends the ' +
      'job for all others in the next stage',
    () => {
      for (const size of [2, 3, 5]) {
        const [first, ...others] = team(size, 8);
        const tried: number[] = [];
        first.each(8, () => undefined); // stage 1
        expect(() =>
          first.each(8, (i) => {
            tried.push(i);
            if (i % 3 === 2) throw new Error(`item ${i}`); // 2, 5, 8
          }),
        ).toThrow('item 2');
        expect([...tried].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
        for (const other of others) {
          // there is nothing left to do
          for (let stage = 1; stage <= 2; stage++) other.each(8, () => expect.unreachable());
          expect(() => other.each(8, () => expect.unreachable())).toThrow(TeamFailure);
          expect(() => other.barrier()).toThrow(TeamFailure);
          expect(other.failedAt).toBeUndefined();
        }
      }
    },
  );

  test('a failure in an earlier stage comes before one in a later, whoever meets it first', () => {
    const [ahead, behind] = team(2, 2);
    ahead.each(2, () => undefined);
    expect(() =>
      ahead.each(2, () => {
        throw new Error('lost');
      }),
    ).toThrow('lost');
    behind.fail(); // has not begun
    expect(behind.failedAt).toBeLessThan(ahead.failedAt!);
    const [one, another] = team(2, 2);
    one.fail();
    expect(() => another.each(2, () => expect.unreachable())).toThrow(TeamFailure);
  });

  test('every lock has a word of its own; those beyond share one with another', () => {
    const [member] = team(2, 4);
    for (let lock = 0; lock < 2 * MAX_LOCKS; lock++)
      member.exclusive(lock, () => {
        const held = Array.from({ length: 2 * MAX_LOCKS }, (_, i) => i).filter((i) =>
          member.isHeld(i),
        );
        expect(held).toEqual([lock % MAX_LOCKS, (lock % MAX_LOCKS) + MAX_LOCKS]);
      });
  });
});

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
        for (const { name, data } of trainer.tensors().filter(isWeight)) {
          // rows of one sign: what a block adds does not cancel
          if (name.endsWith('up.weight'))
            data.forEach((value, i) => {
              data[i] = value * 12;
            });
          if (name.endsWith('down.weight'))
            data.forEach((_, i) => {
              data[i] = (Math.floor(i / 128) % 3 === 0 ? 15 : -15) * 2 ** 24;
            });
        }
        try {
          trainer.step(batch);
        } catch (error) {
          seen.add(
            `${(error as Error).name} ${(error as Error).message} ${(error as OverflowError).hint}`,
          );
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

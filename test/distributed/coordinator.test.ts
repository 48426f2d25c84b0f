// What ends a step and what does not: errors that one machine alone meets, hostile messages, and
// what its caller does.

import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Desk } from '../../src/distributed/courier.ts';
import {
  Coordinator,
  type CoordinatorEvent,
  type CoordinatorOptions,
  computePart,
  DistributedError,
  work,
} from '../../src/distributed/index.ts';
import { packMessage, unpackMessage } from '../../src/distributed/message.ts';
import { packNumbers } from '../../src/distributed/packing.ts';
import { partDigest } from '../../src/distributed/part.ts';
import { sealOf, type Task, taskId } from '../../src/distributed/task.ts';
import { type TextBatch, Trainer, UsageError } from '../../src/index.ts';
import { releaseWith } from '../helpers/rules.ts';
import { randomOf } from './network.ts';
import { batchOf, create, OPTIONS, RUN } from './schedule.ts';

type Bytes = Uint8Array<ArrayBuffer>;
const HELLO = { protocol: 2, kernels: RUN.kernels, holding: '' };

afterEach(() => {
  vi.unstubAllGlobals();
});

/** A coordinator and its workers in one program, by the runtime's own clock. */
class Hall {
  desk: Desk | undefined;
  readonly blobs = new Map<string, Bytes>();
  readonly events: CoordinatorEvent[] = [];
  readonly coordinator: Coordinator<TextBatch>;

  constructor(
    options: Partial<CoordinatorOptions> = {},
    readonly trainer = create(),
  ) {
    const courier = {
      serve: async (desk: Desk) => {
        this.desk = desk;
      },
      put: async (sha256: string, bytes: Bytes) => {
        this.blobs.set(sha256, bytes);
      },
      drop: async (sha256: string) => {
        this.blobs.delete(sha256);
      },
    };
    const onEvent = (event: CoordinatorEvent): number => this.events.push(event);
    const about = { ...RUN, spotChecks: 0, onEvent, ...options };
    this.coordinator = new Coordinator(trainer, courier, about);
  }

  async ask(name: string, head: object): Promise<Record<string, unknown>> {
    return unpackMessage(await (this.desk as Desk).ask(name, packMessage(head))).head;
  }

  async report(name: string, head: object, body?: Bytes): Promise<Record<string, unknown>> {
    return unpackMessage(await (this.desk as Desk).report(name, packMessage(head, body))).head;
  }

  async work(name: string, trainer = create()) {
    const courier = {
      ask: (message: Bytes) => (this.desk as Desk).ask(name, message),
      report: (message: Bytes) => (this.desk as Desk).report(name, message),
      fetch: async (sha256: string) => this.blobs.get(sha256),
    };
    return work({ ...RUN, name, trainer, batchOf, courier, retry: 1 });
  }
}

/** A trainer one of whose states leaves its range in every sample. */
const overflowing = (): Trainer<TextBatch> =>
  Trainer.forTests(OPTIONS, {
    makeBackend: releaseWith((kernels, memory) => ({
      embedding_forward_i32: (...args) => {
        kernels.embedding_forward_i32(...args);
        const [, , , out, rows, columns, l] = args;
        new Int32Array(memory.buffer, out, rows * columns)[5] = 20_000 * 2 ** l;
      },
    })),
  });

const alone = (trainer: Trainer<TextBatch>): string => {
  try {
    trainer.step(batchOf(0));
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
  return 'nothing';
};

/** What an honest worker hands in for a task. */
async function resultOf(task: Task, name: string): Promise<Bytes> {
  const trainer = create();
  const part = computePart(trainer, batchOf(task.step), task);
  const { gradients, ...sums } = part;
  const packed = packNumbers(gradients);
  const seal = sealOf(await partDigest(part, packed), name);
  return packMessage({ ...sums, task: taskId(task), seal }, task.upload ? packed : undefined);
}

describe('a step of a coordinator', () => {
  test.each([1, 2, 5])('of %i parts ends by the error of one machine alone', async (parts) => {
    const message = alone(overflowing());
    expect(message).toMatch(/^OverflowError: .* block 0, sample 0, step 1/);
    const hall = new Hall({ parts }, overflowing());
    const before = await hall.trainer.weightsSha256();
    await hall.coordinator.open();
    const working = ['a', 'b'].map((name) => hall.work(name, overflowing()));
    const error = await hall.coordinator.step(batchOf(0)).catch((found) => found);
    expect(`${error.name}: ${error.message}`).toBe(message);
    expect(await hall.trainer.weightsSha256()).toBe(before);
    hall.coordinator.close(message);
    expect((await Promise.all(working)).map(({ ended }) => ended)).toEqual([message, message]);
    expect(hall.events.filter(({ kind }) => kind === 'wrong')).toEqual([]);
  });

  test('has the reports and totals of one machine, with every part computed again', async () => {
    const other = create();
    const hall = new Hall({ parts: 3, replicate: 2, spotChecks: 1 });
    await hall.coordinator.open();
    const working = ['a', 'b', 'c'].map((name) => hall.work(name));
    for (let step = 0; step < 3; step++)
      expect(await hall.coordinator.step(batchOf(step))).toEqual(other.step(batchOf(step)));
    expect(hall.trainer.totals).toEqual(other.totals);
    expect(hall.coordinator.workers).toHaveLength(3);
    hall.coordinator.close('done');
    const parts = (await Promise.all(working)).reduce((sum, report) => sum + report.parts, 0);
    expect(parts).toBeGreaterThanOrEqual(3 * 3 * 2);
    const agreed = hall.events.filter(({ kind }) => kind === 'part');
    expect(agreed).toHaveLength(9);
  });

  test('waits for a spot check that takes long', async () => {
    const { subtle } = globalThis.crypto;
    const digest = async (name: string, bytes: Bytes): Promise<ArrayBuffer> => {
      await wait(30);
      return subtle.digest(name, bytes);
    };
    vi.stubGlobal('crypto', { subtle: { digest }, getRandomValues: (words: unknown) => words });
    const hall = new Hall({ parts: 1, spotChecks: 1 });
    await hall.coordinator.open();
    const working = hall.work('a');
    const looking = setInterval(() => void hall.ask('b', HELLO), 20); // wakes it again and again
    try {
      await hall.coordinator.step(batchOf(0));
    } finally {
      clearInterval(looking);
    }
    hall.coordinator.close('done');
    expect((await working).parts).toBe(1);
  });

  test('is one at a time, ends when it is closed, and by what its listener throws', async () => {
    const hall = new Hall();
    await hall.coordinator.open();
    const waiting = hall.coordinator.step(batchOf(0));
    await expect(hall.coordinator.step(batchOf(0))).rejects.toThrow('another step is on its way');
    hall.coordinator.close('enough');
    await expect(waiting).rejects.toThrow(DistributedError);
    await expect(hall.coordinator.step(batchOf(0))).rejects.toThrow('closed: enough');
    expect(await hall.ask('a', HELLO)).toEqual({ end: 'enough' });
    const onEvent = (): void => {
      throw new Error('of the caller');
    };
    const other = new Hall({ onEvent });
    await other.coordinator.open();
    const failing = other.coordinator.step(batchOf(0));
    const working = other.work('a');
    await expect(failing).rejects.toThrow('of the caller');
    other.coordinator.close('enough');
    expect((await working).ended).toBe('enough');
  });

  test('needs options that it understands', () => {
    for (const wrong of [
      { parts: 0 },
      { parts: 6 },
      { replicate: 9 },
      { spotChecks: 1.1 },
      { patience: 0 },
      { clock: {} },
      { random: 1 },
      { copies: 2 },
      { run: undefined },
    ])
      expect(() => new Hall(wrong as never), JSON.stringify(wrong)).toThrow(UsageError);
  });
});

describe('at the door', () => {
  test('another protocol and other kernels are refused, whatever they are', async () => {
    const hall = new Hall();
    await hall.coordinator.open();
    for (const protocol of [0, 1, '2', null, undefined, [1], { toString: 1 }])
      expect((await hall.ask('a', { ...HELLO, protocol })).refused).toMatch('it speaks protocol');
    for (const kernels of ['', 7, undefined, { toString: 1 }])
      expect((await hall.ask('a', { ...HELLO, kernels })).refused).toMatch('its kernels have');
    expect(hall.coordinator.workers).toEqual([]);
  });
});

describe('hostile messages', () => {
  test('2,000 of them from strangers and from a worker at work: none ends the step', async () => {
    const seed = Number(process.env.TEST_SEED ?? Date.now() % 2 ** 31);
    const random = randomOf(seed);
    const hall = new Hall({ parts: 2, replicate: 2 });
    await hall.coordinator.open();
    const step = hall.coordinator.step(batchOf(0));
    const { task } = await hall.ask('liar', HELLO);
    expect(task).toMatchObject({ step: 0, upload: true });
    const desk = hall.desk as Desk;
    for (let i = 0; i < 1000; i++) {
      const good = packMessage({ ...(task as object), ...HELLO, task: 'x', holding: 'x' });
      for (let n = 0; n < 3; n++) good[Math.floor(random() * good.length)] = random() * 256;
      const bytes = random() < 0.2 ? good.slice(0, random() * 100) : good;
      const found = unpackMessage(await desk.report(`s${i % 9}`, bytes)).head;
      expect(found.late === true || typeof found.refused === 'string', `seed ${seed}`).toBe(true);
      if (!bytes.includes(10)) await desk.ask(`s${i % 9}`, bytes);
    }
    for (const key of ['constructor', '__proto__', 'a'.repeat(60_000)])
      await hall.report('liar', { ...(task as object), [key]: 1, first: key, task: key });
    const working = ['a', 'b'].map((name) => hall.work(name));
    await hall.report('liar', { first: 0, count: 2, task: {}, seal: 1 }, new Uint8Array(99));
    const liar = await hall.report('liar', { first: 0, count: 2, error: 1 });
    expect(liar.late).toBe(true); // without the task's name
    await step.then(() => hall.coordinator.close('done'));
    await Promise.all(working);
    const other = create();
    other.step(batchOf(0));
    expect(await hall.trainer.weightsSha256()).toBe(await other.weightsSha256());
  }, 60_000);

  test('an old question does not make a liar of who waits for its result to be read', async () => {
    const { subtle } = globalThis.crypto;
    const digest = async (name: string, bytes: Bytes): Promise<ArrayBuffer> => {
      await wait(30);
      return subtle.digest(name, bytes);
    };
    vi.stubGlobal('crypto', { subtle: { digest }, getRandomValues: (words: unknown) => words });
    const hall = new Hall({ parts: 2, replicate: 2 });
    await hall.coordinator.open();
    const step = hall.coordinator.step(batchOf(0));
    const given: Task[] = [];
    for (const name of ['a', 'b', 'c']) given.push((await hall.ask(name, HELLO)).task as Task);
    expect(given.map(({ first, upload }) => [first, upload])).toEqual([
      [0, true],
      [0, false],
      [2, true],
    ]);
    const found = ['b', 'c'].map((name, i) => resultOf(given[i + 1], name));
    const [b, c] = await Promise.all(found);
    const desk = hall.desk as Desk;
    const first = desk.report('c', c);
    const second = desk.report('b', b);
    await hall.ask('a', { ...HELLO, leaving: true }); // nobody is to hand in gradients now
    void hall.ask('b', HELLO);
    for (const said of [first, second])
      expect(unpackMessage(await said).head).toEqual({ accepted: true });
    const working = ['d', 'e'].map((name) => hall.work(name));
    await step;
    hall.coordinator.close('done');
    await Promise.all(working);
    expect(hall.events.filter(({ kind }) => kind === 'wrong')).toEqual([]);
  });

  test('a result handed in again while it is read has the same answer', async () => {
    const hall = new Hall({ parts: 1 });
    await hall.coordinator.open();
    let heads: object[] = [];
    const report = async (message: Bytes): Promise<Bytes> => {
      const desk = hall.desk as Desk;
      const found = await Promise.all(Array.from({ length: 20 }, () => desk.report('a', message)));
      heads = found.map((bytes) => unpackMessage(bytes).head);
      return found[19]; // one that says less would have the part computed again
    };
    const courier = {
      report,
      ask: (message: Bytes) => (hall.desk as Desk).ask('a', message),
      fetch: async (sha256: string) => hall.blobs.get(sha256),
    };
    const working = work({ ...RUN, name: 'a', trainer: create(), batchOf, courier });
    for (let step = 0; step < 3; step++) await hall.coordinator.step(batchOf(step));
    hall.coordinator.close('done');
    expect((await working).parts).toBe(3);
    expect(heads).toEqual(new Array(20).fill({ accepted: true }));
  });
});

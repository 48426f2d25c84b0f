// What a coordinator's desk answers, message by message, where the order of messages matters.

import { describe, expect, test } from 'vitest';
import { CLOCK } from '../../src/distributed/courier.ts';
import {
  Coordinator,
  type CoordinatorEvent,
  type CoordinatorOptions,
  computePart,
  type Desk,
} from '../../src/distributed/index.ts';
import { packMessage, unpackMessage } from '../../src/distributed/message.ts';
import { packNumbers } from '../../src/distributed/packing.ts';
import { computeResult } from '../../src/distributed/result.ts';
import { readTask, sealOf, type Task, taskId } from '../../src/distributed/task.ts';
import { type TextBatch, Trainer } from '../../src/index.ts';
import { releaseWith } from '../helpers/rules.ts';
import { batchOf, create, OPTIONS, RUN } from './schedule.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** A step of a coordinator, its clock standing still until it is moved. */
class Table {
  time = 0;
  readonly events: CoordinatorEvent[] = [];
  readonly step: Promise<unknown>;
  private desk: Desk | undefined;
  readonly coordinator: Coordinator<TextBatch>;

  constructor(
    options: Partial<CoordinatorOptions>,
    readonly trainer = create(),
    private readonly computer = create(),
  ) {
    const clock = {
      now: () => this.time,
      sleep: () => new Promise<void>((wake) => setTimeout(wake, 1)),
    };
    const courier = {
      serve: async (desk: Desk) => {
        this.desk = desk;
      },
      put: async () => undefined,
      drop: async () => undefined,
    };
    const onEvent = (event: CoordinatorEvent): number => this.events.push(event);
    const about = { ...RUN, spotChecks: 0, clock, onEvent, ...options };
    this.coordinator = new Coordinator(trainer, courier, about);
    this.step = this.coordinator.open().then(() => this.coordinator.step(batchOf(0)));
    this.step.catch(() => undefined);
  }

  /** What is answered to a worker that asks: time stands still, so it waits for a task. */
  async ask(worker: string, more: object = {}): Promise<Record<string, unknown>> {
    const hello = { protocol: 2, kernels: RUN.kernels, holding: '', ...more };
    const asked = (this.desk as Desk).ask(worker, packMessage(hello));
    return unpackMessage(await asked).head;
  }

  /** The task that a worker is given, once there is one. */
  async task(worker: string): Promise<Task> {
    return readTask((await this.ask(worker)).task);
  }

  /** Hands in an honest result, or what `change` makes of it. */
  async report(
    worker: string,
    task: Task,
    change = (head: object, body: Bytes): Bytes => packMessage(head, body),
  ): Promise<object> {
    const { part, answer } = await computeResult(this.computer, batchOf(0), task, CLOCK);
    const { gradients, ...sums } = part;
    const head = { ...sums, task: taskId(task), seal: sealOf(answer, worker) };
    const body = task.upload ? packNumbers(gradients) : new Uint8Array(0);
    return unpackMessage(await (this.desk as Desk).report(worker, change(head, body))).head;
  }

  get wrong(): string[] {
    return this.events.flatMap((event) => (event.kind === 'wrong' ? [event.worker] : []));
  }
}

const asItIs = async (): Promise<string> => {
  const trainer = create();
  trainer.step(batchOf(0));
  return trainer.weightsSha256();
};
const spoil = (head: object, body: Bytes): Bytes => packMessage({ ...head, seal: 'no' }, body);

describe('a desk', () => {
  test('takes a result once, and none of another task', async () => {
    const table = new Table({ parts: 2, replicate: 2 });
    const task = await table.task('a');
    expect(await table.report('b', task)).toEqual({ late: true });
    expect(await table.report('a', { ...task, step: 1 })).toEqual({ late: true });
    expect(await table.report('a', { ...task, upload: false })).toEqual({ late: true });
    expect(await table.report('a', task)).toEqual({ accepted: true });
    expect(await table.report('a', task)).toEqual({ late: true });
    expect(await table.report('a', task, spoil)).toEqual({ late: true });
    expect(table.wrong).toEqual([]);
    table.coordinator.close('done');
    await expect(table.step).rejects.toThrow('closed');
  });

  test('gives the part of a worker that leaves to the next one', async () => {
    const table = new Table({ parts: 1 });
    const task = await table.task('a');
    expect(await table.ask('a', { leaving: true })).toHaveProperty('end');
    expect(table.coordinator.workers).toEqual([]);
    expect(table.events.map(({ kind }) => kind)).toEqual(['joined', 'left']);
    expect(await table.report('a', task)).toEqual({ late: true });
    expect(await table.task('b')).toEqual(task);
    table.coordinator.close('done');
    await expect(table.step).rejects.toThrow('closed');
  });

  test('gives nothing more to a worker that is wrong, whatever it asks and says', async () => {
    const table = new Table({ parts: 2 });
    const task = await table.task('liar');
    expect(await table.report('liar', task, spoil)).toHaveProperty('refused');
    expect(await table.ask('liar')).toHaveProperty('refused');
    expect(await table.report('liar', task)).toHaveProperty('refused');
    expect(table.coordinator.workers).toEqual([]);
    for (let i = 0; i < 2; i++) await table.report('a', await table.task('a'));
    await table.step;
    expect(await table.trainer.weightsSha256()).toBe(await asItIs());
  });

  test('gives up the earlier one of two questions of a worker, at once', async () => {
    const table = new Table({ parts: 1 });
    await table.task('a');
    const [first, second] = [table.ask('b'), table.ask('b')];
    expect(await first).toEqual({ wait: true });
    table.coordinator.close('done');
    expect(await second).toEqual({ end: 'done' });
  });

  test('wants no gradients but those that it asked for', async () => {
    const table = new Table({ parts: 1, replicate: 2 });
    const [first, second] = [await table.task('a'), await table.task('b')];
    expect([first.upload, second.upload]).toEqual([true, false]);
    const more = (head: object): Bytes => packMessage(head, Uint8Array.of(0));
    expect(await table.report('b', second, more)).toEqual({
      refused: 'nobody asked for its gradients',
    });
    const none = (head: object): Bytes => packMessage(head);
    expect(await table.report('a', first, none)).toEqual({ refused: 'its gradients are missing' });
    table.coordinator.close('done');
  });

  test('has a part computed anew if whoever handed in its gradients is wrong', async () => {
    const table = new Table({ parts: 2, replicate: 3, patience: 10_000 });
    const lost = await table.task('liar');
    table.time += 20_000;
    const again = await table.task('c'); // as well: the liar is taken for lost
    expect([lost.first, again.first, lost.upload, again.upload]).toEqual([0, 0, true, true]);
    expect(await table.report('liar', lost)).toEqual({ accepted: true });
    expect(await table.report('c', again)).toEqual({ accepted: true });
    const other = await table.task('liar');
    expect(await table.report('liar', other, spoil)).toHaveProperty('refused');
    for (let i = 0; i < 2; i++)
      for (const worker of ['c', 'd', 'e']) {
        const task = await table.task(worker);
        expect(await table.report(worker, task), worker).toEqual({ accepted: true });
      }
    await table.step;
    expect(await table.trainer.weightsSha256()).toBe(await asItIs());
    expect(table.wrong).toEqual(['liar']);
  });

  test('ends a step by the error of its first sample, whichever part fails first', async () => {
    const failing = (): Trainer<TextBatch> =>
      Trainer.forTests(OPTIONS, {
        makeBackend: releaseWith((kernels, memory) => ({
          embedding_forward_i32: (...args) => {
            kernels.embedding_forward_i32(...args);
            const [, , , out, rows, columns, l] = args;
            new Int32Array(memory.buffer, out, rows * columns)[5] = 20_000 * 2 ** l;
          },
        })),
      });
    const table = new Table({ parts: 2 }, failing());
    const [, second] = [await table.task('a'), await table.task('b')];
    expect(second.first).toBe(2);
    const own = { step: 0, first: 2, count: 3 };
    expect(() => computePart(failing(), batchOf(0), own)).toThrow('sample 2');
    const error = ({ task, first, count }: never): Bytes =>
      packMessage({ task, first, count, error: 'OverflowError: it says' });
    await table.report('b', second, error as never);
    await expect(table.step).rejects.toThrow('block 0, sample 0, step 1');
    expect(table.wrong).toEqual([]);
  });
});

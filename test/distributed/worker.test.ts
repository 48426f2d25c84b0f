// What a worker does with what it is told, and what it does not take.

import { describe, expect, test } from 'vitest';
import { digestBytes } from '../../src/distributed/digest.ts';
import {
  copyWeights,
  DistributedError,
  encodeWeights,
  type WorkerCourier,
  type WorkOptions,
  type WorkReport,
  work,
} from '../../src/distributed/index.ts';
import { packMessage, unpackMessage } from '../../src/distributed/message.ts';
import { type TextBatch, UsageError } from '../../src/index.ts';
import { bytesOf } from '../../src/receipt/digests.ts';
import { batchOf, create, RUN } from './schedule.ts';

type Bytes = Uint8Array<ArrayBuffer>;
type Head = Record<string, unknown>;

/** A coordinator that says what it is told to, one thing after the other, and then that it ends. */
class Script implements WorkerCourier {
  readonly asked: Head[] = [];
  readonly reported: Head[] = [];
  blobs = new Map<string, Bytes | undefined>();
  fetches = 0;

  constructor(
    private readonly says: (object | Bytes | Error)[],
    private readonly answers: (object | Error)[] = [],
  ) {}

  readonly ask = async (message: Bytes): Promise<Bytes> => {
    this.asked.push(unpackMessage(message).head);
    const next = this.says.shift() ?? { end: 'done' };
    if (next instanceof Error) throw next;
    return next instanceof Uint8Array ? Uint8Array.from(next) : packMessage(next);
  };

  readonly report = async (message: Bytes): Promise<Bytes> => {
    this.reported.push(unpackMessage(message).head);
    const next = this.answers.shift() ?? { accepted: true };
    if (next instanceof Error) throw next;
    return packMessage(next);
  };

  readonly fetch = async (sha256: string): Promise<Bytes | undefined> => {
    this.fetches++;
    return this.blobs.get(sha256);
  };

  work(more: Partial<WorkOptions<TextBatch>> = {}): Promise<WorkReport> {
    const about = { ...RUN, name: 'w', retry: 1, trainer: create(), batchOf, courier: this };
    return work({ ...about, ...more });
  }
}

/** A task at the weights of a fresh trainer, and its bytes. */
async function task(more: Head = {}): Promise<{ task: object; blob: string; bytes: Bytes }> {
  const weights = copyWeights(create());
  const digest = await digestBytes(bytesOf(weights));
  const bytes = encodeWeights(weights);
  const blob = await digestBytes(bytes);
  const full = { weights: digest, blob };
  const range = { run: RUN.run, step: 0, first: 0, count: 2, upload: false };
  return { task: { task: { ...range, weights: digest, full, changes: [], ...more } }, blob, bytes };
}

describe('a worker', () => {
  test('computes what it is given, and says how much it moved', async () => {
    const one = await task();
    const two = await task({ first: 2, count: 3, upload: true });
    const script = new Script([one.task, { wait: true }, two.task]);
    script.blobs.set(one.blob, one.bytes);
    const seen: object[] = [];
    const onTask = (each: object): number => seen.push(each);
    const report = await script.work({ onTask });
    expect(report).toMatchObject({ parts: 2, downloaded: one.bytes.length, ended: 'done' });
    expect(report.uploaded).toBeGreaterThan(create().parameters * 2);
    expect(script.reported.map(({ loss }) => typeof loss)).toEqual(['undefined', 'number']);
    expect(seen).toHaveLength(2);
    expect(script.fetches).toBe(1); // it has the weights then
    const [first, second, third] = script.asked;
    expect(first).toEqual({ protocol: 2, kernels: RUN.kernels, holding: '' });
    expect([second.holding, third.holding].map((id) => String(id).length)).toContain(64);
  });

  test('that has the weights of a step fetches what has changed since, and no more', async () => {
    const steps = [0, 1, 2].map((add) => copyWeights(create()).map((weight) => weight + add));
    const coded = [
      encodeWeights(steps[0]),
      encodeWeights(steps[1], steps[0]),
      encodeWeights(steps[2], steps[1]),
    ];
    const sources = await Promise.all(
      steps.map(async (weights, i) => ({
        weights: await digestBytes(bytesOf(weights)),
        blob: await digestBytes(coded[i]),
      })),
    );
    const [full, ...changes] = sources;
    const about = { run: RUN.run, step: 0, first: 0, count: 1, upload: false, full };
    const tasks = sources.map(({ weights }, i) => ({
      task: { ...about, weights, changes: changes.slice(0, i) },
    }));
    const script = new Script([tasks[1], tasks[2]]);
    for (const [i, { blob }] of sources.entries()) script.blobs.set(blob, coded[i]);
    expect(await script.work()).toMatchObject({ parts: 2, ended: 'done' });
    expect(script.fetches).toBe(3);
    const late = new Script([tasks[0], tasks[2], tasks[2]]);
    late.blobs = script.blobs;
    expect(await late.work()).toMatchObject({ parts: 3, ended: 'done' });
    expect(late.fetches).toBe(3);
  });

  test('asks again where a message is lost, and hands in five times at most', async () => {
    const { task: given, blob, bytes } = await task();
    const lost = new Error('lost');
    const script = new Script([lost, lost, given, lost], new Array(5).fill(lost));
    script.blobs.set(blob, bytes);
    const report = await script.work();
    expect(report).toMatchObject({ parts: 1, uploaded: 0, ended: 'done' });
    expect(script.reported.length).toBe(5);
  });

  test('says which bytes it misses, and goes on once they are there', async () => {
    const { task: given, blob, bytes } = await task();
    const script = new Script([given, given]);
    script.blobs.set(blob, undefined);
    const courier = {
      ask: (message: Bytes) => {
        if (script.asked.length === 1) script.blobs.set(blob, bytes);
        return script.ask(message);
      },
      report: script.report,
      fetch: script.fetch,
    };
    expect(await script.work({ courier })).toMatchObject({ parts: 1, ended: 'done' });
    expect(script.asked.map(({ missing }) => missing)).toEqual([undefined, blob, undefined]);
    expect(script.fetches).toBe(6);
  });

  test('takes no bytes of another digest, and no weights of another one', async () => {
    const { task: given, blob, bytes } = await task();
    const script = new Script([given]);
    script.blobs.set(blob, bytes.slice(1));
    expect(await script.work()).toMatchObject({ parts: 0, downloaded: 0, ended: 'done' });
    const other = await task({ weights: 'ab'.repeat(32) });
    const next = new Script([other.task]);
    next.blobs.set(other.blob, other.bytes);
    expect(await next.work()).toMatchObject({ parts: 0, ended: 'done' });
    expect(next.reported).toEqual([]);
  });

  test.each<[string, object | Bytes, string]>([
    ['a refusal', { refused: 'it is too old' }, 'refused: it is too old'],
    ['a task of another run', { task: { run: 'r2' } }, 'a task lacks something'],
    ['half a task', { task: 7 }, 'a task lacks something'],
    ['no message', Uint8Array.of(1, 2), 'a message does not begin with a line of JSON'],
  ])('ends at %s', async (_, said, message) => {
    const failing = new Script([said]).work();
    await expect(failing).rejects.toThrow(message);
    await expect(failing).rejects.toThrow(DistributedError);
  });

  test('ends at a whole task of another run', async () => {
    const { task: given } = await task({ run: 'r2' });
    await expect(new Script([given]).work()).rejects.toThrow('of the run r2, expected r1');
  });

  test('ends when its result is refused, and when it is told to stop', async () => {
    const { task: given, blob, bytes } = await task();
    const waits = new Array(20).fill({ wait: true });
    const script = new Script([given, ...waits], [{ refused: 'it is wrong' }]);
    script.blobs.set(blob, bytes);
    await expect(script.work()).rejects.toThrow('refused: it is wrong');
    const stopped = new Script([given]);
    stopped.blobs.set(blob, bytes);
    const report = await stopped.work({ onTask: () => false });
    expect(report).toEqual({ parts: 0, uploaded: 0, downloaded: 0, ended: 'stopped' });
    expect(stopped.asked.map(({ leaving }) => leaving)).toEqual([undefined, true]);
  });

  test('throws what its own batch does', async () => {
    const { task: given, blob, bytes } = await task();
    const run = (of: () => TextBatch): Promise<WorkReport> => {
      const script = new Script([given]);
      script.blobs.set(blob, bytes);
      return script.work({ batchOf: of });
    };
    await expect(run(() => ({}) as TextBatch)).rejects.toThrow(UsageError);
    const none = (): TextBatch => {
      throw new RangeError('no such step');
    };
    await expect(run(none)).rejects.toThrow(RangeError);
  });
});

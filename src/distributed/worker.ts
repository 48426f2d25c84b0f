// Computes parts of steps for a coordinator, one after the other, until it is told to stop. It
// keeps nothing that it could not get again: weights are fetched by their digest.

import { callback, fields, having, text, whole } from '../core/check.ts';
import { OverflowError, ReconstructionError } from '../core/errors.ts';
import type { Trainer } from '../index.ts';
import { bytesOf } from '../receipt/digests.ts';
import { trainerOf } from '../receipt/trainer.ts';
import { type Bytes, CLOCK, type Clock, type WorkerCourier } from './courier.ts';
import { digestBytes } from './digest.ts';
import { DistributedError } from './errors.ts';
import { packMessage, unpackMessage } from './message.ts';
import { mostBytes, packNumbers } from './packing.ts';
import { type GradientPart, type Gradients, layoutOf, partDigest } from './part.ts';
import { Pool } from './pool.ts';
import { computeWith } from './round.ts';
import { PROTOCOL, readTask, type Source, sealOf, type Task, taskId } from './task.ts';
import { gatherWeights, readWeights, setWeights, type Weights } from './weights.ts';

/** What a worker did. */
export interface WorkReport {
  /** Parts that it computed. */
  parts: number;
  /** Bytes that it handed in. */
  uploaded: number;
  /** Bytes that it fetched. */
  downloaded: number;
  /** Why it ended. */
  ended: string;
}

/** What a worker needs. */
export interface WorkOptions<Batch> {
  /** A trainer of the run's options: its weights are replaced by those of each task. */
  trainer: Trainer<Batch>;
  /** The batch of the step that comes after so many others. */
  batchOf: (step: number) => Batch;
  /** The way to the coordinator. */
  courier: WorkerCourier;
  /** The name under which the courier knows this worker. */
  name: string;
  /** The run's name. */
  run: string;
  /** Digest of the known answers of all kernels on this machine. */
  kernels: string;
  /** Hears of each part that is about to be computed, and what was done so far; false: stop. */
  onTask?: ((task: Task, report: Readonly<WorkReport>) => unknown) | undefined;
  /** Milliseconds between two tries of what failed (500). */
  retry?: number | undefined;
  /** Time (the runtime's). */
  clock?: Clock | undefined;
}

/** Tries of what may fail by the network, before a task is given up. */
const TRIES = 5;

class Worker<Batch> {
  readonly done: WorkReport = { parts: 0, uploaded: 0, downloaded: 0, ended: '' };
  private weights = '';
  /** The task whose result is on its way. */
  private holding = '';
  /** Bytes that the courier does not have. */
  private missing: string | undefined;
  private reporting: Promise<void> = Promise.resolve();
  private refused = '';
  /** Memory that is used for every part. */
  private readonly rooms: Pool<Weights>;
  private readonly gradients: Gradients;
  private readonly packed: Bytes;

  constructor(private readonly options: Required<WorkOptions<Batch>>) {
    const { trainer } = options;
    const { size, rooms } = layoutOf(trainer);
    this.rooms = new Pool(() => new Int32Array(trainer.parameters));
    this.gradients = rooms.take();
    this.packed = new Uint8Array(mostBytes(size, 8));
  }

  async run(): Promise<WorkReport> {
    const { courier, kernels, clock, retry } = this.options;
    while (this.done.ended === '') {
      const { holding, missing } = this;
      const hello = packMessage({ protocol: PROTOCOL, kernels, holding, missing });
      const answer = await courier.ask(hello).catch(() => undefined);
      if (answer === undefined) await clock.sleep(retry);
      else await this.obey(answer);
      if (this.refused !== '') throw new DistributedError(`refused: ${this.refused}`);
    }
    await this.reporting;
    return this.done;
  }

  private async obey(answer: Bytes): Promise<void> {
    const { head } = unpackMessage(answer);
    if (typeof head.end === 'string') this.done.ended = head.end;
    if (typeof head.refused === 'string') this.refused = head.refused;
    if (head.task === undefined) return;
    const task = readTask(head.task);
    if (task.run !== this.options.run)
      throw new DistributedError(`a task is of the run ${task.run}, expected ${this.options.run}`);
    if (this.options.onTask(task, this.done) === false) return this.leave();
    if (!(await this.bring(task))) {
      await this.options.clock.sleep(this.options.retry);
      return;
    }
    const result = await this.compute(task);
    await this.reporting;
    this.holding = taskId(task);
    this.reporting = this.hand(result); // while the next part is computed
  }

  /** Gives back what it was told to do: others need not wait for it. */
  private async leave(): Promise<void> {
    const { courier, kernels } = this.options;
    const { holding } = this;
    this.done.ended = 'stopped';
    const message = packMessage({ protocol: PROTOCOL, kernels, holding, leaving: true });
    await courier.ask(message).catch(() => undefined); // it is missed sooner or later
  }

  /** Brings the trainer to the weights of a task; false if they cannot be had any more. */
  private async bring(task: Task): Promise<boolean> {
    if (this.weights === task.weights) return true;
    const { rooms } = this;
    const { trainer } = this.options;
    const own = task.changes.findIndex(({ weights }) => weights === this.weights);
    const isNear = own >= 0 || task.full.weights === this.weights;
    const path = isNear ? task.changes.slice(own + 1) : [task.full, ...task.changes];
    let weights = isNear ? gatherWeights(trainer, rooms.take()) : undefined;
    for (const source of path) {
      const bytes = await this.fetch(source);
      if (bytes === undefined) return false;
      const next = readWeights(bytes, weights, rooms.take());
      if (weights !== undefined) rooms.give(weights);
      weights = next;
    }
    const found = weights === undefined ? '' : await digestBytes(bytesOf(weights));
    if (weights === undefined || found !== task.weights) {
      this.weights = ''; // begin with whole ones next time
      return false;
    }
    setWeights(trainer, weights);
    rooms.give(weights);
    this.weights = task.weights;
    this.missing = undefined;
    return true;
  }

  private async fetch({ blob }: Source): Promise<Bytes | undefined> {
    const { courier, clock, retry } = this.options;
    for (let i = 0; i < TRIES; i++) {
      const bytes = await courier.fetch(blob).catch(() => undefined);
      if (bytes !== undefined && (await digestBytes(bytes)) === blob) {
        this.done.downloaded += bytes.length;
        return bytes;
      }
      await clock.sleep(retry);
    }
    this.missing = blob;
    return undefined;
  }

  /** A part as a message. */
  private async compute(task: Task): Promise<Bytes> {
    const { trainer, batchOf, name, clock } = this.options;
    const { first, count, upload } = task;
    const about = { task: taskId(task), first, count };
    const pause = (): Promise<void> => clock.sleep(0);
    try {
      const run = computeWith(trainer, batchOf, task, pause, this.gradients);
      const { gradients, ...sums } = (await run) as GradientPart;
      const body = packNumbers(gradients, this.packed);
      const seal = sealOf(await partDigest(sums, body), name);
      this.done.parts++;
      return upload
        ? packMessage({ ...about, ...sums, seal }, body)
        : packMessage({ ...about, seal });
    } catch (error) {
      const isResult = error instanceof OverflowError || error instanceof ReconstructionError;
      if (!isResult) throw error;
      return packMessage({ ...about, error: `${error.name}: ${error.message}` });
    }
  }

  /** Hands in a result. One that cannot be is computed by somebody else. */
  private async hand(message: Bytes): Promise<void> {
    const { courier, clock, retry } = this.options;
    for (let i = 0; i < TRIES; i++) {
      const answer = await courier
        .report(message)
        .then(unpackMessage)
        .catch(() => undefined);
      if (answer !== undefined) {
        this.done.uploaded += message.length;
        const { refused } = answer.head;
        if (typeof refused === 'string') this.refused = refused;
        break;
      }
      await clock.sleep(retry);
    }
    this.holding = '';
  }
}

/** Works for a coordinator until the run ends. Resolves to what was done; throws DistributedError
 *  if the coordinator refuses this worker, and what `Trainer.step` throws for a batch that the
 *  model cannot use. What fails on the way to the coordinator is tried again.
 *  @example
 *  const model = gpt({ vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 });
 *  const trainer = Trainer.create({ model, batch: 2, steps: 10 });
 *  const end = new TextEncoder().encode('{"end":"the run is complete"}\n');
 *  const courier = { ask: async () => end, report: async () => end, fetch: async () => undefined };
 *  const about = { run: 'r1', name: 'w1', kernels: 'a digest', courier };
 *  const { parts, ended } = await work({ trainer, batchOf: () => undefined, ...about });
 *  console.log(parts, ended); // 0 the run is complete
 */
export async function work<Batch>(options: WorkOptions<Batch>): Promise<WorkReport> {
  const given = fields<WorkOptions<Batch>>('options', options, {
    trainer: undefined,
    batchOf: undefined,
    courier: undefined,
    name: undefined,
    run: undefined,
    kernels: undefined,
    onTask: () => undefined,
    retry: 500,
    clock: CLOCK,
  });
  trainerOf(given.trainer as Trainer<Batch>);
  callback('batchOf', given.batchOf);
  callback('onTask', given.onTask);
  having('courier', given.courier, ['ask', 'report', 'fetch']);
  having('clock', given.clock, ['now', 'sleep']);
  whole('retry', given.retry, 0, 2 ** 31 - 1);
  text('name', given.name);
  text('run', given.run);
  text('kernels', given.kernels);
  return new Worker(given as Required<WorkOptions<Batch>>).run();
}

// Trains any model: one class from options to weights, of which each kind of model has its own (gpt-trainer.ts, ...). Returns values and
// prints nothing. Memory is laid out when it is created; a step allocates nothing that grows with the model.

import { callback, reading, refuse } from '../core/check.ts';
import { hex, sha256 } from '../core/digest.ts';
import { RetrogradError, UsageError } from '../errors.ts';
import { Device } from '../kernels/device.ts';
import type { Backend } from '../kernels/kernels.ts';
import { Jobs } from '../kernels/jobs.ts';
import { Pool } from '../kernels/pool.ts';
import { Team } from '../kernels/team.ts';
import { createWasmBackend, isShared } from '../kernels/wasm.ts';
import { type Model, nats } from '../models/model.ts';
import { initialise } from '../nn/parameters.ts';
import { Arena } from '../tensor/arena.ts';
import { MASTER_FRACTION, OPTIMIZER_FRACTION } from '../tensor/formats.ts';
import { JOB, type Job, NOTHING, type Outcome, addOutcome, controlOf, encodeJob, outcomeOf, runJob, stepError } from './job.ts';
import type { UpdateReport } from './optimizer.ts';
import { type Kit, type Layout, type MemoryPlan, layout, plan } from './plan.ts';
import type { AnyOptions } from './rules.ts';
import { type NamedTensor, checkStep, checkTensors } from './tensors.ts';

/** What one training step did. */
export interface StepReport {
  /** Steps done, this one included. */
  step: number;
  /** Mean loss of the batch in nats a prediction (a token, an image), before the update. */
  loss: number;
  /** Images of the batch whose class was predicted; 0 for models of text. */
  correct: number;
  /** Euclidean norm of the gradient of the mean loss, before clipping. */
  gradientNorm: number;
  /** Of this step, from the schedule. */
  learningRate: number;
  /** Elements clamped to their format's range in this step. */
  saturated: number;
  /** Elements of residual states beyond the accepted range. Always 0 in a report: a step with others throws OverflowError. */
  overflowed: number;
  /** Residual states rebuilt on the way back and compared with their hash of the way forward. */
  checkedStates: number;
  /** Elements that were not rebuilt exactly. Always 0 in a report: a step with others throws ReconstructionError. */
  mismatchedElements: number;
}

/** Room beside the arena for a back end's static data. */
const SLACK = 2 ** 18;

/** A training run of any kind of model: what GptTrainer and the trainers of `retrograd/all` have in common. It prints nothing and keeps no clock.
 *  @example
 *  const model = { vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 };
 *  const trainer = GptTrainer.create({ model, batch: 1, steps: 10 });
 *  console.log(trainer instanceof Trainer, trainer.parameters, trainer.plan.bytes.weights); // true 1640 6560
 */
export abstract class Trainer<M extends Model, Config extends { layers: number }> {
  /** Kept by bundlers. @internal */
  static readonly name: string = 'Trainer';
  /** Steps done so far. */
  steps = 0;
  /** Sums of the reports of all steps so far, and of evaluations. */
  readonly totals = { checkedStates: 0, mismatchedElements: 0, saturated: 0, overflowed: 0 };
  /** The run's memory, as planned. */
  readonly plan: MemoryPlan;
  /** Bytes of memory in use, the kernels' own included. */
  readonly peakBytes: number;

  protected readonly all: Layout<M>;
  private readonly jobs: Jobs;
  private readonly pool: Pool;
  private readonly alone = new Team(new Int32Array(0));
  private readonly makeBackend: () => Backend;
  private work: Device;
  /** The memory that was left when a thread was lost. */
  private left: ArrayBufferLike | undefined;
  /** Why no weight here can be trusted any more. */
  private broken: RetrogradError | undefined;

  protected constructor(/** The run's options, defaults filled in. */ readonly options: AnyOptions<Config>, kit: Kit<M, Config>, makeBackend?: (bytes: number) => Backend, threadModule?: URL) {
    if (kit === undefined) throw new UsageError('a trainer is made by create, not by new');
    if (makeBackend !== undefined) callback('makeBackend', makeBackend);
    Object.freeze(Object.freeze(options).model); // what was checked stays so
    this.plan = plan(options, kit);
    const bytes = this.plan.total + SLACK, isThreaded = options.threads > 1;
    const pages = Math.ceil(bytes / 65536);
    this.makeBackend = () => makeBackend?.(bytes) ?? createWasmBackend({ pages, shared: isThreaded });
    this.work = reading('the back end', () => new Device(this.makeBackend()));
    if (this.work.bytes.length < this.plan.total)
      throw new UsageError(`the back end has no ${bytes} bytes`);
    const { memory, base } = this.work.backend, arena = new Arena(base);
    this.all = layout(arena, options, kit);
    this.peakBytes = arena.end;
    initialise(this.work, this.all.model.store, options.seed);
    this.setScales(() => 0);
    this.jobs = new Jobs(memory.buffer, this.all.job);
    const why = isThreaded ? 'this runtime has no shared memory' : '';
    this.pool = new Pool(this.jobs, options.threads, why);
    if (isThreaded && isShared(memory)) {
      this.pool.start(this, threadModule, { memory, base, options, end: arena.end });
    }
  }

  /** Where the weights are, and the work is done. */
  protected get device(): Device {
    if (this.broken !== undefined) throw this.broken;
    return this.work;
  }

  /** Threads at work in the next step: 1 until all workers are up, then options.threads, and 1 again if
   *  one of them is lost. */
  get threads(): number {
    return this.pool.threads;
  }

  /** Why fewer threads are at work than options.threads, in words: they are starting, the runtime has
   *  none, one ended; else ''.
   *  @example
   *  const model = { vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 };
   *  const trainer = GptTrainer.create({ model, batch: 2, steps: 10, threads: 2 });
   *  console.log(trainer.threads, trainer.threadsNote); // 1 the threads are starting
   *  trainer.close();
   */
  get threadsNote(): string {
    return this.pool.note;
  }

  /** Ends the worker threads, if there are any. The trainer goes on with one, and gives the same bits.
   *  Without it they end some time after the trainer was dropped.
   *  @example
   *  const model = { vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 };
   *  const trainer = GptTrainer.create({ model, batch: 2, steps: 10, threads: 2 });
   *  trainer.trainStep(Int32Array.of(0, 1, 2, 3, 1, 2, 3, 0), Int32Array.of(1, 2, 3, 0, 2, 3, 0, 1));
   *  trainer.close();
   *  console.log(trainer.threads, trainer.steps); // 1 1
   */
  close(): void {
    this.pool.end('the trainer was closed');
  }

  /** Number of weights. */
  get parameters(): number {
    return this.plan.parameters;
  }

  /** Runs a job on all threads and adds up what they counted; throws what one thread alone would throw. */
  private run(given: Partial<Job> & Pick<Job, 'job'>): Outcome & { update?: UpdateReport } {
    const { device: d, pool } = this, size = this.threads;
    const job: Job = { count: 0, first: 0, step: this.steps, predictions: 0, gamma8: 0, ...given };
    if (size > 1) {
      d.team = new Team(controlOf(d, this.all, this.options), 0, size, pool.watch);
      d.team.reset();
      pool.begin(encodeJob(job));
    }
    const { outcome, update, failure } = runJob(d, this.all, job);
    d.team = this.alone;
    if (size > 1 && !pool.join()) return this.goOn(job);
    const others = Array.from({ length: size - 1 }, (_, i) => this.jobs.result(i + 1)), total = { ...outcome };
    for (const { numbers } of others) addOutcome(total, outcomeOf(numbers));
    for (const key of Object.keys(this.totals) as (keyof typeof this.totals)[]) this.totals[key] += total[key];
    const thrown = stepError(failure, others.map((result) => result.error));
    if (thrown !== undefined) throw thrown;
    return { ...total, update };
  }

  /** Does a job alone in which a thread was lost: in a copy of the memory, for a thread that was only
   *  slow may still write to this one. Weights are written by updates only, which leave nothing to
   *  begin again from. */
  private goOn(job: Job): Outcome & { update?: UpdateReport } {
    const { work } = this;
    const lost = `${this.threadsNote} in step ${job.step + 1}, which left no whole weights`;
    this.broken = new RetrogradError(lost, 'go on from the last checkpoint');
    if (job.job === JOB.update) throw this.broken;
    this.work = new Device(this.makeBackend());
    this.work.bytes.set(work.bytes);
    this.broken = undefined;
    this.left = work.bytes.buffer;
    return this.run(job);
  }

  /** Shows new weights to views of the memory that was left, too. */
  private show(): void {
    if (this.left === undefined) return;
    for (const { data } of this.tensors()) {
      new Int32Array(this.left, data.byteOffset, data.length).set(data);
    }
  }

  /** One step: gradients of a batch whose samples `load` brings into memory, micro-batch by micro-batch; then the update. */
  protected step(load: (first: number, count: number) => void, predictions: number): StepReport {
    const { update: _, loss, ...counts } = this.accumulate(load, predictions), { update, saturated } = this.run({ job: JOB.update, predictions });
    this.steps++;
    this.show();
    return { step: this.steps, loss, ...update!, ...counts, saturated: counts.saturated + saturated };
  }

  /** Leaves the gradients of the summed loss; the loss returned is the mean. Begins again if a thread
   *  is lost on the way. */
  protected accumulate(load: (first: number, count: number) => void, predictions: number): Outcome & { update?: UpdateReport } {
    const { batch, microBatch } = this.options, total: Outcome = { ...NOTHING }, totals = { ...this.totals };
    this.run({ job: JOB.clear });
    const { device } = this;
    for (let first = 0; first < batch; first += microBatch) {
      load(first, microBatch);
      addOutcome(total, this.run({ job: JOB.accumulate, count: microBatch, first }));
      if (device !== this.device) {
        Object.assign(this.totals, totals);
        return this.accumulate(load, predictions);
      }
    }
    return { ...total, loss: nats(total.loss) / predictions };
  }

  /** Loss (raw sum) and right predictions of the `count` samples that are loaded. */
  protected score(count: number, gamma: number): Outcome {
    if (!Number.isFinite(gamma) || ![0, 1, 2, 4].includes(Math.abs(gamma * 8)))
      refuse('gamma', gamma, '0, +-0.125, +-0.25 or +-0.5');
    const { reversible } = this.options;
    if (gamma !== 0 && !['bdia', 'none', 'checkpointing'].includes(reversible)) throw new UsageError(`gamma is ${gamma}, expected 0: ${reversible} has no gamma`);
    return this.run({ job: JOB.evaluate, count, gamma8: gamma * 8 });
  }

  /** The int64 gradient of a parameter after computeGradients: in the parameter's shape, row-major, 28 fraction bits, of the loss summed over
   *  the batch's tokens. A view of live memory. Throws UsageError for a name that the model does not have.
   *  @example
   *  const model = { vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 };
   *  const trainer = GptTrainer.create({ model, batch: 1, steps: 10 });
   *  trainer.computeGradients(Int32Array.of(0, 1, 2, 3), Int32Array.of(1, 2, 3, 0));
   *  const gradient = trainer.gradient('norm.gain');
   *  console.log(gradient.length, gradient[0]); // 8 14758662n
   */
  gradient(name: string): BigInt64Array {
    const p = this.all.model.store.get(name);
    return this.device.int64.subarray(p.gradient / 8, p.gradient / 8 + p.size);
  }

  /** Weights in table order, then the optimizer's moments m and r = sqrt(v): everything that a checkpoint needs beside options and step. The
   *  data are views of live memory: copy what must not change.
   *  @example
   *  const model = { vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 };
   *  const [{ name, shape, data, fraction }] = GptTrainer.create({ model, batch: 1, steps: 10 }).tensors();
   *  console.log(name, shape, data[0], fraction); // token.weight [ 4, 8 ] -709949 24
   */
  tensors(): NamedTensor[] {
    const { all } = this.all.model.store, { device: d } = this;
    return [
      ...all.map((p) => ({ name: p.name, shape: p.shape, data: d.view(p.master, p.size), fraction: MASTER_FRACTION })),
      ...(['m', 'r'] as const).flatMap((moment) => all.map((p, i) => ({
        name: `optimizer.${moment}.${p.name}`, shape: p.shape, data: d.view(p[moment], p.size),
        fraction: OPTIMIZER_FRACTION - this.all.optimizer.scale(d, i),
      }))),
    ];
  }

  /** Continues from tensors that `tensors()` gave, after `steps` steps, bit for bit as the run they are from. Throws CheckpointError naming the
   *  first difference of name, shape or fraction bits, or the first number that no run can have; nothing is changed then.
   *  @example
   *  const model = { vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 }, options = { model, batch: 1, steps: 10 };
   *  const inputs = Int32Array.of(0, 1, 2, 3), targets = Int32Array.of(1, 2, 3, 0);
   *  const first = GptTrainer.create(options), second = GptTrainer.create(options);
   *  first.trainStep(inputs, targets);
   *  second.restore(first.tensors(), first.steps);
   *  console.log(first.trainStep(inputs, targets).loss === second.trainStep(inputs, targets).loss); // true
   *  console.log(await first.weightsSha256() === await second.weightsSha256()); // true
   */
  restore(tensors: readonly NamedTensor[], steps: number): void {
    checkStep(steps);
    const given = checkTensors(tensors, this.all.model.store.all, this.device.bytes.buffer);
    this.tensors().forEach(({ data }, i) => { data.set(given[i].data); });
    this.setScales((i) => OPTIMIZER_FRACTION - given[given.length / 3 + i].fraction); // of m
    this.steps = steps;
    this.show();
  }

  private setScales(of: (i: number) => number): void {
    this.all.model.store.all.forEach((_, i) => this.all.optimizer.setScale(this.device, i, of(i)));
  }

  /** SHA-256 of every parameter's little-endian int32 bytes in table order, as 64 hex digits: the run's fingerprint.
   *  @example
   *  const model = { vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 };
   *  const trainer = GptTrainer.create({ model, batch: 1, steps: 10 });
   *  console.log(await trainer.weightsSha256()); // 18ba20d3d6723f66333a37115e40941e8d1694d38efd30be2c3ca216d73b84a4
   */
  async weightsSha256(): Promise<string> {
    const { model } = this.all;
    const bytesOf = (p: { master: number; size: number }): Uint8Array =>
      this.device.bytes.subarray(p.master, p.master + p.size * 4);
    return hex(sha256(model.store.all.map(bytesOf)));
  }
}

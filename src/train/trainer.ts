// Trains a GPT: one class from options to weights. Returns values and prints nothing. Memory is laid out when it is created;
// a step allocates nothing that grows with the model.

import { CheckpointError, UsageError } from '../errors.ts';
import { Device } from '../kernels/device.ts';
import type { Backend } from '../kernels/kernels.ts';
import { Jobs, startWorker } from '../kernels/pool.ts';
import { Team, controlBytes } from '../kernels/team.ts';
import { createWasmBackend } from '../kernels/wasm.ts';
import { nats } from '../models/gpt.ts';
import { LOCKS } from '../ops/locks.ts';
import { Arena } from '../tensor/arena.ts';
import { MASTER_FRACTION, OPTIMIZER_FRACTION } from '../tensor/formats.ts';
import { JOB, type MemberMessage, type Outcome, runJob, stepError } from './job.ts';
import type { UpdateReport } from './optimizer.ts';
import { type CheckedOptions, type TrainOptions, checkTrainOptions } from './options.ts';
import { type Layout, type MemoryPlan, layout, planGpt } from './plan.ts';

/** What one training step did. */
export interface StepReport {
  /** Steps done, this one included. */
  step: number;
  /** Mean loss of the batch in nats a token, before the update. */
  loss: number;
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

/** An int32 tensor: value = data * 2^-fraction. */
export interface NamedTensor {
  /** A parameter's name, or `optimizer.m.` or `optimizer.r.` and a parameter's name. */
  name: string;
  /** Elements along each axis. */
  shape: readonly number[];
  /** Elements, row-major. From a trainer: a view of live memory that later steps change. */
  data: Int32Array;
  /** Fraction bits: 24 for weights, 30 for the optimizer's tensors. */
  fraction: number;
}

/** Room beside the arena for a back end's static data. */
const SLACK = 2 ** 18;

/** A training run of a GPT: weights, optimizer and the memory they live in. Made by `create`; it prints nothing and keeps no clock.
 *  @example
 *  const model = { vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 };
 *  const trainer = GptTrainer.create({ model, batch: 1, steps: 40, learningRate: 0.02, warmup: 5 });
 *  const inputs = Int32Array.of(0, 1, 2, 3), targets = Int32Array.of(1, 2, 3, 0); // counts round in a circle
 *  while (trainer.steps < 39) trainer.trainStep(inputs, targets);
 *  console.log(trainer.trainStep(inputs, targets).loss.toFixed(6)); // 0.059055
 *  console.log(trainer.totals.checkedStates, trainer.totals.mismatchedElements); // 40 0
 */
export class GptTrainer {
  /** Steps done so far. */
  steps = 0;
  /** Sums of the reports of all steps so far, and of evaluations. */
  readonly totals = { checkedStates: 0, mismatchedElements: 0, saturated: 0, overflowed: 0 };

  private readonly jobs: Jobs;
  private readonly alone = new Team(new Int32Array(0));
  private readonly workers: { terminate(): unknown }[];

  private constructor(
    /** The run's options, defaults filled in. */ readonly options: CheckedOptions,
    /** Its memory, as planGpt says. */ readonly plan: MemoryPlan, private readonly device: Device, private readonly all: Layout,
    /** Bytes of memory in use, the kernels' own included. */ readonly peakBytes: number, threadModule: URL | undefined,
  ) {
    this.jobs = new Jobs(device.bytes.buffer, all.job);
    this.workers = this.startWorkers(threadModule);
  }

  /** A new run with initial weights. `makeBackend` chooses another back end than the release build, `threadModule` another place of
   *  the workers' file (both for tests). Throws UsageError for wrong options and for a model that does not fit, with the bytes
   *  needed and allowed; RetrogradError if the runtime lacks WebAssembly SIMD or is big-endian.
   *  @example
   *  const model = { vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 };
   *  const trainer = GptTrainer.create({ model, batch: 1, steps: 10, seed: 3 });
   *  console.log(trainer.parameters, trainer.steps); // 1640 0
   */
  static create(options: TrainOptions, makeBackend?: (bytes: number) => Backend, threadModule?: URL): GptTrainer {
    const checked = checkTrainOptions(options), plan = planGpt(options), bytes = plan.total + SLACK;
    const backend = makeBackend?.(bytes) ?? createWasmBackend({ pages: Math.ceil(bytes / 65536), shared: checked.threads > 1 });
    const device = new Device(backend), arena = new Arena(backend.base), all = layout(arena, checked);
    all.gpt.initialise(device, checked.seed);
    return new GptTrainer(checked, plan, device, all, arena.end, threadModule);
  }

  private startWorkers(threadModule: URL | undefined): { terminate(): unknown }[] {
    const { memory, base } = this.device.backend, { threads } = this.options;
    if (threads === 1 || memory.buffer instanceof ArrayBuffer) return [];
    const message = (rank: number): MemberMessage => ({ memory, base, options: this.options, rank });
    const url = threadModule ?? new URL('./thread.js', import.meta.url); // not needed, and not everywhere possible, for one thread
    return Array.from({ length: threads - 1 }, (_, i) => startWorker(url, message(i + 1))).filter((worker) => worker !== undefined);
  }

  /** Threads at work in the next step: 1 until all workers are up, then options.threads. */
  get threads(): number {
    return this.workers.length > 0 && this.jobs.ready(this.options.threads - 1) ? this.options.threads : 1; // none after close
  }

  /** Ends the worker threads, if there are any. The trainer goes on with one, and gives the same bits.
   *  @example
   *  const model = { vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 };
   *  const trainer = GptTrainer.create({ model, batch: 2, steps: 10, threads: 2 });
   *  trainer.trainStep(Int32Array.of(0, 1, 2, 3, 1, 2, 3, 0), Int32Array.of(1, 2, 3, 0, 2, 3, 0, 1));
   *  trainer.close();
   *  console.log(trainer.threads, trainer.steps); // 1 1
   */
  close(): void {
    if (this.workers.length > 0) this.jobs.close();
    for (const worker of this.workers.splice(0)) worker.terminate();
  }

  /** Number of weights. */
  get parameters(): number {
    return this.plan.parameters;
  }

  /** Runs a job on all threads and adds up what they counted; throws what one of them threw. */
  private run(job: number, count = 0, first = 0): Outcome & { update?: UpdateReport } {
    const d = this.device, { batch, model: { context } } = this.options, size = this.threads;
    d.team = size === 1 ? this.alone : new Team(d.view(this.all.control, controlBytes(LOCKS) / 4), 0, size);
    d.team.reset();
    const args = [job, count, first, this.steps % 2 ** 31, Math.floor(this.steps / 2 ** 31)];
    if (size > 1) this.jobs.start(args);
    const { outcome, update, error } = runJob(d, this.all, args, batch * context);
    if (size > 1) this.jobs.join(size - 1);
    d.team = this.alone;
    const others = Array.from({ length: size - 1 }, (_, i) => this.jobs.result(i + 1));
    const total = { ...outcome, update };
    for (const { numbers } of others) {
      total.loss += numbers[0];
      total.saturated += numbers[1];
      total.overflowed += numbers[2];
      total.checkedStates += numbers[3];
      total.mismatchedElements += numbers[4];
    }
    this.totals.saturated += total.saturated;
    this.totals.overflowed += total.overflowed;
    this.totals.checkedStates += total.checkedStates;
    this.totals.mismatchedElements += total.mismatchedElements;
    const thrown = stepError(error, others.map((result) => result.error));
    if (thrown !== undefined) throw thrown;
    return total;
  }

  /** One step on B*T token ids (row-major: B windows of T) and their targets, the same windows one token later. Throws before any weight is
   *  touched: UsageError for a wrong number of tokens or one outside the vocabulary, OverflowError if a weight, state or gradient left its
   *  exact range, ReconstructionError if a state was not rebuilt exactly.
   *  @example
   *  const model = { vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 };
   *  const trainer = GptTrainer.create({ model, batch: 2, steps: 10 });
   *  const inputs = Int32Array.of(0, 1, 2, 3, 1, 2, 3, 0), targets = Int32Array.of(1, 2, 3, 0, 2, 3, 0, 1);
   *  const { step, loss, checkedStates, mismatchedElements } = trainer.trainStep(inputs, targets);
   *  console.log(step, loss.toFixed(6), checkedStates, mismatchedElements); // 1 1.382950 2 0
   */
  trainStep(inputs: Int32Array, targets: Int32Array): StepReport {
    const { update: _, loss, ...counts } = this.gradients(inputs, targets), { update, saturated } = this.run(JOB.update);
    this.steps++;
    return { step: this.steps, loss, ...update!, ...counts, saturated: counts.saturated + saturated };
  }

  /** The gradients of the summed loss (int64, 28 fraction bits) of a batch at the present weights, left in `gradient(name)`;
   *  returns the mean loss in nats. Part of trainStep, and throws what that does; on its own for tests and experiments.
   *  @example
   *  const model = { vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 };
   *  const trainer = GptTrainer.create({ model, batch: 1, steps: 10 });
   *  const loss = trainer.computeGradients(Int32Array.of(0, 1, 2, 3), Int32Array.of(1, 2, 3, 0));
   *  console.log(loss.toFixed(6), trainer.steps); // 1.420349 0
   */
  computeGradients(inputs: Int32Array, targets: Int32Array): number {
    return this.gradients(inputs, targets).loss;
  }

  private gradients(inputs: Int32Array, targets: Int32Array): Outcome & { update?: UpdateReport } {
    const { batch, microBatch, model: { context } } = this.options, total: Outcome = { loss: 0, saturated: 0, overflowed: 0, checkedStates: 0, mismatchedElements: 0 };
    this.checkTokens(inputs, batch * context, 'inputs');
    this.checkTokens(targets, batch * context, 'targets');
    this.run(JOB.clear);
    for (let first = 0; first < batch; first += microBatch) {
      this.all.gpt.load(this.device, inputs, targets, first, microBatch);
      const part = this.run(JOB.accumulate, microBatch, first);
      for (const key of Object.keys(total) as (keyof Outcome)[]) total[key] += part[key];
    }
    return { ...total, loss: nats(total.loss) / (batch * context) };
  }

  /** The int64 gradient of a parameter after computeGradients: in the parameter's shape, row-major, 28 fraction bits, of the loss summed over
   *  the batch's tokens. A view of live memory. Throws an Error for a name that the model does not have.
   *  @example
   *  const model = { vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 };
   *  const trainer = GptTrainer.create({ model, batch: 1, steps: 10 });
   *  trainer.computeGradients(Int32Array.of(0, 1, 2, 3), Int32Array.of(1, 2, 3, 0));
   *  const gradient = trainer.gradient('norm.gain');
   *  console.log(gradient.length, gradient[0]); // 8 14758662n
   */
  gradient(name: string): BigInt64Array {
    const p = this.all.gpt.store.get(name);
    return this.device.int64.subarray(p.gradient / 8, p.gradient / 8 + p.size);
  }

  /** Mean loss in nats a token of the plain model (gamma = 0) over all windows of T tokens that do not overlap; `onWindow` hears how many of
   *  how many are done. Changes no weight. Throws UsageError for fewer than T + 1 tokens or one outside the vocabulary.
   *  @example
   *  const model = { vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 };
   *  const trainer = GptTrainer.create({ model, batch: 1, steps: 10 });
   *  const loss = trainer.evaluate(Int32Array.of(0, 1, 2, 3, 0, 1, 2, 3, 0));
   *  console.log(loss.toFixed(6)); // 1.422729
   */
  evaluate(tokens: Int32Array, onWindow?: (done: number, of: number) => void): number {
    const { microBatch, model: { context: T } } = this.options, windows = Math.floor((tokens.length - 1) / T);
    if (windows < 1) throw new UsageError(`evaluation needs at least ${T + 1} tokens, ${tokens.length} given`);
    this.checkTokens(tokens, tokens.length, 'tokens');
    let loss = 0;
    for (let w = 0; w < windows; w += microBatch) {
      const count = Math.min(microBatch, windows - w);
      this.all.gpt.load(this.device, tokens.subarray(w * T), tokens.subarray(w * T + 1), 0, count);
      loss += this.run(JOB.evaluate, count).loss;
      onWindow?.(w + count, windows);
    }
    return nats(loss) / (windows * T);
  }

  /** V logits in nats after the last of 1..T tokens, of the plain model (gamma = 0). Integers times a power of two: the same on every machine.
   *  Throws UsageError for no token, more than T, or one outside the vocabulary.
   *  @example
   *  const model = { vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 };
   *  const trainer = GptTrainer.create({ model, batch: 1, steps: 10 });
   *  const logits = trainer.logits(Int32Array.of(0, 1, 2));
   *  console.log(logits.length, logits[3].toFixed(6)); // 4 -0.086161
   */
  logits(tokens: Int32Array): Float64Array {
    const { context } = this.options.model;
    if (tokens.length < 1 || tokens.length > context) throw new UsageError(`logits take 1 to ${context} tokens, ${tokens.length} given`);
    this.checkTokens(tokens, tokens.length, 'tokens');
    const { raw, fraction } = this.all.gpt.logits(this.device, tokens);
    return Float64Array.from(raw, (v) => v / 2 ** fraction);
  }

  private checkTokens(tokens: Int32Array, length: number, name: string): void {
    const { vocabulary } = this.options.model;
    if (tokens.length !== length) throw new UsageError(`${name} holds ${tokens.length} tokens, expected ${length} (batch * context)`);
    for (let i = 0; i < length; i++)
      if (tokens[i] < 0 || tokens[i] >= vocabulary) throw new UsageError(`${name}[${i}] is ${tokens[i]}, expected a token id from 0 to ${vocabulary - 1}`);
  }

  /** Weights in table order, then the optimizer's moments m and r = sqrt(v): everything that a checkpoint needs beside options and step. The
   *  data are views of live memory: copy what must not change.
   *  @example
   *  const model = { vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 };
   *  const [{ name, shape, data, fraction }] = GptTrainer.create({ model, batch: 1, steps: 10 }).tensors();
   *  console.log(name, shape, data[0], fraction); // token.weight [ 4, 8 ] -709949 24
   */
  tensors(): NamedTensor[] {
    const { all } = this.all.gpt.store, { device: d } = this;
    return [
      ...all.map((p) => ({ name: p.name, shape: p.shape, data: d.view(p.master, p.size), fraction: MASTER_FRACTION })),
      ...all.map((p) => ({ name: `optimizer.m.${p.name}`, shape: p.shape, data: d.view(p.m, p.size), fraction: OPTIMIZER_FRACTION })),
      ...all.map((p) => ({ name: `optimizer.r.${p.name}`, shape: p.shape, data: d.view(p.r, p.size), fraction: OPTIMIZER_FRACTION })),
    ];
  }

  /** Continues from tensors that `tensors()` gave, after `steps` steps, bit for bit as the run they are from. Throws CheckpointError naming the
   *  first difference of name, shape or fraction bits; nothing is changed then.
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
    const given = new Map(tensors.map((t) => [t.name, t])), own = this.tensors();
    if (!Number.isInteger(steps) || steps < 0) throw new CheckpointError(`checkpoint of step ${steps}, expected a whole number`);
    for (const t of own) {
      const from = given.get(t.name);
      if (from === undefined) throw new CheckpointError(`tensor ${t.name} is missing`);
      if (from.shape.join('x') !== t.shape.join('x') || from.data.length !== t.data.length)
        throw new CheckpointError(`tensor ${t.name} is ${from.shape.join(' x ')}, this model's is ${t.shape.join(' x ')}`, 'the checkpoint is of another model');
      if (from.fraction !== t.fraction) throw new CheckpointError(`tensor ${t.name} has ${from.fraction} fraction bits, expected ${t.fraction}`);
    }
    for (const t of own) t.data.set(given.get(t.name)!.data);
    this.steps = steps;
  }

  /** SHA-256 of every parameter's little-endian int32 bytes in table order, as 64 hex digits: the run's fingerprint.
   *  @example
   *  const model = { vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 };
   *  const trainer = GptTrainer.create({ model, batch: 1, steps: 10 });
   *  console.log(await trainer.weightsSha256()); // 18ba20d3d6723f66333a37115e40941e8d1694d38efd30be2c3ca216d73b84a4
   */
  async weightsSha256(): Promise<string> {
    const all = new Uint8Array(this.parameters * 4);
    let at = 0;
    for (const p of this.all.gpt.store.all) {
      all.set(this.device.bytes.subarray(p.master, p.master + p.size * 4), at);
      at += p.size * 4;
    }
    const digest = new Uint8Array(await globalThis.crypto.subtle.digest('SHA-256', all));
    return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  }
}

// Trains any model: from options to weights. Returns values and prints nothing. Memory is laid out
// when it is created; a step allocates nothing that grows with the model.

import { callback, fields, refuse, text, whole } from '../core/check.ts';
import { hex, sha256 } from '../core/digest.ts';
import { UsageError } from '../core/errors.ts';
import {
  LOSS_FRACTION,
  MASTER_FRACTION,
  OPTIMIZER_FRACTION,
  RATE_FRACTION,
} from '../memory/formats.ts';
import type { Parameter } from '../memory/parameter.ts';
import type { MatrixChoices } from '../models/model.ts';
import type { Counts } from '../ops/run.ts';
import { Engine, type TestOptions } from './engine.ts';
import { addNumbers, JOB, type Job, NOTHING, numbersOf, type Outcome } from './job.ts';
import { type CheckedOptions, checkTrainOptions, type TrainOptions } from './options.ts';
import { type MemoryPlan, planChecked } from './plan.ts';
import type { EvaluateOptions, Evaluation, StepReport } from './report.ts';
import { checkStep, checkTensors, type NamedTensor } from './tensors.ts';

/** A training run: weights, optimizer and the memory they live in. It prints nothing and keeps no
 *  clock.
 *  @example
 *  const model = gpt({ vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 });
 *  const learningRate = cosine(0.02, { warmup: 5 });
 *  const trainer = Trainer.create({ model, batch: 1, steps: 40, learningRate });
 *  const batch = { inputs: Int32Array.of(0, 1, 2, 3), targets: Int32Array.of(1, 2, 3, 0) };
 *  while (trainer.steps < 39) trainer.step(batch);
 *  console.log(trainer.step(batch).loss.toFixed(6)); // 0.059055
 *  console.log(trainer.totals.checkedStates, trainer.totals.mismatchedElements); // 40 0
 */
export class Trainer<Batch = unknown> {
  /** Kept by bundlers. @internal */
  static readonly name: string = 'Trainer';
  /** Sums of the reports of all steps so far, and of evaluations. */
  readonly totals: Counts;
  /** The run's memory, as planned. */
  readonly plan: MemoryPlan;
  /** Bytes of memory in use, the kernels' own included. */
  readonly peakBytes: number;

  private readonly engine: Engine<Batch>;
  private done = 0;
  /** Jobs and inferences so far: who holds what one left knows whether another came after it. */
  private uses = 0;

  private constructor(
    /** The run's options, defaults filled in. */
    readonly options: CheckedOptions<Batch>,
    test: TestOptions,
  ) {
    if (test === undefined) throw new UsageError('a trainer is made by create, not new');
    Object.freeze(options); // what was checked stays so
    this.plan = planChecked(options);
    this.engine = new Engine(this, options, this.plan.total, test);
    this.totals = this.engine.totals;
    this.peakBytes = this.engine.end;
  }

  /** A new run with initial weights. Throws UsageError for wrong options and for a model that does
   *  not fit, with the bytes needed and allowed; RetrogradError if the runtime lacks WebAssembly
   *  SIMD or is big-endian.
   *  @example
   *  const model = gpt({ vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 });
   *  const trainer = Trainer.create({ model, batch: 1, steps: 10, seed: 3 });
   *  console.log(trainer.parameters, trainer.steps); // 1640 0
   */
  static create<Batch>(options: TrainOptions<Batch>): Trainer<Batch> {
    return new Trainer(checkTrainOptions(options), {});
  }

  /** For tests. @internal */
  static forTests<Batch>(options: TrainOptions<Batch>, test: TestOptions): Trainer<Batch> {
    return new Trainer(checkTrainOptions(options), test);
  }

  /** Steps done so far. */
  get steps(): number {
    return this.done;
  }

  // ---- threads ----

  /** Threads at work in the next step: 1 until all workers are up, then options.threads, and 1
   *  again if one of them is lost. */
  get threads(): number {
    return this.engine.pool.threads;
  }

  /** How products are computed and why so, in words; no bit depends on it.
   *  @example
   *  const model = gpt({ vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 });
   *  console.log(Trainer.create({ model, batch: 2, steps: 10 }).kernels); // int16
   */
  get kernels(): string {
    const { operands } = Object(this.options.model.config) as MatrixChoices;
    return operands?.kernels ?? 'int16';
  }

  /** Why fewer threads are at work than options.threads, in words; else ''.
   *  @example
   *  const model = gpt({ vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 });
   *  const trainer = Trainer.create({ model, batch: 2, steps: 10, threads: 2 });
   *  console.log(trainer.threads, trainer.threadsNote); // 1 the threads are starting
   *  trainer.close();
   */
  get threadsNote(): string {
    return this.engine.pool.note;
  }

  /** Waits until all threads are up, or it is clear that they cannot be; then `threadsNote` says
   *  why.
   *  @example
   *  const model = gpt({ vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 });
   *  const trainer = Trainer.create({ model, batch: 2, steps: 10, threads: 2 });
   *  await trainer.ready();
   *  console.log(trainer.threads === 2 || trainer.threadsNote !== ''); // true
   *  trainer.close();
   */
  async ready(): Promise<void> {
    await this.engine.pool.started();
  }

  /** Ends the worker threads, if there are any. The trainer goes on with one, and gives the same
   *  bits. Without it they end some time after the trainer was dropped.
   *  @example
   *  const model = gpt({ vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 });
   *  const trainer = Trainer.create({ model, batch: 1, steps: 10, threads: 2 });
   *  trainer.close();
   *  console.log(trainer.threads, trainer.steps); // 1 0
   */
  close(): void {
    this.engine.pool.end('the trainer was closed');
  }

  // ---- training ----

  /** One step on a batch. Throws before any weight is touched: UsageError for a batch that the
   *  model cannot use, OverflowError if a weight, state or gradient left its exact range,
   *  ReconstructionError if a state was not rebuilt exactly.
   *  @example
   *  const model = gpt({ vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 });
   *  const trainer = Trainer.create({ model, batch: 2, steps: 10 });
   *  const inputs = Int32Array.of(0, 1, 2, 3, 1, 2, 3, 0);
   *  const targets = Int32Array.of(1, 2, 3, 0, 2, 3, 0, 1);
   *  const { step, loss, checkedStates } = trainer.step({ inputs, targets });
   *  console.log(step, loss.toFixed(6), checkedStates); // 1 1.382950 2
   */
  step(batch: Batch): StepReport {
    const predictions = this.engine.all.model.take(batch, this.options.batch);
    const { norm: _, loss, ...counts } = this.accumulate(predictions);
    const rate = this.options.learningRate.rate(this.steps, this.options.steps);
    const { norm, saturated } = this.run({ job: JOB.update, predictions });
    this.done++;
    this.engine.show(this);
    return {
      step: this.steps,
      loss: nats(loss) / predictions,
      predictions,
      gradientNorm: norm,
      learningRate: Number(rate) / 2 ** RATE_FRACTION,
      ...counts,
      saturated: counts.saturated + saturated,
    };
  }

  /** The gradients of the summed loss (int64, 28 fraction bits) of a batch at the present weights,
   *  left in `gradient(path)`; returns the mean loss. Part of `step`, and throws what that does; on
   *  its own for tests and experiments.
   *  @example
   *  const model = gpt({ vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 });
   *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
   *  const batch = { inputs: Int32Array.of(0, 1, 2, 3), targets: Int32Array.of(1, 2, 3, 0) };
   *  console.log(trainer.computeGradients(batch).toFixed(6), trainer.steps); // 1.420349 0
   */
  computeGradients(batch: Batch): number {
    const predictions = this.engine.all.model.take(batch, this.options.batch);
    return nats(this.accumulate(predictions).loss) / predictions;
  }

  /** Leaves the gradients of the summed loss of the batch that was taken. Begins again if a thread
   *  is lost on the way. */
  private accumulate(predictions: number): Outcome {
    const { batch, microBatch } = this.options;
    const total: Outcome = { ...NOTHING };
    const totals = { ...this.totals };
    this.run({ job: JOB.clear });
    const { device } = this.engine;
    for (let first = 0; first < batch; first += microBatch) {
      this.engine.all.model.load(this.engine.device, first, microBatch);
      const part = this.run({ job: JOB.accumulate, count: microBatch, first });
      addNumbers(total, numbersOf(part));
      if (device === this.engine.device) continue;
      Object.assign(this.totals, totals);
      return this.accumulate(predictions);
    }
    return total;
  }

  /** Mean loss of a batch of any size, of the plain model (gamma = 0). Changes no weight. Throws
   *  UsageError for a batch that the model cannot use.
   *  @example
   *  const model = gpt({ vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 });
   *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
   *  const text = Int32Array.of(0, 1, 2, 3, 0, 1, 2, 3, 0);
   *  const { loss, predictions } = trainer.evaluate(textWindows(text, 4));
   *  console.log(loss.toFixed(6), predictions); // 1.422501 8
   */
  evaluate(batch: Batch, options: EvaluateOptions = {}): Evaluation {
    const { microBatch } = this.options;
    const known = { samples: undefined, gamma: 0, onSample: undefined };
    const { samples, gamma, onSample } = fields<EvaluateOptions>('options', options, known);
    if (onSample !== undefined) callback('onSample', onSample);
    const { model } = this.engine.all;
    const given = samples ?? model.samplesOf(batch);
    const count = whole('samples', given, 1, 2 ** 31 - 1);
    const gamma8 = this.checkGamma(gamma);
    const predictions = model.take(batch, count);
    const total: Outcome = { ...NOTHING };
    for (let first = 0; first < count; first += microBatch) {
      const part = Math.min(microBatch, count - first);
      model.load(this.engine.device, first, part);
      addNumbers(total, numbersOf(this.run({ job: JOB.evaluate, count: part, gamma8 })));
      onSample?.(first + part, count);
    }
    return {
      loss: nats(total.loss) / predictions,
      predictions,
      accuracy: total.correct / predictions,
    };
  }

  private checkGamma(gamma: number): number {
    if (!Number.isFinite(gamma) || ![0, 1, 2, 4].includes(Math.abs(gamma * 8)))
      refuse('gamma', gamma, '0, +-0.125, +-0.25 or +-0.5');
    const { withoutGamma } = this.engine.all.model;
    if (gamma !== 0 && withoutGamma !== '')
      throw new UsageError(`gamma is ${gamma}, expected 0: ${withoutGamma} has no gamma`);
    return gamma * 8;
  }

  /** What the last layer gives for one sample, in real units, of the plain model (gamma = 0): the
   *  last row's numbers, such as the logits of the token after some, float64 [columns]. Integers
   *  times a power of two: the same on every machine. A model of several streams takes a sample of
   *  each. Throws UsageError for a sample that the model cannot use.
   *  @example
   *  const model = gpt({ vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 });
   *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
   *  const logits = trainer.predict(Int32Array.of(0, 1, 2));
   *  console.log(logits.length, logits[3].toFixed(6)); // 4 -0.087576
   */
  predict(...samples: readonly unknown[]): Float64Array {
    return this.predictor(...samples.slice(0, -1))(samples[samples.length - 1]);
  }

  /** Runs all streams but the last, and returns a function that runs the last one: a translator's
   *  encoder, and what gives the logits after a prefix of the translation. It holds until the
   *  trainer is used for something else, and throws UsageError then.
   *  @example
   *  const model = translator({ vocabulary: 6, layers: 1, channels: 8, heads: 2, context: 4 });
   *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
   *  const next = trainer.predictor(Int32Array.of(4, 5, 2)); // runs the encoder
   *  console.log(next(Int32Array.of(1)).length, next(Int32Array.of(1, 4)).length); // 6 6
   */
  predictor(...samples: readonly unknown[]): (last: unknown) => Float64Array {
    const { model } = this.engine.all;
    const use = ++this.uses;
    samples.forEach((sample, i) => {
      model.infer(this.engine.device, i, sample);
    });
    return (last) => {
      if (samples.length && use !== this.uses)
        throw new UsageError('the trainer was used since', 'call predictor again');
      const out = model.infer(this.engine.device, samples.length, last);
      if (out === undefined)
        throw new UsageError(
          `${samples.length + 1} samples are given, expected one of each stream`,
        );
      const { columns } = out.type;
      const row = this.engine.device.view(out.at + (out.rows - 1) * columns * 4, columns);
      return Float64Array.from(row, (value) => value / 2 ** out.fraction);
    };
  }

  // ---- weights ----

  /** Number of weights. */
  get parameters(): number {
    return this.plan.parameters;
  }

  /** The int64 gradient of a parameter after computeGradients, or that of the last step: in the
   *  parameter's shape, row-major, 28 fraction bits, of the loss summed over the batch. A view of
   *  live memory. Throws UsageError for a path that the model does not have, or that is frozen.
   *  @example
   *  const model = gpt({ vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 });
   *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
   *  const batch = { inputs: Int32Array.of(0, 1, 2, 3), targets: Int32Array.of(1, 2, 3, 0) };
   *  trainer.computeGradients(batch);
   *  const gradient = trainer.gradient('norm.gain');
   *  console.log(gradient.length, gradient[0]); // 8 14758662n
   */
  gradient(path: string): BigInt64Array {
    text('path', path);
    const found = this.engine.all.model.trained.find((parameter) => parameter.path === path);
    if (found === undefined)
      throw new UsageError(`the model has no parameter ${path}`, 'tensors() has their names');
    return this.engine.device.int64.subarray(found.gradient / 8, found.gradient / 8 + found.size);
  }

  /** Weights in the order of forward, then what the optimizer keeps: everything that a checkpoint
   *  needs beside options and step. The data are views of live memory: copy what must not change.
   *  @example
   *  const model = gpt({ vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 });
   *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
   *  const [{ name, shape, fraction }] = trainer.tensors();
   *  console.log(name, shape, fraction); // token.weight [ 4, 8 ] 24
   */
  tensors(): NamedTensor[] {
    const { device, all: layout } = this.engine;
    const { model, updater } = layout;
    const { slots } = this.options.optimizer;
    const view = ({ shape, size }: Parameter, at: number): Pick<NamedTensor, 'shape' | 'data'> => ({
      shape,
      data: device.view(at, size),
    });
    const weights = model.parameters.map((p) => ({
      name: p.path,
      ...view(p, p.master),
      fraction: MASTER_FRACTION,
    }));
    const kept = slots.flatMap(({ name }, k) =>
      model.trained.map((p, i) => ({
        name: `optimizer.${name}.${p.path}`,
        ...view(p, p.slots[k]),
        fraction: OPTIMIZER_FRACTION - updater.scaleOf(device, i),
      })),
    );
    return [...weights, ...kept];
  }

  /** Continues from tensors that `tensors()` gave, after `steps` steps, bit for bit as the run they
   *  are from. Throws CheckpointError naming the first difference of name, shape or fraction bits,
   *  or the first number that no run can have; nothing is changed then.
   *  @example
   *  const model = gpt({ vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 });
   *  const options = { model, batch: 1, steps: 10 };
   *  const first = Trainer.create(options);
   *  const batch = { inputs: Int32Array.of(0, 1, 2, 3), targets: Int32Array.of(1, 2, 3, 0) };
   *  first.step(batch);
   *  const second = Trainer.create(options);
   *  second.restore(first.tensors(), first.steps);
   *  console.log(second.step(batch).loss === first.step(batch).loss); // true
   */
  restore(tensors: readonly NamedTensor[], steps: number): void {
    checkStep(steps);
    const { parameters } = this.engine.all.model;
    const { slots } = this.options.optimizer;
    const given = checkTensors(tensors, { parameters, slots }, this.engine.device.bytes.buffer);
    this.tensors().forEach(({ data }, i) => {
      data.set(given[i].data);
    });
    if (slots.length > 0)
      this.engine.setScales((i) => OPTIMIZER_FRACTION - given[parameters.length + i].fraction);
    this.done = steps;
    this.uses++;
    this.engine.show(this);
  }

  /** SHA-256 of every parameter's little-endian int32 bytes in the order of forward, as 64 hex
   *  digits: the run's fingerprint.
   *  @example
   *  const model = gpt({ vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 });
   *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
   *  console.log((await trainer.weightsSha256()).slice(0, 16)); // 18ba20d3d6723f66
   */
  async weightsSha256(): Promise<string> {
    const { bytes } = this.engine.device;
    const bytesOf = ({ master, size }: Parameter): Uint8Array =>
      bytes.subarray(master, master + size * 4);
    return hex(sha256(this.engine.all.model.parameters.map(bytesOf)));
  }

  private run(given: Partial<Job> & Pick<Job, 'job'>): Outcome {
    const { steps: step } = this;
    this.uses++;
    return this.engine.run({ count: 0, first: 0, step, predictions: 0, gamma8: 0, ...given });
  }
}

/** A raw loss in real units. */
const nats = (raw: number): number => raw / 2 ** LOSS_FRACTION;

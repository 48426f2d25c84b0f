// A model: streams of layers and a loss. As a value it says what is computed; planned, it is laid
// out in memory and runs sample by sample. Every thread has an instance of its own over the same
// memory and works on its own lanes. Nothing computed for one sample depends on another, so no bit
// depends on how a batch is cut into micro-batches.

import { reading } from '../core/check.ts';
import { UsageError } from '../core/errors.ts';
import type { MatrixShape } from '../layers/columns.ts';
import type { Operands } from '../layers/int8.ts';
import type { Matrix } from '../layers/matrix.ts';
import type { Loss, PlannedLoss, Score } from '../loss/loss.ts';
import type { Parameter } from '../memory/parameter.ts';
import type { Planner } from '../memory/planner.ts';
import type { Tensor } from '../memory/tensor.ts';
import type { Run } from '../ops/run.ts';
import type { StackOptions } from '../reversible/stack.ts';
import { type PassOptions, PlannedStream, type Stream } from './stream.ts';

/** What is added to matrices of weights; all else is frozen unless `freeze` says otherwise. */
export interface Adapter {
  /** By which it is found again. */
  readonly name: string;
  /** What it is made of again. */
  readonly options: object;
  /** Instead of a matrix of such a shape; undefined: just that. */
  matrix(at: Planner, shape: MatrixShape): Matrix | undefined;
  /** Whether a tensor is none of its own. */
  fits(path: string): boolean;
  /** Throws UsageError if it has no place among these. */
  check(parameters: readonly { readonly path: string }[]): void;
}

/** What a configuration may have that is not the model's own: both make matrices others. */
export interface MatrixChoices {
  /** What is added to matrices of weights (nothing). */
  readonly adapter?: Adapter | undefined;
  /** The format of the operands of products (int16()). */
  readonly operands?: Operands | undefined;
}

/** A model as a value: streams of layers, and a loss. */
export interface Model<Batch> {
  /** In the order in which they run; each may look at the one before it (cross-attention). */
  readonly streams: readonly Stream<Batch>[];
  /** Of the last stream's output. */
  readonly loss: Loss<Batch>;
}

const ALONE: PassOptions = {
  count: 1,
  isTraining: false,
  seed: 0,
  step: 0,
  first: 0,
  gamma8: 0,
};

/** What the input's functions read. */
const OF_INPUT = "the input's part of the batch";

export class PlannedModel<Batch> {
  readonly parameters: readonly Parameter[];
  /** Those that are not frozen. */
  readonly trained: readonly Parameter[];
  private readonly streams: readonly PlannedStream<Batch>[];
  private readonly loss: PlannedLoss<Batch>;

  /** slots: bytes an element of each of the optimizer's tensors. */
  constructor(at: Planner, model: Model<Batch>, options: StackOptions, slots: readonly number[]) {
    const streams: PlannedStream<Batch>[] = [];
    for (const stream of model.streams) streams.push(new PlannedStream(at, stream, streams.at(-1)));
    const last = streams.at(-1);
    if (last === undefined) throw new UsageError('a model has no streams, expected at least one');
    for (const stream of streams)
      stream.planRest(at, options, stream === last ? model.loss.takes : undefined);
    this.streams = streams;
    this.loss = model.loss.plan(at, last.output);
    this.parameters = at.finish(slots);
    this.trained = this.parameters.filter(({ frozen }) => !frozen);
  }

  private get last(): PlannedStream<Batch> {
    return this.streams[this.streams.length - 1];
  }

  /** What of the model cannot be run with another gamma than 0: the name of an update rule, or ''.
   */
  get withoutGamma(): string {
    const found = this.streams.find(({ stack }) => !stack?.rule.hasGamma);
    return found === undefined ? '' : (found.stack?.rule.name ?? 'a stream without a stack');
  }

  /** Takes a batch of `count` samples; returns how many predictions that is. Throws UsageError for
   *  what the model cannot use. */
  take(batch: Batch, count: number): number {
    reading(OF_INPUT, () => {
      for (const { input } of this.streams) input.take(batch, count);
    });
    return reading("the loss's part of the batch", () => this.loss.take(batch, count));
  }

  /** Samples in a batch, where the input can tell. */
  samplesOf(batch: Batch): number | undefined {
    return reading(OF_INPUT, () => this.streams[0].input.samplesOf(batch));
  }

  /** Zeroes this thread's part of the gradients. */
  clearGradients(run: Run): void {
    for (const { gradient, size } of this.trained) {
      const { from, to } = run.team.range(size, 64);
      run.clear(gradient + from * 8, (to - from) * 8);
    }
  }

  /** Brings `count` of the taken samples from `first` on into memory. By the calling thread. */
  load(run: Run, first: number, count: number): void {
    for (const { input } of this.streams) input.load(run, first, count);
    this.loss.load(run, first, count);
  }

  /** Forward and backward over the samples in memory; adds to the gradients of the summed loss.
   *  Every thread of the team runs it on its own lanes. */
  accumulate(run: Run, options: PassOptions): Score {
    const { streams, last } = this;
    const sum = this.forward(run, options);
    last.backward(run);
    for (let i = streams.length - 2; i >= 0; i--) {
      streams[i].scoreMemory(run, streams[i + 1]);
      streams[i].backward(run);
    }
    return sum;
  }

  /** Score of the samples in memory, without changing anything. */
  evaluate(run: Run, options: PassOptions): Score {
    return this.forward(run, options);
  }

  private forward(run: Run, options: PassOptions): Score {
    const { streams, last, loss } = this;
    const sum = { loss: 0, correct: 0 };
    for (const stream of streams) stream.begin(run, options);
    for (const stream of streams) {
      stream.start(run);
      if (stream !== last) stream.remember(run);
    }
    last.score(run, loss, sum);
    return sum;
  }

  /** Brings one sample into a stream and runs it to its output; of the last stream it is returned.
   *  By the calling thread alone. */
  infer(run: Run, index: number, sample: unknown): Tensor | undefined {
    const stream = this.streams[index];
    if (stream === undefined)
      throw new UsageError(`${index + 1} samples are given, expected one of each stream`);
    stream.input.takeOne(sample);
    stream.input.load(run, 0, 1);
    stream.begin(run, ALONE);
    stream.start(run);
    if (stream === this.last) return stream.infer(run);
    stream.remember(run);
    return undefined;
  }
}

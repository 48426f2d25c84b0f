// Has the steps of a run computed by others: hands out the parts of each step, checks and adds up
// what comes back, and makes the update itself. The bits are those of one machine alone, whoever
// joins, leaves, is slow or lies; what is lost on the way is computed again.

import { callback, fields, real, text, whole } from '../core/check.ts';
import type { StepReport, Trainer } from '../index.ts';
import { Board, type Place, split } from './board.ts';
import { type Bytes, CLOCK, type Clock, type CoordinatorCourier } from './courier.ts';
import { bytesOf, digestBytes } from './digest.ts';
import { DistributedError } from './errors.ts';
import { packMessage, unpackMessage } from './message.ts';
import {
  computePart,
  decodeGradients,
  type GradientPart,
  gradientRoot,
  layoutOf,
  partDigest,
  readSums,
  trainerOf,
} from './part.ts';
import { PartSum, partLimit } from './part-sum.ts';
import { PROTOCOL, sealOf, type Task, taskId } from './task.ts';
import { WeightStore } from './weight-store.ts';

/** What a coordinator tells of. */
export type CoordinatorEvent =
  | { readonly kind: 'joined' | 'left'; readonly worker: string; readonly reason?: string }
  /** A worker whose result is wrong: it is given nothing more. */
  | { readonly kind: 'wrong'; readonly worker: string; readonly step: number; readonly why: string }
  /** A part that is agreed upon, and by whom. */
  | {
      readonly kind: 'part';
      readonly step: number;
      readonly first: number;
      readonly count: number;
      readonly workers: readonly string[];
      readonly digest: string;
    };

/** How a run is divided. None of it changes a bit. */
export interface CoordinatorOptions {
  /** The run's name, as its workers have it. */
  run: string;
  /** Digest of the known answers of all kernels, which a worker's have to be too. */
  kernels: string;
  /** Parts of a step, 1..batch (2, or 1 for a batch of one). */
  parts?: number | undefined;
  /** Workers that have to agree on each part, 1..8 (1). */
  replicate?: number | undefined;
  /** Share of the parts that the coordinator computes again itself, 0..1 (0.01, or 0.1 where
   *  workers have to agree). */
  spotChecks?: number | undefined;
  /** Milliseconds after which a worker that does not answer is taken for lost (30,000). */
  patience?: number | undefined;
  /** Hears what happens. */
  onEvent?: ((event: CoordinatorEvent) => void) | undefined;
  /** Time (the runtime's). */
  clock?: Clock | undefined;
}

/** Milliseconds that a worker without work waits for an answer. */
const POLL = 2000;
/** Milliseconds between two looks at who is slow. */
const LOOK = 100;
/** Milliseconds without a word after which a worker is said to be gone. */
const GONE = 15_000;

interface Result {
  readonly place: Place;
  readonly part: GradientPart;
  readonly answer: string;
}

/** One step on its way. */
interface Step<Batch> {
  readonly batch: Batch;
  readonly board: Board;
  readonly sum: PartSum<Batch>;
  /** Gradients that were handed in and are not agreed upon, by first sample. */
  readonly held: Map<number, Result>;
  readonly weights: string;
}

/** Trains by others' hands. One step at a time.
 *  @example
 *  const model = gpt({ vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 });
 *  const trainer = Trainer.create({ model, batch: 2, steps: 10 });
 *  const coordinator = new Coordinator(trainer, memoryCourier, { run: 'r1', kernels: digest });
 *  await coordinator.open();
 *  const report = await coordinator.step(batch); // as soon as there is a worker
 *  coordinator.close('the run is complete');
 */
export class Coordinator<Batch = unknown> {
  /** Kept by bundlers. @internal */
  static readonly name: string = 'Coordinator';
  private readonly options: Required<{
    [K in keyof CoordinatorOptions]: NonNullable<CoordinatorOptions[K]>;
  }>;
  private readonly seen = new Map<string, number>();
  private readonly wrong = new Map<string, string>();
  private readonly store: WeightStore<Batch>;
  private now: Step<Batch> | undefined;
  private ended = '';
  private failure: unknown;
  private wakers: (() => void)[] = [];

  /** Throws UsageError for wrong options. */
  constructor(
    private readonly trainer: Trainer<Batch>,
    private readonly courier: CoordinatorCourier,
    options: CoordinatorOptions,
  ) {
    const { batch } = trainerOf(trainer).options;
    const replicate = whole('replicate', Object(options).replicate ?? 1, 1, 8);
    const given = fields<CoordinatorOptions>('options', options, {
      run: undefined,
      kernels: undefined,
      parts: Math.min(2, batch),
      replicate,
      spotChecks: replicate > 1 ? 0.1 : 0.01,
      patience: 30_000,
      onEvent: () => undefined,
      clock: CLOCK,
    });
    text('run', given.run);
    text('kernels', given.kernels);
    whole('parts', given.parts, 1, batch);
    real('spotChecks', given.spotChecks, 0, 1);
    whole('patience', given.patience, 1, 2 ** 31 - 1);
    callback('onEvent', given.onEvent);
    this.options = given as never;
    this.store = new WeightStore(trainer, courier);
  }

  /** Begins to answer workers. */
  async open(): Promise<void> {
    await this.courier.serve({
      ask: (worker, message) => this.ask(worker, message),
      report: (worker, message) => this.report(worker, message),
    });
  }

  /** Workers that have been heard of lately and are not found wrong. */
  get workers(): readonly string[] {
    const since = this.options.clock.now() - GONE;
    return [...this.seen].filter(([, at]) => at >= since).map(([worker]) => worker);
  }

  /** Has a step computed and makes it: bit for bit what `Trainer.step` does, and throws what that
   *  throws. Waits as long as there is no worker. */
  async step(batch: Batch): Promise<StepReport> {
    const { trainer, options } = this;
    const { clock, parts, replicate, patience } = options;
    const sum = new PartSum(trainer, batch);
    const weights = await this.store.publish();
    const board = new Board(split(trainer.options.batch, parts), replicate, patience);
    this.now = { batch, board, sum, held: new Map(), weights };
    this.failure = undefined;
    this.wake();
    while (!sum.isWhole && this.failure === undefined) {
      await Promise.race([clock.sleep(LOOK), this.woken()]);
      this.look();
      if (this.ended !== '') this.failure ??= new DistributedError(this.ended);
    }
    this.now = undefined;
    if (this.failure !== undefined) throw this.failure;
    const report = sum.update();
    await this.store.tidy();
    return report;
  }

  /** Ends: workers hear why when they ask next. */
  close(why: string): void {
    this.ended = why;
    this.wake();
  }

  private wake(): void {
    for (const wake of this.wakers.splice(0)) wake();
  }

  private woken(): Promise<void> {
    return new Promise((resolve) => this.wakers.push(resolve));
  }

  /** Tells of workers that are silent. */
  private look(): void {
    const before = this.options.clock.now() - Math.max(GONE, this.options.patience);
    for (const [worker, at] of this.seen)
      if (at < before) {
        this.seen.delete(worker);
        this.options.onEvent({ kind: 'left', worker });
      }
  }

  private async ask(worker: string, message: Bytes): Promise<Bytes> {
    const { clock, kernels } = this.options;
    const { head } = unpackMessage(message);
    if (head.protocol !== PROTOCOL || head.kernels !== kernels)
      return packMessage({
        refused:
          head.protocol !== PROTOCOL
            ? `it speaks protocol ${head.protocol}, the coordinator ${PROTOCOL}`
            : `its kernels have the digest ${head.kernels}, the coordinator's ${kernels}`,
      });
    this.hear(worker);
    const { now } = this;
    now?.board.release(worker, (place) => this.idOf(now, place) === head.holding);
    const until = clock.now() + POLL;
    for (;;) {
      if (this.ended !== '') return packMessage({ end: this.ended });
      const why = this.wrong.get(worker);
      if (why !== undefined) return packMessage({ refused: why });
      const task = this.taskFor(worker);
      if (task !== undefined) return packMessage({ task });
      if (clock.now() >= until) return packMessage({ wait: true });
      await Promise.race([clock.sleep(LOOK), this.woken()]);
    }
  }

  private hear(worker: string): void {
    if (!this.seen.has(worker) && !this.wrong.has(worker))
      this.options.onEvent({ kind: 'joined', worker });
    if (!this.wrong.has(worker)) this.seen.set(worker, this.options.clock.now());
  }

  private taskFor(worker: string): Task | undefined {
    const { now, options } = this;
    const given = now?.board.take(worker, options.clock.now());
    if (now === undefined || given === undefined) return undefined;
    const { first, count, upload } = given;
    const step = this.trainer.steps;
    const origins = this.store.origins;
    return { run: options.run, step, first, count, weights: now.weights, upload, ...origins };
  }

  private async report(worker: string, message: Bytes): Promise<Bytes> {
    const { head, body } = unpackMessage(message);
    const { now } = this;
    if (this.wrong.has(worker)) return packMessage({ refused: this.wrong.get(worker) });
    this.hear(worker);
    const place = now?.board.find(head as never);
    const isOurs = now !== undefined && place !== undefined && head.task === this.idOf(now, place);
    if (!isOurs || place.isDone || !place.copies.has(worker)) return packMessage({ late: true });
    try {
      if (head.error !== undefined) this.recompute(now, place, worker);
      else await this.judge(now, place, worker, head, body);
    } catch (error) {
      if (error instanceof DistributedError) this.accuse(now, worker, error.message);
      else this.failure = error; // of the coordinator's own: the step cannot be made
    }
    this.wake();
    return packMessage({ accepted: true });
  }

  private idOf({ weights }: Step<Batch>, { first, count }: Place): string {
    const { run } = this.options;
    return taskId({ run, step: this.trainer.steps, first, count, weights } as never);
  }

  /** A worker says that its part cannot be computed: one that can be is what it should have said.
   */
  private recompute(now: Step<Batch>, place: Place, worker: string): void {
    try {
      this.compute(now, place);
    } catch (error) {
      this.failure = error; // what one machine alone would throw
      return;
    }
    this.accuse(now, worker, 'it says that a part fails which does not');
  }

  private compute({ batch }: Step<Batch>, { first, count }: Place): GradientPart {
    return computePart(this.trainer, batch, { step: this.trainer.steps, first, count });
  }

  /** Takes what a worker says of a part. Throws DistributedError for what is wrong in itself. */
  private async judge(
    now: Step<Batch>,
    place: Place,
    worker: string,
    head: Readonly<Record<string, unknown>>,
    body: Bytes,
  ): Promise<void> {
    const { seal } = head;
    if (typeof seal !== 'string') throw new DistributedError('its result has no seal');
    if (body.length > 0) {
      const found = await this.read(place, head, body);
      if (sealOf(found.answer, worker) !== seal)
        throw new DistributedError('its gradients or sums are not those of its seal');
      if (now !== this.now || place.isDone) return;
      if (!now.held.has(place.first)) now.held.set(place.first, found);
    }
    now.board.mark(place, worker, seal, this.options.clock.now());
    await this.settle(now, place);
  }

  private async read(
    place: Place,
    head: Readonly<Record<string, unknown>>,
    body: Bytes,
  ): Promise<Result> {
    const layout = layoutOf(this.trainer);
    const sums = { ...readSums({ ...head, step: this.trainer.steps }), ...placeOf(place) };
    const gradients = await decodeGradients(body, layout.size);
    const part = { ...sums, gradients };
    return { place, part, answer: partDigest(part, await gradientRoot(gradients, layout)) };
  }

  /** Agrees upon a part, once enough have answered, or finds who is wrong. */
  private async settle(now: Step<Batch>, place: Place): Promise<void> {
    const held = now.held.get(place.first);
    const said = [...place.copies].filter(([, { seal }]) => seal !== undefined);
    if (held === undefined || place.isDone) return;
    const isSame = said.every(([worker, { seal }]) => seal === sealOf(held.answer, worker));
    if (isSame && said.length < this.options.replicate) return;
    const { gradients, count } = held.part;
    const limit = partLimit(count, this.trainer.options.batch);
    const isHonest = isSame && gradients.every((g) => g <= limit && g >= -limit);
    const isChecked = !isHonest || Math.random() < this.options.spotChecks;
    place.isDone = true;
    const truth = isChecked ? await this.truth(now, place) : held;
    for (const [worker, { seal }] of said)
      if (seal !== sealOf(truth.answer, worker))
        this.accuse(now, worker, 'its result is not what the coordinator computes');
    now.sum.add(truth.part);
    now.held.delete(place.first);
    const { step } = truth.part;
    const workers = said.map(([worker]) => worker).filter((worker) => !this.wrong.has(worker));
    this.options.onEvent({ kind: 'part', step, ...placeOf(place), workers, digest: truth.answer });
  }

  /** A part as it is. */
  private async truth(now: Step<Batch>, place: Place): Promise<Result> {
    const part = this.compute(now, place);
    const root = await gradientRoot(part.gradients, layoutOf(this.trainer));
    return { place, part, answer: partDigest(part, root) };
  }

  private accuse(now: Step<Batch>, worker: string, why: string): void {
    this.wrong.set(worker, why);
    this.seen.delete(worker);
    for (const [first, { place }] of now.held) {
      const isItsOwn = place.copies.get(worker)?.upload === true;
      if (isItsOwn && !place.isDone) now.held.delete(first);
    }
    now.board.remove(worker);
    this.options.onEvent({ kind: 'wrong', worker, step: this.trainer.steps, why });
  }
}

const placeOf = ({ first, count }: Place): { first: number; count: number } => ({ first, count });

/** SHA-256 of weights. */
export const weightsDigest = (weights: Int32Array<ArrayBuffer>): Promise<string> =>
  digestBytes(bytesOf(weights));

// Has the steps of a run computed by others: hands out the parts of each step, checks and adds up
// what comes back, and makes the update itself. The bits are those of one machine alone, whoever
// joins, leaves, is slow or lies; what is lost on the way is computed again.

import { having, text } from '../core/check.ts';
import { UsageError } from '../core/errors.ts';
import type { StepReport, Trainer } from '../index.ts';
import { trainerOf } from '../receipt/trainer.ts';
import { Board, type Place, split } from './board.ts';
import { Condition } from './condition.ts';
import {
  type Checked,
  type CoordinatorEvent,
  type CoordinatorOptions,
  checkOptions,
} from './coordinator-options.ts';
import type { Bytes, CoordinatorCourier } from './courier.ts';
import { answer, refusalOf } from './door.ts';
import { DistributedError } from './errors.ts';
import { type Message, unpackMessage } from './message.ts';
import { layoutOf } from './part.ts';
import { isPossible, PartSum } from './part-sum.ts';
import { computeResult, errorOf, type Result, readResult } from './result.ts';
import type { BatchOf } from './shard.ts';
import { sealOf, type Task, taskId } from './task.ts';
import { WeightStore } from './weight-store.ts';

/** Milliseconds that a worker without work waits for an answer, and between two times that whole
 *  weights are put again. */
const POLL = 2000;
/** Milliseconds between two looks at who is slow. */
const LOOK = 100;
/** Milliseconds without a word after which a worker is said to be gone. */
const GONE = 15_000;

/** One step on its way. */
interface Step<Batch> {
  readonly batch: Batch | BatchOf<Batch>;
  readonly board: Board;
  readonly sum: PartSum<Batch>;
  /** Gradients that were handed in and are not agreed upon. */
  readonly held: Map<Place, Result & { readonly worker: string }>;
  readonly weights: string;
}

/** What a worker says of a part, of which the gradients were wanted or not. */
type Said = Message & { readonly upload: boolean };

/** Trains by others' hands. One step at a time.
 *  @example
 *  const model = gpt({ vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 });
 *  const options = { model, batch: 2, steps: 10 };
 *  const inputs = Int32Array.of(0, 1, 2, 3, 1, 2, 3, 0);
 *  const batch = { inputs, targets: Int32Array.of(1, 2, 3, 0, 2, 3, 0, 1) };
 *  const blobs = new Map(); // a courier within one program
 *  let desk;
 *  const courier = {
 *    serve: async (found) => { desk = found; },
 *    put: async (sha256, bytes) => { blobs.set(sha256, bytes); },
 *    drop: async (sha256) => { blobs.delete(sha256); },
 *    ask: (message) => desk.ask('w1', message),
 *    report: (message) => desk.report('w1', message),
 *    fetch: async (sha256) => blobs.get(sha256),
 *  };
 *  const about = { run: 'r1', kernels: 'a digest' };
 *  const coordinator = new Coordinator(Trainer.create(options), courier, about);
 *  await coordinator.open();
 *  const worker = { trainer: Trainer.create(options), batchOf: () => batch, courier, name: 'w1' };
 *  const working = work({ ...about, ...worker });
 *  const report = await coordinator.step(batch); // as soon as there is a worker
 *  coordinator.close('the run is complete');
 *  const alone = Trainer.create(options).step(batch);
 *  console.log(report.loss === alone.loss, (await working).parts); // true 2
 */
export class Coordinator<Batch = unknown> {
  /** Kept by bundlers. @internal */
  static readonly name: string = 'Coordinator';
  private readonly options: Checked;
  private readonly seen = new Map<string, number>();
  private readonly wrong = new Map<string, string>();
  private readonly store: WeightStore<Batch>;
  /** Milliseconds that parts took. */
  private readonly times: number[] = [];
  private now: Step<Batch> | undefined;
  private isBusy = false;
  private ended: string | undefined;
  private failure: { readonly error: unknown } | undefined;
  private readonly news = new Condition();
  /** The latest question of each worker that waits for an answer: those before it are given up. */
  private readonly asking = new Map<string, object>();
  /** Results that are being read, by worker: what is said of a task, and the answer. */
  private readonly reporting = new Map<string, { task: unknown; answer: Promise<object> }>();
  /** Results are read one at a time: what they take in memory does not grow with the workers. */
  private reading: Promise<unknown> = Promise.resolve();
  private putAt = -Infinity;

  /** Throws UsageError for wrong options. */
  constructor(
    private readonly trainer: Trainer<Batch>,
    private readonly courier: CoordinatorCourier,
    options: CoordinatorOptions,
  ) {
    this.options = checkOptions(options, trainerOf(trainer).options);
    having('courier', courier, ['serve', 'put', 'drop']);
    this.store = new WeightStore(trainer, courier);
  }

  /** Begins to answer workers.
   *  @example
   *  const model = gpt({ vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 });
   *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
   *  const none = async () => undefined;
   *  const begin = async (desk) => console.log(Object.keys(desk).join()); // ask,report
   *  const courier = { serve: begin, put: none, drop: none };
   *  await new Coordinator(trainer, courier, { run: 'r1', kernels: 'a digest' }).open();
   */
  async open(): Promise<void> {
    await this.courier.serve({
      ask: (worker, message) => answer(() => this.ask(worker, message)),
      report: (worker, message) => answer(() => this.report(worker, message)),
    });
  }

  /** Workers that have been heard of lately, or are at a part, and are not found wrong. */
  get workers(): readonly string[] {
    const time = this.options.clock.now();
    const isHere = ([worker, at]: [string, number]): boolean =>
      at >= time - GONE || this.now?.board.has(worker, time) === true;
    return [...this.seen].filter(isHere).map(([worker]) => worker);
  }

  /** Has a step computed and makes it: bit for bit what `Trainer.step` does, and throws what that
   *  throws; of a run with `localSteps` a round, as `makeRound` does. `batch`: of the step, or what
   *  makes the batch of the step that comes after so many others, which a round needs. Waits as
   *  long as there is no worker. Throws UsageError while another step is on its way,
   *  DistributedError once the coordinator is closed.
   *  @example
   *  const model = gpt({ vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 });
   *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
   *  const none = async () => undefined;
   *  const courier = { serve: none, put: none, drop: none };
   *  const coordinator = new Coordinator(trainer, courier, { run: 'r1', kernels: 'a digest' });
   *  const batch = { inputs: Int32Array.of(0, 1, 2, 3), targets: Int32Array.of(1, 2, 3, 0) };
   *  const step = coordinator.step(batch); // there is no worker
   *  coordinator.close('enough');
   *  await step.catch(({ message }) => console.log(message)); // the coordinator was closed: enough
   */
  async step(batch: Batch | BatchOf<Batch>): Promise<StepReport> {
    if (this.isBusy) throw new UsageError('another step is on its way', 'wait for it');
    this.isBusy = true;
    try {
      return await this.make(batch);
    } finally {
      this.now = undefined;
      await this.reading; // which may be computing with the trainer
      this.isBusy = false;
    }
  }

  private async make(batch: Batch | BatchOf<Batch>): Promise<StepReport> {
    const { trainer, options } = this;
    const { parts, replicate, patience } = options;
    const sum = new PartSum(trainer, batch);
    const weights = await this.store.publish();
    const board = new Board(split(trainer.options.batch, parts), replicate, patience, this.times);
    this.now = { batch, board, sum, held: new Map(), weights };
    this.failure = undefined;
    this.news.notify();
    for (;;) {
      if (this.failure !== undefined) throw (this.failure as { error: unknown }).error;
      if (sum.isWhole) break;
      if (this.ended !== undefined)
        throw new DistributedError(`the coordinator was closed: ${this.ended}`);
      await this.news.wait(options.clock, LOOK);
      this.look();
    }
    this.now = undefined;
    const report = sum.update();
    await this.store.tidy();
    return report;
  }

  /** Ends: workers hear why when they ask next.
   *  @example
   *  const model = gpt({ vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 });
   *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
   *  const none = async () => undefined;
   *  const begin = async (desk) => {
   *    const hello = new TextEncoder().encode('{"protocol":2,"kernels":"a digest"}\n');
   *    const answer = await desk.ask('w1', hello);
   *    console.log(new TextDecoder().decode(answer).trim()); // {"end":"enough"}
   *  };
   *  const courier = { serve: begin, put: none, drop: none };
   *  const coordinator = new Coordinator(trainer, courier, { run: 'r1', kernels: 'a digest' });
   *  coordinator.close('enough');
   *  await coordinator.open();
   */
  close(why: string): void {
    this.ended = text('why', why);
    this.news.notify();
  }

  private tell(event: CoordinatorEvent): void {
    try {
      this.options.onEvent(event);
    } catch (error) {
      this.failure ??= { error };
    }
  }

  /** Tells of workers that are silent. */
  private look(): void {
    const before = this.options.clock.now() - Math.max(GONE, this.options.patience);
    for (const [worker, at] of this.seen)
      if (at < before) {
        this.seen.delete(worker);
        this.tell({ kind: 'left', worker });
      }
  }

  private async ask(worker: string, message: Bytes): Promise<object> {
    const { clock, kernels } = this.options;
    const { head } = unpackMessage(message);
    const refused = refusalOf(head, kernels);
    if (refused !== undefined) return { refused };
    this.hear(worker);
    const question = {};
    this.asking.set(worker, question);
    await this.putAgain(head.missing);
    const { now } = this;
    const held = [head.holding, this.reporting.get(worker)?.task]; // this may be an old question
    now?.board.release(worker, (place) => held.includes(this.idOf(now, place, worker)));
    if (head.leaving === true) return this.farewell(worker);
    const until = clock.now() + POLL;
    while (this.asking.get(worker) === question) {
      const found = this.answerFor(worker, clock.now() >= until);
      if (found === undefined) await this.news.wait(clock, LOOK);
      else {
        this.asking.delete(worker);
        return found;
      }
    }
    return { wait: true };
  }

  /** A worker leaves: what it was given is for others at once. */
  private farewell(worker: string): object {
    this.asking.delete(worker);
    if (this.seen.delete(worker)) this.tell({ kind: 'left', worker });
    this.news.notify();
    return { end: 'it leaves' };
  }

  private answerFor(worker: string, isLate: boolean): object | undefined {
    if (this.ended !== undefined) return { end: this.ended };
    const refused = this.wrong.get(worker);
    if (refused !== undefined) return { refused };
    const task = this.taskFor(worker);
    if (task !== undefined) return { task };
    return isLate ? { wait: true } : undefined;
  }

  /** A worker does not find bytes that it was told of. */
  private async putAgain(missing: unknown): Promise<void> {
    const time = this.options.clock.now();
    if (typeof missing !== 'string' || time - this.putAt < POLL) return;
    this.putAt = time;
    await this.store.putAgain(missing).catch(() => undefined); // it will say so again
  }

  private hear(worker: string): void {
    if (this.wrong.has(worker)) return;
    if (!this.seen.has(worker)) this.tell({ kind: 'joined', worker });
    this.seen.set(worker, this.options.clock.now());
  }

  private taskFor(worker: string): Task | undefined {
    const { now, options } = this;
    const given = now?.board.take(worker, options.clock.now());
    if (now === undefined || given === undefined) return undefined;
    const step = this.trainer.steps;
    return { run: options.run, step, ...given, weights: now.weights, ...this.store.origins };
  }

  private idOf({ weights }: Step<Batch>, place: Place, worker: string): string | undefined {
    const upload = place.copies.get(worker)?.upload;
    if (upload === undefined) return undefined;
    const { run } = this.options;
    return taskId({ ...place, run, step: this.trainer.steps, weights, upload });
  }

  private async report(worker: string, message: Bytes): Promise<object> {
    const { head, body } = unpackMessage(message);
    const { now } = this;
    if (this.wrong.has(worker)) return { refused: this.wrong.get(worker) };
    this.hear(worker);
    const place = now?.board.find(head as never);
    const known = this.reporting.get(worker);
    if (known !== undefined) return known.task === head.task ? known.answer : { late: true };
    const isAsked = now !== undefined && place !== undefined && !this.isOver(now, place, worker);
    if (!isAsked || head.task !== this.idOf(now, place, worker)) return { late: true };
    const upload = place.copies.get(worker)?.upload === true; // now: it may be asked for more
    const judged = this.reading.then(() => this.judge(now, place, worker, { head, body, upload }));
    this.reading = judged.catch(() => undefined);
    const answer = judged.then(() => {
      this.news.notify();
      return this.wrong.has(worker) ? { refused: this.wrong.get(worker) } : { accepted: true };
    });
    this.reporting.set(worker, { task: head.task, answer });
    return answer.finally(() => this.reporting.delete(worker));
  }

  /** Whether nothing is expected from a worker for a part any more. */
  private isOver(now: Step<Batch>, place: Place, worker: string): boolean {
    const copy = place.copies.get(worker);
    return now !== this.now || place.isDone || copy === undefined || copy.seal !== undefined;
  }

  /** Takes what a worker says of a part, and agrees upon it once enough have answered. */
  private async judge(now: Step<Batch>, place: Place, worker: string, said: Said): Promise<void> {
    if (this.isOver(now, place, worker)) return;
    try {
      const seal = await this.hold(now, place, worker, said);
      if (this.isOver(now, place, worker)) return;
      now.board.mark(place, worker, { seal, upload: said.upload }, this.options.clock.now());
    } catch (error) {
      if (error instanceof DistributedError) this.accuse(now, worker, error.message);
      else this.fail(now, error);
      return;
    }
    await this.settle(now, place).catch((error) => this.fail(now, error));
  }

  /** Keeps the gradients that a worker hands in; returns its seal. Throws DistributedError for what
   *  is wrong in itself, and what one machine alone would throw where a part cannot be computed. */
  private async hold(
    now: Step<Batch>,
    place: Place,
    worker: string,
    { head, body, upload }: Said,
  ): Promise<string> {
    const { trainer } = this;
    if (head.error !== undefined) {
      await computeResult(trainer, now.batch, place, this.options.clock);
      throw new DistributedError('it says that a part fails which does not');
    }
    const { seal } = head;
    if (typeof seal !== 'string') throw new DistributedError('its result has no seal');
    if (body.length > 0 !== upload)
      throw new DistributedError(
        upload ? 'its gradients are missing' : 'nobody asked for its gradients',
      );
    if (!upload) return seal;
    const found = await readResult(trainer, place, { head, body });
    if (sealOf(found.answer, worker) !== seal)
      throw new DistributedError('its gradients or sums are not those of its seal');
    if (!this.isOver(now, place, worker) && !now.held.has(place))
      now.held.set(place, { ...found, worker });
    return seal;
  }

  /** Agrees upon a part, once enough have answered, or finds who is wrong. */
  private async settle(now: Step<Batch>, place: Place): Promise<void> {
    const { replicate, random, spotChecks, clock } = this.options;
    const held = now.held.get(place);
    const said = [...place.copies].filter(([, { seal }]) => seal !== undefined);
    if (held === undefined) return;
    const isSame = said.every(([worker, { seal }]) => seal === sealOf(held.answer, worker));
    if (isSame && said.length < replicate) return;
    const isHonest = isSame && isPossible(this.trainer, held.part);
    const isChecked = !isHonest || random() < spotChecks;
    place.isDone = true;
    const truth = isChecked ? await computeResult(this.trainer, now.batch, place, clock) : held;
    for (const [worker, { seal }] of said)
      if (seal !== sealOf(truth.answer, worker))
        this.accuse(now, worker, 'its result is not what the coordinator computes');
    now.sum.add(truth.part);
    now.held.delete(place);
    layoutOf(this.trainer).rooms.give(held.part.gradients);
    const { step, first, count } = truth.part;
    const workers = said.map(([worker]) => worker).filter((worker) => !this.wrong.has(worker));
    this.tell({ kind: 'part', step, first, count, workers, digest: truth.answer });
  }

  private accuse(now: Step<Batch>, worker: string, why: string): void {
    this.wrong.set(worker, why);
    this.seen.delete(worker);
    now.board.remove(worker);
    for (const [place, { worker: owner }] of now.held) {
      if (owner !== worker || place.isDone) continue;
      now.held.delete(place);
      now.board.clear(place); // others may have been told that nobody wants their gradients
    }
    this.tell({ kind: 'wrong', worker, step: this.trainer.steps, why });
  }

  private fail({ batch }: Step<Batch>, error: unknown): void {
    this.failure ??= { error: errorOf(this.trainer, batch, error) };
  }
}

// Where a run's work is done: memory, back end and threads, and what becomes of both when a thread
// is lost. What the jobs do is in job.ts.

import { RetrogradError } from '../core/errors.ts';
import type { Backend } from '../kernels/kernels.ts';
import { createWasmBackend, isShared } from '../kernels/wasm.ts';
import { Arena } from '../memory/arena.ts';
import { type Counts, NO_COUNTS, Run } from '../ops/run.ts';
import { Jobs } from '../threads/jobs.ts';
import { Pool } from '../threads/pool.ts';
import { Team } from '../threads/team.ts';
import { initialise } from './initialise.ts';
import {
  addNumbers,
  controlOf,
  encodeJob,
  JOB,
  type Job,
  type Outcome,
  runJob,
  stepError,
} from './job.ts';
import type { CheckedOptions } from './options.ts';
import { optionsToData } from './options-data.ts';
import { type Layout, layout } from './plan.ts';
import type { NamedTensor } from './tensors.ts';

/** For tests: another back end, another place of the workers' file. */
export interface TestOptions {
  makeBackend?: ((bytes: number) => Backend) | undefined;
  threadModule?: URL | undefined;
}

/** Room beside the arena for a back end's static data. */
const SLACK = 2 ** 18;

export class Engine<Batch> {
  /** What all steps and evaluations of a run have counted. */
  readonly totals: Counts = { ...NO_COUNTS };
  readonly all: Layout<Batch>;
  readonly pool: Pool;
  /** End of the memory in use. */
  readonly end: number;

  private readonly jobs: Jobs;
  private readonly alone = new Team(new Int32Array(0));
  private readonly makeBackend: () => Backend;
  private work: Run;
  /** The memory that was left when a thread was lost. */
  private left: ArrayBufferLike | undefined;
  /** Why no weight here can be trusted any more. */
  private broken: RetrogradError | undefined;

  /** Memory of `planned` bytes with initial weights. Threads end when nobody holds the owner. */
  constructor(
    owner: object,
    private readonly options: CheckedOptions<Batch>,
    planned: number,
    { makeBackend, threadModule }: TestOptions,
  ) {
    const bytes = planned + SLACK;
    const shared = options.threads > 1;
    const pages = Math.ceil(bytes / 65536);
    this.makeBackend = () => makeBackend?.(bytes) ?? createWasmBackend({ pages, shared });
    this.work = new Run(this.makeBackend());
    const { memory, base } = this.work.backend;
    const arena = new Arena(base);
    this.all = layout(arena, options, 0);
    this.end = arena.end;
    initialise(this.work, this.all.model.parameters, options.seed);
    this.setScales(() => 0);
    this.jobs = new Jobs(memory.buffer, this.all.job);
    const { worker = threadModule, model, threads } = options;
    const foreign = model.isOwn && worker === undefined;
    const alone = foreign
      ? 'this model needs the option worker'
      : 'this runtime has no shared memory';
    this.pool = new Pool(this.jobs, threads, shared ? alone : '');
    if (!shared || !isShared(memory) || foreign) return;
    const message = { memory, base, options: optionsToData(options), end: arena.end };
    this.pool.start(owner, worker, message);
  }

  /** Where the weights are, and the work is done. */
  get device(): Run {
    if (this.broken !== undefined) throw this.broken;
    return this.work;
  }

  /** Sets the scale of each parameter's optimizer state. */
  setScales(of: (i: number) => number): void {
    const { model, updater } = this.all;
    model.trained.forEach((_, i) => {
      updater.putScale(this.device, i, of(i));
    });
  }

  /** Runs a job on all threads and adds up what they counted; throws what one thread alone would
   *  throw. */
  run(job: Job): Outcome {
    const { device: d, pool, options, all } = this;
    const size = pool.threads;
    if (size > 1) {
      d.team = new Team(controlOf(d, all, options), 0, size, pool.watch);
      d.team.reset();
      pool.begin(encodeJob(job));
    }
    const { outcome, failure } = runJob(d, all, options, job);
    d.team = this.alone;
    if (size > 1 && !pool.join()) return this.goOn(job);
    const others = Array.from({ length: size - 1 }, (_, i) => this.jobs.result(i + 1));
    for (const { numbers } of others) addNumbers(outcome, numbers);
    for (const key of Object.keys(this.totals) as (keyof Counts)[])
      this.totals[key] += outcome[key];
    const thrown = stepError(
      failure,
      others.map(({ error }) => error),
    );
    if (thrown !== undefined) throw thrown;
    return outcome;
  }

  /** Does a job alone in which a thread was lost: in a copy of the memory, for a thread that was
   *  only slow may still write to this one. Weights are written by updates only, which leave
   *  nothing to begin again from. */
  private goOn(job: Job): Outcome {
    const { work } = this;
    this.broken = new RetrogradError(
      `${this.pool.note} in step ${job.step + 1}, which left no whole weights`,
      'go on from the last checkpoint',
    );
    if (job.job === JOB.update) throw this.broken;
    this.work = new Run(this.makeBackend());
    this.work.bytes.set(work.bytes);
    this.broken = undefined;
    this.left = work.bytes.buffer;
    return this.run(job);
  }

  /** Shows new weights to views of the memory that was left, too. */
  show(trainer: { tensors(): NamedTensor[] }): void {
    if (this.left === undefined) return;
    for (const { data } of trainer.tensors())
      new Int32Array(this.left, data.byteOffset, data.length).set(data);
  }
}

// What a team does together in a training step: the jobs, run by every thread on its own part of one layout.

import { OverflowError, ReconstructionError, RetrogradError } from '../errors.ts';
import { Device } from '../kernels/device.ts';
import { Jobs, type Result } from '../kernels/jobs.ts';
import { Team, TeamFailure, controlBytes } from '../kernels/team.ts';
import { attachWasmBackend } from '../kernels/wasm.ts';
import { onFirstMessage } from '../kernels/worker.ts';
import { Arena } from '../tensor/arena.ts';
import type { UpdateReport } from './optimizer.ts';
import { clearGradients } from '../nn/parameters.ts';
import { type Kit, type Layout, layout } from './plan.ts';
import type { AnyOptions } from './rules.ts';

/** The first argument of a job; the others: see runJob. */
export const JOB = { clear: 0, accumulate: 1, evaluate: 2, update: 3 } as const;

/** A member's part of a job's numbers, in the order of Result.numbers. */
export interface Outcome {
  loss: number;
  correct: number;
  saturated: number;
  overflowed: number;
  checkedStates: number;
  mismatchedElements: number;
}

/** A job as the words that workers are given. */
export interface Job {
  job: number;
  /** Samples, the first one's place in the batch, 0-based step. */
  count: number;
  first: number;
  step: number;
  /** Predictions that the loss of a step is the sum of. */
  predictions: number;
  /** Of an evaluation. */
  gamma8: number;
}

const HALF = 2 ** 31;
export const encodeJob = ({ job, count, first, step, predictions, gamma8 }: Job): number[] => [job, count, first, step % HALF, Math.floor(step / HALF), predictions, gamma8];
const decodeJob = (words: ArrayLike<number>): Job =>
  ({ job: words[0], count: words[1], first: words[2], step: words[3] + words[4] * HALF, predictions: words[5], gamma8: words[6] });

/** An error of a thread's part, and where that thread met it (Team.failedAt). */
interface Failure {
  readonly error: unknown;
  readonly at: number;
}

/** The control block of the teams of a layout. */
export const controlOf = (d: Device, { control }: Layout, { microBatch }: AnyOptions<unknown>): Int32Array =>
  d.view(control, controlBytes(microBatch) / 4);

/** Runs one thread's part. */
export function runJob(d: Device, { model, optimizer }: Layout, { job, count, first, step, predictions, gamma8 }: Job): { outcome: Outcome; update?: UpdateReport; failure?: Failure } {
  const { counts, team } = d;
  counts.saturated = counts.overflowed = 0;
  model.resetReconstruction();
  let score = { loss: 0, correct: 0 }, update: UpdateReport | undefined, failure: Failure | undefined;
  try {
    if (job === JOB.clear) clearGradients(d, model.store);
    else if (job === JOB.accumulate) score = model.accumulate(d, first, count, step);
    else if (job === JOB.evaluate) score = model.evaluate(d, count, gamma8);
    else update = optimizer.update(d, model.store, predictions, step);
  } catch (thrown) {
    team.fail();
    failure = { error: thrown ?? new RetrogradError('unknown failure'), at: team.failedAt ?? 0 };
  }
  return { outcome: { ...score, ...counts, ...model.reconstruction }, update, failure };
}

/** An outcome as the numbers of a result. */
const KEYS = ['loss', 'saturated', 'overflowed', 'checkedStates', 'mismatchedElements', 'correct'] as const;
export const outcomeOf = (numbers: readonly number[]): Outcome => Object.fromEntries(KEYS.map((key, i) => [key, numbers[i]])) as unknown as Outcome;
export const NOTHING: Readonly<Outcome> = outcomeOf([0, 0, 0, 0, 0, 0]);

export function addOutcome(sum: Outcome, part: Outcome): void {
  for (const key of KEYS) sum[key] += part[key];
}

/** What a worker is told when it starts. */
export interface MemberMessage {
  memory: unknown;
  base: number;
  options: AnyOptions<{ kind?: string }>;
  rank: number;
  /** Where the layout ends. */
  end: number;
}

/** The whole life of a worker: waits for its message, lays out the same model on the shared memory, serves jobs. A worker that lays it out
 *  in another way comes from another version of the library: it fails to start, and the caller works alone. `kits`: models by the
 *  `kind` of their configuration; a GPT's has none. Only the package's own `dist/thread.js` calls it.
 *  @internal */
export function runMember(kits: Readonly<Record<string, Kit>>): void {
  onFirstMessage(({ memory, base, options, rank, end }: MemberMessage) => {
    const device = new Device(attachWasmBackend(memory)), arena = new Arena(base), all = layout(arena, options as AnyOptions<never>, kits[options.model.kind ?? 'gpt']);
    if (arena.end !== end) throw new RetrogradError('the thread module is of another version than the library');
    const control = controlOf(device, all, options);
    new Jobs(device.bytes.buffer, all.job).serve(rank, (words, tick): Result => {
      device.team = new Team(control, rank, options.threads, tick);
      const { outcome, failure } = runJob(device, all, decodeJob(words));
      return { numbers: KEYS.map((key) => outcome[key]), error: failure === undefined ? '' : describe(failure) };
    });
  });
}

/** The error of a step: of those met the earliest, which is the one that one thread alone would throw. A TeamFailure only tells that another
 *  thread has failed. */
export function stepError(own: Failure | undefined, others: readonly string[]): unknown {
  const met = [...(own === undefined ? [] : [own]), ...others.filter((text) => text !== '').map(revive)].sort((a, b) => a.at - b.at);
  return (met.find(({ error }) => !(error instanceof TeamFailure)) ?? met[0])?.error;
}

const KINDS = { OverflowError, ReconstructionError, TeamFailure, RetrogradError };
function describe({ error, at }: Failure): string {
  const { name = '', message = error } = Object(error);
  return `${at} ${name}: ${message}`;
}


function revive(text: string): Failure {
  const [, at, name, message] = /^(\d+) (\w*): ([^]*)$/.exec(text) ?? [undefined, '0', '', text], [what, hint] = message.split('. HINT: ');
  const Kind = Object.hasOwn(KINDS, name) ? KINDS[name as keyof typeof KINDS] : RetrogradError;
  return { error: new Kind(what, hint), at: Number(at) };
}

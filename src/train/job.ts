// What a team does together in a training step: the jobs, run by every thread on its own part of
// one layout.

import { OverflowError, ReconstructionError, RetrogradError } from '../core/errors.ts';
import type { Score } from '../loss/loss.ts';
import { type Counts, NO_COUNTS, type Run } from '../ops/run.ts';
import { controlBytes, TeamFailure } from '../threads/team.ts';
import type { CheckedOptions } from './options.ts';
import type { Layout } from './plan.ts';

/** The first argument of a job. */
export const JOB = { clear: 0, accumulate: 1, evaluate: 2, update: 3 } as const;

/** A member's part of a job's numbers. */
export interface Outcome extends Counts {
  loss: number;
  correct: number;
  /** Of an update: norm of the gradient of the mean loss, the same for every member. */
  norm: number;
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
  /** Of an evaluation: 8 gamma. */
  gamma8: number;
}

const HALF = 2 ** 31;

export const encodeJob = ({ job, count, first, step, predictions, gamma8 }: Job): number[] => [
  job,
  count,
  first,
  step % HALF,
  Math.floor(step / HALF),
  predictions,
  gamma8,
];

export const decodeJob = (words: ArrayLike<number>): Job => ({
  job: words[0],
  count: words[1],
  first: words[2],
  step: words[3] + words[4] * HALF,
  predictions: words[5],
  gamma8: words[6],
});

/** An error of a thread's part, and where that thread met it (Team.failedAt). */
export interface Failure {
  readonly error: unknown;
  readonly at: number;
}

/** The control block of the teams of a layout. */
export const controlOf = (
  run: Run,
  { control }: { readonly control: number },
  { microBatch }: Pick<CheckedOptions, 'microBatch'>,
): Int32Array => run.view(control, controlBytes(microBatch) / 4);

/** Runs one thread's part. */
export function runJob<Batch>(
  run: Run,
  layout: Layout<Batch>,
  options: CheckedOptions<Batch>,
  job: Job,
): { outcome: Outcome; failure: Failure | undefined } {
  const { counts, team } = run;
  Object.assign(counts, NO_COUNTS);
  const outcome: Outcome = { ...NOTHING };
  let failure: Failure | undefined;
  try {
    Object.assign(outcome, work(run, layout, options, job));
  } catch (thrown) {
    team.fail();
    failure = { error: thrown ?? new RetrogradError('unknown failure'), at: team.failedAt ?? 0 };
  }
  return { outcome: { ...outcome, ...counts }, failure };
}

function work<Batch>(
  run: Run,
  { model, updater }: Layout<Batch>,
  options: CheckedOptions<Batch>,
  { job, count, first, step, predictions, gamma8 }: Job,
): Partial<Outcome> | Score {
  const { seed, learningRate, steps } = options;
  if (job === JOB.clear) {
    model.clearGradients(run);
    return {};
  }
  if (job === JOB.update)
    return {
      norm: updater.update(run, { predictions, step, rate: learningRate.rate(step, steps) }),
    };
  const isTraining = job === JOB.accumulate;
  const pass = { count, isTraining, seed, step, first, gamma8 };
  return isTraining ? model.accumulate(run, pass) : model.evaluate(run, pass);
}

export const NOTHING: Readonly<Outcome> = {
  ...NO_COUNTS,
  loss: 0,
  correct: 0,
  norm: 0,
};

/** An outcome as the numbers of a result. The norm, which comes last, is every member's own. */
const KEYS = Object.keys(NOTHING).slice(0, -1) as (keyof Outcome)[];

export const numbersOf = (outcome: Outcome): number[] => KEYS.map((key) => outcome[key]);

/** Adds a member's numbers. */
export function addNumbers(sum: Outcome, numbers: readonly number[]): void {
  KEYS.forEach((key, i) => {
    sum[key] += numbers[i];
  });
}

/** The error of a step: of those met the earliest, which is the one that one thread alone would
 *  throw. A TeamFailure only tells that another thread has failed. */
export function stepError(own: Failure | undefined, others: readonly string[]): unknown {
  const told = others.filter((text) => text !== '').map(revive);
  const met = [...(own === undefined ? [] : [own]), ...told].sort((a, b) => a.at - b.at);
  return (met.find(({ error }) => !(error instanceof TeamFailure)) ?? met[0])?.error;
}

const KINDS = { OverflowError, ReconstructionError, TeamFailure, RetrogradError };

/** A failure as the text of a result. */
export function describe({ error, at }: Failure): string {
  const { name = '', message = error } = Object(error);
  return `${at} ${name}: ${message}`;
}

function revive(text: string): Failure {
  const [, at, name, message] = /^(\d+) (\w*): ([\s\S]*)$/.exec(text) ?? ['', '0', '', text];
  const [what, hint] = message.split('. HINT: ');
  const Kind = Object.hasOwn(KINDS, name) ? KINDS[name as keyof typeof KINDS] : RetrogradError;
  return { error: new Kind(what, hint), at: Number(at) };
}

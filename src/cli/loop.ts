// The training loop: step, now and then a validation or a checkpoint. It knows no model and owns no
// policy: what to train, what to show and where to save is given. Between steps it yields to the
// event loop, so that signals arrive and lines are written.

import { setImmediate } from 'node:timers/promises';
import type { Interrupts } from './interrupts.ts';
import type { StepReport } from './library.ts';
import type { Reporter } from './reporters.ts';
import { type Scope, type Task, trainStep, type Validation } from './tasks/task.ts';
import { threadsWarning } from './threads.ts';

export interface LoopOptions {
  task: Task;
  /** Step at which to end. */
  until: number;
  /** Every so many steps; 0: never. The end of the loop is not included in either. */
  validateEvery: number;
  saveEvery: number;
  /** On what it is judged before the end ('all'). */
  scope?: Scope;
  save: () => Promise<void>;
  /** Makes the next step (trains on the task's batch); undefined if it was interrupted. */
  step?: ((task: Task) => Promise<StepReport | undefined>) | undefined;
  /** Hears of each step before the next one; the loop waits for what it returns. */
  record?: ((report: StepReport) => Promise<void>) | undefined;
  reporter: Reporter;
  /** Hears what a validation found. */
  judged?: (found: Validation) => Promise<void>;
  interrupts: Interrupts;
}

/** What happened, for the report. */
export interface RunHistory {
  /** Steps done before the loop. */
  from: number;
  /** Training loss of each step; of a round its mean, for each of its steps. */
  losses: number[];
  validations: { step: number; loss: number }[];
  /** Steps with values that were clamped. */
  clampedSteps: number;
  /** Time in training steps alone. */
  milliseconds: number;
}

/** Trains until `until` or until interrupted. */
export async function runLoop(options: LoopOptions): Promise<RunHistory> {
  const {
    task,
    task: { trainer },
    until,
    reporter,
    interrupts,
  } = options;
  const history: RunHistory = {
    from: trainer.steps,
    losses: [],
    validations: [],
    clampedSteps: 0,
    milliseconds: 0,
  };
  const isDue = (every: number): boolean =>
    every > 0 &&
    trainer.steps % every === 0 &&
    trainer.steps < until &&
    interrupts.exitCode === undefined;
  const warnOfThreads = threadsWarning(trainer, (line) => reporter.warning(line));
  while (trainer.steps < until && interrupts.exitCode === undefined) {
    const start = performance.now();
    const before = trainer.steps;
    const isStopped = (): boolean => interrupts.exitCode !== undefined;
    const report = await (options.step?.(task) ?? trainStep(task, isStopped));
    if (report === undefined) break;
    const steps = trainer.steps - before; // those of a round
    const milliseconds = performance.now() - start;
    const recorded = options.record?.(report);
    history.losses.push(...new Array<number>(steps).fill(report.loss));
    history.milliseconds += milliseconds;
    if (report.saturated > 0) history.clampedSteps += steps;
    reporter.step(report, milliseconds / steps);
    warnOfThreads();
    await setImmediate();
    await recorded;
    if (isDue(options.saveEvery)) await options.save();
    if (isDue(options.validateEvery)) await validate(options, history, options.scope ?? 'all');
  }
  return history;
}

type Judging = Pick<LoopOptions, 'task' | 'reporter' | 'interrupts' | 'judged'>;

/** Judges the model on held-out data, reported and recorded; undefined if interrupted. */
export async function validate(
  { task, reporter, interrupts, judged }: Judging,
  history: RunHistory,
  scope: Scope,
): Promise<Validation | undefined> {
  const isInterrupted = (): boolean => interrupts.exitCode !== undefined;
  const found = await task.validate(
    (done, of) => reporter.validating(done, of),
    isInterrupted,
    scope,
  );
  if (found === undefined) return undefined;
  history.validations.push({ step: task.trainer.steps, loss: found.loss });
  reporter.validation(task.trainer.steps, found);
  await judged?.(found);
  return found;
}

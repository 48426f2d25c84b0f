// One run, measured: trains a task to its end and validates it at a few steps on the way.

import { setImmediate } from 'node:timers/promises';
import { OverflowError, type Trainer } from '../../src/cli/library.ts';
import { mean, median } from '../../src/cli/statistics.ts';
import { oneStep, type Task } from '../../src/cli/tasks/task.ts';
import type { Found, Notes, Point, Watch } from './experiment.ts';

export interface Budget {
  steps: number;
  /** Validations, evenly spread; the last one after the last step. */
  points: number;
}

/** Validations of a run: fewer in a trial. */
export const pointsOf = (points: number, steps: number, scale: number): number =>
  Math.max(1, Math.min(steps, Math.round(points * scale)));

/** What the run's memory and its checks say. */
export const memoryOf = ({ plan, peakBytes, totals, parameters }: Trainer<never>): Found => ({
  parameters,
  plan,
  peakBytes,
  totals: { ...totals },
});

const nothing = async (): Promise<Found> => ({});

/** The steps after which a run is validated. */
const dueSteps = ({ steps, points }: Budget): Set<number> =>
  new Set(Array.from({ length: points }, (_, i) => Math.round(((i + 1) * steps) / points)));

/** Trains and validates to the end, or until interrupted. */
async function train(task: Task, notes: Notes, budget: Budget, watch: Watch): Promise<void> {
  const { trainer } = task;
  const { steps } = budget;
  const due = dueSteps(budget);
  for (;;) {
    const isJudged = notes.curve.at(-1)?.step === trainer.steps;
    if (due.has(trainer.steps) && !isJudged && !(await judge(task, notes, steps, watch))) return;
    if (trainer.steps === steps || watch.isInterrupted()) return;
    const start = performance.now();
    notes.losses.push(oneStep(task).loss);
    notes.times.push(performance.now() - start);
    await setImmediate();
  }
}

/** Validates, and keeps the run; false if interrupted. */
async function judge(task: Task, notes: Notes, steps: number, watch: Watch): Promise<boolean> {
  const { trainer } = task;
  const scope = trainer.steps === steps ? 'final' : 'all';
  const isInterrupted = (): boolean => watch.isInterrupted();
  const validation = await task.validate(() => undefined, isInterrupted, scope);
  if (validation === undefined) return false;
  const point = { step: trainer.steps, trainLoss: mean(notes.losses), ...validation };
  notes.curve.push(point);
  notes.losses = [];
  watch.point(trainer.steps / steps, point);
  await watch.kept.save(trainer, notes, false);
  return true;
}

/** Trains, from where a kept part of the run ended, then calls `atEnd` for what else is to be
 *  found. A run that leaves the range of its numbers is a result too: it is the same every time.
 *  Undefined if interrupted: the run is kept. */
export async function measure(
  task: Task,
  budget: Budget,
  watch: Watch,
  atEnd: () => Promise<Found | undefined> = nothing,
): Promise<Found | undefined> {
  const { trainer } = task;
  const notes: Notes = (await watch.kept.restore(trainer)) ?? { curve: [], losses: [], times: [] };
  const { curve, times } = notes;
  const found = (rest: Found): Found => ({
    ...rest,
    steps: trainer.steps,
    curve,
    millisecondsPerStep: times.length === 0 ? null : median(times),
    ...memoryOf(trainer),
  });
  try {
    await train(task, notes, budget, watch);
    const more = watch.isInterrupted() ? undefined : await atEnd();
    if (more === undefined) {
      await watch.kept.save(trainer, notes, true);
      return undefined;
    }
    const weightsSha256 = await trainer.weightsSha256();
    return found({ final: curve.at(-1), best: bestOf(curve), weightsSha256, ...more });
  } catch (error) {
    if (!(error instanceof OverflowError)) throw error;
    return found({ failed: error.message.split('. HINT: ')[0] });
  }
}

/** The best of every measure, whatever its step. */
function bestOf(curve: readonly Point[]): Found {
  const all = (key: 'loss' | 'accuracy' | 'bleu'): number[] =>
    curve.flatMap((point) => point[key] ?? []);
  const best = (key: 'accuracy' | 'bleu'): Found =>
    all(key).length === 0 ? {} : { [key]: Math.max(...all(key)) };
  return { loss: Math.min(...all('loss')), ...best('accuracy'), ...best('bleu') };
}

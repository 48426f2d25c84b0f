// One run, measured: trains a task to its end and validates it at a few steps on the way.

import { setImmediate } from 'node:timers/promises';
import { OverflowError } from '../library.ts';
import type { AnyTrainer, Task } from '../tasks/task.ts';
import type { Found, Notes, Point, Watch } from './experiment.ts';
import { mean, median } from '../statistics.ts';

export interface Budget {
  steps: number;
  /** Validations, evenly spread; the last one after the last step. */
  points: number;
}

/** Validations of a run: fewer in a trial. */
export const pointsOf = (points: number, steps: number, scale: number): number =>
  Math.max(1, Math.min(steps, Math.round(points * scale)));

/** What the run's memory and its checks say. */
export const memoryOf = ({ plan, peakBytes, totals, parameters }: AnyTrainer): Found => ({
  parameters,
  plan,
  peakBytes,
  totals: { ...totals },
});

const nothing = async (): Promise<Found> => ({});

/** Trains, from where a kept part of the run ended, then calls `atEnd` for what else is to be
 *  found. A run that leaves the range of its numbers is a result too: it is the same every time.
 *  Undefined if interrupted: the run is kept. */
export async function measure(
  task: Task,
  { steps, points }: Budget,
  watch: Watch,
  atEnd: () => Promise<Found | undefined> = nothing,
): Promise<Found | undefined> {
  const { trainer } = task;
  const notes: Notes = (await watch.kept.restore(trainer)) ?? { curve: [], losses: [], times: [] };
  const { curve, times } = notes;
  const due = new Set(
    Array.from({ length: points }, (_, i) => Math.round(((i + 1) * steps) / points)),
  );
  const found = (rest: Found): Found => ({
    ...rest,
    steps: trainer.steps,
    curve,
    millisecondsPerStep: times.length === 0 ? null : median(times),
    ...memoryOf(trainer),
  });
  try {
    for (;;) {
      if (due.has(trainer.steps) && curve.at(-1)?.step !== trainer.steps) {
        const validation = await task.validate(
          () => undefined,
          () => watch.isInterrupted(),
          trainer.steps === steps ? 'final' : 'all',
        );
        if (validation === undefined) break;
        curve.push({ step: trainer.steps, trainLoss: mean(notes.losses), ...validation });
        notes.losses = [];
        watch.point(trainer.steps / steps, curve[curve.length - 1]);
        await watch.kept.save(trainer, notes, false);
      }
      if (trainer.steps === steps || watch.isInterrupted()) break;
      const start = performance.now();
      notes.losses.push(task.step().loss);
      times.push(performance.now() - start);
      await setImmediate();
    }
    const more = watch.isInterrupted() ? undefined : await atEnd();
    if (more !== undefined)
      return found({
        final: curve.at(-1),
        best: bestOf(curve),
        weightsSha256: await trainer.weightsSha256(),
        ...more,
      });
    await watch.kept.save(trainer, notes, true);
    return undefined;
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

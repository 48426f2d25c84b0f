// The inside of a trainer, which parts of steps need and nobody else. Methods of the trainer's own
// for it would cost everyone who trains: the example of the README, compressed, grew by 21 to 75
// bytes in the six ways that were tried.

import type { StepReport, Trainer } from '../index.ts';
import type { Engine } from '../train/engine.ts';
import { addNumbers, JOB, type Job, NOTHING, numbersOf, type Outcome } from '../train/job.ts';

interface Inside<Batch> {
  readonly engine: Engine<Batch>;
  uses: number;
  accumulate?: (predictions: number) => Outcome;
}

const inside = <Batch>(trainer: Trainer<Batch>): Inside<Batch> =>
  trainer as unknown as Inside<Batch>;

/** Leaves the gradients of the summed loss of samples `from` to `until` of the batch of a step.
 *  Begins again if a thread is lost on the way, as `Trainer.step` does. */
export function sumGradients<Batch>(
  trainer: Trainer<Batch>,
  batch: Batch,
  from: number,
  until: number,
  step: number,
): Outcome {
  const { engine } = inside(trainer);
  const { options } = trainer;
  inside(trainer).uses++;
  const run = (job: Partial<Job> & Pick<Job, 'job'>): Outcome =>
    engine.run({ count: 0, first: 0, step, predictions: 0, gamma8: 0, ...job });
  engine.all.model.take(batch, options.batch);
  const total: Outcome = { ...NOTHING };
  run({ job: JOB.clear });
  const { device } = engine;
  for (let first = from; first < until; first += options.microBatch) {
    const count = Math.min(options.microBatch, until - first);
    engine.all.model.load(engine.device, first, count);
    addNumbers(total, numbersOf(run({ job: JOB.accumulate, count, first })));
    if (device !== engine.device) return sumGradients(trainer, batch, from, until, step);
  }
  return total;
}

/** One step of a shard of the batch, samples `from` to `until`, by its gradients alone, which are a
 *  mean over its share of the batch's predictions. The step is not counted. */
export function shardStep<Batch>(
  trainer: Trainer<Batch>,
  batch: Batch,
  from: number,
  until: number,
  step: number,
): Outcome {
  const { options } = trainer;
  const all = predictionsOf(trainer, batch);
  const sums = sumGradients(trainer, batch, from, until, step);
  const predictions = Math.max(1, Math.round((all * (until - from)) / options.batch));
  const job = { job: JOB.update, count: 0, first: 0, step, predictions, gamma8: 0 };
  addNumbers(sums, numbersOf(inside(trainer).engine.run(job)));
  return sums;
}

/** Predictions of a batch. Throws UsageError for what the model cannot use. */
export const predictionsOf = <Batch>(trainer: Trainer<Batch>, batch: Batch): number =>
  inside(trainer).engine.all.model.take(batch, trainer.options.batch);

/** Makes the trainer's next step by gradients that `put` brings into place, with their sums. */
export function stepWith<Batch>(
  trainer: Trainer<Batch>,
  batch: Batch,
  sums: Partial<Outcome>,
  put: () => void,
): StepReport {
  const own = inside(trainer);
  own.accumulate = () => {
    put();
    return { ...NOTHING, ...sums };
  };
  try {
    return trainer.step(batch);
  } finally {
    delete own.accumulate; // the method again
  }
}

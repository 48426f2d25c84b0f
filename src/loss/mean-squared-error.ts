// Mean squared error: the mean over all predicted numbers of (y - t)^2.

import { list, real } from '../core/check.ts';
import type { Pointer } from '../kernels/kernels.ts';
import { layerOptions } from '../layers/check.ts';
import { BRANCH_FRACTION, LOSS_FRACTION } from '../memory/formats.ts';
import type { Planner } from '../memory/planner.ts';
import type { Gradient, Tensor, Type } from '../memory/tensor.ts';
import type { Run } from '../ops/run.ts';
import type { Loss, PlannedLoss, Score } from './loss.ts';

/** Largest |target|: that of what is predicted. */
const LARGEST = 1024;

/** Where the targets are. */
export interface MeanSquaredErrorOptions<Batch> {
  /** The targets in a batch: numbers [samples, rows, columns] (its `targets`). */
  targets?: ((batch: Batch) => ArrayLike<number>) | undefined;
  /** What a batch calls them, for errors (targets). */
  name?: string | undefined;
}

/** The field of a batch that has the targets if none is named. */
const targetsOf = (batch: unknown): ArrayLike<number> => Object(batch).targets;

/** The mean square of output minus target, of every element; targets within +-1000 or so are real
 *  numbers of 16 fraction bits.
 *  @example
 *  const model = defineModel('line', ({ count }) => ({
 *    input: features({ count }),
 *    layers: [linear(1)],
 *    loss: meanSquaredError(),
 *  }));
 *  const options = { model: model({ count: 1 }), batch: 2, steps: 300, learningRate: 0.02 };
 *  const trainer = Trainer.create({ ...options, optimizer: adamw({ weightDecay: 0 }) });
 *  const batch = { values: [1, -1], targets: [2, -2] };
 *  while (trainer.steps < 300) trainer.step(batch);
 *  console.log(trainer.predict([0.5])[0].toFixed(1)); // 1.0
 */
export const meanSquaredError = <Batch = { targets: ArrayLike<number> }>(
  given: MeanSquaredErrorOptions<Batch> = {},
): Loss<Batch> => {
  const defaults = { targets: targetsOf, name: 'targets' };
  const options = layerOptions<MeanSquaredErrorOptions<Batch>>(given, defaults);
  return { takes: ['branch'], plan: (at, input) => new MeanSquaredError(at, input, options) };
};

class MeanSquaredError<Batch> implements PlannedLoss<Batch> {
  /** int32 [sequences, rows, columns], 16 fraction bits. */
  private readonly targets: Pointer;
  private readonly size: number;
  private taken: readonly number[] = [];

  constructor(
    at: Planner,
    { rows, columns }: Type,
    private readonly options: Required<MeanSquaredErrorOptions<Batch>>,
  ) {
    this.size = rows * columns;
    this.targets = at.allocate('workspace', at.layout.sequences * this.size * 4);
  }

  take(batch: Batch, count: number): number {
    const { targets, name } = this.options;
    const n = count * this.size;
    const one = (what: string, value: unknown): number => real(what, value, -LARGEST, LARGEST);
    this.taken = list(name, targets(batch), one, n, n);
    return n;
  }

  load({ int32 }: Run, first: number, count: number): void {
    const from = first * this.size;
    const to = this.targets / 4;
    for (let i = 0; i < count * this.size; i++)
      int32[to + i] = Math.floor(this.taken[from + i] * 2 ** BRANCH_FRACTION + 0.5);
  }

  /** |y - t| < 2^11 in real units: the difference fits int32. Its square is rounded down to the
   *  loss's fraction bits, of a double where it has more than 53 bits. */
  score({ int32 }: Run, x: Tensor, s: number, sum: Score, dx: Gradient | undefined): void {
    const from = x.at / 4;
    const target = this.targets / 4 + s * this.size;
    const to = (dx?.at ?? 0) / 4;
    for (let i = 0; i < this.size; i++) {
      const difference = int32[from + i] - int32[target + i];
      sum.loss += Math.floor(
        (difference * difference) / 2 ** (2 * BRANCH_FRACTION - LOSS_FRACTION),
      );
      if (dx !== undefined) int32[to + i] = difference;
    }
    if (dx !== undefined) dx.exponent = 1 - BRANCH_FRACTION; // 2 (y - t)
  }
}

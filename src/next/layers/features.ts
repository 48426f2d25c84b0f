// Rows of numbers as a model's input: a table's, one row a sample. They should be standardised (mean
// about 0, deviation about 1): an operand holds -8 to 8 in steps of 1/512.

import { UsageError } from '../../errors.ts';
import type { Pointer } from '../../kernels/kernels.ts';
import { OPERAND_MAX } from '../../tensor/formats.ts';
import type { Planner } from '../memory/planner.ts';
import type { Tensor, Type } from '../memory/tensor.ts';
import type { Run } from '../ops/run.ts';
import type { Input, PlannedInput } from './input.ts';

/** Fraction bits of a feature. */
const FEATURE_FRACTION = 9;
const LARGEST = OPERAND_MAX / 2 ** FEATURE_FRACTION;

export interface FeaturesOptions<Batch> {
  /** Numbers of a sample. */
  count: number;
  /** The numbers in a batch, sample after sample. */
  values: (batch: Batch) => ArrayLike<number>;
  /** What a batch calls them, for errors (values). */
  name?: string;
}

export const features = <Batch>(options: FeaturesOptions<Batch>): Input<Batch> => ({
  plan: (at) => new Features(at, options),
});

class Features<Batch> implements PlannedInput<Batch> {
  readonly type: Type;
  /** int16 [sequences, count]. */
  private readonly values: Pointer;

  constructor(
    at: Planner,
    private readonly options: FeaturesOptions<Batch>,
  ) {
    const { count } = options;
    this.type = { kind: 'operand', rows: 1, columns: count };
    this.values = at.allocate('workspace', at.layout.sequences * count * 2);
  }

  check(batch: Batch, count: number): void {
    const { count: columns, values, name = 'values' } = this.options;
    const given = values(batch);
    const n = count * columns;
    if (given.length !== n)
      throw new UsageError(`${name} has ${given.length} numbers, expected ${n}`);
    for (let i = 0; i < n; i++)
      if (!(Math.abs(given[i]) <= LARGEST))
        throw new UsageError(
          `${name}[${i}] is ${given[i]}, expected a number from -${LARGEST} to ${LARGEST}`,
          'subtract the mean of each column and divide by its deviation',
        );
  }

  load(run: Run, batch: Batch, first: number, count: number): void {
    const { count: columns, values } = this.options;
    const given = values(batch);
    this.write(run, given, first * columns, count * columns);
  }

  loadOne(run: Run, sample: unknown): void {
    this.write(run, sample as ArrayLike<number>, 0, this.options.count);
  }

  private write({ int16 }: Run, given: ArrayLike<number>, from: number, n: number): void {
    const to = this.values / 2;
    for (let i = 0; i < n; i++)
      int16[to + i] = Math.floor(given[from + i] * 2 ** FEATURE_FRACTION + 0.5);
  }

  move(_run: Run, s: number, x: Tensor): void {
    x.at = this.values + s * this.options.count * 2;
    x.rows = 1;
    x.fraction = FEATURE_FRACTION;
    x.range.deviation = 1;
  }
}

// Rows of numbers as a model's input: a table's, one row a sample. They should be standardised
// (mean about 0, deviation about 1): an operand holds -8 to 8 in steps of 1/512.

import { type Filled, list, real } from '../core/check.ts';
import type { Pointer } from '../kernels/kernels.ts';
import { OPERAND_MAX } from '../memory/formats.ts';
import type { Planner } from '../memory/planner.ts';
import type { Tensor, Type } from '../memory/tensor.ts';
import type { Run } from '../ops/run.ts';
import { layerOptions } from './check.ts';
import type { Input, PlannedInput } from './input.ts';

/** Fraction bits of a feature. */
const FEATURE_FRACTION = 9;
const largest = (): number => OPERAND_MAX / 2 ** FEATURE_FRACTION;
const HINT = 'subtract the mean of each column and divide by its deviation';

/** What `features` reads. */
export interface FeaturesOptions<Batch> {
  /** Numbers of a sample. */
  count: number;
  /** The numbers in a batch, sample after sample (its `values`). */
  values?: ((batch: Batch) => ArrayLike<number>) | undefined;
  /** What a batch calls them, for errors (values). */
  name?: string | undefined;
}

/** The field of a batch that has the numbers if none is named. */
const valuesOf = (batch: unknown): ArrayLike<number> => Object(batch).values;

/** Numbers as an input, best of mean 0 and deviation 1: operand [1, count].
 *  @example
 *  const at = Planner.create(new Arena(0), { rank: 0, threads: 1, sequences: 2, fraction: 9 });
 *  console.log(features({ count: 5 }).plan(at).type); // { kind: 'operand', rows: 1, columns: 5 }
 */
export const features = <Batch = { values: ArrayLike<number> }>(
  given: FeaturesOptions<Batch>,
): Input<Batch> => {
  const defaults = { count: undefined, values: valuesOf, name: 'values' };
  const options = layerOptions<FeaturesOptions<Batch>>(given, defaults);
  return { plan: (at) => new Features(at, options) };
};

class Features<Batch> implements PlannedInput<Batch> {
  readonly type: Type;
  /** int16 [sequences, count]. */
  private readonly values: Pointer;
  private taken: readonly number[] = [];

  constructor(
    at: Planner,
    private readonly options: Filled<FeaturesOptions<Batch>>,
  ) {
    const { count } = options;
    this.type = { kind: 'operand', rows: 1, columns: count };
    this.values = at.allocate('workspace', at.layout.sequences * count * 2);
  }

  samplesOf(batch: Batch): number {
    return Object(this.options.values(batch)).length / this.options.count;
  }

  take(batch: Batch, count: number): void {
    this.taken = this.checked(this.options.values(batch), count * this.options.count);
  }

  takeOne(sample: unknown): void {
    this.taken = this.checked(sample as ArrayLike<number>, this.options.count);
  }

  private checked(given: ArrayLike<number>, n: number): number[] {
    const { name } = this.options;
    const one = (what: string, value: unknown): number =>
      real(what, value, -largest(), largest(), HINT);
    return list(name, given, one, n, n);
  }

  load({ int16 }: Run, first: number, count: number): void {
    const { count: columns } = this.options;
    const to = this.values / 2;
    for (let i = 0; i < count * columns; i++)
      int16[to + i] = Math.floor(this.taken[first * columns + i] * 2 ** FEATURE_FRACTION + 0.5);
  }

  move(_run: Run, s: number, x: Tensor): void {
    x.at = this.values + s * this.options.count * 2;
    x.rows = 1;
    x.fraction = FEATURE_FRACTION;
    x.range.deviation = 1;
  }
}

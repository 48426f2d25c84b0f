// Tokens as a model's input.

import type { Filled } from '../core/check.ts';
import type { Pointer } from '../kernels/kernels.ts';
import type { Planner } from '../memory/planner.ts';
import type { Tensor, Type } from '../memory/tensor.ts';
import type { Run } from '../ops/run.ts';
import { allRows, type GivenRows, IntegerRows, layerOptions, type RowsShape } from './check.ts';
import type { Input, PlannedInput } from './input.ts';

/** What `tokens` reads. */
export interface TokensOptions<Batch> {
  /** Tokens are 0..vocabulary - 1. */
  vocabulary: number;
  /** T: most tokens of a sample. */
  context: number;
  /** The tokens in a batch, int32 [samples, T] (its `inputs`). */
  tokens?: ((batch: Batch) => Int32Array) | undefined;
  /** Tokens of each sample, 1..T, if not all: int32 [samples]. */
  lengths?: ((batch: Batch) => Int32Array) | undefined;
  /** What a batch calls those, for errors (lengths). */
  lengthsName?: string | undefined;
  /** What a batch calls the tokens, for errors (inputs). */
  name?: string | undefined;
}

/** The field of a batch that has the tokens if none is named. */
const inputsOf = (batch: unknown): Int32Array => Object(batch).inputs;

/** Token ids as an input: ids [T, 1].
 *  @example
 *  const at = Planner.create(new Arena(0), { rank: 0, threads: 1, sequences: 2, fraction: 9 });
 *  console.log(tokens({ vocabulary: 96, context: 8 }).plan(at).type.rows); // 8
 */
export const tokens = <Batch = { inputs: Int32Array }>(
  given: TokensOptions<Batch>,
): Input<Batch> => {
  const needed = { vocabulary: undefined, context: undefined };
  const named = { tokens: inputsOf, lengths: allRows, lengthsName: 'lengths', name: '' };
  const options = layerOptions<TokensOptions<Batch>>(given, { ...needed, ...named });
  return { plan: (at) => new Tokens(at, options) };
};

class Tokens<Batch> implements PlannedInput<Batch> {
  readonly type: Type;
  /** int32 [sequences, T], int32 [sequences]. */
  private readonly ids: Pointer;
  private readonly lengths: Pointer;
  private readonly taken = new IntegerRows();

  constructor(
    at: Planner,
    private readonly options: Filled<TokensOptions<Batch>>,
  ) {
    const { context } = options;
    const { sequences } = at.layout;
    this.type = { kind: 'ids', rows: context, columns: 1 };
    this.ids = at.allocate('workspace', sequences * context * 4);
    this.lengths = at.allocate('workspace', sequences * 4);
  }

  samplesOf(batch: Batch): number {
    const { tokens, context } = this.options;
    return Object(tokens(batch)).length / context;
  }

  take(batch: Batch, count: number): void {
    const { tokens, name } = this.options;
    this.taken.take(
      { name: name || 'inputs', values: tokens(batch) },
      this.lengthsOf(batch),
      this.shape(count),
    );
  }

  private shape(count: number): RowsShape {
    const { context, vocabulary } = this.options;
    return { count, width: context, low: 0, high: vocabulary - 1 };
  }

  private lengthsOf(batch: Batch): GivenRows | undefined {
    const { lengths, lengthsName } = this.options;
    return lengths === allRows ? undefined : { name: lengthsName, values: lengths(batch) };
  }

  takeOne(sample: unknown): void {
    this.taken.takeOne(this.options.name || 'tokens', sample, this.shape(1));
  }

  load(run: Run, first: number, count: number): void {
    const { taken } = this;
    const { context } = this.options;
    const values = taken.values.subarray(first * context, (first + count) * context);
    run.view(this.ids, count * context).set(values);
    run.view(this.lengths, count).set(taken.lengths.subarray(first, first + count));
  }

  move(run: Run, s: number, x: Tensor): void {
    x.at = this.ids + s * this.options.context * 4;
    x.rows = run.int32[this.lengths / 4 + s];
  }
}

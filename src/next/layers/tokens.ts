// Tokens as a model's input.

import { UsageError } from '../../errors.ts';
import type { Pointer } from '../../kernels/kernels.ts';
import type { Planner } from '../memory/planner.ts';
import type { Tensor, Type } from '../memory/tensor.ts';
import type { Run } from '../ops/run.ts';
import type { Input, PlannedInput } from './input.ts';

export interface TokensOptions<Batch> {
  /** Tokens are 0..vocabulary - 1. */
  vocabulary: number;
  /** T: most tokens of a sample. */
  context: number;
  /** The tokens in a batch: int32 [samples, T]. */
  tokens: (batch: Batch) => Int32Array;
  /** Tokens of each sample, 1..T, if not all: int32 [samples]. */
  lengths?: (batch: Batch) => Int32Array;
  /** What a batch calls them, for errors (inputs). */
  name?: string;
}

export const tokens = <Batch>(options: TokensOptions<Batch>): Input<Batch> => ({
  plan: (at) => new Tokens(at, options),
});

class Tokens<Batch> implements PlannedInput<Batch> {
  readonly type: Type;
  /** int32 [sequences, T], int32 [sequences]. */
  private readonly ids: Pointer;
  private readonly lengths: Pointer;

  constructor(
    at: Planner,
    private readonly options: TokensOptions<Batch>,
  ) {
    const { context } = options;
    const { sequences } = at.layout;
    this.type = { kind: 'ids', rows: context, columns: 1 };
    this.ids = at.allocate('workspace', sequences * context * 4);
    this.lengths = at.allocate('workspace', sequences * 4);
  }

  check(batch: Batch, count: number): void {
    const { context, vocabulary, tokens, lengths, name = 'inputs' } = this.options;
    const given = tokens(batch);
    const rows = lengths?.(batch);
    if (given.length < count * context || (rows !== undefined && rows.length < count))
      throw new UsageError(`${name} holds ${given.length} tokens, expected ${count * context}`);
    for (let s = 0; s < count; s++) {
      const length = rows?.[s] ?? context;
      if (!(length >= 1 && length <= context))
        throw new UsageError(`${name} has ${length} tokens, expected 1 to ${context}`);
      for (let i = s * context; i < s * context + length; i++)
        if (!(given[i] >= 0 && given[i] < vocabulary))
          throw new UsageError(
            `${name}[${i}] is ${given[i]}, expected a token id from 0 to ${vocabulary - 1}`,
          );
    }
  }

  load(run: Run, batch: Batch, first: number, count: number): void {
    const { context, tokens, lengths } = this.options;
    const part = tokens(batch).subarray(first * context, (first + count) * context);
    run.view(this.ids, count * context).set(part);
    const rows = run.view(this.lengths, count);
    if (lengths === undefined) rows.fill(context);
    else rows.set(lengths(batch).subarray(first, first + count));
  }

  loadOne(run: Run, sample: unknown): void {
    const one = sample as Int32Array;
    const { context, vocabulary, name = 'tokens' } = this.options;
    if (!(one.length >= 1 && one.length <= context))
      throw new UsageError(`${name} has ${one.length} tokens, expected 1 to ${context}`);
    one.forEach((token, i) => {
      if (!(token >= 0 && token < vocabulary))
        throw new UsageError(
          `${name}[${i}] is ${token}, expected a token id from 0 to ${vocabulary - 1}`,
        );
    });
    run.view(this.ids, one.length).set(one);
    run.int32[this.lengths / 4] = one.length;
  }

  move(run: Run, s: number, x: Tensor): void {
    x.at = this.ids + s * this.options.context * 4;
    x.rows = run.int32[this.lengths / 4 + s];
  }
}

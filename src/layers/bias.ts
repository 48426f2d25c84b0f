// A learned bias of sums that are never rounded: of logits, after the linear layer that has them.

import { MASTER_FRACTION } from '../memory/formats.ts';
import type { Parameter } from '../memory/parameter.ts';
import type { Planner } from '../memory/planner.ts';
import type { Gradient, Tensor, Type } from '../memory/tensor.ts';
import { largestMaster } from '../ops/range.ts';
import type { Run } from '../ops/run.ts';
import { layerOptions, refuse } from './check.ts';
import { embeddingShift } from './embedding.ts';
import type { Layer, Planned } from './layer.ts';

/** Of a bias. */
export interface BiasOptions {
  /** Name of its parameter: `name.bias` (linear). */
  name?: string | undefined;
}

/** Bits of the largest bias, so that a sum of as many does not leave int32. */
const MOST_BITS = 30;

/** Adds a bias to every row: sums to sums of the same shape, such as logits. A linear layer has one
 *  of its own for whatever is rounded. A sum beyond int32 counts as an overflow.
 *  @example
 *  console.log(bias().output({ kind: 'sums', rows: 1, columns: 10 }, 'sums').kind); // sums
 */
export function bias(options: BiasOptions = {}): Layer {
  const { name } = layerOptions<BiasOptions>(options, { name: 'linear' });
  return {
    takes: ['sums'],
    output(input) {
      if (input.kind !== 'sums') refuse('bias', input, 'sums');
      return input;
    },
    plan: (at, input) => new Bias(at, input, name),
  };
}

class Bias implements Planned<undefined> {
  readonly needsInput = false;
  readonly history = [];
  private readonly parameters: readonly Parameter[];
  /** Of the sums, to the right. */
  private shift = 0;
  /** The largest |bias| in real units, and fraction bits of y. */
  private largest = 0;
  private fraction = 0;

  constructor(
    at: Planner,
    private readonly input: Type,
    name: string,
  ) {
    const shape = [input.columns];
    const spec = { name: `${name}.bias`, shape, init: { value: 0 }, decays: false };
    this.parameters = at.parameter(spec);
  }

  private of(run: Run): Parameter {
    return this.parameters[run.block % this.parameters.length];
  }

  saved(): undefined {
    return undefined;
  }

  prepare(run: Run, x: Tensor, y: Tensor): void {
    this.largest = largestMaster(run, this.of(run).master, this.input.columns);
    this.fraction = x.fraction;
    while (this.largest * 2 ** this.fraction >= 2 ** MOST_BITS) this.fraction--;
    this.shift = x.fraction - this.fraction;
    y.fraction = this.fraction;
  }

  forward(run: Run, x: Tensor, _: undefined, y: Tensor): void {
    const { columns: n } = this.input;
    const { shift, fraction } = this;
    const { max_abs_i32: maxAbs, combine_i32: combine } = run.kernels;
    const { master } = this.of(run);
    y.rows = x.rows;
    const most = maxAbs(x.at, n, x.rows, n) * 2 ** -shift + this.largest * 2 ** fraction;
    if (most >= 2 ** 31 - 2) run.counts.overflowed++;
    for (let at = 0; at < x.size * 4; at += n * 4)
      combine(x.at + at, 1, shift, master, 1, MASTER_FRACTION - fraction, 0, 0, y.at + at, n);
  }

  backward(run: Run, dy: Gradient, x: Tensor, _: undefined, dx: Gradient | undefined): void {
    const { columns: n } = this.input;
    const { gradient, lock } = this.of(run);
    const { embedding_backward_i32i64: addRows } = run.kernels;
    const bytes = x.size * 4;
    if (gradient !== 0) {
      const shift = embeddingShift(dy.exponent);
      run.team.exclusive(lock, () => {
        for (let at = 0; at < bytes; at += n * 4) addRows(0, dy.at + at, 0, gradient, 1, n, shift);
      });
    }
    if (dx === undefined || dx === dy) return;
    run.bytes.copyWithin(dx.at, dy.at, dy.at + bytes);
    dx.exponent = dy.exponent;
  }
}

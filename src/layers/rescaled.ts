// Layers at another scale, by powers of two, which are exact: what weights of other programs need
// (docs/import.md). A residual stream that holds 2^-k of its values keeps what is beyond +-1024;
// its layer norms read it times 2^k, so that epsilon is what it was; logits are multiplied back.
// What layer norms give may have a wider range, with as many fraction bits fewer.

import type { Arena } from '../memory/arena.ts';
import { GAIN_FRACTION } from '../memory/formats.ts';
import type { Planner, Scratch } from '../memory/planner.ts';
import { type Gradient, Tensor, type Type, tensorBytes } from '../memory/tensor.ts';
import type { Run } from '../ops/run.ts';
import type { Layer, Planned, Preparation } from './layer.ts';
import type { NormSaved, PlannedNorm } from './layer-norm.ts';

/** Most binary digits by which the output of a layer norm is wider: products with weights of 8
 *  fraction bits have one more than any operand then, so that a bit is left to round by. */
export const MOST_WIDE = 4;

/** A layer norm (layerNorm) of a state times 2^k: the same but for epsilon, which is then 1e-5 *
 *  4^-k for the state. Counts an overflow for a state beyond +-2^15 once it is multiplied. Its
 *  output is within +-16 times 2^wide[block], 0..4, with as many fraction bits fewer than 8.
 *  @example
 *  const layer = magnified(2, layerNorm(), [0, 3]);
 */
export const magnified = (k: number, norm: Layer, wide: readonly number[] = []): Layer => ({
  takes: ['state'],
  output: (input, wanted) => norm.output(input, wanted),
  plan: (at, input, wanted) =>
    new Magnified(at, norm.plan(at, input, wanted) as PlannedNorm, input, { k, wide }),
});

class Magnified implements Planned<NormSaved> {
  readonly needsInput = false;
  readonly history: Planned['history'];
  private readonly x: Tensor;
  private readonly before: Scratch;

  constructor(
    at: Planner,
    private readonly norm: PlannedNorm,
    input: Type,
    private readonly scale: { readonly k: number; readonly wide: readonly number[] },
  ) {
    this.history = norm.history;
    this.x = new Tensor(input);
    this.before = at.scratch('branches magnified', tensorBytes(input));
  }

  saved(arena: Arena): NormSaved {
    return this.norm.saved(arena);
  }

  prepare(run: Run, x: Tensor, y: Tensor): void {
    const { k, wide } = this.scale;
    this.x.fraction = x.fraction - k;
    this.norm.gainFraction = GAIN_FRACTION - (wide[run.block] ?? 0);
    this.norm.prepare(run, this.x, y);
  }

  forward(run: Run, given: Tensor, saved: NormSaved, y: Tensor): void {
    const { x, before } = this;
    const { k } = this.scale;
    const { kernels } = run;
    const n = given.size;
    x.at = given.at;
    x.rows = given.rows;
    x.fraction = given.fraction - k;
    x.before = 0;
    let largest = kernels.max_abs_i32(x.at, n, 1, n) * 2 ** (16 - x.fraction);
    if (given.before !== 0) {
      x.before = before.at;
      largest += kernels.max_abs_i32(given.before, n, 1, n) * 2 ** k;
      kernels.combine_i32(given.before, 1, -k, 0, 0, 0, 0, 0, x.before, n);
    }
    if (largest >= 2 ** 31) run.counts.overflowed++;
    this.norm.forward(run, x, saved, y);
  }

  backward(
    run: Run,
    dy: Gradient,
    given: Tensor,
    saved: NormSaved,
    dx: Gradient | undefined,
  ): void {
    this.x.rows = given.rows;
    this.norm.backward(run, dy, this.x, saved, dx);
    (dx ?? dy).exponent += this.scale.k;
  }
}

/** Fewest fraction bits of sums that the cross entropy takes: its scale is below 2^32 then. */
const LEAST_FRACTION = 16;

/** A layer whose output is 2^k times what it was: sums, such as logits. They have 16 fraction bits
 *  or more; one beyond +-2^15 counts as an overflow.
 *  @example
 *  const layer = multiplied(2, linear(4));
 */
export const multiplied = (k: number, layer: Layer): Layer => ({
  takes: layer.takes,
  output: (input, wanted) => layer.output(input, wanted),
  plan: (at, input, wanted) => new Multiplied(layer.plan(at, input, wanted), k),
});

class Multiplied implements Planned {
  readonly needsInput: boolean;
  readonly history: Planned['history'];
  private readonly dy: Gradient = { at: 0, exponent: 0 };
  /** By how much the sums are shifted left. */
  private shift = 0;

  constructor(
    private readonly layer: Planned,
    private readonly k: number,
  ) {
    this.needsInput = layer.needsInput;
    this.history = layer.history;
  }

  saved(arena: Arena): unknown {
    return this.layer.saved(arena);
  }

  prepare(run: Run, x: Tensor, y: Tensor, what: Preparation): void {
    this.layer.prepare(run, x, y, what);
    const fraction = y.fraction - this.k;
    y.fraction = Math.max(LEAST_FRACTION, fraction);
    this.shift = y.fraction - fraction;
  }

  forward(run: Run, x: Tensor, saved: unknown, y: Tensor): void {
    const { shift } = this;
    this.layer.forward(run, x, saved, y);
    if (shift === 0) return;
    const { kernels } = run;
    const n = y.size;
    if (kernels.max_abs_i32(y.at, n, 1, n) * 2 ** shift >= 2 ** 31) run.counts.overflowed++;
    kernels.combine_i32(y.at, 1, -shift, 0, 0, 0, 0, 0, y.at, n);
  }

  backward(run: Run, from: Gradient, x: Tensor, saved: unknown, dx: Gradient | undefined): void {
    const { dy } = this;
    dy.at = from.at;
    dy.exponent = from.exponent + this.k;
    this.layer.backward(run, dy, x, saved, dx);
  }
}

// One block of a stack without its residual path, on one sequence: the sum of its sublayers
//   h(x) = y1 + y2 + ...,  y1 = F1(x),  y2 = F2(x + y1), ...            (docs/reversibility.md)
// A transformer's are attention and an MLP, each with its layer norm first. x is the int32 residual
// state with l fraction bits; h is int32 with 16. `backward` maps dL/dh to dL/dx through h alone;
// the residual path belongs to the update rule. Both can be asked for some of the sublayers only.
// One instance serves all blocks of a stack: `prepare` makes the weights of block run.block ready.

import { list, properties, text } from '../core/check.ts';
import type { Pointer } from '../kernels/kernels.ts';
import { Chain, type ChainSaved } from '../layers/chain.ts';
import { asLayer } from '../layers/check.ts';
import type { Layer, Preparation } from '../layers/layer.ts';
import type { Arena } from '../memory/arena.ts';
import { BRANCH_FRACTION } from '../memory/formats.ts';
import type { Planner } from '../memory/planner.ts';
import { type Gradient, Tensor, type Type } from '../memory/tensor.ts';
import type { Run } from '../ops/run.ts';

/** A part of a block: layers from the state to a branch that is added to it. */
export interface Sublayer {
  /** One after the other; the first one takes a state, the last one gives a branch. */
  readonly layers: readonly Layer[];
  /** In front of the names of its parameters; '' for nothing. */
  readonly name: string;
}

/** Layers from the residual state to what is added to it.
 *  @example
 *  const mlp = sublayer(layerNorm(), linear(32, { name: 'up' }), gelu(), linear(8));
 *  console.log(mlp.layers.length, mlp.name === ''); // 4 true
 */
export function sublayer(...layers: readonly Layer[]): Sublayer {
  return asSublayer('the sublayer', { layers, name: '' });
}

/** A sublayer whose parameters have a name in front of theirs.
 *  @example
 *  console.log(named('mlp', sublayer(layerNorm(), linear(8))).name); // mlp
 */
export const named = (name: string, part: Sublayer): Sublayer => ({
  ...asSublayer('the sublayer', part),
  name: text('name', name),
});

/** A copy of a sublayer. Throws UsageError for what is none. */
export function asSublayer(name: string, value: unknown): Sublayer {
  const given = properties(name, value as Sublayer, ['layers', 'name']);
  text(`${name}.name`, given.name);
  return { layers: list(`${name}.layers`, given.layers, asLayer, 1), name: given.name };
}

/** What the backward pass of a block needs of its forward pass, for one sequence. */
export type BlockSaved = readonly ChainSaved[];

/** What is done to the output of sublayer `part` on the way forward, to its gradient on the way
 *  back. */
export type ApplyNoise = (at: Pointer, part: number, isGradient: boolean) => void;

/** What a pass through a block is about. */
export interface BlockPass {
  readonly run: Run;
  readonly rows: number;
  readonly saved: BlockSaved;
  readonly noise: ApplyNoise | undefined;
}

export class Block {
  readonly parts: readonly Chain[];
  private readonly x: Tensor;
  private readonly y: Tensor;
  /** int32 [T, C] each: a sublayer's output or gradient; the gradient through the later sublayers.
   */
  private readonly branch: Pointer;
  private readonly dLater: Gradient;
  private readonly dy: Gradient;
  private readonly dz: Gradient = { at: 0, exponent: 0 };

  constructor(at: Planner, sublayers: readonly Sublayer[], input: Type) {
    const plan = (inner: Planner, layers: readonly Layer[]): Chain =>
      new Chain(inner, layers, input, 'branch');
    this.parts = sublayers.map(({ layers, name }) =>
      name === '' ? plan(at, layers) : at.within(name, (inner) => plan(inner, layers)),
    );
    const bytes = input.rows * input.columns * 4;
    this.x = new Tensor(input);
    this.y = new Tensor({ ...input, kind: 'branch' });
    this.branch = at.own(bytes);
    this.dLater = { at: at.own(bytes), exponent: 0 };
    this.dy = { at: this.branch, exponent: 0 };
  }

  saved(arena: Arena): BlockSaved {
    return this.parts.map((part) => part.saved(arena));
  }

  prepare(run: Run, what: Preparation): void {
    this.x.fraction = run.stateFraction;
    for (const part of this.parts) part.prepare(run, this.x, this.y, what);
    this.y.fraction = BRANCH_FRACTION;
  }

  /** h int32 [rows, C] with 16 fraction bits from the state x: the sum of sublayers from .. to. */
  forward(pass: BlockPass, state: Pointer, h: Pointer, from: number, to: number): void {
    const { run, rows, saved, noise } = pass;
    const { x, y, branch } = this;
    const n = rows * x.type.columns;
    x.at = state;
    x.rows = rows;
    for (let i = from; i < to; i++) {
      const isFirst = i === from;
      y.at = isFirst ? h : branch;
      x.before = isFirst ? 0 : h;
      this.parts[i].forward(run, x, saved[i], y);
      noise?.(y.at, i, false);
      if (!isFirst) run.kernels.combine_i32(h, 1, 0, branch, 1, 0, 0, 0, h, n);
    }
  }

  /** Turns d, dL/dh (int32 [rows, C]), into dL/dx through sublayers from .. to; adds to the
   *  weights' gradients. */
  backward(pass: BlockPass, d: Gradient, from: number, to: number): void {
    const { run, rows, saved, noise } = pass;
    const { x, dLater, dy, dz, branch } = this;
    const n = rows * x.type.columns;
    x.rows = rows;
    for (let i = to - 1; i >= from; i--) {
      const isLast = i === to - 1;
      let dOut = d;
      if (!isLast || noise !== undefined) {
        const sum = run.sum.of(n).add(d);
        if (!isLast) sum.add(dLater);
        sum.into(dy);
        dOut = dy;
      }
      noise?.(dOut.at, i, true);
      dz.at = branch;
      const out = i === from ? d : dLater;
      this.parts[i].backward(run, dOut, x, saved[i], isLast ? out : dz);
      if (!isLast) run.sum.of(n).add(dLater).add(dz).into(out);
    }
  }
}

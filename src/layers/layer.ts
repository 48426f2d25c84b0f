// What a layer is. A `Layer` is a value that says what it computes; `plan` gives it memory and
// parameters and makes it a `Planned`, whose forward and backward pass stand side by side.

import type { Arena } from '../memory/arena.ts';
import type { Planner } from '../memory/planner.ts';
import type { Gradient, Kind, Tensor, Type } from '../memory/tensor.ts';
import type { Run } from '../ops/run.ts';

/** What is made of weights: the int16 copy, which is there already if nothing has taken its place
 *  since; the panels of each direction. */
export interface Preparation {
  /** The rounded copy of each weight. */
  copy: boolean;
  /** What forward reads. */
  forward: boolean;
  /** What backward reads. */
  backward: boolean;
}

/** A layer as a value, which can be used in any number of models. */
export interface Layer {
  /** The output for such an input, of the kind that the next layer wants if this one can choose.
   *  Throws UsageError, naming both, if this layer cannot take the input. */
  output(input: Type, wanted: Kind): Type;
  /** The kinds of input that it takes, the best first. */
  readonly takes: readonly Kind[];
  /** Memory and parameters of it: the only place that asks for them. */
  plan(at: Planner, input: Type, wanted: Kind): Planned;
}

/** A layer with its memory. Saved: the addresses of what backward needs of one sequence. */
export interface Planned<Saved = unknown> {
  /** Whether backward reads the layer's input: then somebody has to keep it. */
  readonly needsInput: boolean;
  /** Room for what backward needs, made once a sequence (and block) at planning. */
  saved(arena: Arena): Saved;
  /** Working copies of the weights of block run.block; from x's fraction bits and range those of y.
   */
  prepare(run: Run, x: Tensor, y: Tensor, what: Preparation): void;
  /** Computes y of x's rows, writes y.rows (and y.at if y is a part of x), fills `saved`. */
  forward(run: Run, x: Tensor, saved: Saved, y: Tensor): void;
  /** dx from dy, both int32 and maybe at one address; adds to the gradients of the parameters.
   *  Without dx to the parameters only. x, if needed, and `saved` are those of forward. */
  backward(run: Run, dy: Gradient, x: Tensor, saved: Saved, dx: Gradient | undefined): void;
  /** Rows of the output for so many of the input, if not the same. */
  rowsOf?(rows: number): number;
}

// A parameter: one tensor of master weights, with its gradient and what the optimizer keeps of it.

import type { Pointer } from './arena.ts';

/** What a layer says of a parameter that it needs. */
export interface ParameterSpec {
  /** Its name within the layer, such as `weight`. */
  readonly name: string;
  /** Elements along each axis, row-major. A matrix is [out, in]. */
  readonly shape: readonly number[];
  /** Standard deviation of its initial values around 0, or one value for all of them. */
  readonly init: { readonly deviation: number } | { readonly value: number };
  /** Whether weight decay applies: to matrices and embeddings. */
  readonly decays: boolean;
}

/** A parameter of a planned model.
 *  @example
 *  const spec = { name: 'gain', shape: [8], init: { value: 1 }, decays: false };
 *  console.log(new Parameter('norm.gain', spec, 0).size); // 8
 */
export class Parameter {
  /** Kept by bundlers. @internal */
  static readonly name: string = 'Parameter';
  /** Elements along each axis, row-major. */
  readonly shape: readonly number[];
  /** Elements in all. */
  readonly size: number;
  /** Its initial values. */
  readonly init: ParameterSpec['init'];
  /** Whether weight decay applies. */
  readonly decays: boolean;
  /** Address of the weights, int32 with 24 fraction bits. */
  master: Pointer = 0;
  /** Address of the gradient, int64 with 28 fraction bits. 0: it is frozen, and nothing may be
   *  added. */
  gradient: Pointer = 0;
  /** Addresses of what the optimizer keeps, int32. */
  readonly slots: Pointer[] = [];
  /** Rows a sample adds to its gradient by matrix products: MAX_FLUSHES bounds them. */
  rows = 0;

  constructor(
    /** Its name in the model, such as block.0.norm1.gain. */
    readonly path: string,
    spec: ParameterSpec,
    /** Whose turn it is to add to the gradient (threads/team.ts). */
    readonly lock: number,
    /** It stays as it is: no gradient, and nothing that an optimizer keeps. */
    readonly frozen = false,
  ) {
    this.shape = spec.shape;
    this.init = spec.init;
    this.decays = spec.decays;
    this.size = spec.shape.reduce((a, b) => a * b, 1);
  }
}

// A parameter: one tensor of master weights, with its gradient and what the optimizer keeps of it.

import type { Pointer } from '../kernels/kernels.ts';

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

export class Parameter {
  readonly shape: readonly number[];
  readonly size: number;
  readonly init: ParameterSpec['init'];
  readonly decays: boolean;
  /** Addresses: int32 with 24 fraction bits; int64 with 28; the optimizer's tensors. */
  master: Pointer = 0;
  gradient: Pointer = 0;
  readonly slots: Pointer[] = [];
  /** Rows a sample adds to its gradient by matrix products: MAX_FLUSHES bounds them. */
  rows = 0;

  /** lock: whose turn it is to add to the gradient (threads/team.ts). */
  constructor(
    readonly path: string,
    spec: ParameterSpec,
    readonly lock: number,
  ) {
    this.shape = spec.shape;
    this.init = spec.init;
    this.decays = spec.decays;
    this.size = spec.shape.reduce((a, b) => a * b, 1);
  }
}

// The parameters in memory: for each row of the model's table its int32 master, int64 gradient and the optimizer's two int32
// moments: 20 bytes a parameter, laid out purpose by purpose in table order.

import type { Pointer } from '../kernels/kernels.ts';
import type { Arena } from '../tensor/arena.ts';

/** What a parameter is: decides its initial value and whether it decays (embeddings and matrices do). */
export type ParameterKind = 'embedding' | 'matrix' | 'gain' | 'bias';

/** One tensor of master weights: int32, 24 fraction bits. A matrix is [out, in]. */
export interface Parameter {
  /** For example `block.0.qkv.weight`. */
  name: string;
  /** Elements along each axis, row-major. */
  shape: readonly number[];
  /** Embedding, matrix, gain or bias. */
  kind: ParameterKind;
  /** Standard deviation of the initial value; gains start at 1, biases at 0. */
  deviation: number;
}

export interface StoredParameter extends Parameter {
  readonly size: number;
  readonly master: Pointer;
  readonly gradient: Pointer;
  readonly m: Pointer;
  readonly r: Pointer;
}

export class ParameterStore {
  readonly all: readonly StoredParameter[];
  readonly count: number;
  private readonly byName: ReadonlyMap<string, StoredParameter>;

  constructor(arena: Arena, table: readonly Parameter[]) {
    const sizes = table.map((p) => p.shape.reduce((a, b) => a * b, 1));
    const place = (purpose: 'weights' | 'gradients' | 'optimizer', width: number): Pointer[] => sizes.map((size) => arena.allocate(purpose, size * width));
    const masters = place('weights', 4), gradients = place('gradients', 8), ms = place('optimizer', 4), rs = place('optimizer', 4);
    this.all = table.map((p, i) => ({ ...p, size: sizes[i], master: masters[i], gradient: gradients[i], m: ms[i], r: rs[i] }));
    this.count = sizes.reduce((a, b) => a + b, 0);
    this.byName = new Map(this.all.map((p) => [p.name, p]));
  }

  get(name: string): StoredParameter {
    const parameter = this.byName.get(name);
    if (parameter === undefined) throw new Error(`no parameter ${name}`);
    return parameter;
  }

  /** Undefined for a bias that the model does not have. */
  find(name: string): StoredParameter | undefined {
    return this.byName.get(name);
  }
}

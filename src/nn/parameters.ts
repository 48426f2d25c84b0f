// The parameters in memory: for each row of the model's table its int32 master, int64 gradient and the optimizer's two int32
// moments: 20 bytes a parameter, laid out purpose by purpose in table order.

import { refuse } from '../core/check.ts';
import type { Device } from '../kernels/device.ts';
import type { Pointer } from '../kernels/kernels.ts';
import { PURPOSE } from '../random.ts';
import type { Arena } from '../tensor/arena.ts';
import { MASTER_FRACTION } from '../tensor/formats.ts';

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
    return parameter ?? refuse('the parameter', name, 'one of the model');
  }

  /** Undefined for a bias that the model does not have. */
  find(name: string): StoredParameter | undefined {
    return this.byName.get(name);
  }
}

/** Standard deviation of the sum of eight 16-bit uniform numbers: sqrt(8 (2^32 - 1) / 12). */
const IRWIN_HALL_DEVIATION = Math.sqrt((8 * (2 ** 32 - 1)) / 12);

/** Initial weights, a function of the seed: nearly normal matrices, gains 1, biases 0; moments 0. */
export function initialise(d: Device, store: ParameterStore, seed: number): void {
  const low = seed >>> 0, high = Math.floor(seed / 2 ** 32);
  store.all.forEach((p, index) => {
    d.clear(p.m, p.size * 4);
    d.clear(p.r, p.size * 4);
    if (p.kind === 'bias') d.clear(p.master, p.size * 4);
    else if (p.kind === 'gain') d.view(p.master, p.size).fill(2 ** MASTER_FRACTION);
    else {
      const scale = Math.round((p.deviation * 2 ** MASTER_FRACTION * 2 ** 16) / IRWIN_HALL_DEVIATION);
      d.kernels.random_normal_i32(p.master, p.size, index, 0, PURPOSE.weights, low, high, scale);
    }
  });
}

/** Zeroes this thread's part of the gradients. */
export function clearGradients(d: Device, store: ParameterStore): void {
  for (const p of store.all) {
    const { from, to } = d.team.range(p.size, 64);
    d.clear(p.gradient + from * 8, (to - from) * 8);
  }
}

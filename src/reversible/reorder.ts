// Flows that move elements and change none: squeeze and a fixed permutation of channels.

import { whole } from '../core/check.ts';
import { PURPOSE, randomU32 } from '../core/random.ts';
import type { Pointer } from '../kernels/kernels.ts';
import type { Planner, Scratch } from '../memory/planner.ts';
import type { Gradient } from '../memory/tensor.ts';
import type { Run } from '../ops/run.ts';
import { type Flow, type FlowShape, type PlannedFlow, refuseShape, sizeOf } from './flow.ts';

/** Elements of a state in another order: y[i] = x[from[i]]. */
export class Reorder implements PlannedFlow<undefined> {
  private readonly from: Int32Array;
  private readonly spare: Scratch;

  constructor(at: Planner, size: number, from: (i: number) => number) {
    this.from = Int32Array.from({ length: size }, (_, i) => from(i));
    this.spare = at.scratch('reordered', size * 4);
  }

  saved(): undefined {
    return undefined;
  }

  prepare(): void {}

  forward(run: Run, x: Pointer): void {
    const { from } = this;
    const { int32 } = run;
    const old = this.keep(run, x);
    for (let i = 0; i < from.length; i++) int32[x / 4 + i] = int32[old + from[i]];
  }

  inverse(run: Run, x: Pointer): void {
    const { from } = this;
    const { int32 } = run;
    const old = this.keep(run, x);
    for (let i = 0; i < from.length; i++) int32[x / 4 + from[i]] = int32[old + i];
  }

  backward(run: Run, dx: Gradient): void {
    this.inverse(run, dx.at);
  }

  /** A copy of the elements; its index. */
  private keep({ int32 }: Run, x: Pointer): number {
    const { at } = this.spare;
    int32.copyWithin(at / 4, x / 4, x / 4 + this.from.length);
    return at / 4;
  }
}

/** Space to depth: 2 x 2 pixels become one of four times the channels, the pixels of a window one
 *  after the other. Throws UsageError for an odd side.
 *  @example
 *  const shape = { height: 32, width: 32, channels: 3, fraction: 7 };
 *  console.log(squeeze().output(shape).channels); // 12
 */
export function squeeze(): Flow {
  const output = (shape: FlowShape): FlowShape => {
    const { height, width, channels } = shape;
    if (height % 2 !== 0 || width % 2 !== 0) refuseShape('squeeze', shape, 'even sides');
    return { ...shape, height: height / 2, width: width / 2, channels: 4 * channels };
  };
  return {
    output,
    plan(at, shape) {
      const { channels: n, width } = shape;
      const { channels, width: across } = output(shape);
      return new Reorder(at, sizeOf(shape), (i) => {
        const [row, c] = [Math.floor(i / channels), i % channels];
        const pixel = Math.floor(c / n);
        const y = Math.floor(row / across) * 2 + Math.floor(pixel / 2);
        return (y * width + (row % across) * 2 + (pixel % 2)) * n + (c % n);
      });
    },
  };
}

/** A fixed order of n channels, drawn by Fisher and Yates from a seed. */
export function orderOf(seed: number, n: number): number[] {
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const draw = randomU32(seed, PURPOSE.shuffle, 0, 0, i);
    const j = Math.floor((draw / 2 ** 32) * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** The channels in another order, which the seed decides.
 *  @example
 *  const shape = { height: 2, width: 2, channels: 12, fraction: 7 };
 *  console.log(shuffleChannels(1).output(shape).channels); // 12
 */
export function shuffleChannels(seed: number): Flow {
  whole('seed', seed, 0, Number.MAX_SAFE_INTEGER);
  return {
    output: (shape) => shape,
    plan(at, shape) {
      const { channels } = shape;
      const order = orderOf(seed, channels);
      return new Reorder(at, sizeOf(shape), (i) => i - (i % channels) + order[i % channels]);
    },
  };
}

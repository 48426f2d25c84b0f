// Factor-out: half of the channels leave the image. What they are expected to be, given those that
// stay, a network says: a discretised logistic for each element.

import { fields } from '../core/check.ts';
import type { Pointer } from '../kernels/kernels.ts';
import type { Preparation } from '../layers/layer.ts';
import type { Arena } from '../memory/arena.ts';
import type { Planner, Scratch } from '../memory/planner.ts';
import type { Gradient } from '../memory/tensor.ts';
import type { Run } from '../ops/run.ts';
import { type Flow, type FlowShape, type PlannedFlow, refuseShape, sizeOf } from './flow.ts';
import { checkNet, FlowNet, type NetMaker, type NetSaved } from './flow-net.ts';
import { Reorder } from './reorder.ts';

/** What a split is. */
export interface SplitOptions {
  /** Makes the network, of two outputs for each channel that leaves: the means, then the logarithms
   *  of the scales. */
  net: NetMaker;
  /** In front of the names of its parameters. */
  name: string;
}

/** The last half of the channels leaves the image and lies behind it. Throws UsageError for an odd
 *  number of channels.
 *  @example
 *  const flow = split({ name: 'prior', net: (out) => [linear(out)] });
 *  console.log(flow.output({ height: 2, width: 2, channels: 12, fraction: 7 }).channels); // 6
 */
export function split(options: SplitOptions): Flow {
  const defaults = { net: undefined, name: undefined };
  const { net, name } = fields<SplitOptions>('options', options, defaults);
  checkNet(net, name);
  const output = (shape: FlowShape): FlowShape => {
    if (shape.channels % 2 !== 0) refuseShape('split', shape, 'an even number of channels');
    return { ...shape, channels: shape.channels / 2 };
  };
  return {
    output,
    prior(shape) {
      const { height, width, channels: columns } = output(shape);
      const rows = height * width;
      return { first: rows * columns, rows, columns, components: 1 };
    },
    plan: (at, shape) => at.within(name, (inner) => new Split(inner, shape, output(shape), net)),
  };
}

class Split implements PlannedFlow<NetSaved> {
  private readonly order: Reorder;
  private readonly net: FlowNet;
  private readonly place: Scratch;
  private readonly dy: Gradient = { at: 0, exponent: 0 };
  /** The gradient of what has left, behind zeros. */
  private readonly behind: Scratch;
  private readonly left: Gradient = { at: 0, exponent: 0 };
  private readonly numbers: number;

  constructor(at: Planner, shape: FlowShape, stays: FlowShape, net: NetMaker) {
    const { channels: half } = stays;
    const n = sizeOf(stays);
    this.order = new Reorder(at, sizeOf(shape), (i) => {
      const [place, from] = i < n ? [i, 0] : [i - n, half];
      return Math.floor(place / half) * 2 * half + from + (place % half);
    });
    this.net = new FlowNet(at, stays, half, net, 2 * half);
    this.numbers = 2 * n;
    this.place = at.scratch('flow branch gradient', this.numbers * 4);
    this.behind = at.scratch('flow behind', this.numbers * 4);
  }

  saved(arena: Arena): NetSaved {
    return this.net.saved(arena);
  }

  prepare(run: Run, what: Preparation): void {
    this.net.prepare(run, what);
  }

  forward(run: Run, x: Pointer, saved: NetSaved, prior: Pointer): void {
    const { order, net, numbers } = this;
    order.forward(run, x);
    net.forward(run, x, saved);
    run.int32.copyWithin(prior / 4, net.y.at / 4, net.y.at / 4 + numbers);
  }

  inverse(run: Run, x: Pointer, saved: NetSaved, fill?: (numbers: Pointer) => void): void {
    const { net, order } = this;
    net.forward(run, x, saved);
    fill?.(net.y.at);
    order.inverse(run, x);
  }

  /** The gradient of what has left is behind dx, and has the exponent of the prior's. */
  backward(run: Run, dx: Gradient, saved: NetSaved, dPrior: Gradient): void {
    const { order, net, numbers, dy, left } = this;
    const { int32 } = run;
    const n = numbers / 2;
    dy.at = this.place.at;
    dy.exponent = dPrior.exponent;
    left.at = this.behind.at;
    left.exponent = dPrior.exponent;
    int32.copyWithin(dy.at / 4, dPrior.at / 4, dPrior.at / 4 + numbers);
    int32.copyWithin(left.at / 4 + n, dx.at / 4 + n, dx.at / 4 + 2 * n);
    run.clear(left.at, n * 4);
    run.clear(dx.at + n * 4, n * 4);
    net.backward(run, dy, saved, dx);
    run.sum
      .of(2 * n)
      .add(dx)
      .add(left)
      .into(dx);
    order.backward(run, dx);
  }
}

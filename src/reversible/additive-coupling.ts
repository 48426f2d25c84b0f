// Additive coupling with rounding: the last channels are shifted by what a network makes of the
// others, rounded to the grid of the state. Since the others do not change, the network gives the
// same shift on the way back, and a whole number minus the same whole number is exact, whatever
// wraps. Backward takes the rounding for the identity (straight through).

import { fields, real } from '../core/check.ts';
import type { Pointer } from '../kernels/kernels.ts';
import type { Preparation } from '../layers/layer.ts';
import type { Arena } from '../memory/arena.ts';
import { BRANCH_FRACTION } from '../memory/formats.ts';
import type { Planner, Scratch } from '../memory/planner.ts';
import type { Gradient } from '../memory/tensor.ts';
import type { Run } from '../ops/run.ts';
import { type Flow, type FlowShape, type PlannedFlow, refuseShape } from './flow.ts';
import { checkNet, FlowNet, type NetMaker, type NetSaved } from './flow-net.ts';

/** What an additive coupling is. */
export interface AdditiveCouplingOptions {
  /** Makes the network, of an output for each shifted channel: branch. */
  net: NetMaker;
  /** In front of the names of its parameters. */
  name: string;
  /** How many of the channels are shifted, rounded down, at least one (0.25: Hoogeboom et al.). */
  share?: number | undefined;
}

/** x_b += round(net(x_a)), of the first channels a and the last ones b. Throws UsageError for fewer
 *  than two channels.
 *  @example
 *  const flow = additiveCoupling({ name: 'c', net: (out) => [linear(out)] });
 *  console.log(flow.output({ height: 2, width: 2, channels: 12, fraction: 7 }).channels); // 12
 */
export function additiveCoupling(options: AdditiveCouplingOptions): Flow {
  const defaults = { net: undefined, name: undefined, share: 0.25 };
  const { net, name, share } = fields<AdditiveCouplingOptions>('options', options, defaults);
  checkNet(net, name);
  real('share', share, 0, 0.9);
  return {
    output(shape) {
      if (shape.channels < 2) refuseShape('a coupling', shape, 'at least 2 channels');
      return shape;
    },
    plan: (at, shape) =>
      at.within(name, (inner) => {
        const shifted = Math.max(1, Math.floor(shape.channels * share));
        return new AdditiveCoupling(inner, shape, shifted, net);
      }),
  };
}

class AdditiveCoupling implements PlannedFlow<NetSaved> {
  private readonly net: FlowNet;
  private readonly rows: number;
  private readonly place: Scratch;
  private readonly dy: Gradient = { at: 0, exponent: 0 };

  constructor(
    at: Planner,
    private readonly shape: FlowShape,
    private readonly shifted: number,
    net: NetMaker,
  ) {
    this.net = new FlowNet(at, shape, shape.channels - shifted, net, shifted);
    this.rows = shape.height * shape.width;
    this.place = at.scratch('flow branch gradient', this.rows * shifted * 4);
  }

  saved(arena: Arena): NetSaved {
    return this.net.saved(arena);
  }

  prepare(run: Run, what: Preparation): void {
    this.net.prepare(run, what);
  }

  forward(run: Run, x: Pointer, saved: NetSaved): void {
    this.shift(run, x, saved, 1);
  }

  inverse(run: Run, x: Pointer, saved: NetSaved): void {
    this.shift(run, x, saved, -1);
  }

  /** x_b += sign * halfUp(t, 16 - fraction) [wraps]. */
  private shift(run: Run, x: Pointer, saved: NetSaved, sign: 1 | -1): void {
    const { net, shifted, rows, shape } = this;
    const { channels, fraction } = shape;
    const { int32 } = run;
    net.forward(run, x, saved);
    const shift = BRANCH_FRACTION - fraction;
    const half = 2 ** (shift - 1);
    for (let r = 0; r < rows; r++) {
      const to = x / 4 + (r + 1) * channels - shifted;
      const from = net.y.at / 4 + r * shifted;
      for (let c = 0; c < shifted; c++) int32[to + c] += sign * ((int32[from + c] + half) >> shift);
    }
  }

  backward(run: Run, dx: Gradient, saved: NetSaved): void {
    const { net, dy, shifted, rows, shape } = this;
    const { int32 } = run;
    dy.at = this.place.at;
    dy.exponent = dx.exponent;
    for (let r = 0; r < rows; r++) {
      const from = dx.at / 4 + (r + 1) * shape.channels - shifted;
      const to = dy.at / 4 + r * shifted;
      for (let c = 0; c < shifted; c++) int32[to + c] = int32[from + c];
    }
    net.backward(run, dy, saved, dx);
  }
}

// Flows one after the other, as a layer. It keeps no activation: on the way back each flow is
// undone, bit for bit, and what its network's backward pass needs is computed again by that.

import { choice, fields, having, list, properties, whole } from '../core/check.ts';
import type { Pointer } from '../kernels/kernels.ts';
import { refuse } from '../layers/check.ts';
import type { Layer, Planned, Preparation } from '../layers/layer.ts';
import { Arena } from '../memory/arena.ts';
import { BRANCH_FRACTION, MAX_STATE_FRACTION, STATE_LIMIT_BITS } from '../memory/formats.ts';
import type { Planner } from '../memory/planner.ts';
import type { Gradient, Kind, Tensor, Type } from '../memory/tensor.ts';
import type { Run } from '../ops/run.ts';
import {
  type Flow,
  type FlowShape,
  numbersOf,
  type PlannedFlow,
  type Prior,
  sizeOf,
} from './flow.ts';

/** Flows, and the image that they begin with. */
export interface FlowStackOptions {
  /** The image. */
  shape: FlowShape;
  /** One after the other. */
  flows: readonly Flow[];
  /** 'nothing': earlier states are rebuilt. 'activations': what backward needs is kept of every
   *  flow; the same bits ('nothing'). */
  keeps?: 'nothing' | 'activations' | undefined;
}

/** Flows as a layer. */
export interface FlowLayer extends Layer {
  /** The image that they begin with. */
  readonly shape: FlowShape;
  /** The image that is left at the end. */
  readonly last: FlowShape;
  /** What is said of elements, in the order of the numbers behind them. */
  readonly priors: readonly Prior[];
  plan(at: Planner, input: Type, wanted: Kind): PlannedFlows;
}

/** A flow at its image. */
interface Placed {
  readonly bijection: Flow;
  readonly shape: FlowShape;
  readonly prior: Prior | undefined;
}

/** Flows one after the other: from ids [pixels, channels], the whole numbers of an image, to the
 *  sums [1, n] of all elements as raw numbers, then the numbers of each prior (16 fraction bits);
 *  without a prior to the state [pixels, channels] of the last image. Throws UsageError for a shape
 *  that a flow cannot take.
 *  @example
 *  const flows = [squeeze(), shuffleChannels(1), mixturePrior({ components: 5 })];
 *  const stack = flowStack({ shape: { height: 4, width: 4, channels: 1, fraction: 7 }, flows });
 *  const input = { kind: 'ids', rows: 16, columns: 1 };
 *  console.log(stack.output(input, 'sums').columns); // 256
 */
export function flowStack(options: FlowStackOptions): FlowLayer {
  const defaults = { shape: undefined, flows: undefined, keeps: 'nothing' } as const;
  const given = fields<FlowStackOptions>('options', options, defaults);
  const shape = checkShape(given.shape);
  const flows = list(
    'flows',
    given.flows,
    (name, flow) => having<Flow>(name, flow, ['output', 'plan']),
    1,
  );
  choice('keeps', given.keeps, ['nothing', 'activations']);
  const placed: Placed[] = [];
  let last = shape;
  for (const flow of flows) {
    placed.push({ bijection: flow, shape: last, prior: flow.prior?.(last) });
    last = flow.output(last);
  }
  const priors = placed.flatMap(({ prior }) => (prior === undefined ? [] : [prior]));
  const output = (input: Type): Type => {
    const { height, width, channels } = shape;
    const isImage = input.rows === height * width && input.columns === channels;
    if (input.kind !== 'ids' || !isImage)
      refuse('a stack of flows', input, `ids ${height * width} x ${channels}`);
    if (priors.length === 0)
      return { kind: 'state', rows: last.height * last.width, columns: last.channels };
    const numbers = priors.reduce((sum, prior) => sum + numbersOf(prior), 0);
    return { kind: 'sums', rows: 1, columns: sizeOf(shape) + numbers };
  };
  return {
    takes: ['ids'],
    shape,
    last,
    priors,
    output,
    plan: (at, input) => new PlannedFlowStack(at, placed, output(input), given.keeps),
  };
}

/** A copy of a shape. Throws UsageError for what is none. */
export function checkShape(given: FlowShape): FlowShape {
  const names = ['height', 'width', 'channels', 'fraction'] as const;
  const { height, width, channels, fraction } = properties('shape', given, names);
  whole('height', height, 1, 4096);
  whole('width', width, 1, 4096);
  whole('channels', channels, 1, 4096);
  whole('fraction', fraction, 3, MAX_STATE_FRACTION);
  return { height, width, channels, fraction };
}

/** What is kept of a sample: its last state, and of each flow. */
export interface FlowStackSaved {
  /** The state at the end, int32; after `inverse` that at the beginning. */
  readonly state: Pointer;
  /** What each flow keeps. */
  readonly parts: readonly unknown[];
}

interface Part {
  readonly planned: PlannedFlow;
  readonly prior: Prior | undefined;
  /** Where the numbers of its prior lie among those of all. */
  readonly at: number;
}

/** Flows with their memory. */
export interface PlannedFlows extends Planned<FlowStackSaved> {
  /** The last state becomes the first, bit for bit. fill: for decoding, told a prior and its
   *  numbers, writes the elements that it is of, in place. */
  inverse(run: Run, saved: FlowStackSaved, fill?: (prior: Prior, numbers: Pointer) => void): void;
}

class PlannedFlowStack implements PlannedFlows {
  readonly needsInput = false;
  private readonly parts: readonly Part[];
  /** What backward needs of one flow after the other, if nothing is kept. */
  private readonly shared: readonly unknown[] | undefined;
  /** int32: as the output is, and its gradient. */
  private readonly numbers: Pointer;
  private readonly d: Gradient = { at: 0, exponent: 0 };
  private readonly dPrior: Gradient = { at: 0, exponent: 0 };
  private readonly size: number;
  private readonly fraction: number;

  constructor(
    at: Planner,
    placed: readonly Placed[],
    private readonly type: Type,
    private readonly keeps: 'nothing' | 'activations',
  ) {
    const [first] = placed;
    this.size = sizeOf(first.shape);
    this.fraction = first.shape.fraction;
    let next = this.size;
    this.parts = placed.map(({ bijection, shape, prior }) => {
      const begin = next;
      next += prior === undefined ? 0 : numbersOf(prior);
      return { planned: bijection.plan(at, shape), prior, at: begin };
    });
    this.numbers = at.own(next * 4);
    if (keeps === 'nothing') this.shared = this.inTurn(at);
  }

  /** Memory that all flows use in turn. */
  private inTurn(at: Planner): readonly unknown[] {
    const bytes = this.parts.map(({ planned }) => {
      const arena = new Arena(0);
      planned.saved(arena);
      return arena.total;
    });
    const place = at.own(Math.max(...bytes));
    return this.parts.map(({ planned }) => planned.saved(new Arena(place)));
  }

  saved(arena: Arena): FlowStackSaved {
    const state = arena.allocate('states', this.size * 4);
    const { shared, parts } = this;
    return { state, parts: shared ?? parts.map(({ planned }) => planned.saved(arena)) };
  }

  rowsOf(): number {
    return this.type.rows;
  }

  prepare(run: Run, _: Tensor, y: Tensor, what: Preparation): void {
    for (const { planned } of this.parts) planned.prepare(run, what);
    y.fraction = this.type.kind === 'sums' ? BRANCH_FRACTION : this.fraction;
  }

  forward(run: Run, x: Tensor, saved: FlowStackSaved, y: Tensor): void {
    const { parts, numbers, size, type, fraction } = this;
    const { int32, kernels, counts } = run;
    const { state } = saved;
    int32.copyWithin(state / 4, x.at / 4, x.at / 4 + size);
    parts.forEach(({ planned, at }, i) => {
      planned.forward(run, state, saved.parts[i], numbers + at * 4);
    });
    if (kernels.max_abs_i32(state, size, 1, size) > 2 ** (STATE_LIMIT_BITS + fraction))
      counts.overflowed++;
    int32.copyWithin(numbers / 4, state / 4, state / 4 + size);
    y.rows = type.rows;
    int32.copyWithin(y.at / 4, numbers / 4, numbers / 4 + type.rows * type.columns);
  }

  inverse(run: Run, saved: FlowStackSaved, fill?: (prior: Prior, numbers: Pointer) => void): void {
    const { parts } = this;
    for (let i = parts.length - 1; i >= 0; i--) {
      const { planned, prior } = parts[i];
      const isRead = fill !== undefined && prior !== undefined;
      const read = isRead ? (numbers: Pointer): void => fill(prior, numbers) : undefined;
      planned.inverse(run, saved.state, saved.parts[i], read);
    }
  }

  backward(
    run: Run,
    dy: Gradient,
    _x: Tensor,
    saved: FlowStackSaved,
    dx: Gradient | undefined,
  ): void {
    const { parts, numbers, type, size, d, dPrior } = this;
    const { int32 } = run;
    int32.copyWithin(numbers / 4, dy.at / 4, dy.at / 4 + type.rows * type.columns);
    d.at = numbers;
    d.exponent = dy.exponent;
    dPrior.exponent = dy.exponent;
    for (let i = parts.length - 1; i >= 0; i--) {
      const { planned, at } = parts[i];
      dPrior.at = numbers + at * 4;
      if (this.keeps === 'nothing') planned.inverse(run, saved.state, saved.parts[i]);
      planned.backward(run, d, saved.parts[i], dPrior);
    }
    if (dx === undefined) return;
    int32.copyWithin(dx.at / 4, d.at / 4, d.at / 4 + size);
    dx.exponent = d.exponent;
  }
}

// A network within a flow: from columns of a state to a branch, forward and backward. It sees them
// as an operand, of 10 fraction bits more or less than the state has, or as a state for a layer
// norm.

import { callback, list, MAX_LENGTH, text, whole } from '../core/check.ts';
import type { Pointer } from '../kernels/kernels.ts';
import { Chain, type ChainSaved } from '../layers/chain.ts';
import { asLayer, refuse } from '../layers/check.ts';
import type { Layer, Preparation } from '../layers/layer.ts';
import type { Arena } from '../memory/arena.ts';
import { OPERAND_MAX } from '../memory/formats.ts';
import type { Planner, Scratch } from '../memory/planner.ts';
import { type Gradient, Tensor, type Type, tensorBytes } from '../memory/tensor.ts';
import type { Run } from '../ops/run.ts';
import { type FlowShape, sizeOf } from './flow.ts';

/** Makes the layers of a network from `input` columns to `out`, of an image `width` wide. */
export type NetMaker = (out: number, input: number, width: number) => readonly Layer[];

/** Fraction bits of a state as an operand: +-4. */
export const FLOW_OPERAND_FRACTION = 10;

/** What the network's backward pass needs: its input, and what its layers keep. */
export interface NetSaved {
  readonly input: Pointer;
  readonly kept: ChainSaved;
}

/** Columns of a state that a network sees: `columns` from the first on, of rows of `channels`. */
export class FlowNet {
  /** What it gives: branch [rows, out]. */
  readonly y: Tensor;
  private readonly chain: Chain;
  private readonly x: Tensor;
  private readonly place: Scratch;
  private readonly dInput: Gradient = { at: 0, exponent: 0 };
  private readonly gradient: Scratch;
  private readonly spread: Scratch;
  private readonly all: Gradient = { at: 0, exponent: 0 };

  constructor(
    at: Planner,
    private readonly shape: FlowShape,
    private readonly columns: number,
    make: NetMaker,
    out: number,
  ) {
    const rows = shape.height * shape.width;
    const layers = list('net', make(out, columns, shape.width), asLayer, 1);
    const kind = layers[0].takes.includes('operand') ? 'operand' : 'state';
    const input: Type = { kind, rows, columns };
    this.chain = new Chain(at, layers, input, 'branch');
    const { output } = this.chain;
    if (output.kind !== 'branch' || output.columns !== out || output.rows !== rows)
      refuse('a flow', output, `branch ${rows} x ${out} of its network`);
    this.x = new Tensor(input);
    this.y = new Tensor(output);
    this.place = at.scratch('flow branch', rows * out * 4);
    this.gradient = at.scratch('flow gradient', rows * columns * 4);
    this.spread = at.scratch('flow spread', sizeOf(shape) * 4);
  }

  saved(arena: Arena): NetSaved {
    const input = arena.allocate('states', tensorBytes(this.x.type));
    return { input, kept: this.chain.saved(arena) };
  }

  prepare(run: Run, what: Preparation): void {
    const { x, y, chain, shape } = this;
    x.fraction = x.type.kind === 'operand' ? FLOW_OPERAND_FRACTION : shape.fraction;
    x.range.deviation = 0.5;
    chain.prepare(run, x, y, what);
  }

  /** y of the state at `from`; keeps what backward needs. */
  forward(run: Run, from: Pointer, saved: NetSaved): void {
    const { x, y, chain } = this;
    this.move(saved);
    y.at = this.place.at;
    if (x.type.kind === 'operand') this.narrow(run, from);
    else this.gather(run, from);
    chain.forward(run, x, saved.kept, y);
  }

  private move(saved: NetSaved): void {
    this.x.at = saved.input;
    this.x.rows = this.x.type.rows;
  }

  /** halfUp(x, fraction - 10), clamped: what is beyond +-4 is seen as +-4, there and back. */
  private narrow({ int16, int32, counts }: Run, from: Pointer): void {
    const { columns, x, shape } = this;
    const { channels, fraction } = shape;
    const factor = 2 ** (FLOW_OPERAND_FRACTION - fraction);
    for (let r = 0; r < x.rows; r++)
      for (let c = 0; c < columns; c++) {
        const value = Math.floor(int32[from / 4 + r * channels + c] * factor + 0.5);
        const kept = Math.min(Math.max(value, -OPERAND_MAX), OPERAND_MAX);
        if (kept !== value) counts.saturated++;
        int16[x.at / 2 + r * columns + c] = kept;
      }
  }

  private gather({ int32 }: Run, from: Pointer): void {
    const { columns, x, shape } = this;
    for (let r = 0; r < x.rows; r++)
      for (let c = 0; c < columns; c++)
        int32[x.at / 4 + r * columns + c] = int32[from / 4 + r * shape.channels + c];
  }

  /** Adds to dx what dy, of the network's output, is for its columns. dy may be overwritten. */
  backward(run: Run, dy: Gradient, saved: NetSaved, dx: Gradient): void {
    const { x, chain, dInput, all, columns, shape } = this;
    const { channels } = shape;
    const { int32 } = run;
    this.move(saved);
    dInput.at = this.gradient.at;
    all.at = this.spread.at;
    chain.backward(run, dy, x, saved.kept, dInput);
    for (let r = 0; r < x.rows; r++) {
      const to = all.at / 4 + r * channels;
      const from = dInput.at / 4 + r * columns;
      for (let c = 0; c < channels; c++) int32[to + c] = c < columns ? int32[from + c] : 0;
    }
    all.exponent = dInput.exponent;
    run.sum
      .of(x.rows * channels)
      .add(dx)
      .add(all)
      .into(dx);
  }
}

/** Options of a flow with a network, checked. */
export function checkNet(net: unknown, name: unknown): void {
  callback('net', net);
  text('name', name);
}

/** Checks a count of channels. */
export const checkChannels = (name: string, value: number): number =>
  whole(name, value, 1, MAX_LENGTH);

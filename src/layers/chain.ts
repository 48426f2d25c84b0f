// Layers one after the other, as one.

import { list } from '../core/check.ts';
import type { Pointer } from '../kernels/kernels.ts';
import type { Arena } from '../memory/arena.ts';
import type { Planner, Scratch } from '../memory/planner.ts';
import { type Gradient, type Kind, Tensor, type Type, tensorBytes } from '../memory/tensor.ts';
import type { Run } from '../ops/run.ts';
import { asLayer } from './check.ts';
import type { Layer, Planned, Preparation } from './layer.ts';

export interface ChainSaved {
  /** Of each layer its own, and where its output is kept (0: it is not). */
  readonly layers: readonly unknown[];
  readonly outputs: readonly Pointer[];
}

/** The kind that layer i is asked for: what the next one takes best. */
const wantedOf = (layers: readonly Layer[], i: number, wanted: Kind): Kind =>
  layers[i + 1]?.takes[0] ?? wanted;

/** The types between layers, the first one's input included. */
export function typesOf(layers: readonly Layer[], input: Type, wanted: Kind): Type[] {
  const types = [input];
  layers.forEach((layer, i) => {
    types.push(layer.output(types[i], wantedOf(layers, i, wanted)));
  });
  return types;
}

/** Layers one after the other, as one layer.
 *  @example
 *  const mlp = sequential(linear(32, { name: 'up' }), gelu(), linear(8, { name: 'down' }));
 *  console.log(mlp.output({ kind: 'operand', rows: 2, columns: 8 }, 'branch').columns); // 8
 */
export function sequential(...layers: readonly Layer[]): Layer {
  list('layers', layers, asLayer, 1);
  return {
    takes: layers[0].takes,
    output: (input, wanted) => typesOf(layers, input, wanted)[layers.length],
    plan(at, input, wanted) {
      const chain = new Chain(at, layers, input, wanted);
      const all = chain.layers.map(({ history }) => history);
      const canFollow = all.every((each) => each !== undefined);
      return Object.assign(chain, { history: canFollow ? all.flat() : undefined });
    },
  };
}

export class Chain implements Planned<ChainSaved> {
  readonly needsInput: boolean;
  /** Of the last layer's output. */
  readonly output: Type;
  readonly layers: readonly Planned[];
  /** tensors[i] is the output of layer i, of all but the last. */
  private readonly tensors: readonly Tensor[];
  /** Where outputs are that nobody keeps, and gradients between layers. */
  private readonly spare: readonly (Scratch | undefined)[];
  private readonly sums: Scratch;
  private readonly flow: Gradient = { at: 0, exponent: 0 };

  constructor(at: Planner, layers: readonly Layer[], input: Type, wanted: Kind) {
    const types = typesOf(layers, input, wanted);
    this.layers = layers.map((layer, i) => layer.plan(at, types[i], wantedOf(layers, i, wanted)));
    this.needsInput = this.layers[0].needsInput;
    this.output = types[layers.length];
    const inner = types.slice(1, -1);
    this.tensors = inner.map((type) => new Tensor(type));
    this.spare = inner.map((type, i) =>
      this.layers[i + 1].needsInput ? undefined : at.scratch(`between ${i}`, tensorBytes(type)),
    );
    const widest = Math.max(...types.map(({ rows, columns }) => rows * columns));
    this.sums = at.scratch('sums', layers.length > 1 ? widest * 4 : 0);
  }

  saved(arena: Arena): ChainSaved {
    const { tensors, spare } = this;
    const keep = ({ type }: Tensor, i: number): Pointer =>
      spare[i] === undefined ? arena.allocate('states', tensorBytes(type)) : 0;
    return { layers: this.layers.map((layer) => layer.saved(arena)), outputs: tensors.map(keep) };
  }

  prepare(run: Run, x: Tensor, y: Tensor, what: Preparation): void {
    const { layers, tensors } = this;
    for (let i = 0; i < layers.length; i++)
      layers[i].prepare(run, tensors[i - 1] ?? x, tensors[i] ?? y, what);
  }

  forward(run: Run, x: Tensor, saved: ChainSaved, y: Tensor): void {
    const { layers, tensors } = this;
    this.move(x, saved);
    for (let i = 0; i < layers.length; i++)
      layers[i].forward(run, tensors[i - 1] ?? x, saved.layers[i], tensors[i] ?? y);
  }

  backward(run: Run, dy: Gradient, x: Tensor, saved: ChainSaved, dx: Gradient | undefined): void {
    const { layers, tensors, flow } = this;
    this.move(x, saved);
    flow.at = this.sums.at;
    const last = layers.length - 1;
    for (let i = last; i >= 0; i--) {
      const from = i === last ? dy : flow;
      const to = i === 0 ? dx : flow;
      layers[i].backward(run, from, tensors[i - 1] ?? x, saved.layers[i], to);
    }
  }

  rowsOf(rows: number): number {
    return this.layers.reduce((n, layer) => layer.rowsOf?.(n) ?? n, rows);
  }

  /** Brings the tensors between layers to the sequence at hand. */
  private move(x: Tensor, { outputs }: ChainSaved): void {
    const { layers, tensors, spare } = this;
    let { rows } = x;
    for (let i = 0; i < tensors.length; i++) {
      rows = layers[i].rowsOf?.(rows) ?? rows;
      tensors[i].at = spare[i]?.at ?? outputs[i];
      tensors[i].rows = rows;
    }
  }
}

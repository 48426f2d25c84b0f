// Blocks of a transformer as nodes of ONNX. Rows run through the network as [batch rows, C]; the
// matrices are ours as they are, [out, in], which Gemm takes with transB.

import type { Graph } from './onnx-graph.ts';
import type { Source } from './source.ts';
import { weights } from './values.ts';

/** The shape of a block. */
export interface BlockShape {
  readonly channels: number;
  readonly heads: number;
  /** Width of the MLP. */
  readonly inner: number;
}

/** How a block's queries meet keys. */
export interface Attending {
  /** The value [batch, rows] that gives queries their shape: int64 [2]. */
  readonly sides: string;
  /** Whether a row may look at another, [batch, 1, rows, all]; left out: all may. */
  readonly mask?: string | undefined;
  /** The keys and values so far, [batch, H, past, D], and what the longer ones are called. */
  readonly cache?: (k: number, part: 'key' | 'value') => { past: string; present: string };
}

/** Nodes of a source's layers. */
export class Blocks {
  constructor(
    readonly graph: Graph,
    readonly source: Source,
    readonly shape: BlockShape,
  ) {}

  tensor(name: string, ...shape: number[]): string {
    return this.graph.weights(name, shape, weights(this.source.weight(name, ...shape)));
  }

  private bias(name: string, size: number): string {
    return this.graph.weights(name, [size], this.source.bias(name, size));
  }

  norm(x: string, name: string): string {
    const { channels: C } = this.shape;
    const inputs = [x, this.tensor(`${name}.gain`, C), this.bias(`${name}.bias`, C)];
    return this.graph.node('LayerNormalization', inputs, {
      axis: -1,
      epsilon: { float: this.source.epsilon },
    });
  }

  linear(x: string, name: string, to: number, from: number): string {
    const inputs = [x, this.tensor(`${name}.weight`, to, from), this.bias(`${name}.bias`, to)];
    return this.graph.node('Gemm', inputs, { transB: 1 });
  }

  /** Rows [batch rows, C] as [batch, H, rows, D]. */
  private heads(x: string, sides: string): string {
    const { channels: C, heads: H } = this.shape;
    const shape = this.graph.node('Concat', [sides, this.graph.ints([H, C / H])], { axis: 0 });
    const apart = this.graph.node('Reshape', [x, shape]);
    return this.graph.node('Transpose', [apart], { perm: [0, 2, 1, 3] });
  }

  private attention(x: string, name: string, k: number, how: Attending): string {
    const { graph } = this;
    const { channels: C, heads: H } = this.shape;
    const qkv = this.linear(x, `${name}.qkv`, 3 * C, C);
    const q = graph.node('Split', [qkv], { axis: 1, num_outputs: 3 }, { outputs: 3 });
    const scale = graph.float('scale', 1 / Math.sqrt(C / H));
    const queries = graph.node('Mul', [this.heads(q, how.sides), scale]);
    const longer = (part: 'key' | 'value', own: string): string => {
      const cache = how.cache?.(k, part);
      const all = this.heads(own, how.sides);
      if (cache === undefined) return all;
      return graph.node('Concat', [cache.past, all], { axis: 2 }, { name: cache.present });
    };
    const keys = longer('key', `${q}_1`);
    const values = longer('value', `${q}_2`);
    const turned = graph.node('Transpose', [keys], { perm: [0, 1, 3, 2] });
    const scores = graph.node('MatMul', [queries, turned]);
    const least = graph.float('least', -3.4028234663852886e38);
    const seen = how.mask === undefined ? scores : graph.node('Where', [how.mask, scores, least]);
    const shares = graph.node('Softmax', [seen], { axis: -1 });
    const attended = graph.node('MatMul', [shares, values]);
    const rows = graph.node('Transpose', [attended], { perm: [0, 2, 1, 3] });
    const joined = graph.node('Reshape', [rows, graph.ints([-1, C])]);
    return this.linear(joined, `${name}.projection`, C, C);
  }

  /** Block k of a stack. */
  block(x: string, k: number, how: Attending): string {
    const { graph } = this;
    const { channels: C, inner: M } = this.shape;
    const name = `block.${k}`;
    const first = this.attention(this.norm(x, `${name}.norm1`), name, k, how);
    const middle = graph.node('Add', [x, first]);
    const up = this.linear(this.norm(middle, `${name}.norm2`), `${name}.up`, M, C);
    const active = graph.node('Gelu', [up], { approximate: 'none' });
    return graph.node('Add', [middle, this.linear(active, `${name}.down`, C, M)]);
  }
}

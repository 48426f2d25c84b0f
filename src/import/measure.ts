// How large the values of a transformer become on some samples: one pass in real numbers, block by
// block, so that never more than one block's weights are held.

import { type ForeignModel, readMatrix, readVector } from './foreign.ts';
import { outliersOf } from './neurons.ts';
import type { BlockShape } from './paths.ts';
import {
  add,
  attended,
  gelu,
  leastVariance,
  normalised,
  product,
  type Rows,
  raise,
} from './real.ts';
import { type Width, widthOf } from './width.ts';

/** The largest |value| of every channel, of one block. */
export interface BlockMeasures {
  readonly norm1: Width;
  readonly query: Float64Array;
  readonly key: Float64Array;
  /** Of keys without their bias, which softmax does not see. */
  readonly bareKey: Float64Array;
  readonly value: Float64Array;
  readonly norm2: Width;
  /** Of each neuron: its argument, its activation, the weights of its row once the layer norm's
   *  channels are within their range, those of its column, its bias. */
  readonly argument: Float64Array;
  readonly activation: Float64Array;
  readonly row: Float64Array;
  readonly column: Float64Array;
  readonly bias: Float64Array;
  /** Of what is added to the residual stream: attention, MLP. */
  readonly attention: number;
  readonly mlp: number;
  /** Of the residual stream after the block. */
  readonly residual: number;
}

/** What was measured. */
export interface Measures {
  readonly blocks: readonly BlockMeasures[];
  /** Of the residual stream before the first block. */
  readonly residual: number;
  readonly norm: Float64Array;
  /** The least variance of a row that a layer norm reads (not known). */
  readonly variance?: number | undefined;
  /** Of the branch that the first states are made of (none). */
  readonly input?: number | undefined;
}

const largest = (values: Float64Array): number =>
  values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** A linear layer or layer norm of a block, read. */
class Reader {
  /** The least variance of a row that a layer norm read. */
  variance = Infinity;

  constructor(
    private readonly model: ForeignModel,
    private readonly block: string,
  ) {}

  weight(name: string, out: number, into: number): Promise<Float32Array> {
    return readMatrix(this.model, `${this.block}${name}.weight`, out, into);
  }

  async bias(name: string, size: number): Promise<Float64Array | undefined> {
    return this.model.shape.bias
      ? await readVector(this.model, `${this.block}${name}.bias`, size)
      : undefined;
  }

  async norm(name: string, states: readonly Rows[]): Promise<Rows[]> {
    const { channels, epsilon } = this.model.shape;
    const gain = await readVector(this.model, `${this.block}${name}.gain`, channels);
    const bias = await this.bias(name, channels);
    this.variance = Math.min(this.variance, ...states.map(leastVariance));
    return states.map((x) => normalised(x, gain, bias, epsilon));
  }
}

async function attentionOf(reader: Reader, shape: BlockShape, states: readonly Rows[]) {
  const { channels: C, heads, causal } = shape;
  const most = () => new Float64Array(C);
  const found = {
    query: most(),
    key: most(),
    bareKey: most(),
    value: most(),
    attention: 0,
  };
  const weight = await reader.weight('qkv', 3 * C, C);
  const bias = await reader.bias('qkv', 3 * C);
  const projection = await reader.weight('projection', C, C);
  const projectionBias = await reader.bias('projection', C);
  const inputs = await reader.norm('norm1', states);
  inputs.forEach((input, s) => {
    const qkv = product(input, weight, bias);
    raise(found.query, qkv);
    raise(found.key, qkv, C);
    raise(found.value, qkv, 2 * C);
    for (let i = 0; i < qkv.values.length; i++) {
      const c = (i % (3 * C)) - C;
      if (c >= 0 && c < C)
        found.bareKey[c] = Math.max(
          found.bareKey[c],
          Math.abs(qkv.values[i] - (bias?.[C + c] ?? 0)),
        );
    }
    const out = product(attended(qkv, heads, causal), projection, projectionBias);
    found.attention = Math.max(found.attention, largest(out.values));
    add(states[s], out);
  });
  return { ...found, norm1: widthOf(inputs, weight, () => []) };
}

/** The largest |w| of each column. */
function widthOfColumns(weight: Float32Array, columns: number): Float64Array {
  const most = new Float64Array(columns);
  for (let i = 0; i < weight.length; i++)
    most[i % columns] = Math.max(most[i % columns], Math.abs(weight[i]));
  return most;
}

async function mlpOf(reader: Reader, shape: BlockShape, states: readonly Rows[]) {
  const { channels: C, inner: M } = shape;
  const up = await reader.weight('up', M, C);
  const upBias = await reader.bias('up', M);
  const down = await reader.weight('down', C, M);
  const downBias = await reader.bias('down', C);
  const found = {
    argument: new Float64Array(M),
    activation: new Float64Array(M),
    column: widthOfColumns(down, M),
    bias: upBias?.map(Math.abs) ?? new Float64Array(M),
    mlp: 0,
  };
  const inputs = await reader.norm('norm2', states);
  inputs.forEach((input, s) => {
    const hidden = product(input, up, upBias);
    raise(found.argument, hidden);
    hidden.values.forEach((u, i) => {
      hidden.values[i] = gelu(u);
    });
    raise(found.activation, hidden);
    const out = product(hidden, down, downBias);
    found.mlp = Math.max(found.mlp, largest(out.values));
    add(states[s], out);
  });
  const norm2 = widthOf(inputs, up, (row) => outliersOf({ ...found, row }));
  return { ...found, norm2, row: norm2.rows };
}

/** The first row of each. */
const firstRows = (states: readonly Rows[]): Rows[] =>
  states.map(({ columns, values }) => ({ rows: 1, columns, values: values.subarray(0, columns) }));

/** Measures a model from the first states of some samples on, which become the last ones. `onBlock`
 *  is told of every block. */
export async function measure(
  model: ForeignModel,
  states: readonly Rows[],
  onBlock: (done: number) => void,
): Promise<Measures> {
  const { shape, isPooled } = model;
  const most = (): number => Math.max(...states.map(({ values }) => largest(values)));
  const residual = most();
  const blocks: BlockMeasures[] = [];
  let variance = Infinity;
  for (let k = 0; k < shape.layers; k++) {
    const reader = new Reader(model, `block.${k}.`);
    const attention = await attentionOf(reader, shape, states);
    const mlp = await mlpOf(reader, shape, states);
    blocks.push({ ...attention, ...mlp, residual: most() });
    variance = Math.min(variance, reader.variance);
    onBlock(k + 1);
  }
  const norm = new Float64Array(shape.channels);
  const last = new Reader(model, '');
  const read = await last.norm('norm', isPooled ? firstRows(states) : states);
  for (const rows of read) raise(norm, rows);
  return { blocks, residual, norm, variance: Math.min(variance, last.variance) };
}

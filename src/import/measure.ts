// How large the values of a GPT-2 become on some text: one pass in real numbers, block by block, so
// that never more than one block's weights are held.

import type { Gpt2Source } from './names.ts';
import { outliersOf } from './neurons.ts';
import { add, attended, gelu, normalised, product, type Rows, raise, rowsOf } from './real.ts';
import { eachElement } from './recipe.ts';
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
}

/** A matrix [out, in]. */
async function matrix(gpt: Gpt2Source, path: string, out: number, into: number) {
  const weight = new Float32Array(out * into);
  const parts = [gpt.part(path, out)];
  await eachElement(gpt.source, { parts, columns: into }, (row, column, value) => {
    weight[row * into + column] = value;
  });
  return weight;
}

async function vector(gpt: Gpt2Source, path: string, size: number): Promise<Float64Array> {
  const values = new Float64Array(size);
  const parts = [gpt.part(path, size)];
  await eachElement(gpt.source, { parts, columns: 1 }, (row, _, value) => {
    values[row] = value;
  });
  return values;
}

const largest = (values: Float64Array): number =>
  values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** The first states of some sequences: token and position embeddings. */
async function embedded(gpt: Gpt2Source, sequences: readonly Int32Array[]): Promise<Rows[]> {
  const { channels: C, vocabulary, context } = gpt.shape;
  const states = sequences.map(({ length }) => rowsOf(length, C));
  const positions = await matrix(gpt, 'position.weight', context, C);
  const wanted = new Set(sequences.flatMap((sequence) => [...sequence]));
  const rows = new Map([...wanted].map((token) => [token, new Float64Array(C)]));
  const parts = [gpt.part('token.weight', vocabulary)];
  await eachElement(gpt.source, { parts, columns: C }, (row, column, value) => {
    const kept = rows.get(row);
    if (kept !== undefined) kept[column] = value;
  });
  sequences.forEach((sequence, s) => {
    sequence.forEach((token, t) => {
      for (let c = 0; c < C; c++)
        states[s].values[t * C + c] = (rows.get(token)?.[c] ?? 0) + positions[t * C + c];
    });
  });
  return states;
}

/** A linear layer or layer norm of a block, read. */
class Reader {
  constructor(
    private readonly gpt: Gpt2Source,
    private readonly block: string,
  ) {}

  weight(name: string, out: number, into: number): Promise<Float32Array> {
    return matrix(this.gpt, `${this.block}${name}.weight`, out, into);
  }

  async bias(name: string, size: number): Promise<Float64Array | undefined> {
    return this.gpt.shape.bias
      ? await vector(this.gpt, `${this.block}${name}.bias`, size)
      : undefined;
  }

  async norm(name: string, states: readonly Rows[]): Promise<Rows[]> {
    const { channels, epsilon } = this.gpt.shape;
    const gain = await vector(this.gpt, `${this.block}${name}.gain`, channels);
    const bias = await this.bias(name, channels);
    return states.map((x) => normalised(x, gain, bias, epsilon));
  }
}

async function attentionOf(reader: Reader, gpt: Gpt2Source, states: readonly Rows[]) {
  const { channels: C, heads } = gpt.shape;
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
    const out = product(attended(qkv, heads), projection, projectionBias);
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

async function mlpOf(reader: Reader, gpt: Gpt2Source, states: readonly Rows[]) {
  const { channels: C, inner: M } = gpt.shape;
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

/** Measures a GPT-2 on sequences of at most its context. `onBlock` is told of every block. */
export async function measure(
  gpt: Gpt2Source,
  sequences: readonly Int32Array[],
  onBlock: (done: number) => void,
): Promise<Measures> {
  const states = await embedded(gpt, sequences);
  const most = (): number => Math.max(...states.map(({ values }) => largest(values)));
  const residual = most();
  const blocks: BlockMeasures[] = [];
  for (let k = 0; k < gpt.shape.layers; k++) {
    const reader = new Reader(gpt, `block.${k}.`);
    const attention = await attentionOf(reader, gpt, states);
    const mlp = await mlpOf(reader, gpt, states);
    blocks.push({ ...attention, ...mlp, residual: most() });
    onBlock(k + 1);
  }
  const norm = new Float64Array(gpt.shape.channels);
  for (const rows of await new Reader(gpt, '').norm('norm', states)) raise(norm, rows);
  return { blocks, residual, norm };
}

// The float64 oracle: the same GPT with the same master weights in double precision, without any
// quantisation, forward and backward by hand, with every update rule of the residual stream.
// Compared with by cosine.

import type { GptConfig, TextBatch } from '../../src/models/gpt.ts';
import {
  attention,
  attentionBackward,
  gelu,
  geluSlope,
  linear,
  linearBackward,
  type Matrix,
  norm,
  normBackward,
} from './float64.ts';
import { add, type Branch, type Result, streamOf, type Update } from './oracle-stream.ts';

/** Parameters by name. */
export type Weights = Map<string, Float64Array>;

export interface OracleOptions {
  /** l rounds each state to l fraction bits as the model does (Q_l with a straight-through
   *  gradient, docs/reversibility.md); without it the states are not rounded. */
  readonly fraction?: number;
  /** What the output of sublayer `part` (0: attention, 1: MLP) of block k is multiplied by, element
   *  by element. */
  readonly mask?: (k: number, part: number) => ArrayLike<number>;
}

/** Loss summed over the tokens of one sequence; adds the gradient of every parameter. */
export function oracleSequence(
  config: Required<GptConfig>,
  { weights, gradients }: { weights: Weights; gradients: Weights },
  { inputs: ids, targets }: TextBatch,
  update: Update,
  options: OracleOptions = {},
): number {
  const { vocabulary: V, channels: C, heads: H, mlpRatio } = config;
  const { fraction, mask } = options;
  const T = ids.length;
  const M = mlpRatio * C;
  const w = (name: string): Matrix => weights.get(name)!;
  const g = (name: string): Matrix => gradients.get(name)!;
  const maybe = (map: Weights, name: string): Matrix | undefined => map.get(name);
  const rounded = (m: Matrix): Matrix =>
    fraction === undefined ? m : m.map((v) => Math.round(v * 2 ** fraction) / 2 ** fraction);
  const normed = (name: string, x: Matrix): Result => {
    const n = norm(x, w(`${name}.gain`), maybe(weights, `${name}.bias`), T, C);
    return {
      y: n.out,
      back: (dy) =>
        normBackward(
          dy,
          n,
          {
            gain: w(`${name}.gain`),
            dGain: g(`${name}.gain`),
            dBias: maybe(gradients, `${name}.bias`),
          },
          T,
          C,
        ),
    };
  };
  const dense = (name: string, x: Matrix, I: number, O: number): Result => ({
    y: linear(x, w(`${name}.weight`), maybe(weights, `${name}.bias`), { T, I, O }),
    back: (dy) =>
      linearBackward(
        dy,
        x,
        {
          w: w(`${name}.weight`),
          dw: g(`${name}.weight`),
          db: maybe(gradients, `${name}.bias`),
        },
        { T, I, O },
      ),
  });
  const masked = (k: number, part: number, y: Matrix): Matrix => {
    const factors = mask?.(k, part);
    return factors === undefined ? y : y.map((v, i) => v * factors[i]);
  };
  /** A(LN x). */
  const attend: Branch = (k, x) => {
    const n = normed(`block.${k}.norm1`, x);
    const qkv = dense(`block.${k}.qkv`, n.y, C, 3 * C);
    const { out, p } = attention(qkv.y, { T, C, H });
    const projection = dense(`block.${k}.projection`, out, C, C);
    return {
      y: masked(k, 0, projection.y),
      back: (dy) =>
        n.back(
          qkv.back(attentionBackward(projection.back(masked(k, 0, dy)), qkv.y, p, { T, C, H })),
        ),
    };
  };
  /** F(LN x). */
  const feed: Branch = (k, x) => {
    const n = normed(`block.${k}.norm2`, x);
    const up = dense(`block.${k}.up`, n.y, C, M);
    const down = dense(`block.${k}.down`, up.y.map(gelu), M, C);
    return {
      y: masked(k, 1, down.y),
      back: (dy) =>
        n.back(up.back(down.back(masked(k, 1, dy)).map((v, i) => v * geluSlope(up.y[i])))),
    };
  };
  /** h(x) = y1 + F(LN(x + y1)), y1 = A(LN x). */
  const block: Branch = (k, x) => {
    const one = attend(k, x);
    const two = feed(k, add([1, x], [1, one.y]));
    return {
      y: add([1, one.y], [1, two.y]),
      back: (dh) => {
        const dz = two.back(dh);
        return add([1, dz], [1, one.back(add([1, dh], [1, dz]))]);
      },
    };
  };

  const x0 = new Float64Array(T * C);
  for (let t = 0; t < T; t++)
    for (let i = 0; i < C; i++)
      x0[t * C + i] = w('token.weight')[ids[t] * C + i] + w('position.weight')[t * C + i];
  const stream = streamOf(update, config.layers, rounded(x0), rounded, { block, attend, feed });

  const final = normed('norm', stream.y);
  const head = dense(config.tied ? 'token' : 'head', final.y, C, V);
  const logits = head.y;
  let loss = 0;
  for (let t = 0; t < T; t++) {
    const row = logits.subarray(t * V, t * V + V);
    const max = Math.max(...row);
    let sum = 0;
    for (const v of row) sum += Math.exp(v - max);
    loss += Math.log(sum) + max - row[targets[t]];
    for (let v = 0; v < V; v++) row[v] = Math.exp(row[v] - max) / sum - (v === targets[t] ? 1 : 0);
  }
  const dx0 = stream.back(final.back(head.back(logits)));
  for (let t = 0; t < T; t++)
    for (let i = 0; i < C; i++) {
      g('token.weight')[ids[t] * C + i] += dx0[t * C + i];
      g('position.weight')[t * C + i] += dx0[t * C + i];
    }
  return loss;
}

// The models of the message codec: a GPT of bytes, whose last token is the end of a message.

import { whole } from '../core/check.ts';
import { type ConfiguredModel, type GptConfig, gpt, plain, type TextBatch } from '../index.ts';

/** The token that ends a message, and comes before the first byte of one. */
export const END = 256;
/** Bytes and the end. */
export const SYMBOLS = 257;

/** How large a model is. */
export interface ModelShape {
  /** L: blocks, 1..16. */
  layers: number;
  /** C: channels, 8..512. */
  channels: number;
  /** H: heads, a divisor of the channels. */
  heads: number;
  /** T: most tokens that are looked at, 16..2048. */
  context: number;
}

/** A GPT of bytes. */
export type ByteModel = ConfiguredModel<GptConfig, TextBatch>;

/** Throws UsageError for a shape that is none. */
export function checkShape({ layers, channels, heads, context }: ModelShape): ModelShape {
  whole('layers', layers, 1, 16);
  whole('channels', channels, 8, 512);
  whole('heads', heads, 1, channels);
  whole('context', context, 16, 2048);
  return { layers, channels, heads, context };
}

/** The model. Throws UsageError for a shape that is none. */
export const modelOf = (shape: ModelShape): ByteModel =>
  gpt({ vocabulary: SYMBOLS, ...checkShape(shape), rule: plain() });

/** A tensor of weights. */
export interface WeightShape {
  readonly name: string;
  /** Rows and columns; a vector has one row. */
  readonly rows: number;
  readonly columns: number;
}

/** Its weights, in the order of forward. */
export function weightShapes({ layers, channels: C, context }: ModelShape): WeightShape[] {
  const of = (name: string, rows: number, columns: number): WeightShape => ({
    name,
    rows,
    columns,
  });
  const blocks = Array.from({ length: layers }, (_, k) => [
    of(`block.${k}.norm1.gain`, 1, C),
    of(`block.${k}.qkv.weight`, 3 * C, C),
    of(`block.${k}.projection.weight`, C, C),
    of(`block.${k}.norm2.gain`, 1, C),
    of(`block.${k}.up.weight`, 4 * C, C),
    of(`block.${k}.down.weight`, C, 4 * C),
  ]);
  return [
    of('token.weight', SYMBOLS, C),
    of('position.weight', context, C),
    ...blocks.flat(),
    of('norm.gain', 1, C),
  ];
}

/** Number of weights. */
export const weightsIn = (shape: ModelShape): number =>
  weightShapes(shape).reduce((sum, { rows, columns }) => sum + rows * columns, 0);

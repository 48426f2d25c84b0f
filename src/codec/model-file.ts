// A message model as a file (.rgm), format 1, little-endian:
//
//    0  'RGM', 0x1a     4  format, 1      5  L     6  H     7  bits of a weight, 6..8
//    8  C, u16         10  T, u16        12  P, tokens of the beginning, u16
//   14  what the range coder wrote: P tokens of 9 bits; then the weights in the order of forward.
//       A row of a matrix is its step, 24 bits, and per weight q + 2^(bits-1) down a tree of the
//       matrix's own; a vector is its step and 16 bits a weight. weight = q step, 24 fraction bits
//   ..  SHA-256 of all before: the model's name
//
// Weights are on the engine's own grid, so a model is the same numbers everywhere.

import { typed, whole } from '../core/check.ts';
import { copyOf } from '../core/copy.ts';
import { hex, sha256 } from '../core/digest.ts';
import { type NamedTensor, UsageError } from '../index.ts';
import { BitTree } from './bits.ts';
import { CodecError } from './errors.ts';
import {
  checkShape,
  type ModelShape,
  SYMBOLS,
  type WeightShape,
  weightShapes,
  weightsIn,
} from './model-shape.ts';
import { RangeDecoder, RangeEncoder } from './range-coder.ts';

/** The format that this library writes; it reads this one and all before. */
export const MODEL_FORMAT = 1;
const MAGIC = [0x52, 0x47, 0x4d, 0x1a];
const HEADER = 14;
const DIGEST = 32;
const TOKEN_BITS = 9;
const VECTOR_BITS = 16;
/** Fraction bits of a weight. */
const FRACTION = 24;
/** Most weights a byte of a file: what a shape may claim. */
const WEIGHTS_A_BYTE = 16;

/** What a model file has. */
export interface ModelParts {
  readonly shape: ModelShape;
  readonly bits: number;
  /** Tokens before every message. */
  readonly beginning: Int32Array;
  readonly tensors: readonly NamedTensor[];
}

/** The largest q of so many bits. */
const most = (bits: number): number => 2 ** (bits - 1) - 1;

/** A row's step, and its weights as multiples of it, rounded half up. */
function quantise(row: Int32Array, bits: number): { step: number; multiples: Int32Array } {
  let largest = 0;
  for (const value of row) largest = Math.max(largest, Math.abs(value));
  const step = Math.max(1, Math.ceil(largest / most(bits)));
  const multiples = row.map((value) => Math.floor((2 * value + step) / (2 * step)));
  return { step, multiples };
}

/** Codes one tensor. */
function encodeTensor(encoder: RangeEncoder, shape: WeightShape, data: Int32Array, bits: number) {
  const { rows, columns } = shape;
  const isVector = rows === 1;
  const width = isVector ? VECTOR_BITS : bits;
  const tree = new BitTree(isVector ? 1 : bits);
  for (let r = 0; r < rows; r++) {
    const { step, multiples } = quantise(data.subarray(r * columns, (r + 1) * columns), width);
    encoder.put(step, 1);
    for (const q of multiples) {
      const value = q + 2 ** (width - 1);
      if (isVector) encoder.put(value * 2 ** (24 - width), 2 ** (24 - width));
      else tree.encode(encoder, value);
    }
  }
}

/** A number of so many bits, all of which are as likely. */
function decodeEven(decoder: RangeDecoder, bits: number): number {
  const unit = 2 ** (24 - bits);
  const value = Math.floor(decoder.target() / unit);
  decoder.skip(value * unit, unit);
  return value;
}

function decodeTensor(decoder: RangeDecoder, shape: WeightShape, bits: number): Int32Array {
  const { rows, columns } = shape;
  const isVector = rows === 1;
  const width = isVector ? VECTOR_BITS : bits;
  const tree = new BitTree(isVector ? 1 : bits);
  const data = new Int32Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    const step = decoder.target();
    decoder.skip(step, 1);
    for (let c = 0; c < columns; c++) {
      const value = isVector ? decodeEven(decoder, width) : tree.decode(decoder);
      data[r * columns + c] = checkWeight((value - 2 ** (width - 1)) * step);
    }
  }
  return data;
}

/** Weights are below 16 in magnitude. */
function checkWeight(value: number): number {
  if (Math.abs(value) < 2 ** (FRACTION + 4)) return value;
  throw new CodecError('damaged', 'the model has a weight beyond 16');
}

/** A model as a file. Throws UsageError for what is none. */
export function packModel({
  shape,
  bits,
  beginning,
  tensors,
}: ModelParts): Uint8Array<ArrayBuffer> {
  checkShape(shape);
  whole('bits', bits, 6, 8);
  const encoder = new RangeEncoder();
  const tree = new BitTree(TOKEN_BITS);
  for (const token of beginning) tree.encode(encoder, token);
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor.data]));
  for (const each of weightShapes(shape)) {
    const data = typed(each.name, byName.get(each.name), 'Int32Array', each.rows * each.columns);
    encodeTensor(encoder, each, data, bits);
  }
  const coded = encoder.finish();
  const file = new Uint8Array(HEADER + coded.length + DIGEST);
  const view = new DataView(file.buffer);
  file.set([...MAGIC, MODEL_FORMAT, shape.layers, shape.heads, bits]);
  [shape.channels, shape.context, beginning.length].forEach((value, i) => {
    view.setUint16(8 + 2 * i, value, true);
  });
  file.set(coded, HEADER);
  const end = HEADER + coded.length;
  if (weightsIn(shape) > coded.length * WEIGHTS_A_BYTE)
    throw new UsageError('the weights are all alike, expected those of a trained model');
  file.set(sha256([file.subarray(0, end)]), end);
  return file;
}

/** What kind of file it is, and that it is whole. */
function checkFile(file: Uint8Array): void {
  if (MAGIC.some((byte, i) => file[i] !== byte))
    throw new CodecError('foreign', 'not a model of messages: it does not begin with RGM');
  if (file.length < HEADER + DIGEST)
    throw new CodecError('truncated', `the model file has ${file.length} bytes`);
  if (file[4] !== MODEL_FORMAT)
    throw new CodecError(
      'version',
      `the model file has format ${file[4]}, this library reads ${MODEL_FORMAT}`,
      'use a newer library',
    );
  const end = file.length - DIGEST;
  const digest = sha256([file.subarray(0, end)]);
  if (hex(digest) !== hex(file.subarray(end)))
    throw new CodecError('damaged', 'the SHA-256 at the end of the model file is another');
}

function shapeIn(file: Uint8Array): ModelShape {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const [channels, context] = [view.getUint16(8, true), view.getUint16(10, true)];
  try {
    return checkShape({ layers: file[5], heads: file[6], channels, context });
  } catch (error) {
    throw new CodecError('damaged', `the model file: ${(error as UsageError).message}`);
  }
}

/** The parts of a file, and its name. Throws CodecError for what is no model file of a known
 *  format, whole and unchanged. */
export function unpackModel(given: Uint8Array): ModelParts & { readonly id: string } {
  const file = copyOf('file', given);
  checkFile(file);
  const shape = shapeIn(file);
  const bits = file[7];
  const tokens = file[12] + 256 * file[13];
  const coded = file.subarray(HEADER, file.length - DIGEST);
  if (bits < 6 || bits > 8 || tokens > shape.context / 2)
    throw new CodecError('damaged', `the model file has ${bits} bits, ${tokens} tokens`);
  if (weightsIn(shape) > coded.length * WEIGHTS_A_BYTE)
    throw new CodecError('damaged', 'the model file is too short for its shape');
  const decoder = new RangeDecoder(coded);
  const tree = new BitTree(TOKEN_BITS);
  const token = (): number => {
    const value = tree.decode(decoder);
    if (value >= SYMBOLS) throw new CodecError('damaged', `the model has a token ${value}`);
    return value;
  };
  const beginning = Int32Array.from({ length: tokens }, token);
  const tensors = weightShapes(shape).map((each) => ({
    name: each.name,
    shape: each.rows === 1 ? [each.columns] : [each.rows, each.columns],
    data: decodeTensor(decoder, each, bits),
    fraction: FRACTION,
  }));
  decoder.finish();
  return { shape, bits, beginning, tensors, id: hex(file.subarray(file.length - DIGEST)) };
}

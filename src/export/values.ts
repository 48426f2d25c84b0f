// Weights as float32 in the order that another format wants, made as they are asked for.

import type { NamedTensor } from '../index.ts';
import { PIECE_BYTES } from './file.ts';

/** Numbers in a row that are computed when they are read. */
export interface Values {
  readonly size: number;
  /** Fills `out` with the numbers from `from` on. */
  read(from: number, out: Float32Array): void;
}

/** A tensor under another program's name. */
export interface OutTensor {
  readonly name: string;
  /** Elements along each axis, the fastest last. */
  readonly shape: readonly number[];
  readonly values: Values;
}

/** `count` elements of a tensor from `first` on, each the nearest float32 (ties to even). */
export function weights(
  { data, fraction }: NamedTensor,
  first = 0,
  count = data.length - first,
): Values {
  const unit = 2 ** -fraction;
  return {
    size: count,
    read(from, out) {
      const start = first + from;
      for (let i = 0; i < out.length; i++) out[i] = data[start + i] * unit;
    },
  };
}

/** A matrix [rows, columns] as [columns, rows]. */
export function transposed({ data, shape, fraction }: NamedTensor): Values {
  const [rows, columns] = shape;
  const unit = 2 ** -fraction;
  return {
    size: data.length,
    read(from, out) {
      let row = from % rows;
      let column = (from - row) / rows;
      for (let i = 0; i < out.length; i++) {
        out[i] = data[row * columns + column] * unit;
        if (++row < rows) continue;
        row = 0;
        column++;
      }
    },
  };
}

/** `count` of some numbers from `first` on. */
export const sliced = ({ read }: Values, first: number, count: number): Values => ({
  size: count,
  read: (from, out) => read(first + from, out),
});

/** As many numbers that are all the same. */
export const filled = (size: number, value = 0): Values => ({
  size,
  read: (_, out) => void out.fill(value),
});

/** Elements of a shape. */
export const elements = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** The numbers' little-endian bytes in pieces. */
export function* piecesOf({ size, read }: Values): Iterable<Uint8Array<ArrayBuffer>> {
  const most = PIECE_BYTES / 4;
  for (let from = 0; from < size; from += most) {
    const out = new Float32Array(Math.min(most, size - from));
    read(from, out);
    yield new Uint8Array(out.buffer);
  }
}

/** A matrix [out, pixels colours], colour last, as a kernel [out, colours, pixels]. */
export function patchKernel(
  { data, fraction }: NamedTensor,
  pixels: number,
  colours: number,
): Values {
  const unit = 2 ** -fraction;
  const size = pixels * colours;
  return {
    size: data.length,
    read(from, out) {
      for (let i = 0; i < out.length; i++) {
        const at = (from + i) % size;
        const pixel = at % pixels;
        const colour = (at - pixel) / pixels;
        out[i] = data[from + i - at + pixel * colours + colour] * unit;
      }
    },
  };
}

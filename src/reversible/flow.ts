// What a flow is: an exact bijection of whole numbers, with a forward, an inverse and a backward
// side by side. A state is an image of int32: pixels row by row, a column for each channel. A flow
// works in place on the front of a state's memory; what it takes out of the image (split) lies
// behind it and stays as it is.
//
// Prior art: Hoogeboom, Peters, van den Berg, Welling, "Integer Discrete Flows and Lossless
// Compression" (NeurIPS 2019); Jacobsen, Smeulders, Oyallon, "i-RevNet: Deep Invertible Networks"
// (ICLR 2018); Dinh, Krueger, Bengio, "NICE" (2015): additive coupling.

import { UsageError } from '../core/errors.ts';
import type { Pointer } from '../kernels/kernels.ts';
import type { Preparation } from '../layers/layer.ts';
import type { Arena } from '../memory/arena.ts';
import type { Planner } from '../memory/planner.ts';
import type { Gradient } from '../memory/tensor.ts';
import type { Run } from '../ops/run.ts';

/** An image of whole numbers. */
export interface FlowShape {
  /** Pixels from top to bottom. */
  readonly height: number;
  /** Pixels from left to right. */
  readonly width: number;
  /** Columns. */
  readonly channels: number;
  /** Fraction bits: value = raw * 2^-fraction, 3..14. */
  readonly fraction: number;
}

/** Elements of an image. */
export const sizeOf = ({ height, width, channels }: FlowShape): number => height * width * channels;

/** What is said of how elements are distributed: discretised logistics, one an element or a mixture
 *  of several. */
export interface Prior {
  /** The first element, from the beginning of the state. */
  readonly first: number;
  /** Rows of elements. */
  readonly rows: number;
  /** Elements of a row. */
  readonly columns: number;
  /** Logistics of an element. A row has, int32 with 16 fraction bits, the logits of each (if there
   *  are several), the means of each, the logarithms of the scale of each: [2 or 3, components,
   *  columns]. */
  readonly components: number;
}

/** Numbers that a prior has of its elements. */
export const numbersOf = ({ rows, columns, components }: Prior): number =>
  rows * columns * components * (components > 1 ? 3 : 2);

/** A bijection as a value. */
export interface Flow {
  /** The image after it. Throws UsageError for one that it cannot take. */
  output(shape: FlowShape): FlowShape;
  /** What it says of elements that no later flow changes. */
  prior?(shape: FlowShape): Prior;
  /** Memory and parameters of it. */
  plan(at: Planner, shape: FlowShape): PlannedFlow;
}

/** A bijection with its memory. What it changes, it changes in place. */
export interface PlannedFlow<Saved = unknown> {
  /** Room for what backward needs of a sample. */
  saved(arena: Arena): Saved;
  /** Working copies of the weights. */
  prepare(run: Run, what: Preparation): void;
  /** x becomes y; the numbers of its prior are written at `prior`. */
  forward(run: Run, x: Pointer, saved: Saved, prior: Pointer): void;
  /** y becomes x again, bit for bit; fills `saved` as forward did. fill: told the numbers of its
   *  prior, writes the elements that they are of, which were not there yet (decoding). */
  inverse(run: Run, x: Pointer, saved: Saved, fill?: (numbers: Pointer) => void): void;
  /** dL/dy becomes dL/dx; adds to the gradients of the parameters. dPrior: of its prior. */
  backward(run: Run, dx: Gradient, saved: Saved, dPrior: Gradient): void;
}

/** Throws UsageError for an image that a flow cannot take. */
export function refuseShape(name: string, shape: FlowShape, expected: string): never {
  const { height, width, channels } = shape;
  throw new UsageError(
    `${name} is given ${channels} channels of ${width} x ${height} pixels, expected ${expected}`,
  );
}

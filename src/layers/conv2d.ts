// Convolution of an image whose pixels are rows: its windows become rows of a matrix (im2col), and
// what is left is a linear layer, with the products, the formats and the proofs of linear.ts. The
// windows are made again on the way back, so that only the image is kept.

import { fields, flag, MAX_LENGTH, real, text, whole } from '../core/check.ts';
import { UsageError } from '../core/errors.ts';
import { coverShift, type Windows, windowsAlong } from '../kernels/image.ts';
import { imageKernelsOf } from '../kernels/image-wasm.ts';
import type { Arena } from '../memory/arena.ts';
import type { Planner, Scratch } from '../memory/planner.ts';
import { type Gradient, type Kind, Tensor, type Type, tensorBytes } from '../memory/tensor.ts';
import type { Run } from '../ops/run.ts';
import { refuse } from './check.ts';
import { GroupedMatrix } from './grouped-matrix.ts';
import { checkWindows, type WindowOptions, windowsOf } from './image-shape.ts';
import type { Layer, Planned, Preparation } from './layer.ts';
import { PlannedLinear } from './linear.ts';

/** What is not the same of all convolutions. */
export interface Conv2dOptions extends WindowOptions {
  /** Pixels of a window's side, 1..31 (3). */
  kernel?: number | undefined;
  /** Pixels from one window to the next (1). */
  stride?: number | undefined;
  /** Pixels of zeros around the image, less than the kernel (floor((kernel - 1) / 2): with stride
   *  1 and an odd kernel the image keeps its size). */
  padding?: number | undefined;
  /** Groups of channels that do not see each other; as many as there are channels: depthwise. More
   *  than one take int16 operands whatever the model's are, and no adapter (1). */
  groups?: number | undefined;
  /** Name of its parameters: `name.weight` [out, kernel * kernel * channels / groups], pixel by
   *  pixel of a window, and `name.bias` [out] (conv). */
  name?: string | undefined;
  /** Adds a bias (false). */
  bias?: boolean | undefined;
  /** Standard deviation of the initial weights (sqrt(2 / inputs of an output): He et al. 2015). */
  deviation?: number | undefined;
}

/** A convolution with `out` output channels: from operand [pixels, channels] to [pixels, out], of
 *  the kind that is asked for as of a linear layer. Throws UsageError for an input that is no image
 *  and for groups that divide the channels or the outputs not.
 *  @example
 *  const layer = conv2d(8, { kernel: 3, stride: 2 });
 *  const output = layer.output({ kind: 'operand', rows: 28 * 28, columns: 1 }, 'operand');
 *  console.log(output.rows, output.columns); // 196 8
 */
export function conv2d(out: number, options: Conv2dOptions = {}): Layer {
  whole('outputs', out, 1, MAX_LENGTH);
  const given = optionsOf(options);
  const output = (input: Type, wanted: Kind): Type => {
    if (input.kind !== 'operand') refuse('conv2d', input, 'operand');
    const shape = windowsOf('conv2d', input, given);
    if (input.columns % given.groups !== 0 || out % given.groups !== 0)
      throw new UsageError(
        `conv2d has ${given.groups} groups of ${input.columns} channels and ${out} outputs`,
        'let it divide both',
      );
    const kinds: Kind[] = ['operand', 'fine', 'branch', ...(given.bias ? [] : ['sums' as const])];
    const rows = windowsAlong(shape.height, shape) * windowsAlong(shape.width, shape);
    return { kind: kinds.includes(wanted) ? wanted : 'branch', rows, columns: out };
  };
  return {
    takes: ['operand'],
    output,
    plan: (at, input, wanted) =>
      new Conv2d(at, windowsOf('conv2d', input, given), output(input, wanted), given),
  };
}

type Given = ReturnType<typeof optionsOf>;

function optionsOf(options: Conv2dOptions) {
  const shape = { kernel: 3, stride: 1, padding: -1, groups: 1, width: 0 };
  const defaults = { ...shape, name: 'conv', bias: false, deviation: -1 };
  const given = fields<Conv2dOptions>('options', options, defaults);
  const isDefault = Object(options).padding === undefined;
  if (isDefault) given.padding = Math.floor((given.kernel - 1) / 2);
  whole('groups', given.groups, 1, MAX_LENGTH);
  checkWindows(given);
  text('name', given.name);
  flag('bias', given.bias);
  if (Object(options).deviation !== undefined) real('deviation', given.deviation, 0, 16);
  return given;
}

class Conv2d implements Planned<undefined> {
  readonly needsInput = true;
  private readonly linear: PlannedLinear;
  /** The windows as rows, and their gradient. */
  private readonly rows: Tensor;
  private readonly place: Scratch;
  private readonly flow: Gradient = { at: 0, exponent: 0 };
  private readonly gradient: Scratch;
  /** Of a kernel of one pixel, the image is its windows. */
  private readonly isPlain: boolean;

  constructor(
    at: Planner,
    private readonly image: Windows,
    { kind, rows, columns: out }: Type,
    { name, bias, deviation, groups }: Given,
  ) {
    const { kernel, stride, padding, channels } = image;
    const columns = kernel * kernel * channels;
    const into = columns / groups;
    const type = { kind: 'operand', rows, columns } as const;
    this.isPlain = kernel === 1 && stride === 1 && padding === 0;
    this.rows = new Tensor(type);
    this.place = at.scratch('windows', this.isPlain ? 0 : tensorBytes(type));
    const isBack = !this.isPlain && !at.layout.forward;
    this.gradient = at.scratch('gradient of windows', isBack ? rows * columns * 4 : 0);
    const initial = deviation < 0 ? Math.sqrt(2 / into) : deviation;
    const shape = { out, into, rows, name: `${name}.`, deviation: initial, bias, kind };
    const matrix = groups > 1 ? new GroupedMatrix(at, shape, groups) : undefined;
    this.linear = new PlannedLinear(at, shape, kind, matrix);
  }

  saved(_: Arena): undefined {
    return undefined;
  }

  rowsOf(): number {
    return this.rows.type.rows;
  }

  prepare(run: Run, x: Tensor, y: Tensor, what: Preparation): void {
    const { rows, linear } = this;
    rows.fraction = x.fraction;
    rows.range.deviation = x.range.deviation;
    rows.range.offset = x.range.offset;
    linear.prepare(run, rows, y, what);
  }

  /** Brings the windows of x into `rows`. */
  private unfold(run: Run, x: Tensor): void {
    const { rows, place, isPlain, image } = this;
    rows.rows = rows.type.rows;
    rows.at = isPlain ? x.at : place.at;
    if (isPlain) return;
    const { height, width, channels, kernel, stride, padding, groups } = image;
    const { im2col_i16: im2col } = imageKernelsOf(run.backend);
    im2col(x.at, height, width, channels, kernel, stride, padding, groups, place.at);
  }

  forward(run: Run, x: Tensor, saved: undefined, y: Tensor): void {
    this.unfold(run, x);
    this.linear.forward(run, this.rows, saved, y);
  }

  backward(run: Run, dy: Gradient, x: Tensor, saved: undefined, dx: Gradient | undefined): void {
    const { rows, linear, flow, isPlain } = this;
    this.unfold(run, x);
    if (dx === undefined || isPlain) {
      linear.backward(run, dy, rows, saved, dx);
      return;
    }
    flow.at = this.gradient.at;
    linear.backward(run, dy, rows, saved, flow);
    const { height, width, channels, kernel, stride, padding, groups } = this.image;
    const shift = coverShift(this.image);
    const { col2im_i32: col2im } = imageKernelsOf(run.backend);
    col2im(flow.at, height, width, channels, kernel, stride, padding, groups, shift, dx.at);
    dx.exponent = flow.exponent + shift;
  }
}

// A graph of ONNX (github.com/onnx/onnx, onnx.proto): nodes, constants, inputs and outputs, as
// messages. Operators are those of opset 20.

import { UsageError } from '../core/errors.ts';
import { ExportedFile } from './file.ts';
import { float, int, message, type Part, sizeOf, string } from './protobuf.ts';
import { piecesOf, type Values } from './values.ts';

/** Numbers of element types. */
export const FLOAT = 1;
export const INT64 = 7;
export const BOOL = 9;
const IR_VERSION = 9;
const OPSET = 20;
/** Most bytes of a message. */
const MAX_BYTES = 2 ** 31 - 1;

/** A value of a node's attribute: whole numbers, a float as { float }, a word. */
type Attribute = number | readonly number[] | string | { readonly float: number };

/** AttributeProto: name 1, f 2, i 3, s 4, ints 8, type 20. */
function attribute(name: string, value: Attribute): Part[] {
  const named = string(1, name);
  if (typeof value === 'number') return [...named, ...int(3, value), ...int(20, 2)];
  if (typeof value === 'string') return [...named, ...string(4, value), ...int(20, 3)];
  if ('float' in value) return [...named, ...float(2, value.float), ...int(20, 1)];
  return [...named, ...value.flatMap((one) => int(8, one)), ...int(20, 7)];
}

/** ValueInfoProto: name 1, type 2 of tensor_type 1 of elem_type 1 and shape 2. */
function valueInfo(name: string, type: number, sides: readonly (number | string)[]): Part[] {
  const dims = sides.flatMap((side) =>
    message(1, ...(typeof side === 'number' ? int(1, side) : string(2, side))),
  );
  const tensor = message(1, ...int(1, type), ...message(2, ...dims));
  return [...string(1, name), ...message(2, ...tensor)];
}

/** Gathers a graph. A value is named by a text. */
export class Graph {
  private readonly nodes: Part[] = [];
  private readonly constants: Part[] = [];
  private readonly inputs: Part[] = [];
  private readonly outputs: Part[] = [];
  private readonly known = new Map<string, string>();
  private count = 0;

  /** The first output of a node; the others have `_1`, `_2` behind it. */
  node(
    operator: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    given: { name?: string | undefined; outputs?: number | undefined } = {},
  ): string {
    const name = given.name ?? `${operator.toLowerCase()}_${this.count++}`;
    const { outputs = 1 } = given;
    const names = Array.from({ length: outputs }, (_, i) => (i === 0 ? name : `${name}_${i}`));
    const parts = [
      ...inputs.flatMap((input) => string(1, input)),
      ...names.flatMap((output) => string(2, output)),
      ...string(3, name),
      ...string(4, operator),
      ...Object.entries(attributes).flatMap(([key, value]) => message(5, ...attribute(key, value))),
    ];
    this.nodes.push(...message(1, ...parts));
    return name;
  }

  /** A tensor of weights. TensorProto: dims 1, data_type 2, name 8, raw_data 9. */
  weights(name: string, shape: readonly number[], values: Values): string {
    const dims = shape.flatMap((side) => int(1, side));
    const parts = [...dims, ...int(2, FLOAT), ...string(8, name), ...message(9, values)];
    this.constants.push(...message(5, ...parts));
    return name;
  }

  /** A list of whole numbers, or a single one. */
  ints(value: readonly number[] | number): string {
    const list = typeof value === 'number' ? [value] : value;
    const name = typeof value === 'number' ? `int_${value}` : `ints_${list.join('_')}`;
    const found = this.known.get(name);
    if (found !== undefined) return found;
    const bytes = new Uint8Array(BigInt64Array.from(list, BigInt).buffer);
    const dims = typeof value === 'number' ? [] : int(1, list.length);
    const parts = [...dims, ...int(2, INT64), ...string(8, name), ...message(9, bytes)];
    this.constants.push(...message(5, ...parts));
    this.known.set(name, name);
    return name;
  }

  /** A single float. */
  float(name: string, value: number): string {
    if (!this.known.has(name)) {
      const bytes = new Uint8Array(Float32Array.of(value).buffer);
      const parts = [...int(2, FLOAT), ...string(8, name), ...message(9, bytes)];
      this.constants.push(...message(5, ...parts));
      this.known.set(name, name);
    }
    return name;
  }

  input(name: string, type: number, sides: readonly (number | string)[]): string {
    this.inputs.push(...message(11, ...valueInfo(name, type, sides)));
    return name;
  }

  output(name: string, type: number, sides: readonly (number | string)[]): void {
    this.outputs.push(...message(12, ...valueInfo(name, type, sides)));
  }

  /** The whole model: ModelProto. Throws UsageError for 2 GiB and more, which no such file has. */
  file(name: string, about: Readonly<Record<string, string>>): ExportedFile {
    const graph = [
      ...this.nodes,
      ...string(2, name),
      ...this.constants,
      ...this.inputs,
      ...this.outputs,
    ];
    const parts = [
      ...int(1, IR_VERSION),
      ...string(2, 'retrograd'),
      ...message(7, ...graph),
      ...message(8, ...string(1, ''), ...int(2, OPSET)),
      ...Object.entries(about).flatMap(([key, value]) =>
        message(14, ...string(1, key), ...string(2, value)),
      ),
    ];
    const size = parts.reduce((sum, part) => sum + sizeOf(part), 0);
    if (size > MAX_BYTES)
      throw new UsageError(
        `the ONNX file would have ${size} bytes, expected at most ${MAX_BYTES}`,
        'exportHf and exportGguf have no such limit',
      );
    return new ExportedFile(size, function* pieces() {
      for (const part of parts)
        if ('size' in part) yield* piecesOf(part);
        else yield part;
    });
  }
}

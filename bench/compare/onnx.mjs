// The smallest ONNX file: a graph of one node, c = op(a, B) with the constant B. Protocol buffers
// by hand: a field is a key (number * 8 + wire type), then a varint (type 0) or a length and bytes
// (type 2). Field numbers are those of onnx.proto.

/** TensorProto.DataType. */
export const TYPE = { float: 1, uint8: 2, int8: 3, int32: 6 };

const varint = (n) => (n < 128 ? [n] : [(n % 128) | 128, ...varint(Math.floor(n / 128))]);
const number = (field, n) => Buffer.from([...varint(field * 8), ...varint(n)]);
const bytes = (field, content) =>
  Buffer.concat([Buffer.from([...varint(field * 8 + 2), ...varint(content.length)]), content]);
const text = (field, s) => bytes(field, Buffer.from(s));
const message = (field, ...parts) => bytes(field, Buffer.concat(parts));

/** ValueInfoProto: name = 1, type = 2 { tensor_type = 1 { elem_type = 1, shape = 2 { dim = 1 {
 *  dim_value = 1 } } } }. */
const value = (field, name, { code, shape }) =>
  message(
    field,
    text(1, name),
    message(
      2,
      message(1, number(1, code), message(2, ...shape.map((n) => message(1, number(1, n))))),
    ),
  );
/** TensorProto: dims = 1, data_type = 2, name = 8, raw_data = 9. */
const tensor = (field, name, { code, shape, data }) =>
  message(
    field,
    ...shape.map((n) => number(1, n)),
    number(2, code),
    text(8, name),
    bytes(9, Buffer.from(data.buffer, data.byteOffset, data.byteLength)),
  );

/** The file. `a` and `c` are { code, shape }, `b` also has data. */
export function oneNodeModel(op, a, b, c) {
  // input, input, output, op_type
  const node = message(1, text(1, 'a'), text(1, 'b'), text(2, 'c'), text(4, op));
  const graph = message(
    7,
    node,
    text(2, 'product'),
    tensor(5, 'b', b),
    value(11, 'a', a),
    value(12, 'c', c),
  );
  // ir_version 8, opset 13
  return new Uint8Array(Buffer.concat([number(1, 8), graph, message(8, number(2, 13))]));
}

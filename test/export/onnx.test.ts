// The ONNX file, taken apart by the format's description: a graph whose every node is fed by what
// stands before it, whose constants are as long as their shapes say, and whose inputs and outputs
// are those that transformers.js feeds. npm run interop has onnxruntime compute the logits.

import { describe, expect, test } from 'vitest';
import { type ExportedFile, exportOnnx } from '../../src/export/index.ts';
import { isWeight } from '../../src/index.ts';
import { trainedGpt } from './train.ts';

/** A message: by field, what it has, as numbers or bytes. */
type Message = Map<number, (number | Uint8Array)[]>;

/** Fields of a message of protocol buffers. */
function readMessage(bytes: Uint8Array): Message {
  const fields: Message = new Map();
  let at = 0;
  const varint = (): number => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(BigInt.asIntN(64, value));
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const wire = tag & 7;
    let value: number | Uint8Array;
    if (wire === 0) value = varint();
    else {
      const size = wire === 5 ? 4 : varint();
      value = bytes.subarray(at, at + size);
      at += size;
    }
    fields.set(tag >> 3, [...(fields.get(tag >> 3) ?? []), value]);
  }
  expect(at).toBe(bytes.length);
  return fields;
}
const all = (message: Message, field: number): Message[] =>
  (message.get(field) ?? []).map((bytes) => readMessage(bytes as Uint8Array));
const texts = (message: Message, field: number): string[] =>
  (message.get(field) ?? []).map((bytes) => new TextDecoder().decode(bytes as Uint8Array));

interface Tensor {
  dims: number[];
  type: number;
  raw: Uint8Array;
}
interface Model {
  nodes: { operator: string; inputs: string[]; outputs: string[] }[];
  constants: Map<string, Tensor>;
  inputs: string[];
  outputs: string[];
  opset: number;
}

function readOnnx(file: ExportedFile): Model {
  const model = readMessage(file.bytes());
  const [graph] = all(model, 7);
  const [opset] = all(model, 8);
  const named = (field: number): string[] => all(graph, field).map((one) => texts(one, 1)[0]);
  return {
    nodes: all(graph, 1).map((node) => ({
      operator: texts(node, 4)[0],
      inputs: texts(node, 1),
      outputs: texts(node, 2),
    })),
    constants: new Map(
      all(graph, 5).map((tensor): [string, Tensor] => [
        texts(tensor, 8)[0],
        {
          dims: (tensor.get(1) ?? []) as number[],
          type: tensor.get(2)![0] as number,
          raw: tensor.get(9)![0] as Uint8Array,
        },
      ]),
    ),
    inputs: named(11),
    outputs: named(12),
    opset: opset.get(2)![0] as number,
  };
}

const CACHED = [0, 1].flatMap((k) => [`${k}.key`, `${k}.value`]);

/** Every input of a node is there before it, once, and everything is used. */
function expectWhole({ nodes, constants, inputs, outputs }: ReturnType<typeof readOnnx>): void {
  const known = new Set([...inputs, ...constants.keys()]);
  for (const node of nodes) {
    expect(
      node.inputs.filter((name) => !known.has(name)),
      node.operator,
    ).toEqual([]);
    for (const name of node.outputs) {
      expect(known.has(name), name).toBe(false);
      known.add(name);
    }
  }
  expect(outputs.filter((name) => !known.has(name))).toEqual([]);
  const used = new Set([...nodes.flatMap((node) => node.inputs), ...outputs]);
  const made = nodes.flatMap((node) => node.outputs);
  expect([...inputs, ...constants.keys(), ...made].filter((name) => !used.has(name))).toEqual([]);
}

describe('exportOnnx', () => {
  test.each([
    ['with keys and values', { bias: true }, true],
    ['without keys and values', { tied: false }, false],
  ])('a GPT %s: a whole graph, no weight changed', (_, more, cache) => {
    const { trainer, vocabulary } = trainedGpt(more, { steps: 20 });
    const files = exportOnnx(trainer, { vocabulary, cache });
    expect(Object.keys(files)).toEqual([
      'onnx/model.onnx',
      'config.json',
      'tokenizer.json',
      'tokenizer_config.json',
      'generation_config.json',
      'README.md',
    ]);
    const graph = readOnnx(files['onnx/model.onnx']);
    const { constants, inputs, outputs, opset } = graph;
    expect(opset).toBe(20);
    const pasts = cache ? CACHED.map((name) => `past_key_values.${name}`) : [];
    expect([...inputs].sort()).toEqual(
      ['attention_mask', 'input_ids', 'position_ids', ...pasts].sort(),
    );
    const presents = cache ? CACHED.map((name) => `present.${name}`) : [];
    expect(outputs).toEqual(['logits', ...presents]);
    expectWhole(graph);
    for (const [name, { dims, type, raw }] of constants) {
      const size = dims.reduce((a, b) => a * b, 1);
      expect(raw.length, name).toBe(size * (type === 7 ? 8 : 4));
    }
    for (const { name, shape, data } of trainer.tensors().filter(isWeight)) {
      const { dims, raw } = constants.get(name)!;
      expect(dims, name).toEqual(shape);
      const values = new Float32Array(Uint8Array.from(raw).buffer);
      const differs = data.findIndex((master, i) => Math.fround(master / 2 ** 24) !== values[i]);
      expect(differs, name).toBe(-1);
    }
  });
});

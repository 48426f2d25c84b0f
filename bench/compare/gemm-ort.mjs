// The product in onnxruntime-web, one thread: float32 MatMul, and MatMulInteger of uint8 by int8
// into int32. B is a constant of the graph, so that the engine packs it beforehand. It has no int16
// product.

import * as ort from 'onnxruntime-web';
import { repeat, serve } from './contender.mjs';
import { oneNodeModel, TYPE } from './onnx.mjs';
import { fingerprint, leftOperand, rightOperand } from './product.mjs';

ort.env.wasm.numThreads = 1;
const KINDS = {
  f32: {
    op: 'MatMul',
    into: TYPE.float,
    a: Float32Array,
    b: Float32Array,
    aType: 'float32',
    bCode: TYPE.float,
    aCode: TYPE.float,
  },
  int8: {
    op: 'MatMulInteger',
    into: TYPE.int32,
    a: Uint8Array,
    b: Int8Array,
    aType: 'uint8',
    bCode: TYPE.int8,
    aCode: TYPE.uint8,
  },
};
const prepared = new Map();

async function prepare([m, n, k], { op, into, a, b, aType, aCode, bCode }) {
  const constant = { code: bCode, shape: [k, n], data: rightOperand(k, n, b) };
  const session = await ort.InferenceSession.create(
    oneNodeModel(op, { code: aCode, shape: [m, k] }, constant, { code: into, shape: [m, n] }),
    { executionProviders: ['wasm'] },
  );
  return { session, feeds: { a: new ort.Tensor(aType, leftOperand(m, k, a), [m, k]) } };
}

await serve(async ({ shape, milliseconds = 40 }) => {
  const rates = {};
  const fingerprints = new Set();
  const macs = shape.reduce((x, y) => x * y);
  for (const [name, kind] of Object.entries(KINDS)) {
    const key = `${name} ${shape}`;
    const isFirst = !prepared.has(key);
    if (isFirst) prepared.set(key, await prepare(shape, kind));
    const { session, feeds } = prepared.get(key);
    const turn = () => session.run(feeds);
    await repeat(turn, isFirst ? 300 : 10);
    const { turns, milliseconds: time } = await repeat(turn, milliseconds);
    rates[name] = (turns * macs) / time / 1e6;
    if (isFirst) fingerprints.add(fingerprint((await turn()).c.data));
  }
  if (fingerprints.size > 1) throw new Error('MatMul and MatMulInteger differ');
  return { fingerprint: [...fingerprints][0], rates };
});

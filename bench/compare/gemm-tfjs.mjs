// The product in tfjs on its WebAssembly backend (XNNPACK, SIMD), float32, one thread.

import * as tf from '@tensorflow/tfjs';
import { repeat, serve, TFJS_FOLDER } from './contender.mjs';
import { fingerprint, leftOperand, rightOperand } from './product.mjs';
import { startTfjs } from './tfjs.mjs';

await startTfjs(TFJS_FOLDER);
const prepared = new Map();
const prepare = ([m, n, k]) => ({
  a: tf.tensor2d(leftOperand(m, k, Float32Array), [m, k]),
  b: tf.tensor2d(rightOperand(k, n, Float32Array), [k, n]),
});

await serve(async ({ shape, milliseconds = 40 }) => {
  const key = shape.join();
  const macs = shape.reduce((x, y) => x * y);
  const isFirst = !prepared.has(key);
  if (isFirst) prepared.set(key, prepare(shape));
  const { a, b } = prepared.get(key);
  const turn = () => {
    tf.matMul(a, b).dispose();
  };
  await repeat(turn, isFirst ? 300 : 10);
  const { turns, milliseconds: time } = await repeat(turn, milliseconds);
  return {
    fingerprint: isFirst ? fingerprint(tf.tidy(() => tf.matMul(a, b).dataSync())) : undefined,
    rates: { f32: (turns * macs) / time / 1e6 },
  };
});

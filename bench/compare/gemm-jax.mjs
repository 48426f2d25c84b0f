// The product in jax-js, float32, one thread: np.matmul under jit (eager calls cost more).

import { defaultDevice, init, jit, numpy as np } from '@jax-js/jax';
import { repeat, serve } from './contender.mjs';
import { fingerprint, leftOperand, rightOperand } from './product.mjs';

await init('wasm');
defaultDevice('wasm');
const product = jit((a, b) => np.matmul(a, b));
const prepared = new Map();

function prepare([m, n, k]) {
  const a = np.array(leftOperand(m, k, Float32Array)).reshape([m, k]);
  const b = np.array(rightOperand(k, n, Float32Array)).reshape([k, n]);
  return { a, b };
}

await serve(async ({ shape, milliseconds = 40 }) => {
  const key = shape.join();
  const macs = shape.reduce((x, y) => x * y);
  const isFirst = !prepared.has(key);
  if (isFirst) prepared.set(key, prepare(shape));
  const { a, b } = prepared.get(key);
  const turn = async () => {
    const c = product(a.ref, b.ref);
    await c.blockUntilReady();
    c.dispose();
  };
  await repeat(turn, isFirst ? 300 : 10);
  const { turns, milliseconds: time } = await repeat(turn, milliseconds);
  return {
    fingerprint: isFirst ? fingerprint(await product(a.ref, b.ref).data()) : undefined,
    rates: { f32: (turns * macs) / time / 1e6 },
  };
});

// What is so of Binarized Neural Networks, and a short run of them.

import { adamw, constant, createWasmBackend, Trainer } from 'retrograd';
import { apply } from '../apply.mjs';
import { bitBytes, bits } from './bits.mjs';
import { binaryLinear, clipped, signs } from './model.mjs';
import { binarized } from './networks.mjs';
import { kernelsOf } from './popcount.mjs';

const input = { kind: 'operand', rows: 4, columns: 12 };
/** The straight-through gradient of a sign, exactly: 1 where its input is within +-1, else 0. Of
 *  what is linear, its slope. */
const slope = (f) => (f(1) - f(-1)) / 2;
export const layers = {
  signs: [signs(), { input, wanted: 'operand', slope }],
  'binary linear': [binaryLinear(7, { name: 'linear' }), { input, slope }],
};

/** Numbers below n that look random. */
const scattered = (i, n) => (Math.imul(i + 1, 0x9e3779b1) >>> 8) % n;
const images = Uint8Array.from({ length: 8 * 784 }, (_, i) => scattered(i, 256));
const batch = { images, labels: Int32Array.of(3, 1, 4, 1, 5, 9, 2, 6) };

/** Ten steps of a small network on two sheets of four digits, and all logits that it gave. */
function learned(given, products = bits) {
  const logits = [];
  const onLogits = (sheet) => void logits.push(...sheet);
  const trainer = Trainer.create({
    model: binarized({ across: 2, hidden: 40, products, onLogits }),
    batch: 2,
    steps: 10,
    learningRate: constant(0.2, { warmup: 0 }),
    optimizer: clipped(adamw({ weightDecay: 0 })),
    ...given,
  });
  while (trainer.steps < 10) trainer.step(batch);
  return { trainer, logits };
}

/** Whether counts of bits are the sums of products, for rows of k random signs. */
function isProduct([m, n, k]) {
  const backend = createWasmBackend({ pages: 8 });
  const { pack_bits_i16, gemm_b1b1i32 } = kernelsOf(backend);
  const { buffer } = backend.memory;
  const sizes = [2 * (m + n) * k + 8, bitBytes(m, k), bitBytes(n, k)].map(
    (s) => 8 * Math.ceil(s / 8),
  );
  const [rows, panels, c] = sizes.map((_, i) =>
    sizes.slice(0, i + 1).reduce((a, b) => a + b, backend.base),
  );
  const values = new Int16Array(buffer, backend.base, (m + n) * k);
  for (let i = 0; i < values.length; i++) values[i] = scattered(i, 2) * 2 - 1;
  pack_bits_i16(backend.base, m, k, 15, 1, rows);
  pack_bits_i16(backend.base + 2 * m * k, n, k, 15, 8, panels);
  gemm_b1b1i32(rows, panels, c, m, n, k);
  return new Int32Array(buffer, c, m * n).every((sum, at) => {
    const left = values.subarray(Math.floor(at / n) * k, (Math.floor(at / n) + 1) * k);
    const right = values.subarray((m + (at % n)) * k);
    return sum === left.reduce((total, sign, p) => total + sign * right[p], 0);
  });
}

const SHAPES = [
  [1, 1, 1],
  [2, 8, 64],
  [5, 13, 65],
  [4, 9, 784],
  [3, 10, 1024],
  [3, 17, 2049],
];

export const facts = {
  'counts of bits are sums of products': () => SHAPES.every(isProduct),
  'training by bits gives the weights and the logits of int16 products': async () => {
    const [one, other] = [learned({}, bits), learned({}, undefined)];
    const digests = await Promise.all([one, other].map(({ trainer }) => trainer.weightsSha256()));
    return digests[0] === digests[1] && one.logits.join() === other.logits.join();
  },
  'weights stay within -1..1, and some are at both ends': () => {
    const [{ data }] = learned({}).trainer.tensors();
    const one = 2 ** 24;
    return Math.max(...data) === one && Math.min(...data) === -one;
  },
  'only the sign of a weight counts, and 0 is 1': () => {
    const weights = [0, -0.001, 0.5, 1, -1, 0.25];
    const layer = binaryLinear(2, { name: 'linear' });
    const type = { kind: 'operand', rows: 1, columns: 3 };
    const found = apply(layer, type, [512, 1024, 2048], (_, i) => weights[i]);
    return found.join() === [3, 3].map((sum) => sum * 2 ** 11).join();
  },
  'operands that are neither signs nor pixels are refused': () => {
    try {
      apply(binaryLinear(2, { name: 'linear', products: bits }), input, [], () => 0);
      return false;
    } catch (error) {
      return error.message.includes('expected signs');
    }
  },
};

/** The digest of ten steps by bits. */
export const brief = async (given) => learned(given).trainer.weightsSha256();

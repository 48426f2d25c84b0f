// Our side of the gemm comparison: gemm_i16i16i32 with weights packed beforehand (as training has
// them) and with packing in every call, and gemm_i16i16i64, each in turn with the peak loop, so
// that their ratio does not depend on what else the machine does. A contender
// (compare/contender.mjs) of bench/all.mjs; alone: echo '{"shape":[64,64,64]}' | node bench/run.mjs
// gemm

import { createPeak } from '../src/cli/bench/peak.ts';
import { ratesInTurn } from '../src/cli/bench/products.ts';
import { packedBytes, panelStride } from '../src/kernels/kernels.ts';
import { createWasmBackend } from '../src/kernels/wasm.ts';
import { serve } from './compare/contender.mjs';
import { fingerprint, leftOperand, rightOperand } from './compare/product.mjs';

interface Request {
  /** M, N, K. */
  shape: [number, number, number];
  /** Time for each of the four measurements. */
  milliseconds?: number;
}

/** Products of a flush of gemm_i16i16i64, as in a weight gradient. */
const CHUNK = 128;

const peak = createPeak();

/** The kernels' work on one shape in a memory of its own. */
function prepare([m, n, k]: Request['shape']) {
  const bytes = [m * k * 2, k * n * 2, packedBytes(k, n), m * n * 4, m * n * 8];
  const backend = createWasmBackend({
    pages: Math.ceil(bytes.reduce((a, b) => a + b + 64, 2 ** 17) / 65536),
  });
  const { kernels, memory } = backend;
  let end = backend.base;
  const [a, b, packed, c, wide] = bytes.map((size) => {
    const at = end;
    end += Math.ceil(size / 64) * 64;
    return at;
  });
  new Int16Array(memory.buffer, a, m * k).set(leftOperand(m, k, Int16Array));
  new Int16Array(memory.buffer, b, k * n).set(rightOperand(k, n, Int16Array));
  const pack = (): void => kernels.pack_nn_i16(b, n, k, n, packed);
  const product = (): void => kernels.gemm_i16i16i32(a, k, packed, panelStride(k), c, n, m, n, k);
  const widened = (): void =>
    kernels.gemm_i16i16i64(a, k, packed, panelStride(k), wide, n, m, n, k, CHUNK, 0);
  pack();
  product();
  widened();
  const narrow = new Int32Array(memory.buffer, c, m * n);
  const sums = Int32Array.from(new BigInt64Array(memory.buffer, wide, m * n), Number);
  const result = fingerprint(narrow);
  if (fingerprint(sums) !== result) throw new Error('gemm_i16i16i64 differs from gemm_i16i16i32');
  return {
    result,
    works: {
      packed: product,
      packing: () => {
        pack();
        product();
      },
      int64: widened,
    },
  };
}

const prepared = new Map<string, ReturnType<typeof prepare>>();

await serve<Request>(({ shape, milliseconds = 40 }) => {
  const key = shape.join();
  const [m, n, k] = shape;
  const macs = m * n * k;
  const known = prepared.get(key);
  const isFirst = known === undefined;
  const { result, works } = known ?? prepare(shape);
  if (isFirst) prepared.set(key, { result, works });
  // The first calls of all run in the compiler's quick version; later ones bring the operands back
  // into the caches.
  return {
    fingerprint: result,
    rates: ratesInTurn(works, macs, peak, milliseconds, isFirst ? 200 : 10),
  };
});

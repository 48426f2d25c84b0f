// Our side of the gemm comparison: gemm_i16i16i32 with weights packed beforehand (as training has
// them) and with packing in every call, gemm_i16i16i64, and both of int8 operands, each in turn
// with the peak loop of its instruction, so that their ratio does not depend on what else the
// machine does. A contender (compare/contender.mjs) of bench/all.mjs; alone:
// echo '{"shape":[64,64,64]}' | node bench/run.mjs gemm

import { createPeak } from '../src/cli/bench/peak.ts';
import { ratesInTurn } from '../src/cli/bench/products.ts';
import { int8PackedBytes, int8RowBytes } from '../src/kernels/int8-layout.ts';
import { attachInt8, chooseInt8 } from '../src/kernels/int8-wasm.ts';
import { packedBytes, panelStride } from '../src/kernels/kernels.ts';
import { createWasmBackend } from '../src/kernels/wasm.ts';
import { serve } from './compare/contender.mjs';
import { fingerprint, leftOperand, rightOperand } from './compare/product.mjs';

interface Request {
  /** M, N, K. */
  shape: [number, number, number];
  /** Time for each of the measurements. */
  milliseconds?: number;
}

/** Products of a flush of gemm_i16i16i64, as in a weight gradient. */
const CHUNK = 128;

const peak = createPeak();
/** As the library chooses; the baseline build is made of the int16 instruction. */
const { build } = chooseInt8();
const PEAK_OF = { relaxed: 'int8', pairs: 'pairs', baseline: 'int16' } as const;
const int8Peak = createPeak(PEAK_OF[build]);

/** The kernels' work on one shape in a memory of its own. */
function prepare([m, n, k]: Request['shape']) {
  const bytes = [
    ...[m * k * 2, k * n * 2, packedBytes(k, n), m * n * 4, m * n * 8],
    ...[m * int8RowBytes(build, k), int8PackedBytes(build, k, n)],
  ];
  const backend = createWasmBackend({
    pages: Math.ceil(bytes.reduce((a, b) => a + b + 64, 2 ** 17) / 65536),
  });
  const { kernels, memory } = backend;
  let end = backend.base;
  const [a, b, packed, c, wide, rows, panels] = bytes.map((size) => {
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
  const sums = new BigInt64Array(memory.buffer, wide, m * n);
  const result = fingerprint(narrow);
  /** The operands are so small that nothing is rounded to fewer bits either. */
  const check = (name: string, found: ArrayLike<number>): void => {
    if (fingerprint(found) !== result) throw new Error(`${name} differs from gemm_i16i16i32`);
  };
  check('gemm_i16i16i64', Int32Array.from(sums, Number));
  const int8 = attachInt8(backend, build);
  int8.pack_rows_i8(a, k, m, k, rows, 0);
  int8.pack_nn_i8(b, n, k, n, panels);
  const int8Product = (): void => int8.gemm_i8i8i32(rows, panels, c, n, m, n, k);
  const int8Widened = (): void => int8.gemm_i8i8i64(rows, panels, wide, n, m, n, k, 0);
  int8Product();
  check('gemm_i8i8i32', narrow);
  sums.fill(0n);
  int8Widened();
  check('gemm_i8i8i64', Int32Array.from(sums, Number));
  return {
    result,
    works: {
      packed: product,
      packing: () => {
        pack();
        product();
      },
      int64: widened,
      int8: int8Product,
    },
    int8Works: { int8: int8Product, 'int8 int64': int8Widened },
  };
}

const prepared = new Map<string, ReturnType<typeof prepare>>();

await serve<Request>(({ shape, milliseconds = 40 }) => {
  const key = shape.join();
  const [m, n, k] = shape;
  const macs = m * n * k;
  const known = prepared.get(key);
  const isFirst = known === undefined;
  const now = known ?? prepare(shape);
  if (isFirst) prepared.set(key, now);
  // The first calls of all run in the compiler's quick version; later ones bring the operands back
  // into the caches.
  const warmUp = isFirst ? 200 : 10;
  const rates = ratesInTurn(now.works, macs, peak, milliseconds, warmUp);
  const other = ratesInTurn(now.int8Works, macs, int8Peak, milliseconds, warmUp);
  return {
    fingerprint: now.result,
    rates: {
      ...rates,
      'int8 beside its peak': other.int8,
      'int8 int64': other['int8 int64'],
      'int8 peak': other.peak,
    },
    build,
  };
});

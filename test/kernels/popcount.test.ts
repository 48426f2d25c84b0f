// The kernels of docs/examples/papers/binarized-networks, compiled as the library's are: equal on
// three back ends, exact at the corners of their bounds, refused by their names one beyond; a fault
// is found; and what a program gets of them is what they are compiled to.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { compile } from '../../docs/examples/kernel/compile.mjs';
import {
  BINARY_MAX,
  type BinaryKernels,
  BYTE_PAIRS,
} from '../../docs/examples/papers/binarized-networks/kernel/contract.ts';
import { binaryReference } from '../../docs/examples/papers/binarized-networks/kernel/reference.ts';
import type { Backend } from '../../src/kernels/kernels.ts';
import { createReferenceBackend } from '../../src/kernels/reference/index.ts';
import { createWasmBackend } from '../../src/kernels/wasm.ts';
import { type Block, type Call, Equality, input, output, run } from '../helpers/calls.ts';
import { int16s, KINDS } from '../helpers/data.ts';

const FOLDER = 'docs/examples/papers/binarized-networks';
const PAGES = 16;

const wordsOf = (k: number): number => 2 * Math.ceil(k / 64);
const upTo = (n: number, lanes: number): number => Math.ceil(n / lanes) * lanes;
const bitsOf = (rows: number, k: number, lanes: number): Uint32Array =>
  new Uint32Array(upTo(rows, lanes) * wordsOf(k));

let backends: (Backend & { kernels: BinaryKernels })[];
beforeAll(async () => {
  const reference = createReferenceBackend(PAGES * 65_536);
  const kernels = { ...reference.kernels, ...binaryReference(reference.memory) };
  const built = async (build: 'release' | 'checked') => {
    const bytes = await compile(`${FOLDER}/kernel/assembly.ts`, build);
    return createWasmBackend({ build, pages: PAGES, bytes });
  };
  backends = [
    { ...reference, kernels },
    await built('release'),
    await built('checked'),
  ] as typeof backends;
}, 120_000);

const callOf = (kernel: keyof BinaryKernels, ...args: (Block | number)[]): Call =>
  ({ kernel, args }) as unknown as Call;

/** x [rows, k] as the bits that its signs are. */
function packed(x: Int16Array, rows: number, k: number, lanes: number): Uint32Array {
  const to = output(bitsOf(rows, k, lanes));
  return run(backends[0], callOf('pack_bits_i16', input(x), rows, k, 15, lanes, to), 0).of(to);
}

describe('pack_bits_i16', () => {
  test('is equal on 3 back ends for rows, panels, bits and kinds, guard bytes around', () => {
    const equality = new Equality(backends);
    const sizes = [1, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 784];
    for (const k of sizes)
      for (const [rows, lanes] of [
        [1, 1],
        [3, 1],
        [0, 8],
        [8, 8],
        [11, 8],
        [5, 4],
      ])
        for (const [i, kind] of KINDS.entries()) {
          const x = input(int16s(k + rows, rows * k, kind));
          const to = output(bitsOf(rows, k, lanes));
          equality.check(callOf('pack_bits_i16', x, rows, k, [15, 0, 5, 12][i % 4], lanes, to));
        }
    equality.finish(14 * 6 * KINDS.length);
  });

  test('puts row, word and bit where the contract says', () => {
    const x = new Int16Array(9 * 65);
    x[8 * 65 + 64] = -1; // row 8 of panel 1, bit 0 of word 2
    const words = packed(x, 9, 65, 8);
    expect(words[(8 / 8) * 4 * 8 + 2 * 8]).toBe(1);
    expect(words.reduce((a, b) => a + b)).toBe(1);
  });
});

describe('gemm_b1b1i32', () => {
  const product = (m: number, n: number, k: number, kind: (typeof KINDS)[number]) => {
    const [a, b] = [int16s(1, m * k, kind), int16s(2, n * k, 'random')];
    const c = output(new Int32Array(m * n));
    const [rows, panels] = [input(packed(a, m, k, 1)), input(packed(b, n, k, 8))];
    return { a, b, c, call: callOf('gemm_b1b1i32', rows, panels, c, m, n, k) };
  };

  test('is equal on 3 back ends, and the sum of products of signs', () => {
    const equality = new Equality(backends);
    const sign = (value: number): number => (value < 0 ? -1 : 1);
    const ks = [1, 31, 32, 33, 64, 65, 784, 64 * BYTE_PAIRS, 64 * BYTE_PAIRS + 1, 4100];
    for (const [m, n] of [
      [1, 1],
      [2, 8],
      [3, 9],
      [4, 4],
      [5, 13],
      [1, 17],
      [0, 3],
      [3, 0],
    ])
      for (const k of ks) {
        const { a, b, c, call } = product(m, n, k, 'random');
        const sums = equality.check(call).of(c);
        for (let at = 0; at < m * n; at++) {
          let sum = 0;
          const [i, j] = [Math.floor(at / n) * k, (at % n) * k];
          for (let p = 0; p < k; p++) sum += sign(a[i + p]) * sign(b[j + p]);
          expect(sums[at], `${m} ${n} ${k}`).toBe(sum);
        }
      }
    equality.finish(8 * ks.length);
  });

  test('is exact at the corners of its bounds: all bits differ, or none', () => {
    const equality = new Equality(backends);
    for (const k of [64 * BYTE_PAIRS, 64 * BYTE_PAIRS + 64, BINARY_MAX])
      for (const value of [1, -1]) {
        const a = input(packed(new Int16Array(k).fill(value), 1, k, 1));
        const b = input(packed(new Int16Array(k).fill(1), 1, k, 8));
        const c = output(new Int32Array(1));
        expect(equality.check(callOf('gemm_b1b1i32', a, b, c, 1, 1, k)).of(c)[0]).toBe(value * k);
      }
    expect(8 * BYTE_PAIRS).toBeLessThan(2 ** 8);
    expect(8 * (BYTE_PAIRS + 1)).toBe(2 ** 8);
  });

  test('are refused by their names beyond the bounds, by the checked build', () => {
    const [, , checked] = backends;
    const [x, to, c] = [
      input(new Int16Array(8)),
      output(new Uint32Array(64)),
      output(new Int32Array(1)),
    ];
    const gemm = (k: number) => () =>
      run(checked, callOf('gemm_b1b1i32', input(to.data), input(to.data), c, 1, 1, k), 0);
    const pack = (k: number, bit: number, lanes: number) => () =>
      run(checked, callOf('pack_bits_i16', x, 1, k, bit, lanes, to), 0);
    for (const k of [0, BINARY_MAX + 1]) {
      expect(gemm(k)).toThrow('gemm_b1b1i32: k in 1..65536');
      expect(pack(k, 15, 1)).toThrow('pack_bits_i16: k in 1..65536');
    }
    for (const bit of [-1, 16]) expect(pack(8, bit, 1)).toThrow('pack_bits_i16: bit in 0..15');
    for (const lanes of [0, 9]) expect(pack(8, 15, lanes)).toThrow('pack_bits_i16: lanes in 1..8');
  });

  test('that forgets the last row is found', () => {
    const [reference, release] = backends;
    const { gemm_b1b1i32: gemm } = release.kernels;
    const forgets: typeof gemm = (a, b, c, m, n, k) => gemm(a, b, c, m & -2, n, k);
    const faulty = { ...release, kernels: { ...release.kernels, gemm_b1b1i32: forgets } };
    const equality = new Equality([reference, faulty]);
    equality.check(product(2, 3, 70, 'random').call);
    expect(() => equality.check(product(3, 3, 70, 'random').call)).toThrow(
      /release differs from reference: element 6 is/,
    );
  });
});

test('what a program gets is what the kernels are compiled to', async () => {
  const text = readFileSync(join(import.meta.dirname, '../..', FOLDER, 'popcount.mjs'), 'utf8');
  const base64 = [...text.matchAll(/^ {2}'([A-Za-z0-9+/=]+)',$/gm)]
    .map(([, line]) => line)
    .join('');
  const file = `${FOLDER}/kernel/assembly.ts`;
  const bytes = await compile(file, 'release', { sharedMemory: false });
  expect(base64).toBe(Buffer.from(bytes).toString('base64'));
}, 60_000);

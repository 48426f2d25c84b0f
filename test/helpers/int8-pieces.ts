// Rows, columns and products of 8 bit operands on a back end's memory, one at a time and without
// the guards of calls.ts, for tests that try every number.

import type { Int8Build, Int8Kernels } from '../../src/kernels/int8.ts';
import { int8PackedBytes, int8RowBytes } from '../../src/kernels/int8-layout.ts';
import { int8Party, type PARTY_NAMES } from './int8.ts';

/** Memory of a back end, handed out in pieces. */
export class Pieces {
  readonly int8: Int8Kernels;
  readonly build: Int8Build;
  private next: number;
  private readonly buffer: ArrayBufferLike;

  constructor(name: (typeof PARTY_NAMES)[number]) {
    const { backend, build } = int8Party(name);
    this.int8 = backend.int8!(build);
    this.build = build;
    this.next = backend.base;
    this.buffer = backend.memory.buffer;
  }

  bytes(n: number): Uint8Array {
    this.next = Math.ceil((this.next + n) / 64) * 64 + 64;
    return new Uint8Array(this.buffer, this.next - Math.ceil(n / 64) * 64 - 64, n);
  }

  int16s(values: ArrayLike<number>): Int16Array {
    const { buffer, byteOffset } = this.bytes(2 * values.length);
    const out = new Int16Array(buffer, byteOffset, values.length);
    out.set(values);
    return out;
  }

  /** a' of one row, and its scale as the layout has it (undefined: it has none). */
  row(a: number, k: number, noise: number, to: Uint8Array, pack = this.int8.pack_rows_i8) {
    const { buffer, byteOffset: at } = to;
    pack(a, k, 1, k, at, noise);
    if (this.build === 'baseline')
      return { elements: new Int16Array(buffer, at, k), scale: undefined };
    const header = int8RowBytes('relaxed', k) - Math.ceil(k / 16) * 16;
    const [scale] = new Int32Array(buffer, at, 1);
    return { elements: new Int8Array(buffer, at + header, k), scale };
  }

  /** One column of k elements, and its factor (undefined: it has none). Bytes as they are. */
  column(pack: 'pack_nn_i8' | 'pack_nt_i8', b: number, k: number, to: Uint8Array) {
    const { buffer, byteOffset: at } = to;
    this.int8[pack](b, pack === 'pack_nn_i8' ? 1 : k, k, 1, at);
    const element = (p: number): number =>
      this.build === 'baseline'
        ? new Int16Array(buffer, at)[(p >> 1) * 32 + (p & 1)]
        : to[32 + (p >> 2) * 32 + (p & 3)];
    const elements = Int32Array.from({ length: k }, (_, p) => element(p));
    const isWide = this.build === 'baseline';
    return { elements, factor: isWide ? undefined : new Int32Array(buffer, at, 1)[0] };
  }

  /** C of packed rows and columns. */
  product(a: ArrayLike<number>, b: ArrayLike<number>, [m, n, k]: number[]) {
    const { int8, build } = this;
    const rows = this.bytes(m * int8RowBytes(build, k));
    const panels = this.bytes(int8PackedBytes(build, k, n));
    const { buffer, byteOffset: c } = this.bytes(4 * m * n);
    int8.pack_rows_i8(this.int16s(a).byteOffset, k, m, k, rows.byteOffset, 0);
    int8.pack_nn_i8(this.int16s(b).byteOffset, n, k, n, panels.byteOffset);
    const gemm = (): Int32Array => {
      int8.gemm_i8i8i32(rows.byteOffset, panels.byteOffset, c, n, m, n, k);
      return new Int32Array(buffer, c, m * n);
    };
    const gemm64 = (shift: number): BigInt64Array => {
      const { byteOffset } = this.bytes(8 * m * n);
      const sums = new BigInt64Array(buffer, byteOffset, m * n).fill(0n);
      int8.gemm_i8i8i64(rows.byteOffset, panels.byteOffset, byteOffset, n, m, n, k, shift);
      return sums;
    };
    return { rows, panels, gemm, gemm64 };
  }
}

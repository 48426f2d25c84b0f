// Columns packed as rows: every number below the largest of every scale with every noise, and that
// the rows are those of the transpose.

import { describe, expect, it } from 'vitest';
import { INT8_CHUNK, INT8_ROW_MAX } from '../../src/kernels/int8.ts';
import { int8RowBytes } from '../../src/kernels/int8-layout.ts';
import { OPERAND_MAX } from '../../src/memory/formats.ts';
import { PARTY_NAMES } from '../helpers/int8.ts';
import { Pieces } from '../helpers/int8-pieces.ts';

const ON = PARTY_NAMES.map((name) => [name]);
const COLUMNS = 32;

describe.each(ON)('columns as rows on %s', (name) => {
  it('every scale 1..64, every |x| it takes, every noise: floor((x + noise) / scale)', () => {
    const memory = new Pieces(name);
    const wide = memory.build === 'baseline';
    let seen = 0;
    for (let e = 0; e <= 6; e++) {
      const scale = 2 ** e;
      const max = Math.min(OPERAND_MAX, INT8_ROW_MAX * scale);
      const k = 1 + Math.ceil((2 * max + 1) / COLUMNS);
      const valueAt = (i: number): number => Math.min(max, i - max);
      const a = memory.int16s(
        Int16Array.from({ length: k * COLUMNS }, (_, i) =>
          i < COLUMNS ? -max : valueAt(i - COLUMNS),
        ),
      );
      const noise = memory.bytes(k * COLUMNS);
      const packed = memory.bytes(COLUMNS * int8RowBytes(memory.build, k));
      const line = memory.bytes(64 * k);
      const stride = int8RowBytes(memory.build, k);
      const elements = stride - Math.ceil(k / 16) * 16 * (wide ? 2 : 1);
      const { buffer, byteOffset: at } = packed;
      for (let draw = 0; draw < scale; draw++) {
        noise.fill(draw + 192); // the bits above the scale do not count
        memory.int8.pack_columns_i8(
          a.byteOffset,
          COLUMNS,
          k,
          COLUMNS,
          at,
          noise.byteOffset,
          line.byteOffset,
        );
        let wrong = 0;
        for (let c = 0; c < COLUMNS; c++) {
          const from = at + c * stride + elements;
          const row = wide ? new Int16Array(buffer, from, k) : new Int8Array(buffer, from, k);
          for (let p = 1; p < k; p++, seen++) {
            const q = Math.floor((valueAt((p - 1) * COLUMNS + c) + draw) / scale);
            if (row[p] !== (wide ? q * scale : q)) wrong++;
          }
        }
        expect(wrong, `scale ${scale}, noise ${draw}`).toBe(0);
      }
    }
    expect(seen).toBeGreaterThan(2 ** 19);
  });

  it('sums of a chunk of -127 or 127 are those of the rows: 128 * 127 fits int16', () => {
    expect(INT8_CHUNK * INT8_ROW_MAX).toBeLessThan(2 ** 15);
    const memory = new Pieces(name);
    for (const k of [INT8_CHUNK, INT8_CHUNK + 1, 2 * INT8_CHUNK])
      for (const value of [-INT8_ROW_MAX * 32, INT8_ROW_MAX * 32]) {
        const a = memory.int16s(new Int16Array(k * COLUMNS).fill(value)).byteOffset;
        const noise = memory.bytes(k * COLUMNS + 16 * COLUMNS).fill(0).byteOffset;
        const bytes = COLUMNS * int8RowBytes(memory.build, k);
        const [got, want] = [memory.bytes(bytes).fill(0), memory.bytes(bytes).fill(0)];
        const line = memory.bytes(64 * k).byteOffset;
        memory.int8.pack_columns_i8(a, COLUMNS, k, COLUMNS, got.byteOffset, noise, line);
        memory.int8.pack_rows_i8(a, k, COLUMNS, k, want.byteOffset, noise);
        expect(Buffer.compare(got, want), `${value}, ${k}`).toBe(0);
      }
  });

  it('sizes about lines, turns of 16 and chunks of 128: rows of the transpose', () => {
    const memory = new Pieces(name);
    for (const m of [1, 7, 8, 9, 31, 32, 33, 40, 63, 64, 65])
      for (const k of [1, 15, 16, 17, 31, 127, 128, 129, 144, 257]) {
        const stride = int8RowBytes(memory.build, k);
        const value = (p: number, c: number): number =>
          ((p * 7919 + c * 104729 + m * k) % 8191) - OPERAND_MAX;
        const lda = m + (k % 3);
        const a = memory.int16s(
          Int16Array.from({ length: k * lda }, (_, i) => value(Math.floor(i / lda), i % lda)),
        );
        const turned = memory.int16s(
          Int16Array.from({ length: k * m }, (_, i) => value(i % k, Math.floor(i / k))),
        );
        const own = memory.bytes(COLUMNS * Math.ceil(m / COLUMNS) * k);
        const filled = Math.ceil(k / 16) * 16;
        const rows = memory.bytes(m * filled).fill(0);
        for (const i of own.keys()) own[i] = (i * 2654435761) >>> 24;
        for (let c = 0; c < m; c++)
          for (let p = 0; p < k; p++)
            rows[c * filled + p] = own[(c - (c % COLUMNS)) * k + COLUMNS * p + (c % COLUMNS)];
        const [got, want] = [memory.bytes(m * stride).fill(0), memory.bytes(m * stride).fill(0)];
        const line = memory.bytes(64 * k).byteOffset;
        memory.int8.pack_columns_i8(a.byteOffset, lda, k, m, got.byteOffset, own.byteOffset, line);
        memory.int8.pack_rows_i8(turned.byteOffset, k, m, k, want.byteOffset, rows.byteOffset);
        expect(Buffer.compare(got, want), `${k} x ${m}`).toBe(0);
      }
  });
});

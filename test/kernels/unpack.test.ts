// What .ci/pack.mjs writes, src/kernels/unpack.ts reads: the kernels, and any bytes.

import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pack } from '../../.ci/pack.mjs';
import { unpack } from '../../src/kernels/unpack.ts';

const same = (bytes: Uint8Array): void => {
  expect(Buffer.compare(unpack(pack(bytes), bytes.length), bytes)).toBe(0);
};

test('the kernels come back', () => {
  const bytes = readFileSync('build/release.wasm');
  const text = pack(bytes);
  console.log(
    `${bytes.length} bytes: ${gzipSync(text).length}, by gzip alone ${gzipSync(bytes).length}`,
  );
  expect(text).toMatch(/^[>-[\]-~]+$/);
  expect(Buffer.compare(unpack(text, bytes.length), bytes)).toBe(0);
}, 120_000);

test('any bytes come back', () => {
  const few = fc.array(fc.constantFrom(0, 1, 255), { maxLength: 400 });
  const many = fc.array(fc.nat(255), { maxLength: 400 });
  fc.assert(
    fc.property(fc.oneof(few, many), (bytes) => same(Uint8Array.from(bytes))),
    { numRuns: 60 },
  );
}, 120_000);

test.each([
  ['one byte 1,000 times', new Uint8Array(1000).fill(7)],
  ['a long way back', Uint8Array.from({ length: 9000 }, (_, i) => ((i % 4000) ** 2) >> 5)],
  ['ones almost without end', Uint8Array.from({ length: 1500 }, (_, i) => (i % 397 ? 255 : i))],
])('%s', (_, bytes) => same(bytes), 120_000);

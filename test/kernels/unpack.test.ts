// What .ci/pack.mjs writes, src/kernels/unpack.ts reads: the kernels, and any bytes.

import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Model, pack } from '../../.ci/pack.mjs';
import { unpack } from '../../src/kernels/unpack.ts';
import { runsAll } from '../helpers/all.ts';

const same = (bytes: Uint8Array): void => {
  expect(Buffer.compare(unpack(pack(bytes), bytes.length), bytes)).toBe(0);
};

test('the kernels come back', () => {
  const bytes = readFileSync('build/release.wasm');
  const text = pack(bytes);
  console.log(
    `${bytes.length} bytes: ${gzipSync(text).length}, by gzip alone ${gzipSync(bytes).length}`,
  );
  expect(text).toMatch(/^[=-[\]-}]+$/);
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

/** Without a pattern: a congruential generator's high bits. */
function noise(length: number, from: number, values: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return from + Math.floor((state / 2 ** 32) * values);
  });
}

const ALL = Array.from({ length: 256 }, (_, i) => i);

test.each([
  ['nothing', new Uint8Array(0)],
  ['every value, up and down', Uint8Array.from([...ALL, ...[...ALL].reverse()])],
  ['every value, without a pattern', noise(4000, 0, 256)],
  ['high bits that are always 0', noise(12_000, 0, 16)],
  ['high bits that are always 1', noise(12_000, 240, 16)],
  ['one byte many times', new Uint8Array(runsAll ? 3000 : 600).fill(255)],
  ['one byte 1,000 times', new Uint8Array(1000).fill(7)],
  ['a long way back', Uint8Array.from({ length: 9000 }, (_, i) => ((i % 4000) ** 2) >> 5)],
  ['ones almost without end', Uint8Array.from({ length: 1500 }, (_, i) => (i % 397 ? 255 : i))],
])('%s', (_, bytes) => same(bytes), 120_000);

/** Of neither bit the probability gets 0: odds are finite numbers, opposite ones together too. */
test.each([0, 1])('a bit that is always %i stays uncertain', (value) => {
  const model = new Model();
  const contexts = [0, 1, 2];
  for (let i = 0; i < 100_000; i++) {
    model.learn(contexts, value);
    if (i % 1000 > 0) continue;
    expect(model.ones[0]).toBeGreaterThan(0);
    expect(model.ones[0]).toBeLessThan(1);
    for (const some of [[0], [0, 1], contexts]) {
      const odds = model.odds(some);
      expect(odds >= 0 && odds < Infinity).toBe(true);
    }
  }
  for (let i = 0; i < 100_000; i++) model.learn([3], 1 - value);
  expect(model.odds([0, 3])).not.toBeNaN();
});

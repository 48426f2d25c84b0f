// Digests on a thread of their own are those of the bytes as they were when they were asked for.

import { createHash } from 'node:crypto';
import { afterEach, expect, test } from 'vitest';
import { DigestThread } from '../../src/cli/receipt/digest-thread.ts';

let thread: DigestThread;
afterEach(() => thread.close());

const bytesOf = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * i + seed * 31 + (i >> 5)) & 255);
const plain = (parts: readonly Uint8Array[]): string =>
  createHash('sha256').update(Buffer.concat(parts)).digest('hex');

/** Asks for digests, spoils the bytes, and expects those from before. */
async function check(parts: Uint8Array[][]): Promise<void> {
  const expected = parts.map(plain);
  const found = parts.map((some) => thread.sha256(some));
  for (const part of parts.flat()) part.fill(7);
  expect(await Promise.all(found)).toEqual(expected);
}

const mixed = (turn: number): Uint8Array[][] => [
  [bytesOf(5, turn)],
  [],
  [bytesOf(300, turn), bytesOf(0, 1), bytesOf(41, turn + 1)],
  [bytesOf(1000, turn + 2)],
];

test.each([0, 64, 1000, 10_000])('one after the other, with room for %d bytes', async (bytes) => {
  thread = new DigestThread(bytes);
  for (let turn = 0; turn < 5; turn++) await check(mixed(turn));
});

test('several turns at once', async () => {
  thread = new DigestThread(2000);
  await Promise.all(Array.from({ length: 20 }, (_, turn) => check(mixed(turn))));
});

test('digests here what the thread does not, once it is lost', async () => {
  thread = new DigestThread(2000);
  await check(mixed(0));
  const { worker } = thread as unknown as { worker: { emit(name: string, error: Error): void } };
  const expected = mixed(1).map(plain);
  const asked = mixed(1).map((parts) => thread.sha256(parts));
  await Promise.resolve(); // the turn is on its way
  worker.emit('error', new Error('no memory'));
  expect(await Promise.all(asked)).toEqual(expected);
  await check(mixed(2));
});

// Bytes come back from their pieces, in new memory or in memory that had others.

import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { CHUNK } from '../../src/nats/names.ts';
import { counted, cut, join, Room, uncounted } from '../../src/nats/pieces.ts';

const SIZES = [0, 1, 99, 100, 101, 250, CHUNK - 1, CHUNK, CHUNK + 1];
const bytesOf = (size: number): Uint8Array<ArrayBuffer> => new Uint8Array(randomBytes(size));

describe('pieces', () => {
  test.each(SIZES)(
    'of %i bytes are those bytes, and none is larger than a server takes',
    (size) => {
      const room = new Room();
      for (const most of [100, undefined]) {
        const bytes = bytesOf(size);
        const pieces = cut(bytes, most);
        for (const { length } of pieces) expect(length).toBeLessThanOrEqual(most ?? CHUNK);
        expect(Buffer.compare(join(pieces), bytes)).toBe(0);
        const joined = join(pieces, room);
        expect(Buffer.compare(joined, bytes)).toBe(0);
        room.give(joined.fill(255));
      }
    },
  );

  test('of a blob say in the first one how many there are', () => {
    expect(uncounted(counted(7, bytesOf(5)))?.count).toBe(7);
    expect(uncounted(bytesOf(3))).toBeUndefined();
  });
});

describe('memory of pieces', () => {
  test('is used again where it is large enough, and by one at a time', () => {
    const room = new Room();
    const [one, other] = [room.take(10), room.take(10)];
    expect(other.buffer).not.toBe(one.buffer);
    room.give(one);
    expect(room.take(CHUNK + 1).buffer).not.toBe(one.buffer);
    expect(room.take(CHUNK).buffer).toBe(one.buffer);
    expect(room.take(1).buffer).not.toBe(one.buffer);
  });

  test('is that of the largest that was given back, and no other', () => {
    const room = new Room();
    const given = [1, 3, 2].map((chunks) => room.take(chunks * CHUNK));
    for (const one of given) room.give(one);
    expect(room.take(1).buffer).toBe(given[1].buffer);
    for (const { buffer } of [given[0], given[2]]) expect(room.take(1).buffer).not.toBe(buffer);
  });
});

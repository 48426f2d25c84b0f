// Bytes in pieces that a server takes, and together again.

import { CHUNK } from './names.ts';

export type Bytes = Uint8Array<ArrayBuffer>;

/** At least one piece. `most`: bytes of a message that the server takes. */
export function cut(bytes: Bytes, most = CHUNK): Bytes[] {
  const size = Math.min(CHUNK, most);
  const count = Math.max(1, Math.ceil(bytes.length / size));
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
}

/** Memory for pieces as one, used again: results of a run are nearly as large as each other. The
 *  largest that was given back is kept, and no other: whoever sends results that grow and grow
 *  makes it keep no more than one. */
export class Room {
  private free: Bytes = new Uint8Array(0);

  take(size: number): Bytes {
    const { free } = this;
    if (free.length < size)
      return new Uint8Array(Math.ceil(size / CHUNK) * CHUNK).subarray(0, size);
    this.free = new Uint8Array(0);
    return free.subarray(0, size);
  }

  /** Whoever gives it back uses it no more. */
  give({ buffer }: Bytes): void {
    if (buffer.byteLength > this.free.length) this.free = new Uint8Array(buffer);
  }
}

/** The pieces as one, in memory of `room` if it is given. */
export function join(pieces: readonly Uint8Array[], room?: Room): Bytes {
  const size = pieces.reduce((sum, { length }) => sum + length, 0);
  const out = room?.take(size) ?? new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}

/** The first piece of a blob says how many there are, in four bytes. */
export function counted(count: number, piece: Bytes): Bytes {
  const out = new Uint8Array(4 + piece.length);
  new DataView(out.buffer).setUint32(0, count, true);
  out.set(piece, 4);
  return out;
}

export function uncounted(bytes: Uint8Array): { count: number; piece: Uint8Array } | undefined {
  if (bytes.length < 4) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return { count: view.getUint32(0, true), piece: bytes.subarray(4) };
}

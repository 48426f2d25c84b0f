// Reading and writing bytes in order. Numbers are LEB128: 7 bits a byte, the lowest first, the top
// bit set on all but the last; of several ways to write one only the shortest is read.

import { CodecError } from './errors.ts';

/** Most bytes of a number: 2^49 - 1. */
const NUMBER_BYTES = 7;

export class ByteWriter {
  private readonly parts: Uint8Array[] = [];
  length = 0;

  bytes(bytes: Uint8Array): this {
    this.parts.push(bytes);
    this.length += bytes.length;
    return this;
  }

  number(value: number): this {
    const digits: number[] = [];
    for (let rest = value; ; rest = Math.floor(rest / 128)) {
      digits.push(rest < 128 ? rest : 128 + (rest % 128));
      if (rest < 128) return this.bytes(Uint8Array.from(digits));
    }
  }

  u32(value: number): this {
    return this.bytes(Uint8Array.from([0, 8, 16, 24], (shift) => (value >>> shift) & 255));
  }

  finish(): Uint8Array<ArrayBuffer> {
    const all = new Uint8Array(this.length);
    let at = 0;
    for (const part of this.parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }
}

export class ByteReader {
  at = 0;

  /** what: in words, for errors. */
  constructor(
    private readonly all: Uint8Array,
    private readonly what: string,
  ) {}

  get left(): number {
    return this.all.length - this.at;
  }

  bytes(count: number): Uint8Array {
    if (count > this.left)
      throw new CodecError(
        'truncated',
        `${this.what} ends at byte ${this.all.length}, expected ${count - this.left} more`,
      );
    this.at += count;
    return this.all.subarray(this.at - count, this.at);
  }

  byte(): number {
    return this.bytes(1)[0];
  }

  number(): number {
    let value = 0;
    for (let i = 0; i < NUMBER_BYTES; i++) {
      const byte = this.byte();
      value += (byte % 128) * 128 ** i;
      if (byte === 0 && i > 0) break;
      if (byte < 128) return value;
    }
    throw new CodecError('damaged', `${this.what} has a number that nobody writes`);
  }

  u32(): number {
    const [a, b, c, d] = this.bytes(4);
    return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
  }
}

// SHA-256 by the runtime where it has one: it digests in another thread.

import { hex, sha256 } from '../core/digest.ts';

/** WebCrypto digests no more bytes at once. */
const MOST_NATIVE = 2 ** 31 - 1;

/** Of bytes that nobody changes meanwhile: 64 hex digits. */
export async function digestBytes(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const { crypto } = globalThis as { crypto?: Crypto };
  if (crypto?.subtle === undefined || bytes.length > MOST_NATIVE) return hex(sha256([bytes]));
  return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
}

/** Of a text. */
export const digestText = (text: string): string => hex(sha256([new TextEncoder().encode(text)]));

type Typed = Int32Array<ArrayBuffer> | BigInt64Array<ArrayBuffer>;

/** The bytes of numbers, of a little-endian machine. */
export const bytesOf = ({ buffer, byteOffset, byteLength }: Typed): Uint8Array<ArrayBuffer> =>
  new Uint8Array(buffer, byteOffset, byteLength);

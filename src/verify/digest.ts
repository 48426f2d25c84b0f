// SHA-256 of digests. Synchronous and the same code everywhere, as some of the runtimes that verify is made for have no WebCrypto.

import { sha256 } from '@noble/hashes/sha2.js';

export const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** Over the digests' bytes, one after the other. */
export function digestOfDigests(digests: readonly Uint8Array[]): string {
  const all = sha256.create();
  for (const digest of digests) all.update(digest);
  return hex(all.digest());
}

/** Over the ASCII text of hexadecimal digests, one after the other. */
export const digestOfHex = (digests: readonly string[]): string => hex(sha256(Uint8Array.from(digests.join(''), (c) => c.charCodeAt(0))));

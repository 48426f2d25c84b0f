// SHA-256 of digests.

import { hex, sha256 } from '../core/digest.ts';

/** Over the digests' bytes, one after the other. */
export const digestOfDigests = (digests: readonly Uint8Array[]): string => hex(sha256(digests));

/** Over the ASCII text of hexadecimal digests, one after the other. */
export const digestOfHex = (digests: readonly string[]): string =>
  hex(sha256([Uint8Array.from(digests.join(''), (c) => c.charCodeAt(0))]));

// Bytes of a caller's, as they are now.

import { reading, typed } from './check.ts';

/** A copy of bytes, which cannot change while they are worked on. Throws UsageError for what is no
 *  Uint8Array, or one whose memory is gone. */
export const copyOf = (name: string, bytes: unknown): Uint8Array<ArrayBuffer> =>
  reading(name, () => new Uint8Array(typed(name, bytes, 'Uint8Array')));

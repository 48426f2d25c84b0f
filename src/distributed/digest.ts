// Digests of what goes over the wire.

import { hex, sha256 } from '../core/digest.ts';
import { webSha256 } from '../receipt/digests.ts';
import { utf8 } from '../receipt/format.ts';

/** SHA-256 of bytes as they are now, by the runtime where it can: 64 hex digits. */
export const digestBytes = (bytes: Uint8Array): Promise<string> => webSha256([bytes]);

/** Of a text. */
export const digestText = (text: string): string => hex(sha256([utf8(text)]));

// Texts as users give them: a string, or a file's bytes.

import { typed } from '../core/check.ts';
import { UsageError } from '../core/errors.ts';
import { decodeUtf8 } from '../data/utf8.ts';

/** Most UTF-16 units of a text: V8's strings have no more. */
export const MAX_TEXT = 2 ** 29 - 25;

/** A text, or the text of bytes in UTF-8, strictly. A byte-order mark is the character that it is.
 *  Throws UsageError naming the first byte that is no UTF-8. */
export function textOfBytes(given: string | Uint8Array, what: string): string {
  if (typeof given === 'string') return given;
  const bytes = typed(what, given, 'Uint8Array');
  if (bytes.length > MAX_TEXT)
    throw new UsageError(
      `${what} has ${bytes.length} bytes, expected at most ${MAX_TEXT}`,
      'encode it in parts, cut before a space that follows a letter',
    );
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    decodeUtf8(bytes, what);
    throw new UsageError(`${what} cannot be read`);
  }
}

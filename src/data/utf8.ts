// UTF-8 to code points, strictly (RFC 3629, table 3-7 of the Unicode standard): no overlong forms,
// no surrogates, nothing beyond U+10FFFF. Unlike TextDecoder it names the byte at which a text
// stops being UTF-8, needs no string of the text's length (V8 allows 2^29 characters), and keeps a
// byte-order mark as the character it is.

import { hex } from '../core/digest.ts';
import { UsageError } from '../core/errors.ts';

/** The lowest code point that may be written in 1, 2, 3, 4 bytes: anything below is an overlong
 *  form. */
const LOWEST = [0, 0, 0x80, 0x800, 0x10000];

/** Bytes of the sequence that a lead byte opens; 0 if it cannot open one. */
function sequenceLength(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead < 0xc2) return 0; // a continuation byte, or the lead of an overlong form
  if (lead < 0xe0) return 2;
  if (lead < 0xf0) return 3;
  return lead < 0xf5 ? 4 : 0;
}

/** The code point at `at`, or -1 if the bytes there are not UTF-8. */
function codePointAt(bytes: Uint8Array, at: number, length: number): number {
  if (length === 0 || at + length > bytes.length) return -1;
  if (length === 1) return bytes[at];
  let point = bytes[at] & (0x7f >> length);
  for (let i = 1; i < length; i++) {
    const next = bytes[at + i];
    if ((next & 0xc0) !== 0x80) return -1;
    point = (point << 6) | (next & 0x3f);
  }
  const isSurrogate = point >= 0xd800 && point <= 0xdfff;
  return point < LOWEST[length] || point > 0x10ffff || isSurrogate ? -1 : point;
}

/** Calls `use` with every code point of a UTF-8 text. `what` names the text in the error. */
export function eachPoint(bytes: Uint8Array, what: string, use: (point: number) => void): void {
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes[at]);
    const point = codePointAt(bytes, at, length);
    if (point < 0)
      throw new UsageError(
        `${what} is not UTF-8: byte 0x${hex(bytes.subarray(at, at + 1))} at offset ${at} ` +
          'does not begin a character',
        'convert the file to UTF-8, or use the byte vocabulary, which takes any file',
      );
    use(point);
    at += length;
  }
}

/** The code points of a UTF-8 text. `what` names the text in the error. */
export function decodeUtf8(bytes: Uint8Array, what = 'text'): Int32Array<ArrayBuffer> {
  const points = new Int32Array(bytes.length); // never fewer bytes than code points
  let count = 0;
  eachPoint(bytes, what, (point) => {
    points[count++] = point;
  });
  return count < points.length ? points.slice(0, count) : points;
}

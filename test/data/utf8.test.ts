import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/core/errors.ts';
import { decodeUtf8 } from '../../src/data/utf8.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** What the platform says: the code points, or undefined. */
function platform(bytes: Uint8Array): number[] | undefined {
  try {
    return Array.from(strict.decode(bytes), (c) => c.codePointAt(0)!);
  } catch {
    return undefined;
  }
}

function ours(bytes: Uint8Array): number[] | undefined {
  try {
    return Array.from(decodeUtf8(bytes));
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}

/** Fails unless both decoders agree. */
function compare(bytes: Uint8Array): void {
  if (String(ours(bytes)) !== String(platform(bytes))) expect.fail(`bytes ${bytes.join()}`);
}

describe('decodeUtf8', () => {
  test('agrees with TextDecoder on all sequences of 1 or 2 bytes, alone, before a letter', () => {
    for (let a = 0; a < 256; a++) {
      compare(Uint8Array.of(a));
      for (let b = 0; b < 256; b++) {
        compare(Uint8Array.of(a, b));
        compare(Uint8Array.of(a, b, 0x61));
      }
    }
  });

  test('agrees with TextDecoder on all sequences of 3 or 4 bytes at the edges of ranges', () => {
    const edges = [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff];
    let cases = 0;
    for (let lead = 0xe0; lead <= 0xff; lead++)
      for (const b of edges)
        for (const c of edges)
          for (const d of edges) {
            const bytes = Uint8Array.of(lead, b, c, d);
            compare(bytes);
            compare(bytes.subarray(0, 3));
            cases++;
          }
    expect(cases).toBe(32_000);
  });

  test('agrees with TextDecoder on random bytes and on text with one byte changed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
        expect(ours(bytes)).toEqual(platform(bytes));
      }),
      { seed: 1, numRuns: 3000 },
    );
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 20 }),
        fc.nat(),
        fc.nat(255),
        (text, at, byte) => {
          const bytes = bytesOf(text);
          expect(ours(bytes)).toEqual(Array.from(text, (c) => c.codePointAt(0)));
          if (bytes.length > 0) bytes[at % bytes.length] = byte;
          expect(ours(bytes)).toEqual(platform(bytes));
        },
      ),
      { seed: 2, numRuns: 3000 },
    );
  });

  test('names the first byte that is not UTF-8', () => {
    const offset = (bytes: Uint8Array): string => {
      try {
        decodeUtf8(bytes, 'a.txt');
      } catch (error) {
        return (error as Error).message;
      }
      return 'accepted';
    };
    expect(offset(Uint8Array.of(0x61, 0x62, 0xff, 0x63))).toMatch(
      /^a\.txt is not UTF-8: byte 0xff at offset 2 .*HINT: /,
    );
    // cut in the middle of a character
    expect(offset(Uint8Array.of(0x61, 0xe2, 0x82))).toMatch(/byte 0xe2 at offset 1/);
    expect(offset(Uint8Array.of(0xed, 0xa0, 0x80))).toMatch(/byte 0xed at offset 0/); // a surrogate
  });

  test('keeps a byte-order mark and a zero byte as characters', () => {
    expect(Array.from(decodeUtf8(bytesOf('\uFEFFa\0')))).toEqual([0xfeff, 0x61, 0]);
    expect(decodeUtf8(new Uint8Array(0))).toHaveLength(0);
  });
});

import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { encode } from 'fast-png';
import { describe, expect, test } from 'vitest';
import { readPng } from '../../src/cli/png.ts';
import { UsageError } from '../../src/core/errors.ts';
import { pattern } from '../helpers/pattern.ts';
import { chunk, pngOf } from './png-files.ts';

const refusal = (bytes: Uint8Array): string => {
  try {
    readPng(bytes, "'a.png'");
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    expect((error as Error).message).not.toMatch(/\n|undefined/);
    return (error as Error).message;
  }
  return 'accepted';
};
const GREY = 0;
const RGB = 2;
const PALETTE = 3;
const GREY_ALPHA = 4;
const RGB_ALPHA = 6;

describe('readPng', () => {
  test('8 bits, grey and colour, under each of the five filters', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 9 }),
        fc.constantFrom<1 | 3>(1, 3),
        fc.infiniteStream(fc.nat(255)),
        fc.nat(4),
        (width, height, channels, stream, filter) => {
          const pixels = Uint8Array.from(
            { length: width * height * channels },
            () => stream.next().value as number,
          );
          expect(
            readPng(
              pngOf({
                width,
                height,
                depth: 8,
                colours: channels === 1 ? GREY : RGB,
                data: pixels,
                filter,
              }),
              'a',
            ),
          ).toEqual({ width, height, channels, pixels });
        },
      ),
      { seed: 41, numRuns: 300 },
    );
  });

  test('transparency is left out', () => {
    const data = Uint8Array.from({ length: 24 }, (_, i) => i);
    expect(
      readPng(pngOf({ width: 3, height: 2, depth: 8, colours: RGB_ALPHA, data }), 'a'),
    ).toEqual({ width: 3, height: 2, channels: 3, pixels: data.filter((i) => i % 4 < 3) });
    expect(
      readPng(pngOf({ width: 3, height: 4, depth: 8, colours: GREY_ALPHA, data }), 'a'),
    ).toEqual({ width: 3, height: 4, channels: 1, pixels: data.filter((i) => i % 2 === 0) });
  });

  test('16 bits are rounded to 8', () => {
    for (const [colours, channels, kept] of [
      [GREY, 1, 1],
      [RGB, 3, 3],
      [GREY_ALPHA, 2, 1],
      [RGB_ALPHA, 4, 3],
    ] as const) {
      const samples = Array.from({ length: 4 * 4 * channels }, (_, i) => (i * 4099) % 65536);
      const data = Uint8Array.from(samples.flatMap((s) => [s >> 8, s & 255]));
      expect(
        Array.from(readPng(pngOf({ width: 4, height: 4, depth: 16, colours, data }), 'a').pixels),
      ).toEqual(
        samples.filter((_, i) => i % channels < kept).map((s) => Math.round((255 * s) / 65535)),
      );
    }
  });

  test.each([1, 2, 4])(
    '%i bits: grey is spread over 0..255, palettes are looked up; rows end at a byte',
    (depth) => {
      const width = 5;
      const height = 3;
      const highest = 2 ** depth - 1;
      const samples = Array.from({ length: width * height }, (_, i) => (i * 7) & highest);
      const rows = Array.from({ length: height }, (_, y) =>
        samples
          .slice(y * width, (y + 1) * width)
          .map((s) => s.toString(2).padStart(depth, '0'))
          .join(''),
      );
      const data = Uint8Array.from(
        rows.flatMap((row) =>
          row
            .padEnd(Math.ceil(row.length / 8) * 8, '0')
            .match(/.{8}/g)!
            .map((bits) => parseInt(bits, 2)),
        ),
      );
      expect(
        Array.from(readPng(pngOf({ width, height, depth, colours: GREY, data }), 'a').pixels),
      ).toEqual(samples.map((s) => (255 * s) / highest));
      const palette = Array.from({ length: 3 * (highest + 1) }, (_, i) => (i * 37) & 255);
      const colours = samples.flatMap((s) => palette.slice(3 * s, 3 * s + 3));
      for (const alpha of [undefined, [9]])
        expect(
          readPng(pngOf({ width, height, depth, colours: PALETTE, data, palette, alpha }), 'a'),
        ).toEqual({ width, height, channels: 3, pixels: Uint8Array.from(colours) });
      expect(
        refusal(
          pngOf({ width, height, depth, colours: PALETTE, data, palette: palette.slice(0, 3) }),
        ),
      ).toMatch(
        pattern(
          /^'a\.png' is a damaged PNG file \(it is cut off or contradicts itself\), /,
          /expected a whole one/,
        ),
      );
      expect(refusal(pngOf({ width, height, depth, colours: PALETTE, data }))).toMatch(
        /is a damaged PNG file/,
      );
    },
  );

  test('interlaced with 8 and 16 bits; with fewer it is refused', () => {
    const data = Uint8Array.from({ length: 11 * 9 * 3 }, (_, i) => (i * i) & 255);
    const wide = Uint16Array.from(data, (value) => value * 257);
    expect(
      readPng(
        encode({ width: 11, height: 9, channels: 3, depth: 8, data }, { interlace: 'Adam7' }),
        'a',
      ).pixels,
    ).toEqual(data);
    expect(
      readPng(
        encode(
          { width: 11, height: 9, channels: 3, depth: 16, data: wide },
          { interlace: 'Adam7' },
        ),
        'a',
      ).pixels,
    ).toEqual(data);
    expect(
      refusal(
        pngOf({
          width: 8,
          height: 1,
          depth: 1,
          colours: GREY,
          data: Uint8Array.of(1),
          interlace: 1,
        }),
      ),
    ).toMatch(
      /^'a\.png' is interlaced with 1 bits a sample, expected 8 or 16, or no interlacing\. HINT/,
    );
  });

  /** 9 x 10 grey, from what is compressed. */
  const withStream = (stream: Uint8Array): Uint8Array =>
    Uint8Array.from([
      ...pngOf({
        width: 9,
        height: 10,
        depth: 8,
        colours: GREY,
        data: new Uint8Array(90),
      }).subarray(0, 33),
      ...chunk('IDAT', [...stream]),
      ...chunk('IEND', []),
    ]);
  const whole = pngOf({
    width: 4,
    height: 4,
    depth: 8,
    colours: RGB,
    data: Uint8Array.from({ length: 48 }, (_, i) => (i * 41) & 255),
  });

  test('what is no PNG file, or one too large, is refused', () => {
    expect(refusal(new Uint8Array(0))).toMatch(/^'a\.png' is empty, expected a PNG file/);
    expect(refusal(Uint8Array.of(0x1f, 0x8b, 1))).toMatch(/still gzip-compressed/);
    expect(refusal(Uint8Array.of(0xff, 0xd8, 0xff, 0xe0))).toMatch(
      /^'a\.png' does not begin as a PNG file, expected one\. HINT/,
    );
    for (const [width, height] of [
      [0, 4],
      [4, 0],
      [1025, 1],
      [2 ** 31, 2 ** 31],
    ])
      expect(
        refusal(
          pngOf({ width, height, depth: 8, colours: GREY, data: new Uint8Array(4), filter: -1 }),
        ),
      ).toContain(`is ${width} x ${height} pixels, expected sides of 1 to 1024`);
    expect(
      refusal(
        pngOf({
          width: 4,
          height: 4,
          depth: 8,
          colours: GREY,
          data: new Uint8Array(4),
          filter: -1,
        }),
      ),
    ).toMatch(/is a damaged PNG file/);
    expect(refusal(Uint8Array.from([...whole.subarray(0, 33), ...chunk('IEND', [])]))).toMatch(
      /is a damaged PNG file/,
    );
  });

  test('cut anywhere, or with a bit changed anywhere, it is a UsageError', () => {
    expect(refusal(whole)).toBe('accepted');
    for (let n = 0; n < whole.length; n++)
      expect(refusal(whole.subarray(0, n)), `${n} bytes`).not.toBe('accepted');
    for (let at = 0; at < whole.length; at++) {
      const changed = whole.slice();
      changed[at] ^= 1 << (at % 8);
      expect(refusal(changed), `byte ${at}`).not.toBe('accepted');
    }
    expect(refusal(whole.map((byte, at) => (at === 50 ? byte ^ 1 : byte)))).toMatch(
      /^'a\.png' is a damaged PNG file \(a checksum does not match\), expected a whole one\. HINT/,
    );
    const stream = deflateSync(
      Uint8Array.from({ length: 10 * 10 }, (_, i) => (i % 10 === 0 ? 0 : (i * i) & 255)),
    ); // sums are right, pixels are missing
    for (let n = 0; n < stream.length - 4; n++)
      expect(refusal(withStream(stream.subarray(0, n))), `${n} bytes`).not.toBe('accepted');
    expect(refusal(withStream(stream))).toBe('accepted');
  });
});

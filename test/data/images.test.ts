// Readers of image files: MNIST's IDX, CIFAR, optdigits.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CifarKind, readCifar } from '../../src/data/cifar.ts';
import { readDigits } from '../../src/data/digits.ts';
import { readIdx } from '../../src/data/idx.ts';
import { pattern } from '../helpers/pattern.ts';
import { refusal } from './refusal.ts';

const bigEndian = (...numbers: number[]): number[] =>
  numbers.flatMap((n) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255]);
const idxImages = (count = 3, height = 2, width = 4): Uint8Array =>
  Uint8Array.from([
    ...bigEndian(2051, count, height, width),
    ...Array.from({ length: count * height * width }, (_, i) => i),
  ]);
const idxLabels = (...labels: number[]): Uint8Array =>
  Uint8Array.from([...bigEndian(2049, labels.length), ...labels]);
const NAMES = ['i.idx', 'l.idx'] as const;
const idx = (images: Uint8Array, labels: Uint8Array, classes?: number): string =>
  refusal(() => readIdx(images, labels, NAMES, classes));
const GZIP = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0);
const random = { images: fc.uint8Array({ maxLength: 60 }), seed: 31, numRuns: 2000 };

describe('readIdx', () => {
  test('reads pixels row by row and labels', () => {
    const set = readIdx(idxImages(), idxLabels(9, 0, 4), NAMES);
    expect(set).toEqual({
      width: 4,
      height: 2,
      channels: 1,
      classes: 10,
      count: 3,
      pixels: Uint8Array.from({ length: 24 }, (_, i) => i),
      labels: Int32Array.of(9, 0, 4),
    });
  });

  test('reads a part of a larger buffer, and does not share it', () => {
    const whole = Uint8Array.from([1, 2, 3, ...idxImages()]);
    const set = readIdx(whole.subarray(3), idxLabels(1, 2, 3), NAMES);
    whole.fill(0);
    expect(set.pixels[23]).toBe(23);
  });

  test('files that are wrong are refused with what was given and what is expected', () => {
    const labels = idxLabels(1, 2, 3);
    expect(idx(new Uint8Array(0), labels)).toMatch(
      /^i\.idx is empty, expected an IDX file of images\. HINT/,
    );
    expect(idx(GZIP, labels)).toMatch(
      /^i\.idx is still gzip-compressed, expected an IDX file of images\. HINT/,
    );
    expect(idx(idxImages().subarray(0, 9), labels)).toMatch(
      /^i\.idx has 9 bytes, expected at least 16 \(the header/,
    );
    expect(
      idx(
        Uint8Array.from([...bigEndian(2051, 60000, 28, 28), ...Array<number>(984).fill(0)]),
        labels,
      ),
    ).toMatch(/^i\.idx has 1000 bytes, expected 47040016 \(60000 images of 28 x 28\)/);
    expect(idx(Uint8Array.from([...idxImages(), 0]), labels)).toMatch(
      /^i\.idx has 41 bytes, expected 40 \(3 images of 4 x 2\)/,
    );
    expect(idx(idxImages(), labels.subarray(0, 10))).toMatch(
      /^l\.idx has 10 bytes, expected 11 \(3 labels\)/,
    );
    expect(idx(idxImages(), idxLabels(1, 2))).toMatch(
      /^l\.idx has 2 labels, expected 3 \(one for each image of i\.idx\)/,
    );
    expect(idx(idxImages(), idxLabels(1, 2, 10))).toMatch(
      /^l\.idx has the label 10 at record 2 \(from 0\), expected 0 to 9/,
    );
    expect(idx(idxImages(), idxLabels(1, 2, 10), 11)).toBe('accepted');
    expect(idx(Uint8Array.from(bigEndian(2052, 1, 1, 1)), labels)).toMatch(
      /^i\.idx begins with the number 2052, expected 2051 \(an IDX file of images\)/,
    );
    expect(idx(Uint8Array.from(bigEndian(2051, 0, 4, 4)), idxLabels())).toMatch(
      /^i\.idx has 0 images, expected 1 to/,
    );
    for (const [height, width] of [
      [0, 4],
      [4, 0],
      [1025, 1],
      [2 ** 32 - 1, 2 ** 32 - 1],
    ])
      expect(idx(Uint8Array.from(bigEndian(2051, 3, height, width)), labels)).toContain(
        `has images of ${width} x ${height}, expected sides of 1 to 1024`,
      );
  });

  test('swapped files are called that', () => {
    expect(idx(Uint8Array.from([...idxLabels(...Array<number>(20).fill(1))]), idxImages())).toBe(
      'i.idx begins with the number 2049 (labels), expected 2051 (an IDX file of images). ' +
        'HINT: the files of images and labels are swapped',
    );
  });

  test('cut anywhere, or of any bytes, it is a UsageError', () => {
    for (let n = 0; n < 40; n++)
      expect(idx(idxImages().subarray(0, n), idxLabels(1, 2, 3))).not.toBe('accepted');
    for (let n = 0; n < 11; n++)
      expect(idx(idxImages(), idxLabels(1, 2, 3).subarray(0, n))).not.toBe('accepted');
    fc.assert(
      fc.property(
        fc.nat({ max: 39 }),
        fc.nat({ max: 10 }),
        fc.nat(255),
        random.images,
        (at, place, byte, any) => {
          const images = idxImages();
          const labels = idxLabels(1, 2, 3);
          images[at] = labels[place] = byte;
          for (const [a, b] of [
            [images, labels],
            [any, labels],
            [images, any],
            [Uint8Array.from([...idxImages().subarray(0, 4), ...any]), labels],
          ])
            idx(a, b);
        },
      ),
      random,
    );
  });
});

/** Records with planes that tell channel and place: red i, green i + 1, blue i + 2. */
const cifar = (kind: CifarKind, labels: number[], coarse = 3): Uint8Array =>
  Uint8Array.from(
    labels.flatMap((label) => [
      ...(kind === 100 ? [coarse] : []),
      label,
      ...Array.from({ length: 3072 }, (_, i) => ((i % 1024) + Math.floor(i / 1024)) & 255),
    ]),
  );

describe('readCifar', () => {
  test.each<CifarKind>([10, 100])(
    'CIFAR-%i: planes become pixels, fine labels are kept',
    (kind) => {
      const set = readCifar(cifar(kind, [7, kind - 1]), kind, 'a.bin');
      expect([set.width, set.height, set.channels, set.classes, set.count, set.labels]).toEqual([
        32,
        32,
        3,
        kind,
        2,
        Int32Array.of(7, kind - 1),
      ]);
      expect(set.pixels).toEqual(
        Uint8Array.from({ length: 6144 }, (_, i) => (Math.floor((i % 3072) / 3) + (i % 3)) & 255),
      );
    },
  );

  test('files that are wrong are refused', () => {
    const read = (bytes: Uint8Array, kind: CifarKind = 10): string =>
      refusal(() => readCifar(bytes, kind, 'a.bin'));
    expect(read(new Uint8Array(0))).toMatch(
      /^a\.bin is empty, expected a binary file of CIFAR-10\. HINT/,
    );
    expect(read(GZIP, 100)).toMatch(
      /^a\.bin is still gzip-compressed, expected a binary file of CIFAR-100/,
    );
    expect(read(new Uint8Array(3000))).toMatch(
      pattern(
        /^a\.bin has 3000 bytes, expected a multiple of 3073 \(the records of /,
        /CIFAR-10\)\. HINT: fetch/,
      ),
    );
    expect(read(new Uint8Array(6148))).toMatch(
      /expected a multiple of 3073 .*HINT: its size is that of a file of CIFAR-100$/,
    );
    expect(read(new Uint8Array(6146), 100)).toMatch(
      /expected a multiple of 3074 .*HINT: its size is that of a file of CIFAR-10$/,
    );
    expect(read(cifar(10, [1, 2, 10]))).toMatch(
      /^a\.bin has the label 10 at record 2 \(from 0\), expected 0 to 9/,
    );
    expect(read(cifar(100, [1, 100]), 100)).toMatch(
      /^a\.bin has the label 100 at record 1 \(from 0\), expected 0 to 99/,
    );
    expect(read(cifar(100, [1], 20), 100)).toMatch(
      /^a\.bin \(coarse labels\) has the label 20 at record 0 \(from 0\), expected 0 to 19/,
    );
  });

  test('cut anywhere it is a UsageError', () => {
    const bytes = cifar(10, [1, 2]);
    for (let n = 0; n < bytes.length; n++)
      if (n !== 3073 && refusal(() => readCifar(bytes.subarray(0, n), 10, 'a.bin')) === 'accepted')
        expect.fail(`${n} bytes`);
    expect(readCifar(bytes.subarray(0, 3073), 10, 'a.bin').count).toBe(1);
  });
});

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const line = (digit: number, first: string | number = 0): string =>
  [first, ...Array.from({ length: 63 }, (_, i) => i % 17), digit].join();

describe('readDigits', () => {
  test('reads lines and scales 0..16 to round(255 p / 16)', () => {
    const set = readDigits(text(`${line(3)}\n${line(9, 16)}\r\n\n`), 'a.tra');
    expect([set.width, set.height, set.channels, set.classes, set.count, set.labels]).toEqual([
      8,
      8,
      1,
      10,
      2,
      Int32Array.of(3, 9),
    ]);
    expect([set.pixels[0], set.pixels[64]]).toEqual([0, 255]);
    expect(Array.from(set.pixels.subarray(1, 18))).toEqual(
      Array.from({ length: 17 }, (_, p) => Math.round((255 * p) / 16)),
    );
  });

  test('a line that is wrong is named', () => {
    const read = (value: string): string => refusal(() => readDigits(text(value), 'a.tra'));
    expect(read('')).toMatch(/^a\.tra is empty, expected the text of optdigits/);
    expect(read(' \n ')).toMatch(/^a\.tra has at line 1 1 values, expected 65/);
    expect(read(`${line(1)}\n0,1,2`)).toMatch(
      /^a\.tra has at line 2 3 values, expected 65 \(64 pixels and the digit\)/,
    );
    expect(read(`${line(1)}\n\n${line(1)}`)).toMatch(/at line 2 1 values/);
    expect(read(`${line(1)},5`)).toMatch(/at line 1 66 values/);
    for (const bad of ['17', '-1', '1.5', 'x', '', '1e1', '0x1', '1000', '\u0000'])
      expect(read(line(1, bad))).toContain(
        `a.tra has at line 1 ${JSON.stringify(bad)} as pixel 0, expected a whole number from ` +
          '0 to 16',
      );
    expect(read(line(10))).toMatch(
      /at line 1 "10" as the digit, expected a whole number from 0 to 9/,
    );
    expect(refusal(() => readDigits(GZIP, 'a.tra'))).toMatch(/^a\.tra is still gzip-compressed/);
    expect(refusal(() => readDigits(new Uint8Array(2 ** 24 + 1), 'a.tra'))).toMatch(
      /has 16777217 bytes, expected at most 16777216/,
    );
  });

  test('cut anywhere, or of any bytes, it is read or a UsageError', () => {
    const bytes = text(`${line(3)}\n${line(9)}\n`);
    const first = line(3).length;
    for (let n = 0; n < bytes.length; n++) {
      const isWhole = (n >= first && n <= first + 1) || n >= bytes.length - 1;
      expect(
        refusal(() => readDigits(bytes.subarray(0, n), 'a.tra')) === 'accepted',
        `${n} bytes`,
      ).toBe(isWhole);
    }
    fc.assert(
      fc.property(random.images, (any) => {
        expect(refusal(() => readDigits(any, 'a.tra'))).not.toBe('accepted');
      }),
      random,
    );
  });
});

// Sets of images: from pictures, checked, joined.

import { describe, expect, test } from 'vitest';
import {
  checkImages,
  fromImages,
  type ImageSet,
  joinImages,
  type LabelledImage,
} from '../../src/data/images.ts';
import { pattern } from '../helpers/pattern.ts';
import { refusal } from './refusal.ts';

const image = (
  label: number,
  channels: 1 | 3 = 1,
  width = 2,
  height = 1,
  name?: string,
): LabelledImage => ({
  width,
  height,
  channels,
  label,
  name,
  pixels: Uint8Array.from({ length: width * height * channels }, (_, i) => 10 * label + i),
});

describe('fromImages', () => {
  test('puts images of one size together; grey beside colour becomes red = green = blue', () => {
    expect(fromImages([image(1), image(0)], 2, 'pets')).toEqual({
      width: 2,
      height: 1,
      channels: 1,
      classes: 2,
      count: 2,
      pixels: Uint8Array.of(10, 11, 0, 1),
      labels: Int32Array.of(1, 0),
    });
    expect(fromImages([image(1), image(0, 3)], 2, 'pets').pixels.join()).toBe(
      '10,10,10,11,11,11,0,1,2,3,4,5',
    );
    expect(fromImages([image(1)], 2, 'pets', 3).pixels.join()).toBe('10,10,10,11,11,11');
  });

  test('the first image that differs is named', () => {
    expect(
      refusal(() =>
        fromImages(
          [image(0, 1, 2, 1, "'a.png'"), image(0), image(1, 1, 3, 1, "'c.png'"), image(1, 1, 4)],
          2,
          'pets',
        ),
      ),
    ).toBe(
      "pets: 'c.png' is 3 x 1 pixels, expected 2 x 1 as 'a.png'. HINT: scale or cut all " +
        'images to one size',
    );
    expect(refusal(() => fromImages([image(0), image(0, 1, 1, 2)], 2, 'pets'))).toMatch(
      /^pets: image 1 is 1 x 2 pixels, expected 2 x 1 as image 0/,
    );
    expect(refusal(() => fromImages([], 2, 'pets'))).toBe(
      'pets has no images, expected at least one',
    );
    expect(refusal(() => fromImages([image(0), image(2)], 2, 'pets'))).toMatch(
      /^pets: image 1 has the label 2, expected 0 to 1$/,
    );
    expect(
      refusal(() => fromImages([{ ...image(0), pixels: new Uint8Array(3) }], 2, 'pets')),
    ).toMatch(/^pets: image 0 has 3 bytes, expected 2$/);
    expect(refusal(() => fromImages([image(0, 3)], 2, 'pets', 1))).toMatch(
      /^pets: image 0 has 3 channels, expected 1$/,
    );
    expect(refusal(() => fromImages([image(0, 1, 1025)], 2, 'pets'))).toMatch(
      /images of 1025 x 1, expected sides of 1 to 1024/,
    );
    expect(
      refusal(() =>
        fromImages(
          Array<LabelledImage>(2100).fill({ ...image(0), width: 1024, height: 1024 }),
          2,
          'pets',
        ),
      ),
    ).toMatch(
      /2202009600 bytes of pixels \(2100 images of 1024 x 1024 x 1\), expected at most 2147483648/,
    );
  });
});

describe('checkImages and joinImages', () => {
  const set: ImageSet = fromImages([image(0), image(1), image(3), image(1)], 4, 'pets');
  const check = (
    changes: Partial<ImageSet>,
    options?: { names?: string[]; everyClass?: boolean },
  ): string => refusal(() => checkImages({ ...set, ...changes }, 'pets', options));

  test('a class without an image is named', () => {
    expect(check({})).toMatch(
      /^pets has no image of class 2, expected at least one of each of 4\. HINT: /,
    );
    expect(check({}, { names: ['dog', 'cat', 'cow', 'hen'] })).toMatch(
      /^pets has no image of class 2 \('cow'\), expected/,
    );
    expect(check({ labels: Int32Array.of(0, 1, 2, 3) })).toBe('accepted');
    expect(check({}, { everyClass: false })).toBe('accepted');
  });

  test('a set that is not what it says is refused', () => {
    const all = { labels: Int32Array.of(0, 1, 2, 3) };
    expect(check({ count: 0, pixels: new Uint8Array(0), labels: new Int32Array(0) })).toMatch(
      /^pets has 0 images, expected 1 to/,
    );
    expect(check({ ...all, channels: 2 as 1 })).toMatch(
      /^pets has 2 channels, expected 1 \(grey\) or 3/,
    );
    expect(check({ ...all, classes: 1 })).toMatch(/^pets has 1 classes, expected 2 to 65536/);
    expect(check({ ...all, classes: 3 })).toMatch(
      /^pets has the label 3 at record 3 \(from 0\), expected 0 to 2/,
    );
    expect(check({ ...all, width: 3 })).toMatch(
      /^pets has 8 bytes of pixels, expected 12 \(4 images of 3 x 1 x 1\)/,
    );
    expect(check({ labels: new Int32Array(3) })).toMatch(
      /^pets has 3 labels, expected 4 \(one an image\)/,
    );
    expect(check(all, { names: ['dog'] })).toMatch(/^pets has 1 names of classes, expected 4/);
  });

  test('sets of one kind become one, others are refused', () => {
    const other = fromImages([image(2)], 4, 'pets');
    const joined = joinImages([set, other], 'pets');
    expect(joined).toEqual({
      ...set,
      count: 5,
      pixels: Uint8Array.from([...set.pixels, 20, 21]),
      labels: Int32Array.of(0, 1, 3, 1, 2),
    });
    expect(joinImages([set], 'pets')).toEqual(set);
    expect(refusal(() => joinImages([], 'pets'))).toMatch(/^pets has no images/);
    expect(refusal(() => joinImages([set, { ...other, classes: 5 }], 'pets'))).toMatch(
      pattern(
        /^pets has images of 2 x 1 x 1 in 5 classes beside images of 2 x 1 x 1 in 4 /,
        /classes, expected one kind/,
      ),
    );
  });
});

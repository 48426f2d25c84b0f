import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/core/errors.ts';
import { countPatches, patchesOf } from '../../src/layers/patch-pixels.ts';
import { setOf } from '../helpers/image-set.ts';

describe('patchesOf', () => {
  test('2 x 2 patches of a 4 x 4 image', () => {
    const out = new Int16Array(16);
    patchesOf(
      Uint8Array.from({ length: 16 }, (_, i) => i),
      { width: 4, height: 4, channels: 1 },
      2,
      out,
    );
    expect(Array.from(out, (value) => (value / 16 + 255) / 2)).toEqual([
      0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15,
    ]);
  });

  test('every byte becomes (2 p - 255) * 16, and channels stay side by side', () => {
    const out = new Int16Array(768);
    patchesOf(
      Uint8Array.from({ length: 768 }, (_, i) => i & 255),
      { width: 256, height: 1, channels: 3 },
      1,
      out,
    );
    expect(Array.from(out)).toEqual(
      Array.from({ length: 768 }, (_, i) => (2 * (i & 255) - 255) * 16),
    );
    expect([out[0], out[255]]).toEqual([-4080, 4080]);
  });

  test('can be put together again, pixel by pixel', () => {
    const part = fc.integer({ min: 1, max: 4 });
    fc.assert(
      fc.property(
        part,
        part,
        part,
        fc.constantFrom(1 as const, 3 as const),
        (across, down, patch, channels) => {
          const width = across * patch;
          const height = down * patch;
          const { pixels } = setOf(width, height, channels, 1);
          const out = new Int16Array(pixels.length);
          expect(countPatches({ width, height }, patch)).toBe(across * down);
          patchesOf(pixels, { width, height, channels }, patch, out);
          const again = Uint8Array.from(pixels, (_, i) => {
            const c = i % channels;
            const x = Math.floor(i / channels) % width;
            const y = Math.floor(i / channels / width);
            const token = Math.floor(y / patch) * across + Math.floor(x / patch);
            return (
              (out[((token * patch + (y % patch)) * patch + (x % patch)) * channels + c] / 16 +
                255) /
              2
            );
          });
          expect(again).toEqual(pixels);
        },
      ),
      { seed: 22, numRuns: 300 },
    );
  });

  test(
    'a patch that does not divide the sides is refused with those that do, and so are other ' +
      'lengths',
    () => {
      for (const patch of [5, 0, -2, 1.5, NaN, 24])
        expect(() => countPatches({ width: 24, height: 36 }, patch)).toThrow(
          new UsageError(
            `patch is ${patch}, expected a divisor of width and height of the images (24 x 36)`,
            'choose one of 1, 2, 3, 4, 6, 12',
          ),
        );
      const lay = (pixels: number, out: number) => () =>
        patchesOf(
          new Uint8Array(pixels),
          { width: 4, height: 4, channels: 1 },
          2,
          new Int16Array(out),
        );
      expect(lay(15, 16)).toThrow('pixels has 15 elements, expected 16');
      expect(lay(16, 17)).toThrow('out has 17 elements, expected 16');
    },
  );
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PURPOSE, randomU32 } from '../../src/core/random.ts';
import { type AugmentOptions, type AugmentPlace, augment } from '../../src/data/augment.ts';
import type { ImageSet } from '../../src/data/images.ts';
import { setOf } from '../helpers/image-set.ts';

/** The definition, step by step: pad, cut, mirror, on pixels as arrays. */
function slowly(
  { width, height, channels, pixels }: ImageSet,
  image: number,
  { crop, flip, fill }: Required<AugmentOptions>,
  { seed, step, sample }: AugmentPlace,
): number[] {
  const pixelAt = (y: number, x: number): number[] =>
    Array.from(
      { length: channels },
      (_, c) => pixels[((image * height + y) * width + x) * channels + c],
    );
  const margin = Array<number>(channels).fill(fill);
  const padded = Array.from({ length: height + 2 * crop }, (_, y) =>
    Array.from({ length: width + 2 * crop }, (_, x) =>
      y < crop || x < crop || y >= height + crop || x >= width + crop
        ? margin
        : pixelAt(y - crop, x - crop),
    ),
  );
  const draw = (i: number, below: number): number =>
    Number((BigInt(randomU32(seed, PURPOSE.augment, step, sample, i)) * BigInt(below)) >> 32n);
  const top = draw(0, 2 * crop + 1);
  const left = draw(1, 2 * crop + 1);
  const cut = padded.slice(top, top + height).map((row) => row.slice(left, left + width));
  return (flip && draw(2, 2) === 1 ? cut.map((row) => row.reverse()) : cut).flat(2);
}

describe('augment', () => {
  test('equals padding, cutting and mirroring step by step', () => {
    const side = fc.integer({ min: 2, max: 7 });
    fc.assert(
      fc.property(
        fc.record({ width: side, height: side, channels: fc.constantFrom(1 as const, 3 as const) }),
        fc.record({
          crop: fc.nat({ max: 6 }),
          flip: fc.boolean(),
          fill: fc.constantFrom(0, 77, 255),
        }),
        fc.record({ seed: fc.maxSafeNat(), step: fc.nat(), sample: fc.nat({ max: 500 }) }),
        ({ width, height, channels }, given, place) => {
          const set = setOf(width, height, channels);
          const options = { ...given, crop: given.crop % Math.min(width, height) };
          const image = place.sample % 3;
          const out = new Uint8Array(width * height * channels).fill(99);
          augment(set, image, out, options, place);
          expect(Array.from(out)).toEqual(slowly(set, image, options, place));
        },
      ),
      { seed: 21, numRuns: 1000 },
    );
  });

  test('without crop and flip it is the image', () => {
    const set = setOf(5, 4, 3);
    const out = new Uint8Array(60);
    augment(set, 1, out, { crop: 0, flip: false }, { seed: 1, step: 2, sample: 3 });
    expect(out).toEqual(set.pixels.subarray(60, 120));
  });

  test('all places of the cut and both mirrorings come, about as often as each other', () => {
    const set = {
      ...setOf(8, 8, 1),
      pixels: Uint8Array.from({ length: 192 }, (_, i) => 1 + (i % 64)),
    };
    const counts = new Map<string, number>();
    const out = new Uint8Array(64);
    for (let sample = 0; sample < 10_000; sample++) {
      augment(set, 0, out, { crop: 2, flip: true }, { seed: 4, step: 5, sample });
      counts.set(out.join(), (counts.get(out.join()) ?? 0) + 1);
    }
    expect(counts.size).toBe(50);
    for (const times of counts.values()) expect(Math.abs(times - 200)).toBeLessThan(75);
  });

  test('seed, step and sample each change it', () => {
    const set = setOf(32, 32, 3);
    const image = (seed: number, step: number, sample: number): string => {
      const out = new Uint8Array(3072);
      augment(set, 0, out, { crop: 8, flip: true }, { seed, step, sample });
      return out.join();
    };
    expect(new Set([image(1, 0, 0), image(2, 0, 0), image(1, 1, 0), image(1, 0, 1)]).size).toBe(4);
  });

  test('an image, a margin, a fill or a length that cannot be is refused', () => {
    const call =
      (image: number, crop: number, length: number, fill = 0) =>
      () =>
        augment(
          setOf(6, 4, 1),
          image,
          new Uint8Array(length),
          { crop, flip: true, fill },
          { seed: 1, step: 1, sample: 1 },
        );
    for (const image of [-1, 3, 0.5, NaN])
      expect(call(image, 1, 24)).toThrow(/^image is .*, expected a whole number from 0 to 2$/);
    for (const crop of [-1, 4, 0.5, NaN])
      expect(call(0, crop, 24)).toThrow(/^crop is .*, expected a whole number from 0 to 3\. HINT/);
    for (const fill of [-1, 256, 0.5])
      expect(call(0, 1, 24, fill)).toThrow(/^fill is .*, expected a whole number from 0 to 255$/);
    expect(call(0, 1, 23)).toThrow(/^out has 23 elements, expected 24$/);
  });
});

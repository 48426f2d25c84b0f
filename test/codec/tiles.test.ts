// Images cut into tiles, and put together again.

import { expect, test } from 'vitest';
import { cutTile, fillTile, isWorth, putTile, tilesOf } from '../../src/codec/tiles.ts';

const MODEL = { width: 4, height: 2, colours: 2 };
/** Pixel (x, y) is 10 y + x in both colours, the second one 100 more. */
const imageOf = (width: number, height: number): Uint8Array =>
  Uint8Array.from({ length: 2 * width * height }, (_, i) => {
    const pixel = i >> 1;
    return 10 * Math.floor(pixel / width) + (pixel % width) + 100 * (i & 1);
  });

test('a tile goes on beyond the edge with the last column and row', () => {
  const image = imageOf(6, 3);
  const size = { width: 6, height: 3, colours: 2 };
  const [, right, , corner] = [...tilesOf(size, MODEL)];
  const filled = (tile: typeof right): number[] =>
    [...fillTile(cutTile(image, size, tile), tile, MODEL)].filter((_, i) => i % 2 === 0);
  expect(filled(right)).toEqual([4, 5, 5, 5, 14, 15, 15, 15]);
  expect(filled(corner)).toEqual([24, 25, 25, 25, 24, 25, 25, 25]);
});

test('tiles make the image again, for all sizes around those of the model', () => {
  for (let width = 1; width <= 9; width++)
    for (let height = 1; height <= 5; height++) {
      const image = imageOf(width, height);
      const size = { width, height, colours: 2 };
      const again = new Uint8Array(image.length);
      for (const tile of tilesOf(size, MODEL))
        putTile(again, size, tile, cutTile(image, size, tile));
      expect(again, `${width} x ${height}`).toEqual(image);
    }
});

test('an image is worth tiles until four times its pixels go through the model', () => {
  expect(isWorth({ width: 2, height: 1 }, MODEL)).toBe(true);
  expect(isWorth({ width: 1, height: 1 }, MODEL)).toBe(false);
});

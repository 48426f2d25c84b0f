// Images cut into tiles of a model's size. A tile at the right or lower edge goes on beyond it with
// the last column and row.

/** Pixels from left to right, and from top to bottom. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** What is cut: rows of `width * colours` bytes. */
export interface Cut extends Size {
  readonly colours: number;
}

/** The part of an image that is in a tile. */
export interface Tile extends Size {
  readonly left: number;
  readonly top: number;
}

/** Most bytes that go through a model for one of an image. */
const MOST_WASTE = 4;

/** Whether a model is for images of this size: not if most of its tiles is beyond their edge. */
export function isWorth({ width, height }: Size, model: Size): boolean {
  const tiles = Math.ceil(width / model.width) * Math.ceil(height / model.height);
  return tiles * model.width * model.height <= MOST_WASTE * width * height;
}

/** The tiles of an image, row by row. */
export function* tilesOf({ width, height }: Size, model: Size): Generator<Tile> {
  for (let top = 0; top < height; top += model.height)
    for (let left = 0; left < width; left += model.width)
      yield {
        left,
        top,
        width: Math.min(model.width, width - left),
        height: Math.min(model.height, height - top),
      };
}

/** The bytes of an image that are in a tile, row by row. */
export function cutTile(image: Uint8Array, { width, colours }: Cut, tile: Tile): Uint8Array {
  const row = tile.width * colours;
  const bytes = new Uint8Array(tile.height * row);
  for (let y = 0; y < tile.height; y++) {
    const from = ((tile.top + y) * width + tile.left) * colours;
    bytes.set(image.subarray(from, from + row), y * row);
  }
  return bytes;
}

/** Puts them where they are in an image. */
export function putTile(
  image: Uint8Array,
  { width, colours }: Cut,
  tile: Tile,
  bytes: Uint8Array,
): void {
  const row = tile.width * colours;
  for (let y = 0; y < tile.height; y++)
    image.set(
      bytes.subarray(y * row, (y + 1) * row),
      ((tile.top + y) * width + tile.left) * colours,
    );
}

/** A whole tile, of the bytes that are in the image. */
export function fillTile(bytes: Uint8Array, { width, height }: Size, model: Cut): Uint8Array {
  const { colours } = model;
  const whole = new Uint8Array(model.width * model.height * colours);
  for (let i = 0; i < whole.length; i++) {
    const pixel = Math.floor(i / colours);
    const x = Math.min(pixel % model.width, width - 1);
    const y = Math.min(Math.floor(pixel / model.width), height - 1);
    whole[i] = bytes[(y * width + x) * colours + (i % colours)];
  }
  return whole;
}

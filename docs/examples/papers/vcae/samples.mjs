// Digits of 8 x 8 pixels as text.

const SIDE = 8;
const PIXELS = SIDE * SIDE;
const SHADES = ' .:-=+*#%@';
const BESIDE = 10;

/** An image, pixels from -2 to 2, as 64 hexadecimal digits of grey, row by row. */
export const pictureOf = (image) =>
  Array.from(image.subarray(0, PIXELS), (v) =>
    Math.min(15, Math.max(0, Math.round((v + 2) * 3.75))).toString(16),
  ).join('');

const shadeOf = (grey) => SHADES[Math.floor((Number.parseInt(grey, 16) * SHADES.length) / 16)];

/** Pictures as text, ten beside one another. */
export function textOf(pictures) {
  const rowOf = (picture, row) =>
    Array.from(picture.slice(row * SIDE, row * SIDE + SIDE), shadeOf).join('');
  const lines = [];
  for (let first = 0; first < pictures.length; first += BESIDE)
    for (let row = 0; row <= SIDE; row++) {
      const images = pictures.slice(first, first + BESIDE);
      lines.push(
        images
          .map((picture) => rowOf(picture, row))
          .join('  ')
          .trimEnd(),
      );
    }
  return lines.join('\n').trimEnd();
}

// Other images in the size of MNIST's, all in whole numbers.

const SIDE = 28;
const AREA = SIDE * SIDE;

const set = ({ count, labels }, pixelOf) => {
  const pixels = new Uint8Array(count * AREA);
  for (let i = 0; i < pixels.length; i++)
    pixels[i] = pixelOf(Math.floor(i / AREA), Math.floor((i % AREA) / SIDE), i % SIDE);
  return { width: SIDE, height: SIDE, channels: 1, count, labels, pixels };
};

/** The middle of images of three colours, grey (BT.601 in 256ths). */
export function grey(images) {
  const { width, height, pixels } = images;
  const [top, left] = [(height - SIDE) >> 1, (width - SIDE) >> 1];
  return set(images, (image, y, x) => {
    const at = ((image * height + top + y) * width + left + x) * 3;
    return (77 * pixels[at] + 150 * pixels[at + 1] + 29 * pixels[at + 2] + 128) >> 8;
  });
}

/** Where pixel i of 28 lies among `n`: the pixel before it and how much of the next one, in 56ths,
 *  of centres. */
function between(i, n) {
  const place = Math.min(56 * (n - 1), Math.max(0, (2 * i + 1) * n - SIDE));
  const from = Math.min(n - 2, Math.floor(place / 56));
  return [from, place - 56 * from];
}

/** Grey images enlarged, linear in both directions. */
export function enlarged(images) {
  const { width, height, pixels } = images;
  return set(images, (image, y, x) => {
    const [row, down] = between(y, height);
    const [column, right] = between(x, width);
    const at = (image * height + row) * width + column;
    const line = (from) => (56 - right) * pixels[from] + right * pixels[from + 1];
    return Math.floor(((56 - down) * line(at) + down * line(at + width) + 1568) / 3136);
  });
}

// An image's windows as rows: what a convolution multiplies its weights with.

import { areWindows, placesOf } from './windows';

/** Kernels.im2col_i16. A row of a window lies in one piece in the image, and with one group in one
 *  piece in the row that it becomes. */
export function im2col_i16(
  x: usize,
  height: i32,
  width: i32,
  channels: i32,
  kernel: i32,
  stride: i32,
  padding: i32,
  groups: i32,
  out: usize,
): void {
  assert(areWindows(height, width, channels, kernel, stride, padding, groups), 'im2col_i16: sizes');
  const rows = placesOf(height, kernel, stride, padding);
  const columns = placesOf(width, kernel, stride, padding);
  const pixel = usize(channels) << 1;
  const part = pixel / usize(groups);
  const line = usize(kernel) * part;
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      const left = c * stride - padding;
      const first = max(0, -left);
      const last = max(first, min(kernel, width - left));
      const before = usize(first) * part;
      const inside = usize(last - first) * part;
      for (let g: usize = 0; g < usize(groups); g++) {
        for (let ky = 0; ky < kernel; ky++, out += line) {
          const y = r * stride - padding + ky;
          if (y < 0 || y >= height || inside == 0) {
            memory.fill(out, 0, line);
            continue;
          }
          const from = x + usize(y * width + left + first) * pixel + g * part;
          memory.fill(out, 0, before);
          if (groups == 1) memory.copy(out + before, from, inside);
          else copyParts(out + before, from, last - first, part, pixel);
          memory.fill(out + before + inside, 0, line - before - inside);
        }
      }
    }
  }
}

/** One group of some pixels beside each other. */
function copyParts(to: usize, from: usize, pixels: i32, part: usize, pixel: usize): void {
  for (let i = 0; i < pixels; i++, to += part, from += pixel) {
    for (let at: usize = 0; at < part; at += 2) store<i16>(to + at, load<i16>(from + at));
  }
}

// The gradient of an image from that of its windows: each element is the sum of the places of all
// the windows that have seen it.

import { areWindows, placesOf } from './windows';

/** Kernels.col2im_i32. Four channels at a time; their sums stay in registers. */
export function col2im_i32(
  cols: usize,
  height: i32,
  width: i32,
  channels: i32,
  kernel: i32,
  stride: i32,
  padding: i32,
  groups: i32,
  shift: i32,
  out: usize,
): void {
  assert(areWindows(height, width, channels, kernel, stride, padding, groups), 'col2im_i32: sizes');
  const cover = (kernel + stride - 1) / stride;
  assert(cover <= 1024 && shift >= 0 && shift <= 20, 'col2im_i32: shift');
  assert(cover * cover <= 1 << shift, 'col2im_i32: a sum may leave int32');
  const rows = placesOf(height, kernel, stride, padding);
  const columns = placesOf(width, kernel, stride, padding);
  const part = channels / groups;
  const line = usize(kernel * channels * kernel) << 2;
  for (let y = 0; y < height; y++) {
    const top = firstOf(y + padding, kernel, stride);
    const bottom = min(rows - 1, (y + padding) / stride);
    for (let x = 0; x < width; x++) {
      const left = firstOf(x + padding, kernel, stride);
      const right = min(columns - 1, (x + padding) / stride);
      for (let g = 0; g < groups; g++) {
        for (let c = 0; c < part; c += 4) {
          const place = usize(g * kernel * kernel * part + c) << 2;
          let low = i64x2.splat(0);
          let high = i64x2.splat(0);
          const isWhole = part - c >= 4;
          for (let r = top; r <= bottom; r++) {
            const ky = y + padding - r * stride;
            for (let k = left; k <= right; k++) {
              const kx = x + padding - k * stride;
              const at = usize(r * columns + k) * line + (usize((ky * kernel + kx) * part) << 2);
              const v = isWhole ? v128.load(cols + at + place) : part4(cols + at + place, part - c);
              low = i64x2.add(low, i64x2.extend_low_i32x4_s(v));
              high = i64x2.add(high, i64x2.extend_high_i32x4_s(v));
            }
          }
          const half = i64x2.splat(shift > 0 ? i64(1) << (shift - 1) : 0);
          low = i64x2.shr_s(i64x2.add(low, half), shift);
          high = i64x2.shr_s(i64x2.add(high, half), shift);
          const sum = v128.shuffle<i32>(low, high, 0, 2, 4, 6);
          if (isWhole) v128.store(out, sum);
          else storePart4(out, sum, part - c);
          out += usize(min(4, part - c)) << 2;
        }
      }
    }
  }
}

/** The first window along a side that reaches a place, padding included. */
// @ts-ignore: decorator
@inline
function firstOf(place: i32, kernel: i32, stride: i32): i32 {
  return place < kernel ? 0 : (place - kernel) / stride + 1;
}

/** 1 to 3 int32s; the rest is 0. */
function part4(p: usize, count: i32): v128 {
  let v = i32x4.replace_lane(i32x4.splat(0), 0, load<i32>(p));
  if (count > 1) v = i32x4.replace_lane(v, 1, load<i32>(p, 4));
  if (count > 2) v = i32x4.replace_lane(v, 2, load<i32>(p, 8));
  return v;
}

/** Stores 1 to 3 int32s. */
function storePart4(p: usize, v: v128, count: i32): void {
  store<i32>(p, i32x4.extract_lane(v, 0));
  if (count > 1) store<i32>(p, i32x4.extract_lane(v, 1), 4);
  if (count > 2) store<i32>(p, i32x4.extract_lane(v, 2), 8);
}

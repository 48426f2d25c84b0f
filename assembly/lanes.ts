// Vectors in and out of memory: the ends of rows that do not fill a vector, widening, and counting
// lanes. A vector is 16 bytes; lane 0 lies at the lowest address.

/** A vector of which only the first `bytes` (even, 0..16) are read; the rest is 0. Only for the
 *  ends of rows. */
export function loadPart(p: usize, bytes: i32): v128 {
  let low: u64 = 0;
  let high: u64 = 0;
  for (let i = 0; i < bytes; i += 2) {
    const value = u64(load<u16>(p + i)) << (8 * (i & 7));
    if (i < 8) low |= value;
    else high |= value;
  }
  return i64x2.replace_lane(i64x2.splat(low), 1, high);
}

/** Stores only the first `bytes` (even, 0..16) of a vector. */
// @ts-ignore: decorator
@inline
export function storePart(p: usize, v: v128, bytes: i32): void {
  storeHalves(p, i64x2.extract_lane(v, 0), i64x2.extract_lane(v, 1), bytes);
}

function storeHalves(p: usize, low: u64, high: u64, bytes: i32): void {
  for (let i = 0; i < bytes; i += 2) {
    store<u16>(p + i, u16((i < 8 ? low : high) >> (8 * (i & 7))));
  }
}

/** Adds four int32s to four int64s in memory. */
// @ts-ignore: decorator
@inline
export function addWide(p: usize, v: v128): void {
  v128.store(p, i64x2.add(v128.load(p), i64x2.extend_low_i32x4_s(v)));
  v128.store(p, i64x2.add(v128.load(p, 16), i64x2.extend_high_i32x4_s(v)), 16);
}

/** Sum of the two int64 lanes. */
// @ts-ignore: decorator
@inline
export function sumLanes64(v: v128): i64 {
  return i64x2.extract_lane(v, 0) + i64x2.extract_lane(v, 1);
}

/** Sum of the four int32 lanes [wraps]. */
// @ts-ignore: decorator
@inline
export function sumLanes(v: v128): i32 {
  return (
    i32x4.extract_lane(v, 0) +
    i32x4.extract_lane(v, 1) +
    i32x4.extract_lane(v, 2) +
    i32x4.extract_lane(v, 3)
  );
}

/** The four int32s of a vector added, exactly, into two int64 lanes. */
// @ts-ignore: decorator
@inline
export function widenSum(v: v128): v128 {
  return i64x2.add(i64x2.extend_low_i32x4_s(v), i64x2.extend_high_i32x4_s(v));
}

/** As widenSum, for uint32. */
// @ts-ignore: decorator
@inline
export function widenSumU(v: v128): v128 {
  return i64x2.add(i64x2.extend_low_i32x4_u(v), i64x2.extend_high_i32x4_u(v));
}

/** The largest of the four unsigned int32 lanes. */
// @ts-ignore: decorator
@inline
export function maxLanesU(v: v128): u32 {
  const pair = i32x4.max_u(v, v128.shuffle<i32>(v, v, 2, 3, 0, 1));
  return u32(max(u32(i32x4.extract_lane(pair, 0)), u32(i32x4.extract_lane(pair, 1))));
}

/** The largest of the four int32 lanes. */
// @ts-ignore: decorator
@inline
export function maxLanes(v: v128): i32 {
  const pair = i32x4.max_s(v, v128.shuffle<i32>(v, v, 2, 3, 0, 1));
  return max(i32x4.extract_lane(pair, 0), i32x4.extract_lane(pair, 1));
}

/** The smallest of the four int32 lanes. */
// @ts-ignore: decorator
@inline
export function minLanes(v: v128): i32 {
  const pair = i32x4.min_s(v, v128.shuffle<i32>(v, v, 2, 3, 0, 1));
  return min(i32x4.extract_lane(pair, 0), i32x4.extract_lane(pair, 1));
}

/** -1 in the int32 lanes with |v| > limit, for the counts of range checks; |-2^31| is 2^31. */
// @ts-ignore: decorator
@inline
export function beyond(v: v128, limit: v128): v128 {
  return i32x4.gt_u(i32x4.abs(v), limit);
}

/** A mask (all ones) in the lanes whose index is below `count`, for four int32 lanes. */
// @ts-ignore: decorator
@inline
export function firstLanes(count: i32): v128 {
  return i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(count));
}

/** Up to four int32s, of which `left` (any number) exist; the rest is 0. The test costs nothing
 *  where `left` is a constant. */
// @ts-ignore: decorator
@inline
export function loadInt32s(p: usize, left: i32): v128 {
  return left >= 4 ? v128.load(p) : loadPart(p, max(left, 0) << 2);
}

/** The counterpart of loadInt32s. */
// @ts-ignore: decorator
@inline
export function storeInt32s(p: usize, v: v128, left: i32): void {
  if (left >= 4) v128.store(p, v);
  else storePart(p, v, max(left, 0) << 2);
}

/** Up to eight int16s, of which `left` (any number) exist; the rest is 0. */
// @ts-ignore: decorator
@inline
export function loadInt16s(p: usize, left: i32): v128 {
  return left >= 8 ? v128.load(p) : loadPart(p, max(left, 0) << 1);
}

/** The counterpart of loadInt16s. */
// @ts-ignore: decorator
@inline
export function storeInt16s(p: usize, v: v128, left: i32): void {
  if (left >= 8) v128.store(p, v);
  else storePart(p, v, max(left, 0) << 1);
}

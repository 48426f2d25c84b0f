// Where windows lie in an image: the same arithmetic for both directions.

/** Places of a window along a side. */
// @ts-ignore: decorator
@inline
export function placesOf(side: i32, kernel: i32, stride: i32, padding: i32): i32 {
  return (side + 2 * padding - kernel) / stride + 1;
}

/** What the contract asks of the sizes of an image and its windows. */
export function areWindows(
  height: i32,
  width: i32,
  channels: i32,
  kernel: i32,
  stride: i32,
  padding: i32,
  groups: i32,
): bool {
  if (height < 1 || width < 1 || channels < 1 || groups < 1) return false;
  if (channels % groups != 0 || kernel < 1 || stride < 1) return false;
  if (padding < 0 || padding >= kernel) return false;
  return height + 2 * padding >= kernel && width + 2 * padding >= kernel;
}

// Products of signs by xor and i8x16.popcnt: pointers and numbers, no allocation, no floating
// point. Tile: a row of a by 8 of b, which lie word by word beside each other. A vector of b is a
// word of four of its rows, and a word of a is spread over a vector: so bytes 4 j .. 4 j + 3 of an
// accumulator belong to row j of b, and nothing is added across rows.
//
// popcnt is six or seven instructions on x64. So the differences of two words and the ones that
// are left of those before are added bit by bit first (a carry-save adder), and only the carries,
// which count two each, are counted word by word: 7 instructions a word instead of 8.

import { loadInt16s, loadInt32s, storeInt32s } from '../../../../../assembly/lanes';

/** BINARY_MAX and BYTE_PAIRS of contract.ts. */
const BINARY_MAX: i32 = 65536;
const BYTE_PAIRS: i32 = 31;

// @ts-expect-error: decorator
@inline
function divideUp(a: i32, b: i32): i32 {
  return (a + b - 1) / b;
}

/** BinaryKernels.pack_bits_i16: 16 elements at a time, whose bit becomes the sign of a byte. */
export function pack_bits_i16(x: usize, rows: i32, k: i32, bit: i32, lanes: i32, to: usize): void {
  assert(rows >= 0 && k >= 1 && k <= BINARY_MAX, 'pack_bits_i16: k in 1..65536');
  assert(bit >= 0 && bit <= 15, 'pack_bits_i16: bit in 0..15');
  assert(lanes >= 1 && lanes <= 8, 'pack_bits_i16: lanes in 1..8');
  const row = usize(divideUp(k, 64)) << 3;
  const step = usize(lanes) << 2;
  memory.fill(to, 0, usize(divideUp(rows, lanes) * lanes) * row);
  for (let r = 0; r < rows; r++, x += usize(k) << 1) {
    const first = to + usize(r - (r % lanes)) * row + (usize(r % lanes) << 2);
    for (let i = 0; i < k; i += 16) {
      const p = x + (usize(i) << 1);
      const low = i16x8.shl(loadInt16s(p, k - i), 15 - bit);
      const high = i16x8.shl(loadInt16s(p + 16, k - i - 8), 15 - bit);
      const half = first + usize(i >> 5) * step + (usize(i & 16) >> 3);
      store<u16>(half, u16(i8x16.bitmask(i8x16.narrow_i16x8_s(low, high))));
    }
  }
}

/** What is left of `ones` and the bits in which two words of a differ from words of b: their sums
 *  without the carries. */
// @ts-expect-error: decorator
@inline
function rest(a: v128, b: v128, nextA: v128, nextB: v128, ones: v128): v128 {
  return v128.xor(v128.xor(v128.xor(a, b), v128.xor(nextA, nextB)), ones);
}

/** Their carries, which are where at least two of the three are set, counted in bytes. */
// @ts-expect-error: decorator
@inline
function carries(a: v128, b: v128, nextA: v128, nextB: v128, ones: v128): v128 {
  const x = v128.xor(a, b);
  const y = v128.xor(nextA, nextB);
  return i8x16.popcnt(v128.or(v128.and(x, y), v128.and(v128.xor(x, y), ones)));
}

/** Counts of bytes, added up for each of four rows of b. */
// @ts-expect-error: decorator
@inline
function total(counts: v128): v128 {
  return i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(counts));
}

/** C of four rows of b, of which `left` exist: `whole`, or what is there if that is 0, less twice
 *  the differences: `ones`, and two for each of `twos`, which are counted. */
// @ts-expect-error: decorator
@inline
function take(c: usize, ones: v128, twos: v128, left: i32, whole: i32): void {
  const half = i32x4.add(total(i8x16.popcnt(ones)), i32x4.shl(total(twos), 1));
  const before = whole > 0 ? i32x4.splat(whole) : loadInt32s(c, left);
  storeInt32s(c, i32x4.sub(before, i32x4.shl(half, 1)), left);
}

/** Two rows of a, `row` apart, by a panel of b over some pairs of words. Where `row` is 0 they are
 *  one, which is taken once. */
// @ts-expect-error: decorator
@inline
function tile(
  a: usize,
  row: usize,
  b: usize,
  pairs: i32,
  c: usize,
  ldc: usize,
  columns: i32,
  whole: i32,
): void {
  let one00 = i8x16.splat(0);
  let one01 = one00;
  let one10 = one00;
  let one11 = one00;
  let two00 = one00;
  let two01 = one00;
  let two10 = one00;
  let two11 = one00;
  for (const end = a + (usize(pairs) << 3); a < end; a += 8, b += 64) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const nextB0 = v128.load(b, 32);
    const nextB1 = v128.load(b, 48);
    let x = v128.load32_splat(a);
    let nextX = v128.load32_splat(a, 4);
    two00 = i8x16.add(two00, carries(x, b0, nextX, nextB0, one00));
    one00 = rest(x, b0, nextX, nextB0, one00);
    two01 = i8x16.add(two01, carries(x, b1, nextX, nextB1, one01));
    one01 = rest(x, b1, nextX, nextB1, one01);
    x = v128.load32_splat(a + row);
    nextX = v128.load32_splat(a + row, 4);
    two10 = i8x16.add(two10, carries(x, b0, nextX, nextB0, one10));
    one10 = rest(x, b0, nextX, nextB0, one10);
    two11 = i8x16.add(two11, carries(x, b1, nextX, nextB1, one11));
    one11 = rest(x, b1, nextX, nextB1, one11);
  }
  take(c, one00, two00, columns, whole);
  if (columns > 4) take(c + 16, one01, two01, columns - 4, whole);
  if (row == 0) return;
  c += ldc;
  take(c, one10, two10, columns, whole);
  if (columns > 4) take(c + 16, one11, two11, columns - 4, whole);
}

/** BinaryKernels.gemm_b1b1i32: a panel of b, which stays in L1, by all of a; of k equal parts whose
 *  pairs of words bytes can count, one after another. */
export function gemm_b1b1i32(a: usize, b: usize, c: usize, m: i32, n: i32, k: i32): void {
  assert(m >= 0 && n >= 0 && k >= 1 && k <= BINARY_MAX, 'gemm_b1b1i32: k in 1..65536');
  const all = divideUp(k, 64);
  const part = divideUp(all, divideUp(all, BYTE_PAIRS));
  const ldc = usize(n) << 2;
  for (let p = 0; p < all; p += part) {
    const pairs = min(all - p, part);
    const whole = p == 0 ? k : 0;
    for (let j = 0; j < n; j += 8) {
      const panel = b + (usize(j * all) << 3) + (usize(p) << 6);
      let row = a + (usize(p) << 3);
      let to = c + (usize(j) << 2);
      for (let i = 0; i + 2 <= m; i += 2, row += usize(all) << 4, to += 2 * ldc) {
        if (n - j >= 8) tile(row, usize(all) << 3, panel, pairs, to, ldc, 8, whole);
        else tile(row, usize(all) << 3, panel, pairs, to, ldc, n - j, whole);
      }
      if (m & 1) tile(row, 0, panel, pairs, to, 0, n - j, whole);
    }
  }
}

export { abi_version, static_end } from '../../../../../assembly/index';

// Noise for rounding by chance: a hash of a counter and two words that Philox draws, in a quarter
// of the time that drawing all of it takes. The hash is triple32 (C. Wellons, "Prospecting for Hash
// Functions", 2018); the second word comes in behind its first round.
// Its constants stay in the code: this module shares the memory of the others, and data of its own
// would be written over theirs.

/** Int8Kernels.spread_u32. */
export function spread_u32(at: usize, n: i32): void {
  assert(n >= 4 && (n & 3) == 0, 'spread_u32: a multiple of 4');
  const key = v128.load32_splat(at, 4);
  let counter = i32x4.add(v128.load32_splat(at), i32x4(0, 1, 2, 3));
  for (; n > 0; n -= 4, at += 16) {
    let x = v128.xor(counter, i32x4.shr_u(counter, 17));
    x = v128.xor(i32x4.mul(x, i32x4.splat(0xed5ad4bb)), key);
    x = v128.xor(x, i32x4.shr_u(x, 11));
    x = i32x4.mul(x, i32x4.splat(0xac4c1b51));
    x = v128.xor(x, i32x4.shr_u(x, 15));
    x = i32x4.mul(x, i32x4.splat(0x31848bab));
    v128.store(at, v128.xor(x, i32x4.shr_u(x, 14)));
    counter = i32x4.add(counter, i32x4.splat(4));
  }
}

// Constants of inner loops, in memory. V8 makes a constant vector, or a number in all lanes, anew
// at every use, in every turn of a loop: three or four instructions, two of which wait for the one
// unit that moves between lanes. Loading it is one.

import { OPERAND_MAX } from './formats';
import { EXP2_C0, EXP2_C1, EXP2_C2, EXP2_C3, EXP2_C4, EXP2_C5 } from './tables';

// One array: each would have a head of its own in the module.
const NUMBERS: usize = memory.data<u32>([
  0x80000000,
  0,
  0x7fff,
  31,
  0x00f8f0e8,
  0x01010101,
  0x10204080,
  0x01020408,
  0,
  0,
  EXP2_C0,
  EXP2_C1,
  EXP2_C2,
  EXP2_C3,
  EXP2_C4,
  EXP2_C5 - (1 << 20),
  10239,
  6554,
  16384,
  OPERAND_MAX,
  0xd2511f53,
  0xcd9e8d57,
  0x9e3779b9,
  0xbb67ae85,
]);

/** int64: half of 2^32. */
export const HALF_32: usize = NUMBERS;
/** int32: 15 ones. */
export const LOW_15: usize = NUMBERS + 8;
/** int32: the most halvings of an exponential. */
export const MOST_HALVINGS: usize = NUMBERS + 12;
/** Four int8s: what is added to a number of halvings for each byte of a power of two. */
export const BYTE_OFFSETS: usize = NUMBERS + 16;
/** int32: 1 in all bytes. */
export const ALL_BYTES: usize = NUMBERS + 20;
/** 16 int8s: 2^7, 2^6 .. 2^0, zeros. */
export const POWERS: usize = NUMBERS + 24;
/** Six int32s: coefficients of 2^-f, the last one less 2^20. */
export const EXP2: usize = NUMBERS + 40;
/** int16: largest |u| inside the table of GELU, just below 5 with 11 fraction bits. */
export const GELU_INPUT_MAX: usize = NUMBERS + 64;
/** int16: 1/5 in Q15. */
export const FIFTH_Q15: usize = NUMBERS + 68;
/** int16: 1 in Q14. */
export const ONE_Q14: usize = NUMBERS + 72;
/** int16: OPERAND_MAX. */
export const LARGEST_OPERAND: usize = NUMBERS + 76;
/** Four int32s of Philox: the multipliers M0 and M1, and W0 and W1, by which the keys advance. */
export const PHILOX: usize = NUMBERS + 80;

// What the kernels may be given, which only assertions ask about.

import { OPERAND_MAX } from '../formats';
import { FACTORS, panelBytes } from './layout';

/** Whether |a[i]| <= 4095 for every int16 of a row. */
export function isRowOfOperands(a: usize, k: i32): bool {
  for (; k > 0; k--, a += 2) if (abs<i32>(load<i16>(a)) > OPERAND_MAX) return false;
  return true;
}

/** The same for k rows of n, `row` bytes apart. */
export function areOperands(b: usize, row: usize, k: i32, n: i32): bool {
  for (; k > 0; k--, b += row) if (!isRowOfOperands(b, n)) return false;
  return true;
}

/** Whether every byte of a panel's elements is in 0..127: beyond, processors differ in what the
 *  relaxed instruction gives. */
export function isPanelOf7Bits(panel: usize, k: i32): bool {
  const end = panel + panelBytes(k);
  for (let p = panel + FACTORS; p < end; p++) if (load<u8>(p) > 127) return false;
  return true;
}

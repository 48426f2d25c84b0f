// The int16 working copy of a weight matrix and its packed panels, made once per use of a block. The copy has 13 bits or as
// many as keep every sum of products inside int32: 4095 * (largest L1 norm of a row or column) < 2^31 is checked on the copy
// itself, so a gemm with any operand of at most 4095 is exact in both directions. (A static bound would allow only
// 20 - log2 K bits: 11 at K = 512, where the measured norm allows all 13.)

import { OverflowError } from '../errors.ts';
import type { Device } from '../kernels/device.ts';
import { type Pointer, packedBytes } from '../kernels/kernels.ts';
import { MASTER_FRACTION, OPERAND_MAX, OPERAND_L1_MAX } from '../tensor/formats.ts';
import type { Arena } from '../tensor/arena.ts';

/** Fewest fraction bits of a working copy: 4095 * 2^-8 = 16, the range of the master weights. */
export const MIN_WEIGHT_FRACTION = 8;

/** What is made of a weight: the copy, which is there already if nothing has taken its place since; the panels of each direction. */
export interface Preparation {
  readonly copy: boolean;
  readonly forward: boolean;
  readonly backward: boolean;
}

/** W [rows = out, columns = in]. Each thread has its own: what a thread would save by preparing less it would lose by waiting for the
 *  others at every block (docs/decisions.md). */
export interface WorkingWeight {
  readonly rows: number;
  readonly columns: number;
  readonly copy: Pointer;
  /** Panels for y = x W^T (forward) and dx = dy W (backward; 0 where never needed). */
  readonly forwardPanels: Pointer;
  readonly backwardPanels: Pointer;
  readonly columnSums: Pointer;
  fraction: number;
}

export function layoutWeight(arena: Arena, rows: number, columns: number): WorkingWeight {
  return {
    rows, columns, fraction: 0,
    copy: arena.allocate('workspace', rows * columns * 2),
    forwardPanels: arena.allocate('workspace', packedBytes(columns, rows)),
    backwardPanels: arena.allocate('workspace', packedBytes(rows, columns)),
    columnSums: arena.allocate('workspace', columns * 4),
  };
}

/** Rounds the int32 master to the working copy and packs it. */
export function prepareWeight(d: Device, master: Pointer, w: WorkingWeight, { copy, forward, backward }: Preparation): void {
  if (copy) roundWeight(d, master, w);
  if (forward) d.kernels.pack_nt_i16(w.copy, w.columns, w.columns, w.rows, w.forwardPanels);
  if (backward) d.kernels.pack_nn_i16(w.copy, w.columns, w.rows, w.columns, w.backwardPanels);
}

function roundWeight(d: Device, master: Pointer, w: WorkingWeight): void {
  const n = w.rows * w.columns;
  const max = d.kernels.max_abs_i32(master, n, 1, n);
  let shift = 0;
  while (Math.floor((max + 2 ** shift / 2) / 2 ** shift) > OPERAND_MAX) shift++;
  for (; ; shift++) {
    if (MASTER_FRACTION - shift < MIN_WEIGHT_FRACTION)
      throw new OverflowError(`a ${w.rows} x ${w.columns} weight matrix is too large for exact sums (largest |w| ${max / 2 ** MASTER_FRACTION})`, 'lower the learning rate');
    d.kernels.quantize_i32i16(master, w.copy, n, shift, OPERAND_MAX);
    if (d.kernels.l1_max_i16(w.copy, w.rows, w.columns, w.columnSums) <= OPERAND_L1_MAX) break;
  }
  w.fraction = MASTER_FRACTION - shift;
}

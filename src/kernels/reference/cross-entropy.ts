// Cross entropy of logits against one target a row: the loss in nats and its gradient, softmax
// minus one-hot.

import { LOGIT_GRADIENT_FRACTION } from '../../memory/formats.ts';
import type { Kernels } from '../kernels.ts';
import { bitsBig, shiftRightFloor } from './fixed.ts';
import type { Memory } from './memory.ts';
import { exponentials } from './softmax.ts';

/** ln 2 with 16 fraction bits. */
const LN2_Q16 = 45426;
const LOSS_MAX = 2 ** 31 - 1;

/** log2(Z) - 30 with 16 fraction bits, Z >= 1, bit by bit: squaring y = 2^x in [1, 2) (31 fraction
 *  bits) doubles x. */
function log2(Z: bigint): number {
  const k = bitsBig(Z) - 1;
  let y = k <= 31 ? Z << BigInt(31 - k) : Z >> BigInt(k - 31);
  let L = (k - 30) * 2 ** 16;
  for (let b = 15; b >= 0; b--) {
    y = (y * y) >> 31n;
    if (y >= 1n << 32n) {
      y >>= 1n;
      L += 2 ** b;
    }
  }
  return L;
}

export function crossEntropyKernels(memory: Memory): Pick<Kernels, 'cross_entropy_i32'> {
  return {
    cross_entropy_i32(logits, ldl, targets, dLogits, lddl, losses, rows, columns, scale) {
      const Logits = memory.int32(logits);
      const Targets = memory.int32(targets);
      const Losses = memory.int32(losses);
      const DLogits = dLogits === 0 ? undefined : memory.int32(dLogits);
      for (let r = 0; r < rows; r++) {
        const { t, e, Z, R } = exponentials(Logits, r * ldl, columns, scale);
        const target = Targets[r];
        const nats = (log2(Z) + 2 * t[target]) * LN2_Q16; // below 2^50
        Losses[r] = Math.min(LOSS_MAX, shiftRightFloor(nats + 2 ** 15, 16));
        if (DLogits === undefined) continue;
        for (let j = 0; j < columns; j++) {
          const p = Number((BigInt(e[j]) * R + (1n << 36n)) >> 37n);
          DLogits[r * lddl + j] = p - (j === target ? 2 ** LOGIT_GRADIENT_FRACTION : 0);
        }
      }
    },
  };
}

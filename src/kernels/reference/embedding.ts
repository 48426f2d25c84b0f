// Token and position embedding: the sum of two master rows becomes the first state; gradients are
// added back into int64 rows.

import { MASTER_FRACTION } from '../../memory/formats.ts';
import type { Kernels } from '../kernels.ts';
import { halfUp } from './fixed.ts';
import type { Memory } from './memory.ts';

export function embeddingKernels(
  memory: Memory,
): Pick<Kernels, 'embedding_forward_i32' | 'embedding_backward_i32i64'> {
  return {
    embedding_forward_i32(ids, token, position, out, rows, columns, l) {
      const Ids = memory.int32(ids);
      const Token = memory.int32(token);
      const Position = memory.int32(position);
      const O = memory.int32(out);
      for (let r = 0; r < rows; r++)
        for (let c = 0; c < columns; c++)
          O[r * columns + c] = halfUp(
            Token[Ids[r] * columns + c] + Position[r * columns + c],
            MASTER_FRACTION - l,
          );
    },

    embedding_backward_i32i64(ids, dx, dToken, dPosition, rows, columns, shift) {
      const Ids = memory.int32(ids);
      const Dx = memory.int32(dx);
      const DToken = memory.int64(dToken);
      const DPosition = memory.int64(dPosition);
      for (let r = 0; r < rows; r++)
        for (let c = 0; c < columns; c++) {
          // at most 2^62, 32 of its bits significant: exact
          const value = BigInt(halfUp(Dx[r * columns + c], -shift));
          if (dToken !== 0) DToken[Ids[r] * columns + c] += value;
          if (dPosition !== 0) DPosition[r * columns + c] += value;
        }
    },
  };
}

// A matrix of weights as the model wants it: with an adapter, with other operands, or as it is.

import type { Planner } from '../memory/planner.ts';
import type { MatrixShape } from './columns.ts';
import { Matrix } from './matrix.ts';

export const matrixOf = (at: Planner, shape: MatrixShape): Matrix => {
  const { adapter, operands } = at.layout;
  const own = adapter?.matrix?.(at, shape as never) ?? operands?.matrix?.(at, shape as never);
  return (own as Matrix | undefined) ?? new Matrix(at, shape);
};

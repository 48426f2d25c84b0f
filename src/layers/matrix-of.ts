// A matrix of weights as the model wants it: as it is, or with an adapter.

import type { Planner } from '../memory/planner.ts';
import type { MatrixShape } from './columns.ts';
import { Matrix } from './matrix.ts';

export const matrixOf = (at: Planner, shape: MatrixShape): Matrix =>
  (at.layout.adapter?.matrix?.(at, shape as never) as Matrix | undefined) ?? new Matrix(at, shape);

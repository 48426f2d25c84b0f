// What layers say of inputs that they cannot take.

import { UsageError } from '../../errors.ts';
import type { Type } from '../memory/tensor.ts';

export const describe = ({ kind, rows, columns }: Type): string => `${kind} ${rows} x ${columns}`;

export function refuse(layer: string, input: Type, expected: string): never {
  throw new UsageError(`${layer} is given ${describe(input)}, expected ${expected}`);
}

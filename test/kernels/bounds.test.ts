// Every bound that the contract (src/kernels/kernels.ts) documents: at its corner all back ends
// agree, one beyond it the checked build refuses the call by the kernel's name. Kernels that are
// missing here have no bound, and say so.

import { describe, expect, it } from 'vitest';
import type { Kernels } from '../../src/kernels/kernels.ts';
import { backends } from '../helpers/backends.ts';
import { type Call, Equality, run } from '../helpers/calls.ts';
import type { Argument } from './bounds/bound.ts';
import { layerBounds } from './bounds/layers.ts';
import { operandBounds } from './bounds/operands.ts';
import { updateBounds } from './bounds/updates.ts';

const BOUNDS = [...operandBounds, ...layerBounds, ...updateBounds];

/** Kernels that any arguments are good for, sizes and addresses aside. */
const UNBOUNDED: (keyof Kernels)[] = [
  'gelu_backward_i32',
  'hash_i32',
  'max_abs_i32',
  'max_bits_i64',
];

describe('bounds of the contract', () => {
  it(`${BOUNDS.length} bounds, of every kernel but ${UNBOUNDED.join(', ')}`, () => {
    expect([...new Set([...BOUNDS.map(({ kernel }) => kernel), ...UNBOUNDED])].sort()).toEqual(
      Object.keys(backends()[0].kernels).sort(),
    );
  });

  const callOf = (kernel: keyof Kernels, args: readonly Argument[]): Call =>
    ({ kernel, args }) as unknown as Call;
  it.each(BOUNDS)('$kernel: $what', ({ kernel, args, corners, beyond }) => {
    const equality = new Equality(backends());
    const checked = backends()[2];
    for (const value of corners) equality.check(callOf(kernel, args(value as never)));
    for (const value of beyond)
      expect(
        () => run(checked, callOf(kernel, args(value as never)), 0),
        `${kernel} ${String(value)}`,
      ).toThrow(kernel);
  });
});

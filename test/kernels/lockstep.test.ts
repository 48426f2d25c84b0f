// A short run of the lockstep fuzzer (npm run fuzz:lockstep is the long one), and that it finds
// what is wrong.

import { describe, expect, test } from 'vitest';
import type { Backend, Kernels } from '../../src/kernels/kernels.ts';
import { sizedBackend } from '../helpers/backends.ts';
import { Difference, Lockstep, train } from '../helpers/lockstep.ts';
import { SEED } from '../helpers/suite.ts';

describe.each(['release', 'checked'] as const)('%s', (name) => {
  test(`0 calls differ from the reference while random configurations train, seed ${SEED}`, () => {
    const lockstep = new Lockstep((bytes) => sizedBackend(name, bytes));
    const outcomes = new Set<string>();
    for (let number = 0; lockstep.total < 30_000; number++)
      outcomes.add(train(lockstep, SEED, number));
    console.log(`${name}: ${lockstep.total} calls of ${lockstep.calls.size} kernels`);
    expect(outcomes).toContain('trained');
    expect(lockstep.calls.size).toBeGreaterThanOrEqual(32);
  });
});

/** The release build with one kernel that does `wrong` after each call. */
const spoilt =
  (
    kernel: keyof Kernels,
    wrong:
      | ((memory: DataView, args: readonly number[], result: number) => number)
      | ((memory: DataView, args: readonly number[], result: number) => void),
  ) =>
  (bytes: number): Backend => {
    const backend = sizedBackend('release', bytes);
    const memory = new DataView(backend.memory.buffer);
    const right = backend.kernels[kernel] as (...args: number[]) => number;
    const spoil = (...args: number[]): number => {
      const result = right(...args);
      return wrong(memory, args, result) ?? result;
    };
    return { ...backend, kernels: { ...backend.kernels, [kernel]: spoil } };
  };

test.each([
  [
    'layer_norm_forward_i32i16',
    'a last bit',
    (memory, args) => memory.setInt16(args[5], memory.getInt16(args[5], true) ^ 1, true),
  ],
  [
    'adamw_i64',
    'another rounding',
    (memory, args) => memory.setInt32(args[0], memory.getInt32(args[0], true) + 1, true),
  ],
  [
    'gemm_i16i16i32',
    'a write beyond its last row',
    (memory, args) => memory.setInt8(args[4] + args[6] * args[5] * 4, 77),
  ],
  ['requantize_i32i16', 'a count', (_, __, result) => result + 1],
  [
    'hash_i32',
    'an operand that is written to',
    (memory, args) => memory.setInt8(args[0], memory.getInt8(args[0]) + 1),
  ],
] as [keyof Kernels, string, Parameters<typeof spoilt>[1]][])(
  '%s with %s is found, and said how to repeat',
  (kernel, _, wrong) => {
    const lockstep = new Lockstep(spoilt(kernel, wrong));
    const all = (): void => {
      for (let number = 0; lockstep.total < 15_000; number++) train(lockstep, SEED, number);
    };
    expect(all).toThrow(Difference);
    expect(all).toThrow(
      new RegExp(
        `^seed ${SEED}, configuration \\d+ \\(\\w+\\): Error: ${kernel}\\([^)]*\\)(:| returned)`,
      ),
    );
  },
);

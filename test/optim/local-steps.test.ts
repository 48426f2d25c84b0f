// What local steps are made of: options, slots, and runs that they do not fit.

import { describe, expect, test } from 'vitest';
import {
  adamw,
  builtinChoices,
  gpt,
  lion,
  localSteps,
  roundsOf,
  sgd,
  Trainer,
} from '../../src/index.ts';

const model = gpt({ vocabulary: 4, layers: 1, channels: 8, heads: 2, context: 4 });

describe('local steps', () => {
  test.each([
    ['adamw', adamw(), 'm,r,velocity'],
    ['sgd', sgd(), 'm,velocity'],
    ['lion', lion(), 'm,velocity'],
  ])('by %s keep what that keeps, and the outer momentum', (_, optimizer, slots) => {
    const made = localSteps({ optimizer, shards: 2, steps: 4 });
    expect(made.slots.map(({ name }) => name).join()).toBe(slots);
    expect(made.scratchBytes).toBe(optimizer.scratchBytes);
    expect(made.options).toEqual({ optimizer, shards: 2, steps: 4 });
  });

  test('leave together what their optimizer wants to be left together', () => {
    const rows = { ...sgd(), unit: ({ size }: { size: number }) => size };
    const of = (optimizer: typeof rows | ReturnType<typeof sgd>) =>
      localSteps({ optimizer, shards: 2, steps: 4 }).unit?.({ size: 640 } as never);
    expect([of(rows), of(sgd())]).toEqual([640, undefined]);
  });

  test('are one of the choices that a checkpoint is read with', () => {
    const again = builtinChoices().localSteps({
      optimizer: lion(),
      ...{ shards: 3, steps: 5 },
    } as never);
    expect([again.name, again.options]).toMatchObject(['localSteps', { shards: 3, steps: 5 }]);
  });

  test.each([
    [{ shards: 0, steps: 1 }, 'shards is 0, expected a whole number from 1 to 65536'],
    [{ shards: 1, steps: 0 }, 'steps is 0, expected a whole number from 1 to 4096'],
    [{ shards: 1, steps: 4097 }, 'steps is 4097, expected a whole number from 1 to 4096'],
    [{ shards: 1.5, steps: 1 }, 'shards is 1.5'],
    [{ steps: 1 }, 'shards is undefined'],
    [{ shards: 1, steps: 1, optimizer: 3 }, 'optimizer is 3, expected an optimizer'],
    [{ shards: 1, steps: 1, optimizer: localSteps({ shards: 1, steps: 1 }) }, 'of local steps'],
  ])('cannot have %j', (options, message) => {
    expect(() => localSteps(options as never)).toThrow(message);
  });
});

describe('rounds', () => {
  const optimizer = localSteps({ shards: 4, steps: 8 });

  test('are a run’s with local steps, and no other’s', () => {
    const trainer = Trainer.create({ model, batch: 8, steps: 16, optimizer });
    expect(roundsOf(trainer.options)).toEqual({ shards: 4, steps: 8 });
    expect(roundsOf({ optimizer: adamw(), batch: 8, steps: 16 })).toBe(undefined);
  });

  test.each([
    [{ optimizer, batch: 6, steps: 16 }, /batch is 6, expected a multiple of the 4.*instance 8/],
    [{ optimizer, batch: 8, steps: 17 }, /steps is 17, expected a multiple of the 8.*instance 24/],
  ])('have to fit the batch and the steps', (run, message) => {
    expect(() => roundsOf(run)).toThrow(message);
  });
});

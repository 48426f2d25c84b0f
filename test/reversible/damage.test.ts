// A flipped bit in what a rule rebuilds is found, and the error names where.

import { describe, expect, test } from 'vitest';
import { ReconstructionError } from '../../src/index.ts';
import { createGpt } from '../helpers/flat.ts';
import { pattern } from '../helpers/pattern.ts';
import {
  type Case,
  type GptTrainer,
  NOISE,
  optionsOf,
  RULES,
  releaseWith,
  steps,
} from '../helpers/rules.ts';
import { batchOf } from '../helpers/runs.ts';

describe('a flipped bit', () => {
  /** Called after a kernel that undoes something has run: what it wrote. */
  type Undone = (
    kernel: 'bdia' | 'add' | 'exchange',
    written: Int32Array,
    digits?: Int32Array,
  ) => void;

  /** A back end that shows every call that undoes an update. */
  const watched = (undone: Undone) =>
    releaseWith((kernels, memory) => {
      const view = (at: number, n: number): Int32Array => new Int32Array(memory.buffer, at, n);
      return {
        bdia_inverse_i32: (...args) => {
          kernels.bdia_inverse_i32(...args);
          undone('bdia', view(args[4], args[5]));
        },
        add_rounded_i32: (...args) => {
          const count = kernels.add_rounded_i32(...args);
          if (args[4] < 0) undone('add', view(args[2], args[3]));
          return count;
        },
        exchange_radix_i32u32: (...args) => {
          const count = kernels.exchange_radix_i32u32(...args);
          if (args[3] < args[4]) undone('exchange', view(args[0], args[2]), view(args[1], args[2]));
          return count;
        },
      };
    });

  const layers = 3;
  const batch = 2;
  const n = 24 * 32;
  /** Trains a step; flips a bit of an element at the given call of that step, or of its digits. */
  function damaged(
    rule: Case,
    call: number,
    element: number,
    bit: number,
    inDigits = false,
  ): GptTrainer {
    let calls = 0;
    return createGpt(
      optionsOf(rule, { ...NOISE, batch, model: { layers } }),
      watched((_kernel, written, digits) => {
        if (calls++ === call) (inDigits ? digits! : written)[element] ^= 1 << bit;
      }),
    );
  }
  /** Calls that undo an update in a step: which kernel, which block, which sample. */
  function callsOf(rule: Case): { kernel: string; block: number; sample: number }[] {
    const kernels: string[] = [];
    const trainer = createGpt(
      optionsOf(rule, { ...NOISE, batch, model: { layers } }),
      watched((kernel) => {
        kernels.push(kernel);
      }),
    );
    steps(trainer, 1);
    const blocks =
      rule.given.reversible === 'momentum' || rule.given.reversible === 'coupling'
        ? [2, 1, 0]
        : [2, 1];
    const places = blocks.flatMap((block) => [0, 1].map((sample) => ({ block, sample })));
    const { reversible, randomMomentum } = rule.given;
    const placeOf = (i: number): number => {
      if (reversible === 'coupling') return Math.floor(i / 2);
      if (reversible !== 'momentum') return i;
      // random: block 0 multiplies by 0
      return randomMomentum && i >= 12 ? 4 + Math.floor((i - 12) / 2) : Math.floor(i / 3);
    };
    const owner = kernels.map((_, i) => places[placeOf(i)]);
    expect(owner.at(-1)).toEqual(places.at(-1));
    return kernels.map((kernel, i) => ({ kernel, ...owner[i] }));
  }

  /** The error of a trainer's first step: its message, how many elements differ, the first. */
  function reported(trainer: GptTrainer): { message: string; count: string; first: string } {
    let message = '';
    try {
      trainer.step(batchOf(trainer, 0));
    } catch (error) {
      expect(error).toBeInstanceOf(ReconstructionError);
      ({ message } = error as Error);
    }
    const [, count = '', first = ''] =
      pattern(
        /before block \d+ of sample \d+ were not rebuilt exactly in step 1: (\d+) /,
        /of 768 elements differ, the first is element (\d+); no weight was changed$/,
      ).exec(message) ?? [];
    return { message, count, first };
  }

  test.each(Object.entries(RULES))(
    'in any rebuilt state is a ReconstructionError that names block and sample, and the ' +
      'element if no other differs; the next step is right: %s',
    async (_, rule) => {
      const clean = await steps(
        createGpt(optionsOf(rule, { ...NOISE, batch, model: { layers } })),
        2,
      ).weightsSha256();
      const calls = callsOf(rule);
      for (const [call, { kernel, block, sample }] of calls.entries())
        for (const bit of [0, 13, 28, 31]) {
          const next = calls[call + 1];
          // nothing is computed from the last before the check
          const isLast = next?.block !== block || next.sample !== sample;
          // the highest bits of v before it is divided by beta do not matter
          if (bit === 31 && !isLast) continue;
          const element = (call * 97 + bit * 31) % n;
          const trainer = damaged(rule, call, element, bit);
          const { message, count, first } = reported(trainer);
          expect(message, `call ${call} (${kernel}), bit ${bit}`).toContain(
            `before block ${block} of sample ${sample} `,
          );
          expect(trainer.totals.mismatchedElements).toBe(Number(count));
          expect(Number(count)).toBeGreaterThanOrEqual(1);
          expect(Number(count)).toBeLessThanOrEqual(n);
          if (isLast) expect([count, first]).toEqual(['1', String(element)]);
          // the error has left nothing behind
          expect(await steps(trainer, 2).weightsSha256()).toBe(clean);
        }
    },
  );

  test('in the digits of momentum is found one block later', () => {
    for (const rule of [RULES['momentum 0.875'], RULES['momentum 0.5']])
      for (const [call, { kernel, block, sample }] of callsOf(rule).entries()) {
        if (kernel !== 'exchange' || block === 0) continue;
        const trainer = damaged(rule, call, 321, 0, true);
        const batch = batchOf(trainer, 0);
        expect(() => trainer.step(batch)).toThrow(
          `before block ${block - 1} of sample ${sample} were not rebuilt exactly in step 1: ` +
            '1 of 768 elements differ, the first is element 321',
        );
      }
  });

  test('without verification is not looked for', () => {
    const options = { ...optionsOf(RULES.coupling), verify: false };
    const trainer = steps(createGpt(options), 1);
    expect(trainer.totals.checkedStates).toBe(0);
  });
});

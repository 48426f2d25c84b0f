// Kept states of every few blocks: the bits of stored activations, with the memory and the work
// that the plan says.

import { describe, expect, test } from 'vitest';
import { createGpt, type FlatOptions, planGpt } from '../helpers/flat.ts';
import { NOISE, releaseWith, steps, weightsAfter } from '../helpers/rules.ts';
import { smallOptions } from '../helpers/runs.ts';

describe('checkpointing', () => {
  test('gives the weights of none, bit for bit, depth 1, 2, 3, 5, 9, 16, noise too', async () => {
    for (const layers of [1, 2, 3, 5, 9, 16])
      for (const noise of [{}, NOISE]) {
        const options = smallOptions({ ...noise, batch: 4, model: { layers, bias: true } });
        const expected = await weightsAfter({ ...options, reversible: 'none' }, 3);
        for (const microBatch of [4, 1])
          expect(
            await weightsAfter({ ...options, reversible: 'checkpointing', microBatch }, 3),
            `depth ${layers}`,
          ).toBe(expected);
      }
  });

  test('runs each block but those of the last segment twice', () => {
    for (const [layers, last] of [
      [1, 1],
      [2, 2],
      [3, 1],
      [5, 2],
      [9, 3],
      [16, 4],
      [17, 2],
    ]) {
      let calls = 0;
      const options = smallOptions({ reversible: 'checkpointing', batch: 1, model: { layers } });
      steps(
        createGpt(
          options,
          releaseWith((kernels) => ({
            bdia_step_i32: (...args) => {
              calls++;
              return kernels.bdia_step_i32(...args);
            },
          })),
        ),
        1,
      );
      expect(calls, `depth ${layers}`).toBe(2 * layers - last);
    }
  });

  test('keeps ceil(sqrt L) blocks of activations, a state before each segment but the last', () => {
    const states = (reversible: FlatOptions['reversible'], layers: number): number =>
      planGpt(smallOptions({ reversible, batch: 4, model: { layers } })).bytes.states;
    const state = 4 * 24 * 32 * 4;
    const lanes = 4 * state;
    const block = states('none', 2) - states('none', 1);
    for (const layers of [1, 2, 3, 4, 5, 9, 16, 17, 64, 100]) {
      const segment = Math.ceil(Math.sqrt(layers));
      expect(states('none', layers)).toBe(lanes + layers * block);
      expect(states('checkpointing', layers)).toBe(
        lanes + segment * block + (Math.ceil(layers / segment) - 1) * state,
      );
    }
  });
});

// The promises of the reversible stack on real attention blocks: states rebuilt without a differing
// element at any depth, gradients equal to those with stored activations in every bit, bits that do
// not depend on how the work is cut up, and memory that does not grow with depth.

import { describe, expect, test } from 'vitest';
import { OverflowError, ReconstructionError } from '../../src/index.ts';
import { createGpt, planGpt } from '../helpers/flat.ts';
import { releaseWith, wrapping } from '../helpers/rules.ts';
import { continueTraining, randomTokens, smallOptions, train } from '../helpers/runs.ts';

describe('reversal', () => {
  for (const layers of [2, 8, 32, 64])
    test(`0 elements differ at depth ${layers} for l = 6, 9, 12, 14 and m = 1, 2, 3`, () => {
      for (const fractionBits of [6, 9, 12, 14])
        for (const gammaShift of [1, 2, 3]) {
          const options = smallOptions({
            fractionBits,
            gammaShift,
            batch: 2,
            model: { layers, channels: 16, context: 12 },
          });
          const trainer = train(options, 2);
          expect(trainer.totals).toEqual({
            checkedStates: 2 * 2 * (layers - 1),
            mismatchedElements: 0,
            saturated: trainer.totals.saturated,
            overflowed: 0,
          });
        }
    });

  test('0 elements differ when the int32 state wraps around: every state + (2^31 - 1000)', () => {
    for (const layers of [2, 16])
      for (const fractionBits of [6, 9, 14]) {
        const options = smallOptions({ fractionBits, model: { layers } });
        const trainer = createGpt(options, wrapping);
        const batch = randomTokens(options, 0);
        trainer.computeGradients(batch); // throws ReconstructionError if an element differs
      }
  });

  test(
    'without the push, a state beyond 2^14 is an OverflowError that names the block, and no ' +
      'weight changes',
    async () => {
      const options = smallOptions();
      const trainer = createGpt(options);
      const before = await trainer.weightsSha256();
      const batch = randomTokens(options, 0);
      const small = createGpt(
        options,
        releaseWith(() => ({ bdia_step_i32: () => 3 })),
      );
      expect(() => small.step(batch)).toThrow(OverflowError);
      expect(() => small.step(batch)).toThrow(
        /3 elements: block 0, sample 0, step 1; no weight was changed/,
      );
      expect(await small.weightsSha256()).toBe(before);
    },
  );

  test(
    'a flipped bit in a rebuilt state is a ReconstructionError that names block, sample and ' +
      'element',
    () => {
      const faulty = releaseWith((kernels, memory) => {
        let calls = 0;
        return {
          bdia_inverse_i32: (...args) => {
            kernels.bdia_inverse_i32(...args);
            // second call: last block, sample 1
            if (++calls === 2) new Int32Array(memory.buffer, args[4], args[5])[77] ^= 1;
          },
        };
      });
      const options = smallOptions();
      const trainer = createGpt(options, faulty);
      const batch = randomTokens(options, 0);
      expect(() => trainer.step(batch)).toThrow(ReconstructionError);
      const again = createGpt(options, faulty);
      expect(() => again.step(batch)).toThrow(
        /before block 2 of sample 1 .* 1 of 768 elements differ, the first is element 77/,
      );
    },
  );
});

describe('gradients', () => {
  for (const layers of [1, 2, 7, 24])
    test(`rebuilt = stored, every bit of every parameter, depth ${layers}, m = 1 and 2`, () => {
      for (const gammaShift of [1, 2]) {
        const options = smallOptions({ gammaShift, model: { layers, bias: true } });
        const batch = randomTokens(options, 3);
        const rebuilt = createGpt(options);
        const stored = createGpt({ ...options, storeActivations: true });
        expect(rebuilt.computeGradients(batch)).toBe(stored.computeGradients(batch));
        for (const { name } of rebuilt.tensors().filter((t) => !t.name.startsWith('optimizer'))) {
          expect(rebuilt.gradient(name), name).toEqual(stored.gradient(name));
          expect(
            rebuilt.gradient(name).some((v) => v !== 0n),
            name,
          ).toBe(true);
        }
      }
    });
});

describe('invariance', () => {
  test(
    'the weights of 6 steps are the same for every micro-batch, with and without verification, ' +
      'and for two runs',
    async () => {
      for (const reversible of ['bdia', 'none'] as const) {
        const options = smallOptions({ batch: 12, reversible });
        const expected = await train(options, 6).weightsSha256();
        for (const microBatch of [12, 6, 2, 1])
          for (const verify of [true, false])
            expect(
              await train({ ...options, microBatch, verify }, 6).weightsSha256(),
              `micro-batch ${microBatch}`,
            ).toBe(expected);
      }
    },
  );

  test('another seed gives other weights', async () => {
    expect(await train(smallOptions({ seed: 1 }), 1).weightsSha256()).not.toBe(
      await train(smallOptions({ seed: 2 }), 1).weightsSha256(),
    );
  });

  test('20 steps are 10 steps, saved and restored, and 10 steps', async () => {
    const options = smallOptions();
    const whole = train(options, 20);
    const first = train(options, 10);
    const saved = first.tensors().map((t) => ({ ...t, data: t.data.slice() }));
    const second = createGpt({ ...options, seed: 1 });
    second.restore(saved, 10);
    continueTraining(second, 10);
    expect(await second.weightsSha256()).toBe(await whole.weightsSha256());
  });
});

describe('memory', () => {
  const at = (layers: number, gammaShift = 1) =>
    planGpt(
      smallOptions({
        batch: 4,
        gammaShift,
        model: { layers, channels: 64, heads: 4, context: 40 },
      }),
    );
  test('state bytes are equal at depth 4 and 64, side bits are (L - 1) B T C m / 8 bytes', () => {
    expect(at(64).bytes.states).toBe(at(4).bytes.states);
    // the optimizer's 12 bytes a tensor: bits and a sum; a fingerprint of each of 4 sequences
    expect(at(64).bytes.workspace - at(4).bytes.workspace).toBe(60 * (6 * 12 + 4 * 4));
    for (const layers of [1, 4, 64])
      for (const m of [1, 2, 3])
        expect(at(layers, m).bytes.sideBits).toBe(((layers - 1) * 4 * 40 * 64 * m) / 8);
  });

  test('weights, gradients and optimizer take 20 bytes a parameter', () => {
    const { bytes, parameters } = at(4);
    expect(bytes.weights + bytes.gradients + bytes.optimizer).toBe(20 * parameters);
  });

  test('stored activations grow with depth, as planned', () => {
    const stored = planGpt(smallOptions({ reversible: 'none', model: { layers: 8 } }));
    expect(stored.bytes.states).toBe(stored.storedStatesWouldBe);
    expect(planGpt(smallOptions({ model: { layers: 8 } })).storedStatesWouldBe).toBe(
      stored.bytes.states,
    );
  });
});

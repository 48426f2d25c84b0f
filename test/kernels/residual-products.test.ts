// Products of the residual gradient fit int32 by construction, as combine_i32 demands.

import { describe, expect, it } from 'vitest';
import { Run } from '../../src/ops/run.ts';
import { backends } from '../helpers/backends.ts';
import { createGpt } from '../helpers/flat.ts';
import { TOP } from './bounds/bound.ts';

describe('products of the residual gradient', () => {
  it('fit int32 by construction: a sum shifts larger terms; its result is at most 2^26', () => {
    const backend = backends()[2];
    const d = new Run(backend);
    const [a, b, out] = [0, 1, 2].map((i) => backend.base + i * 64);
    for (const raw of [2 ** 30, 2 ** 30 - 1, -(2 ** 30), TOP, 238_609_295])
      for (const factor of [7, 9, 15]) {
        d.view(a, 2).set([raw, 1000]);
        d.view(b, 2).set([raw, -1000]);
        const first = { at: a, exponent: -40 };
        const second = { at: b, exponent: -43 };
        const sum = { at: out, exponent: 0 };
        d.sum.of(2).add(first, factor).add(second).into(sum);
        expect((d.view(a, 1)[0] * 2 ** first.exponent) / (raw * 2 ** -40)).toBeCloseTo(1, 6);
        expect(
          (d.view(out, 1)[0] * 2 ** sum.exponent) / (raw * (factor + 1 / 8) * 2 ** -40),
        ).toBeCloseTo(1, 5);
        expect(Math.abs(d.view(out, 1)[0])).toBeLessThanOrEqual(2 ** 26);
      }
    d.view(a, 2).set([Math.floor(TOP / 9), 0]); // the largest that fits stays as it is
    const at = { at: a, exponent: -40 };
    d.sum.of(2).add(at, 9).into({ at: out, exponent: 0 });
    expect([d.view(a, 1)[0], at.exponent]).toEqual([Math.floor(TOP / 9), -40]);
  });

  it('gamma shift 3, gains near 16: 9 times the first gradient is no int32, no call beyond', () => {
    const gradients = backends().map((kind) => {
      let most = 0;
      const trainer = createGpt(
        {
          model: { vocabulary: 2, layers: 2, channels: 10, heads: 1, context: 1 },
          batch: 1,
          steps: 9,
          gammaShift: 3,
          seed: 1410,
        },
        (bytes) => {
          const { kernels } = kind;
          const used = bytes + kind.base;
          if (used > kind.memory.buffer.byteLength) throw new Error('too small');
          new Uint8Array(kind.memory.buffer, kind.base, bytes).fill(0);
          return {
            ...kind,
            kernels: {
              ...kernels,
              combine_i32: (...args) => {
                most = Math.max(most, kernels.max_abs_i32(args[0], args[9], 1, args[9]) * 9);
                kernels.combine_i32(...args);
              },
            },
          };
        },
      );
      let state = 1410 * 7919;
      const random = (): number => {
        state = (Math.imul(state, 1664525) + 1013904223) | 0;
        return state / 2 ** 31;
      };
      for (const { name, data } of trainer.tensors())
        if (name === 'norm.gain')
          data.forEach((_, i) => {
            data[i] = Math.round(
              15.9 * 2 ** 24 * (random() > 0 ? 1 : -1) * (0.75 + Math.abs(random()) / 4),
            );
          });
      const inputs = Int32Array.of(Math.floor(Math.abs(random()) * 2));
      trainer.computeGradients({ inputs, targets: Int32Array.of(1) });
      expect(most).toBeGreaterThan(2 ** 31);
      return trainer
        .tensors()
        .filter(({ name }) => !name.startsWith('optimizer'))
        .map(({ name }) => trainer.gradient(name).slice());
    });
    expect(gradients[1]).toEqual(gradients[0]);
    expect(gradients[2]).toEqual(gradients[0]);
  });
});

// A GPT leaves as the directory of a GPT2LMHeadModel: an implementation in float64 that reads
// nothing else gives the library's logits.

import { expect, test } from 'vitest';
import { exportHf } from '../../src/export/index.ts';
import { Gpt2 } from '../helpers/gpt2-float64.ts';
import { trainedGpt, writeFiles } from './train.ts';

/** What the engine's 13-bit operands cost: docs/weights.md. */
const BOUND = 0.05;

test.each([
  ['as by default', { channels: 64 }, {}],
  ['with biases', { bias: true }, {}],
  ['with a head of its own', { tied: false }, { reversible: 'none' }],
  ['with one wide head and a narrow MLP', { heads: 1, mlpRatio: 2 }, {}],
  ['of bytes, with biases', { vocabulary: 256, bias: true }, {}],
] as const)('a trained GPT %s has the same logits elsewhere', (_, more, flat) => {
  const kind = 'vocabulary' in more ? 'bytes' : 'characters';
  const { trainer, vocabulary, validation } = trainedGpt(more, flat, kind);
  const gpt2 = Gpt2.load(writeFiles(exportHf(trainer, { vocabulary })));
  let worst = 0;
  let equal = 0;
  let rows = 0;
  let spread = 0;
  for (let at = 0; at + 24 <= validation.length; at += 24) {
    const window = validation.subarray(at, at + 24);
    gpt2.logits(window).forEach((theirs, t) => {
      const ours = trainer.predict(window.subarray(0, t + 1));
      expect(theirs).toHaveLength(ours.length);
      const most = (values: ArrayLike<number>): number =>
        Array.from(values).indexOf(Math.max(...Array.from(values)));
      theirs.forEach((value, v) => {
        worst = Math.max(worst, Math.abs(value - ours[v]));
      });
      spread = Math.max(spread, Math.max(...theirs) - Math.min(...theirs));
      equal += Number(most(theirs) === most(ours));
      rows++;
    });
  }
  expect(rows).toBeGreaterThan(200);
  expect(spread).toBeGreaterThan(100 * BOUND); // so that the bound says something
  expect(worst).toBeLessThanOrEqual(BOUND);
  expect(equal / rows).toBeGreaterThanOrEqual(0.99);
});

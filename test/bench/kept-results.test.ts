// The results of experiments that the repository keeps are of the runs that would be made now.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { deciding } from '../../bench/experiments/experiment.ts';
import { EXPERIMENTS } from '../../bench/experiments/list.ts';
import { optionsOf } from '../../src/cli/settings.ts';
import {
  type Definition,
  type GptConfig,
  gpt,
  type TextBatch,
  translator,
  vit,
} from '../../src/index.ts';

test('results that are kept are of the options that their runs would have now', () => {
  const definitions = { gpt, vit, translator };
  const folder = new URL('../../bench/results/experiments/', import.meta.url);
  let count = 0;
  for (const { name, cells } of EXPERIMENTS)
    for (const file of existsSync(new URL(name, folder))
      ? readdirSync(new URL(name, folder))
      : []) {
      const { cell, options: kept } = JSON.parse(
        readFileSync(new URL(`${name}/${file}`, folder), 'utf8'),
      );
      const {
        batch,
        steps,
        seed,
        learningRate,
        warmup,
        model: { kind = 'gpt', ...model },
      } = kept;
      const ofCell = cells.find(({ id }) => id === cell)?.options;
      const define = definitions[kind as keyof typeof definitions] as Definition<
        GptConfig,
        TextBatch
      >;
      const now = optionsOf(define, { batch, steps, seed, learningRate, warmup, model, ...ofCell });
      expect(kept, file).toMatchObject(deciding(now));
      count++;
    }
  expect(count).toBeGreaterThanOrEqual(63);
});

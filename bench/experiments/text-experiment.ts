// Experiments on text: a character GPT, every cell with the same data, batches and budget.

import { readTextFile } from '../../src/cli/files.ts';
import { type GptConfig, gpt, readText, sha256Hex, Trainer } from '../../src/cli/library.ts';
import { optionsOf } from '../../src/cli/settings.ts';
import { gptTask } from '../../src/cli/tasks/gpt.ts';
import { type Cell, type Description, deciding, type Experiment } from './experiment.ts';
import { measure, pointsOf } from './measure.ts';

export interface TextSetting extends Omit<GptConfig, 'vocabulary' | 'rule'> {
  /** The first so many of the text; all if absent. */
  characters?: number;
  batch: number;
  steps: number;
  learningRate: number;
  points: number;
}

/** How the runs of a setting are made. */
export function openText(setting: TextSetting): Experiment['open'] {
  const { characters, batch, steps: wholeSteps, learningRate, points, ...shape } = setting;
  return async (path, scale) => {
    const all = Array.from(new TextDecoder().decode(readTextFile(path)));
    const bytes = new TextEncoder().encode(all.slice(0, characters).join(''));
    const dataSha256 = await sha256Hex(bytes);
    const data = readText(bytes, { context: shape.context, what: 'the text' });
    const steps = Math.max(1, Math.round(wholeSteps * scale));
    const model = { ...shape, vocabulary: data.vocabulary.size };
    const budget = { model, batch, steps, learningRate };
    const checked = ({ options }: Cell, seed: number, threads: number) =>
      optionsOf(gpt, { ...budget, seed, threads, ...options });
    return {
      dataSha256: () => dataSha256,
      options: (cell, seed) => ({
        ...deciding(checked(cell, seed, 1)),
        trainTokens: data.train.length,
        validationTokens: data.validation.length,
        points,
      }),
      async run(cell, seed, threads, watch) {
        const trainer = Trainer.create(checked(cell, seed, threads));
        try {
          return await measure(
            gptTask(trainer, data),
            { steps, points: pointsOf(points, steps, scale) },
            watch,
          );
        } finally {
          trainer.close();
        }
      },
    };
  };
}

export const textExperiment = (
  about: Omit<Description, 'data'>,
  setting: TextSetting,
): Experiment => ({ ...about, data: 'text', open: openText(setting) });

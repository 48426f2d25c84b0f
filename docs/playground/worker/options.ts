// Settings of the page as options of the library, and back from a checkpoint's.

import {
  bdia,
  type CheckedOptions,
  CheckpointError,
  cosine,
  coupling,
  type GptConfig,
  gpt,
  leapfrog,
  momentum,
  plain,
  type TextBatch,
  type TrainOptions,
  type UpdateRule,
} from 'retrograd';
import { type RuleName, type Settings, type TextName, warmupOf } from '../settings.ts';

const MAKERS: Readonly<Record<RuleName, () => UpdateRule>> = {
  bdia,
  leapfrog,
  momentum,
  coupling,
  none: plain,
};

/** What changes no bit: the threads, and how they are started in a bundle. */
export const withThreads = (threads: number) => ({
  threads,
  worker: () => new Worker(new URL('./thread.js', import.meta.url), { type: 'module' }),
});

export const ruleOf = (name: RuleName): UpdateRule => MAKERS[name]();

/** `rule`: another one in the place of the settings'. */
export function optionsOf(
  settings: Settings,
  vocabulary: number,
  rule = ruleOf(settings.rule),
): TrainOptions<TextBatch> {
  const { layers, channels, heads, context, batch, seed, steps, learningRate } = settings;
  return {
    model: gpt({ vocabulary, layers, channels, heads, context, rule }),
    batch,
    steps,
    seed,
    learningRate: cosine(learningRate, { warmup: warmupOf(settings) }),
  };
}

/** The settings of a run from a checkpoint, as far as the page has them. Throws CheckpointError
 *  for a model that is no GPT. */
export function settingsOf(options: CheckedOptions, text: TextName): Settings {
  const { model, batch, seed, steps, learningRate } = options;
  if (model.name !== 'gpt')
    throw new CheckpointError(
      `a checkpoint of the model ${model.name}, expected one of a GPT`,
      'go on with it on the command line',
    );
  const { layers, channels, heads, context, rule } = model.config as Required<GptConfig>;
  const { peak } = learningRate.options as { peak: number };
  const name = rule.name === 'plain' ? 'none' : (rule.name as RuleName);
  return {
    text,
    layers,
    channels,
    heads,
    context,
    batch,
    rule: name,
    seed,
    steps,
    learningRate: peak,
  };
}

// Options of a run as one flat record with choices in words, as tests vary them: what checkpoints
// of versions 1 and 2 held (src/checkpoint/versions.ts).

import {
  adamw,
  bdia,
  type ConfiguredModel,
  constant,
  cosine,
  coupling,
  type Definition,
  type GptConfig,
  gpt,
  leapfrog,
  type MemoryPlan,
  momentum,
  plain,
  plan,
  type TextBatch,
  Trainer,
  type TrainOptions,
  type UpdateRule,
} from '../../src/index.ts';
import type { TestOptions } from '../../src/train/engine.ts';

/** checkpointing: plain(), of which the state of every few blocks is kept. */
export type RuleName = 'bdia' | 'none' | 'coupling' | 'momentum' | 'leapfrog' | 'checkpointing';

type Same = Omit<TrainOptions, 'model' | 'learningRate' | 'optimizer' | 'keep' | 'batch' | 'steps'>;

/** Beside the model. */
export interface FlatChoices extends Same {
  reversible?: RuleName;
  gammaShift?: number;
  momentum?: number;
  randomMomentum?: boolean;
  storeActivations?: boolean;
  learningRate?: number;
  warmup?: number;
  decay?: 'cosine' | 'constant';
  weightDecay?: number;
}

/** A run: batch and steps are given, a configuration has no rule. */
export interface FlatOptions<Config = GptConfig> extends FlatChoices {
  model: Config;
  batch: number;
  steps: number;
}

export function ruleOf(flat: FlatChoices): UpdateRule {
  const { reversible = 'bdia', gammaShift, momentum: beta, randomMomentum: isRandom } = flat;
  const rules: Record<RuleName, () => UpdateRule> = {
    bdia: () => bdia({ gammaShift }),
    momentum: () => momentum({ beta, isRandom }),
    coupling,
    leapfrog,
    none: plain,
    checkpointing: plain,
  };
  return rules[reversible]();
}

/** Flat options as those of a trainer, of such a model. */
export function optionsOf<Config extends object, Batch>(
  flat: FlatOptions<Config>,
  define: Definition<Config, Batch>,
): TrainOptions<Batch> & { model: ConfiguredModel<Config, Batch> } {
  const {
    model,
    reversible,
    storeActivations,
    learningRate = 0.001,
    warmup,
    decay,
    ...rest
  } = flat;
  const {
    gammaShift: _shift,
    momentum: _beta,
    randomMomentum: _random,
    weightDecay,
    ...same
  } = rest;
  const schedule = decay === 'constant' ? constant : cosine;
  const stored = storeActivations ? 'activations' : undefined;
  return {
    ...same,
    model: define({ ...model, rule: ruleOf(flat) }),
    learningRate: schedule(learningRate, { warmup }),
    optimizer: adamw({ weightDecay }),
    keep: reversible === 'checkpointing' ? 'states' : stored,
  };
}

/** A trainer of a GPT with flat options, maybe on another back end, or with another module of
 *  threads. */
export const createGpt = (
  flat: FlatOptions,
  makeBackend?: TestOptions['makeBackend'],
  threadModule?: URL,
): Trainer<TextBatch> => Trainer.forTests(optionsOf(flat, gpt), { makeBackend, threadModule });

/** The memory of a run of a GPT with flat options. */
export const planGpt = (flat: FlatOptions): MemoryPlan => plan(optionsOf(flat, gpt));

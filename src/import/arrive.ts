// From a model of another program to one that learns on: measured, decided, and brought into a
// trainer. The same for every architecture.

import { UsageError } from '../core/errors.ts';
import {
  type ConfiguredModel,
  type ImportedFormats,
  type ImportedGptConfig,
  isWeight,
  type NamedTensor,
  type TextBatch,
  type Trainer,
  type UpdateRule,
} from '../index.ts';
import { decide, formatsOf } from './decide.ts';
import type { ForeignModel } from './foreign.ts';
import type { Measures } from './measure.ts';
import { makeMaster, type Recipe } from './recipe.ts';
import { recipesOf } from './recipes.ts';
import { addRemainders } from './record.ts';
import { type ImportReport, reportOf } from './report.ts';

/** The least epsilon without samples: states times 2^4 have room up to 2^11. */
const LEAST_EPSILON = 1e-5 * 4 ** -4;

/** Weights of another program as this library's, of a GPT unless it says otherwise. They are read
 *  when they are asked for. */
export interface Imported<Config = ImportedGptConfig, Batch = TextBatch> {
  /** What `Trainer.create` needs, beside batch and steps: the model, fraction bits of its residual
   *  stream, and what keeps its activations small. */
  readonly options: {
    readonly model: ConfiguredModel<Config, Batch>;
    readonly fractionBits: number;
    readonly keep: 'states' | undefined;
  };
  /** What calibrating found. */
  readonly report: ImportReport | undefined;
  /** The weights in the order of forward: a copy of them, int32 with 24 fraction bits. */
  tensors(): Promise<NamedTensor[]>;
  /** Brings the weights into a trainer of these options that has done no step, piece by piece. */
  load(trainer: Trainer<Batch>): Promise<void>;
}

/** What is known of a model that arrives. */
export interface Arrival<Config, Batch> {
  readonly foreign: ForeignModel;
  readonly measures: Measures | undefined;
  readonly rule: UpdateRule;
  /** Our model with such formats. */
  model(formats: ImportedFormats | undefined): ConfiguredModel<Config, Batch>;
}

/** Width of the MLP in units of channels. Throws UsageError if it is no whole number. */
export function mlpRatioOf({ shape }: ForeignModel): number {
  const { inner, channels } = shape;
  const ratio = inner / channels;
  if (Number.isInteger(ratio)) return ratio;
  throw new UsageError(
    `its MLP has ${inner} neurons for ${channels} channels, not a multiple`,
    'an MLP here is 1 to 8 times as wide as the channels',
  );
}

/** Throws unless a trainer's weights are these, and it has done no step. */
function checkTrainer(trainer: Trainer<never>, recipes: readonly Recipe[]): NamedTensor[] {
  const weights = trainer.tensors().filter(isWeight);
  const nameOf = (name: string, shape: readonly number[]): string => `${name} [${shape}]`;
  const has = weights.map(({ name, shape }) => nameOf(name, shape));
  const wants = recipes.map(({ path, shape }) => nameOf(path, shape));
  const wrong = wants.findIndex((want, i) => want !== has[i]);
  if (wrong >= 0 || has.length > wants.length)
    throw new UsageError(
      `the trainer has ${has[wrong] ?? 'more tensors'}, expected ${wants[wrong]}`,
      'make it of the options that importing gave',
    );
  if (trainer.steps > 0)
    throw new UsageError(`the trainer has done ${trainer.steps} steps, expected none`);
  return weights;
}

/** The model as ours. */
export function arrive<Config, Batch>(arrival: Arrival<Config, Batch>): Imported<Config, Batch> {
  const { foreign, measures, rule } = arrival;
  const { source, record, shape, isTied } = foreign;
  const epsilon = Math.max(shape.epsilon, measures === undefined ? LEAST_EPSILON : 0);
  const scales = decide({ epsilon, tied: isTied }, measures);
  const recipes = recipesOf(foreign, scales);
  const make = async (recipe: Recipe, data: Int32Array): Promise<void> => {
    await makeMaster(source, recipe, data);
    addRemainders(record, recipe, data);
  };
  return {
    options: {
      model: arrival.model(formatsOf(scales)),
      fractionBits: measures === undefined ? 9 : 14,
      keep: rule.inverse === undefined ? 'states' : undefined,
    },
    report: measures && reportOf(measures, scales),
    async tensors() {
      const all: NamedTensor[] = [];
      for (const recipe of recipes) {
        const { path: name, shape: sides } = recipe;
        const data = new Int32Array(sides.reduce((a, b) => a * b, 1));
        await make(recipe, data);
        all.push({ name, shape: sides, data, fraction: 24 });
      }
      return all;
    },
    async load(trainer) {
      const weights = checkTrainer(trainer as Trainer<never>, recipes);
      for (const [i, recipe] of recipes.entries()) await make(recipe, weights[i].data);
    },
  };
}

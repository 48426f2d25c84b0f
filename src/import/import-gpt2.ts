// From GPT-2 weights of other programs to a model that learns on, generates and leaves again.

import { UsageError } from '../core/errors.ts';
import {
  type ConfiguredModel,
  type GptConfig,
  gpt,
  isWeight,
  type NamedTensor,
  plain,
  type TextBatch,
  type Trainer,
  type UpdateRule,
} from '../index.ts';
import { type Gpt2Shape, gpt2Source, pathsOf } from './names.ts';
import type { TensorSource } from './pieces.ts';
import { makeMaster, type Recipe } from './recipe.ts';

/** How weights are imported. */
export interface ImportOptions {
  /** How blocks change the residual stream (plain(): the model that it was). */
  rule?: UpdateRule | undefined;
}

/** Weights of another program as this library's. They are read when they are asked for. */
export interface Imported {
  /** What `Trainer.create` needs, beside batch and steps: the model, and what keeps its activations
   *  small. */
  readonly options: {
    readonly model: ConfiguredModel<GptConfig, TextBatch>;
    readonly keep: 'states' | undefined;
  };
  /** The weights in the order of forward: a copy of them, int32 with 24 fraction bits. */
  tensors(): Promise<NamedTensor[]>;
  /** Brings the weights into a trainer of these options that has done no step, piece by piece. */
  load(trainer: Trainer<TextBatch>): Promise<void>;
}

function configOf(shape: Gpt2Shape, rule: UpdateRule): GptConfig {
  const { inner, channels, epsilon: _, ...rest } = shape;
  const mlpRatio = inner / channels;
  if (Number.isInteger(mlpRatio)) return { ...rest, channels, mlpRatio, rule };
  throw new UsageError(`its MLP has ${inner} neurons for ${channels} channels, not a multiple`);
}

/** Recipes of all parameters, in the order of forward. */
function recipesOf(shape: Gpt2Shape, part: (path: string, rows: number) => Recipe['parts'][0]) {
  return pathsOf(shape).map(
    ([path, sides]): Recipe => ({
      path,
      shape: sides,
      parts: [part(path, sides[0])],
      columns: sides[1] ?? 1,
    }),
  );
}

/** Throws unless a trainer's weights are these, and it has done no step. */
function checkTrainer(trainer: Trainer<TextBatch>, recipes: readonly Recipe[]): NamedTensor[] {
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

/** GPT-2 weights of another program: from `openSafetensors`, `openSharded` or `openLlmC`, under the
 *  names of Hugging Face or nanoGPT, with config.json or what nanoGPT calls model_args; of tensors,
 *  heads are all that is not seen. The model has the rule plain(), since any other leaves the
 *  starting point: bdia() with gamma of 1/2 adds what the weights were not trained for.
 *  Throws CheckpointError for tensors that are missing, unknown, of another shape, not finite or
 *  beyond +-16, by name and place; UsageError for what is no GPT-2.
 *  @example
 *  const shape = { vocabulary: 4, layers: 1, channels: 8, heads: 2, context: 4 };
 *  const first = Trainer.create({ model: gpt(shape), batch: 1, steps: 1 });
 *  const file = exportFloat32(first.tensors(), '1.0.0');
 *  const read = (offset, length) => file.slice(offset, offset + length);
 *  const source = await openSafetensors({ size: file.length, read });
 *  const imported = await importGpt2(source, { n_head: 2 });
 *  const trainer = Trainer.create({ ...imported.options, batch: 1, steps: 10 });
 *  await imported.load(trainer);
 *  console.log((await trainer.weightsSha256()) === (await first.weightsSha256())); // true
 */
export async function importGpt2(
  source: TensorSource,
  config: object,
  { rule = plain() }: ImportOptions = {},
): Promise<Imported> {
  const { shape, part } = await gpt2Source(source, config);
  if (shape.epsilon !== 1e-5)
    throw new UsageError(`its layer norms have epsilon ${shape.epsilon}, expected 1e-5`);
  const model = gpt(configOf(shape, rule));
  const recipes = recipesOf(shape, part);
  return {
    options: { model, keep: rule.inverse === undefined ? 'states' : undefined },
    async tensors() {
      const all: NamedTensor[] = [];
      for (const recipe of recipes) {
        const { path: name, shape: sides } = recipe;
        const data = new Int32Array(sides.reduce((a, b) => a * b, 1));
        await makeMaster(source, recipe, data);
        all.push({ name, shape: sides, data, fraction: 24 });
      }
      return all;
    },
    async load(trainer) {
      const weights = checkTrainer(trainer, recipes);
      for (const [i, recipe] of recipes.entries())
        await makeMaster(source, recipe, weights[i].data);
    },
  };
}

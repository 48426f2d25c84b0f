// From GPT-2 weights of other programs to a model that learns on, generates and leaves again.

import { UsageError } from '../core/errors.ts';
import {
  type ConfiguredModel,
  type GptConfig,
  type ImportedGptConfig,
  importedGpt,
  isWeight,
  type NamedTensor,
  plain,
  type TextBatch,
  type Trainer,
  type UpdateRule,
} from '../index.ts';
import { decide, formatsOf } from './decide.ts';
import { measure } from './measure.ts';
import { type Gpt2Shape, gpt2Source } from './names.ts';
import type { TensorSource } from './pieces.ts';
import { makeMaster, type Recipe } from './recipe.ts';
import { recipesOf } from './recipes.ts';
import { addRemainders } from './record.ts';
import { type ImportReport, reportOf } from './report.ts';

/** How weights are imported. */
export interface ImportOptions {
  /** Text of the kind that the model will read, as tokens, each sequence at most its context:
   *  formats are chosen from how large values become on it. Without it weights are taken as they
   *  are. */
  calibrate?: Int32Array | readonly Int32Array[] | undefined;
  /** How blocks change the residual stream (plain(): the model that it was). */
  rule?: UpdateRule | undefined;
  /** Called after each block that was measured, of so many. */
  onBlock?: ((done: number, of: number) => void) | undefined;
}

/** Weights of another program as this library's. They are read when they are asked for. */
export interface Imported {
  /** What `Trainer.create` needs, beside batch and steps: the model, fraction bits of its residual
   *  stream, and what keeps its activations small. */
  readonly options: {
    readonly model: ConfiguredModel<ImportedGptConfig, TextBatch>;
    readonly fractionBits: number;
    readonly keep: 'states' | undefined;
  };
  /** What calibrating found. */
  readonly report: ImportReport | undefined;
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

/** The sequences to calibrate with. */
function sequencesOf(
  given: ImportOptions['calibrate'],
  { vocabulary, context }: Gpt2Shape,
): Int32Array[] {
  if (given === undefined) return [];
  const all = ArrayBuffer.isView(given) ? [given] : [...given];
  for (const sequence of all) {
    const { length } = sequence;
    if (length < 1 || length > context)
      throw new UsageError(`a sequence to calibrate with has ${length} tokens, at most ${context}`);
    const wrong = sequence.find((token) => token < 0 || token >= vocabulary);
    if (wrong !== undefined)
      throw new UsageError(`token ${wrong} is not one of 0..${vocabulary - 1}`);
  }
  return all;
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
  { rule = plain(), calibrate, onBlock }: ImportOptions = {},
): Promise<Imported> {
  const gpt2 = await gpt2Source(source, config);
  const { shape } = gpt2;
  const plainConfig = configOf(shape, rule);
  importedGpt(plainConfig); // refuses what cannot be before anything is read
  const sequences = sequencesOf(calibrate, shape);
  const measures =
    sequences.length === 0
      ? undefined
      : await measure(gpt2, sequences, (done) => onBlock?.(done, shape.layers));
  const scales = decide(shape, measures);
  const recipes = recipesOf(gpt2, scales);
  const make = async (recipe: Recipe, data: Int32Array): Promise<void> => {
    await makeMaster(source, recipe, data);
    addRemainders(gpt2.record, recipe, data);
  };
  return {
    options: {
      model: importedGpt({ ...plainConfig, formats: formatsOf(scales) }),
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
      const weights = checkTrainer(trainer, recipes);
      for (const [i, recipe] of recipes.entries()) await make(recipe, weights[i].data);
    },
  };
}

// From GPT-2 weights of other programs to a model that learns on, generates and leaves again.

import { UsageError } from '../core/errors.ts';
import {
  type GptConfig,
  type ImportedGptConfig,
  importedGpt,
  plain,
  type UpdateRule,
} from '../index.ts';
import { arrive, type Imported, mlpRatioOf } from './arrive.ts';
import { type ForeignModel, readMatrix } from './foreign.ts';
import { measure } from './measure.ts';
import { type Gpt2Shape, gpt2Source } from './names.ts';
import type { TensorSource } from './pieces.ts';
import { type Rows, rowsOf } from './real.ts';
import { eachElement } from './recipe.ts';

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

/** The first states of some sequences: token and position embeddings. */
async function embedded(
  gpt: ForeignModel<Gpt2Shape>,
  sequences: readonly Int32Array[],
): Promise<Rows[]> {
  const { channels: C, vocabulary, context } = gpt.shape;
  const states = sequences.map(({ length }) => rowsOf(length, C));
  const positions = await readMatrix(gpt, 'position.weight', context, C);
  const wanted = new Set(sequences.flatMap((sequence) => [...sequence]));
  const rows = new Map([...wanted].map((token) => [token, new Float64Array(C)]));
  const parts = gpt.parts('token.weight', vocabulary);
  await eachElement(gpt.source, { parts, columns: C }, (row, column, value) => {
    const kept = rows.get(row);
    if (kept !== undefined) kept[column] = value;
  });
  sequences.forEach((sequence, s) => {
    sequence.forEach((token, t) => {
      for (let c = 0; c < C; c++)
        states[s].values[t * C + c] = (rows.get(token)?.[c] ?? 0) + positions[t * C + c];
    });
  });
  return states;
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
  const foreign = await gpt2Source(source, config);
  const { vocabulary, context, layers, channels, heads, bias, tied } = foreign.shape;
  const shape = { vocabulary, context, layers, channels, heads, bias, tied };
  const plainConfig: GptConfig = { ...shape, mlpRatio: mlpRatioOf(foreign), rule };
  importedGpt(plainConfig); // refuses what cannot be before anything is read
  const sequences = sequencesOf(calibrate, foreign.shape);
  const measures =
    sequences.length === 0
      ? undefined
      : await measure(foreign, await embedded(foreign, sequences), (done) =>
          onBlock?.(done, layers),
        );
  const model = (formats: ImportedGptConfig['formats']) => importedGpt({ ...plainConfig, formats });
  return arrive({ foreign, measures, rule, model });
}

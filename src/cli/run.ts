// A run on the disk and in memory: opening one from its directory, saving it back.

import { version } from '../../package.json';
import { quote } from './argv.ts';
import { CHECKPOINT_FILE, checkpointPath, FLOAT32_FILE, loadCheckpoint } from './files.ts';
import type { Kind, SavedRun } from './kinds/kind.ts';
import { kindOf, type SomeKind } from './kinds/kinds.ts';
import {
  type CheckedOptions,
  CheckpointError,
  type CheckpointReader,
  encodeCheckpoint,
  exportFloat32,
  type Int8Options,
  int8,
  MAX_CHECKPOINT_BYTES,
  mergeAdapter,
  RetrogradError,
  Trainer,
  UsageError,
} from './library.ts';
import type { NamedFile } from './saving.ts';
import type { Kernels, ModelConfig, RunOptions } from './settings.ts';
import { commandLine, pathWord } from './shell.ts';

/** A checkpoint says which operands its run has, this machine which kernels compute with them. */
const withKernels = (build: Kernels): CheckpointReader => ({
  choices: { int8: ({ on }: Int8Options) => int8({ on, build }) },
});

/** A run of whatever kind, with the kernels of `build`. Throws UsageError if there is no
 *  checkpoint, CheckpointError if it cannot be used. */
export async function openAny(
  directory: string,
  build: Kernels = 'auto',
): Promise<{ kind: SomeKind; run: SavedRun }> {
  const checkpoint = await loadCheckpoint(directory, withKernels(build));
  const options = checkpoint.options as unknown as RunOptions;
  const kind = kindOf(options.model);
  const { config } = options.model;
  const known: unknown = kind.fromJson(checkpoint.vocabulary, config);
  if (known === undefined)
    throw new CheckpointError(
      `${quote(checkpointPath(directory))}: its vocabulary does not fit its ` +
        `model${'vocabulary' in config ? ` of ${config.vocabulary} tokens` : ''}`,
    );
  return { kind, run: { ...checkpoint, options, directory, known } };
}

/** A run of one kind. Throws UsageError for another. */
export async function openRun<Config extends ModelConfig, Batch, Known>(
  directory: string,
  wanted: Kind<Config, Batch, Known>,
  build?: Kernels,
): Promise<SavedRun<Config, Batch, Known>> {
  const { kind, run } = await openAny(directory, build);
  if (kind.name !== wanted.name)
    throw new UsageError(
      `the run in ${quote(directory)} is of ${kind.title} (train ${kind.name}), expected ` +
        `${wanted.title} (train ${wanted.name})`,
      `look at it: ${commandLine('inspect', pathWord(directory))}`,
    );
  return run as unknown as SavedRun<Config, Batch, Known>;
}

/** Creating a model asks the system for memory, which it may refuse even when the plan fits the
 *  limit. */
export function createTrainer<Batch>(
  { name }: Pick<SomeKind, 'name'>,
  options: CheckedOptions<Batch>,
): Trainer<Batch> {
  try {
    return Trainer.create<Batch>(options);
  } catch (error) {
    if (error instanceof RangeError)
      throw new UsageError(
        'the system refuses the memory that this run needs',
        `see the amount with 'retrograd plan ${name}' and use a smaller model or ` +
          '--micro-batch',
      );
    throw error;
  }
}

/** A trainer in the state of a saved run. */
export function restoreTrainer<Batch>(
  kind: Pick<SomeKind, 'name'>,
  run: Pick<SavedRun, 'directory' | 'tensors' | 'step'>,
  options: CheckedOptions<Batch>,
): Trainer<Batch> {
  const trainer = createTrainer(kind, options);
  try {
    trainer.restore(run.tensors, run.step);
  } catch (error) {
    if (error instanceof CheckpointError)
      throw new CheckpointError(`${quote(checkpointPath(run.directory))}: ${error.message}`);
    throw error;
  }
  return trainer;
}

/** A run with its adapter, if it has one, merged into its weights. */
export function merged<R extends Pick<SavedRun, 'options' | 'tensors'>>(run: R): R {
  const { adapter, ...config } = run.options.model.config;
  if (adapter === undefined) return run;
  const model = { ...run.options.model, config };
  return { ...run, options: { ...run.options, model }, tensors: mergeAdapter(run) };
}

/** Most bytes of what a model's numbers stand for, as a checkpoint has them: half of its header, of
 *  which the tensors of no model need more than the other half. */
const MAX_VOCABULARY = 2 ** 23;

/** Throws UsageError, before any training, if the checkpoint would be too large to write. */
export function checkSavable(parameters: number, vocabulary: unknown): void {
  const bytes = 3 * 4 * parameters;
  const json = Buffer.byteLength(JSON.stringify(JSON.stringify(vocabulary)));
  if (json > MAX_VOCABULARY)
    throw new UsageError(
      `the names and tokens that a checkpoint keeps have ${json} bytes, expected at most ` +
        `${MAX_VOCABULARY}`,
      'use shorter names of classes, or train without --out',
    );
  if (bytes > MAX_CHECKPOINT_BYTES - 2 ** 24)
    throw new UsageError(
      `a checkpoint of this model would have ${bytes} bytes, expected at most ` +
        `${MAX_CHECKPOINT_BYTES}`,
      'use a smaller model, or train without --out',
    );
}

/** What a checkpoint keeps beside the trainer's state. */
export interface SaveSettings {
  vocabulary: unknown;
  dataSha256: string;
  /** Of the weights that the run began with, if they were another run's. */
  initSha256?: string | undefined;
  /** With a copy of the weights in float32. */
  float32: boolean;
}

/** The files of a run, or the checkpoint alone under another name. Throws RetrogradError if there
 *  is not enough memory for them. */
export async function encodeRun(
  trainer: Trainer<never>,
  run: SaveSettings,
  name = CHECKPOINT_FILE,
): Promise<NamedFile[]> {
  const tensors = trainer.tensors();
  const { options, steps, parameters } = trainer;
  const { vocabulary, dataSha256, initSha256 } = run;
  const about = { vocabulary, dataSha256, initSha256, libraryVersion: version };
  try {
    const bytes = await encodeCheckpoint({ tensors, options, step: steps, ...about });
    const checkpoint = { file: name, bytes };
    if (!run.float32 || name !== CHECKPOINT_FILE) return [checkpoint];
    return [checkpoint, { file: FLOAT32_FILE, bytes: exportFloat32(tensors, version) }];
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RetrogradError(
      `no checkpoint of step ${steps}: not enough memory for ${parameters} parameters`,
    );
  }
}

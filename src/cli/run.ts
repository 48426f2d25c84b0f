// A run on the disk and in memory: opening one from its directory, saving it back.

import { version } from '../../package.json';
import { CHECKPOINT_FILE, FLOAT32_FILE, checkpointPath, loadCheckpoint, writeAtomically } from './files.ts';
import { type Checkpoint, CheckpointError, type CheckedOptions, GptTrainer, MAX_CHECKPOINT_BYTES, RetrogradError, UsageError, Vocabulary, encodeCheckpoint, exportFloat32 } from './library.ts';
import { quote } from './argv.ts';

/** A checkpoint with its vocabulary understood. */
export interface SavedRun extends Checkpoint {
  directory: string;
  characters: Vocabulary;
}

/** Throws UsageError if there is no checkpoint, CheckpointError if it cannot be used. */
export async function openRun(directory: string): Promise<SavedRun> {
  const checkpoint = await loadCheckpoint(directory);
  const characters = Vocabulary.fromJson(checkpoint.vocabulary);
  if (characters === undefined || characters.size !== checkpoint.options.model.vocabulary)
    throw new CheckpointError(`${quote(checkpointPath(directory))}: its vocabulary does not fit its model of ${checkpoint.options.model.vocabulary} tokens`);
  return { ...checkpoint, directory, characters };
}

/** Creating a model asks the system for memory, which it may refuse even when the plan fits the limit. */
export function createTrainer(options: CheckedOptions): GptTrainer {
  try {
    return GptTrainer.create(options);
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError('the system refuses the memory that this run needs', "see the amount with 'retrograd plan gpt' and use a smaller model or --micro-batch");
    throw error;
  }
}

/** A trainer in the state of a saved run. */
export function restoreTrainer(run: SavedRun, options: CheckedOptions = run.options): GptTrainer {
  const trainer = createTrainer(options);
  try {
    trainer.restore(run.tensors, run.step);
  } catch (error) {
    if (error instanceof CheckpointError) throw new CheckpointError(`${quote(checkpointPath(run.directory))}: ${error.message}`);
    throw error;
  }
  return trainer;
}

/** Throws UsageError, before any training, if the checkpoint would be too large to write. */
export function checkSavable(parameters: number): void {
  const bytes = 3 * 4 * parameters;
  if (bytes > MAX_CHECKPOINT_BYTES - 2 ** 20)
    throw new UsageError(`a checkpoint of this model would have ${bytes} bytes, expected at most ${MAX_CHECKPOINT_BYTES}`, 'use a smaller model, or train without --out');
}

/** Writes the checkpoint, and the float32 copy if asked for. Returns the checkpoint's path. */
export async function saveRun(trainer: GptTrainer, run: { directory: string; characters: Vocabulary; dataSha256: string; float32: boolean }): Promise<string> {
  const tensors = trainer.tensors(), path = checkpointPath(run.directory);
  const file = await encodeCheckpoint({
    tensors, options: trainer.options, step: trainer.steps, vocabulary: run.characters.toJson(), dataSha256: run.dataSha256, libraryVersion: version,
  }).catch((error: unknown) => {
    throw error instanceof RangeError ? new RetrogradError(`${quote(path)} was not written: not enough memory for a checkpoint of ${trainer.parameters} parameters`) : error;
  });
  writeAtomically(run.directory, CHECKPOINT_FILE, file);
  if (run.float32) writeAtomically(run.directory, FLOAT32_FILE, exportFloat32(tensors, version));
  return path;
}

// Files that are read: texts, data, checkpoints.

import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type AnyModel, type CheckedOptions, type Checkpoint, CheckpointError, UsageError, decodeCheckpoint } from './library.ts';
import { quote } from './argv.ts';
import { reason } from './system-errors.ts';

export const CHECKPOINT_FILE = 'checkpoint.safetensors';
export const FLOAT32_FILE = 'weights.f32.safetensors';

/** The bytes of a text file. Throws UsageError. */
export function readTextFile(path: string): Uint8Array {
  try {
    return fs.readFileSync(path);
  } catch (error) {
    throw new UsageError(`text ${quote(path)} ${reason(error)}, expected a readable file`, 'give the path of a UTF-8 text file');
  }
}

/** The bytes of a file, decompressed if it is a gzip file, whatever its name. Throws UsageError. */
export function readDataFile(path: string, expected: string): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = fs.readFileSync(path);
  } catch (error) {
    throw new UsageError(`file ${quote(path)} ${reason(error)}, expected ${expected}`, 'give the path of a UTF-8 text file, gzipped or not');
  }
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: 2 ** 31 - 1 });
  } catch (error) {
    throw new UsageError(`file ${quote(path)} is a truncated or damaged gzip file (${(error as Error).message.split('\n')[0]})`, 'fetch the file again');
  }
}

const isFile = (path: string): boolean => fs.statSync(path, { throwIfNoEntry: false })?.isFile() === true;
/** A run may also be named by one of its checkpoints, as run/best.safetensors. */
export const isCheckpointFile = (run: string): boolean => run.endsWith('.safetensors') && isFile(run);
export const checkpointPath = (run: string): string => (isCheckpointFile(run) ? run : join(run, CHECKPOINT_FILE));
/** The directory of a run. */
export const directoryOf = (run: string): string => (isCheckpointFile(run) ? dirname(run) : run);
export const holdsCheckpoint = (directory: string): boolean => fs.existsSync(checkpointPath(directory));

/** Reads DIR/checkpoint.safetensors: UsageError if there is none, CheckpointError naming the file if it is not whole. */
export async function loadCheckpoint(directory: string): Promise<Checkpoint<CheckedOptions<AnyModel>>> {
  const path = checkpointPath(directory);
  let file: Uint8Array;
  try {
    file = fs.readFileSync(path);
  } catch (error) {
    const isFile = fs.existsSync(directory) && !fs.statSync(directory).isDirectory();
    throw new UsageError(isFile ? `${quote(directory)} is a file, expected the directory of a run` : `checkpoint ${quote(path)} ${reason(error)}, expected the directory of a run`,
      'give the directory that train wrote with --out');
  }
  try {
    return await decodeCheckpoint(file);
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    throw new CheckpointError(`${quote(path)}: ${error.message.split('. HINT: ')[0]}`, error.hint ?? 'restore the file from a copy, or train again');
  }
}

// Files that are read: texts, data, checkpoints.

import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { quote } from './argv.ts';
import {
  type Checkpoint,
  CheckpointError,
  type CheckpointReader,
  decodeCheckpoint,
  MAX_CHECKPOINT_BYTES,
  UsageError,
} from './library.ts';
import { MAX_PNG_BYTES } from './png.ts';
import { gunzipBounded, isGzip, readBounded, TooLarge } from './read.ts';
import { reason } from './system-errors.ts';

export const CHECKPOINT_FILE = 'checkpoint.safetensors';
export const FLOAT32_FILE = 'weights.f32.safetensors';

/** Most bytes of a text: a gigabyte, of which every byte becomes a token of four. */
const MAX_TEXT = 2 ** 30;
/** Most bytes of a tokenizer: GPT-2's has 2^21. */
const MAX_TOKENIZER = 2 ** 26;
/** Most bytes of sentences, which become strings. */
const MAX_SENTENCES = 2 ** 28;

/** The refusal of a file that could not be read. */
function cannotRead(what: string, error: unknown, expected: string, hint: string): UsageError {
  const isLarge = error instanceof TooLarge;
  const why = isLarge ? error.message : reason(error);
  return new UsageError(
    `${what} ${why}, expected ${isLarge ? 'at most so many' : expected}`,
    isLarge ? 'give a part of it' : hint,
  );
}

/** The text of a tokenizer's file. Throws UsageError. */
export function readTokenizerFile(path: string): string {
  try {
    return new TextDecoder().decode(readBounded(path, MAX_TOKENIZER));
  } catch (error) {
    const hint = 'give a tokenizer.json, a directory that has one, or bpe:N to learn one';
    throw cannotRead(`tokenizer ${quote(path)}`, error, 'a readable file', hint);
  }
}

/** A PNG file. */
export function readImageFile(path: string): Uint8Array {
  try {
    return readBounded(path, MAX_PNG_BYTES);
  } catch (error) {
    throw cannotRead(`image ${quote(path)}`, error, 'a PNG file', 'give the path of a PNG file');
  }
}

/** The bytes of a text file. Throws UsageError. */
export function readTextFile(path: string): Uint8Array {
  try {
    return readBounded(path, MAX_TEXT);
  } catch (error) {
    throw cannotRead(
      `text ${quote(path)}`,
      error,
      'a readable file',
      'give the path of a UTF-8 text file',
    );
  }
}

/** The bytes of a file, decompressed if it is a gzip file, whatever its name. Throws UsageError. */
export function readDataFile(path: string, expected: string): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = readBounded(path, MAX_SENTENCES);
  } catch (error) {
    throw cannotRead(
      `file ${quote(path)}`,
      error,
      expected,
      'give the path of a UTF-8 text file, gzipped or not',
    );
  }
  if (!isGzip(bytes)) return bytes;
  try {
    return gunzipBounded(bytes, MAX_SENTENCES);
  } catch (error) {
    if (error instanceof TooLarge)
      throw new UsageError(
        `file ${quote(path)} ${error.message} when decompressed, expected at most so many`,
        'give a part of it',
      );
    throw new UsageError(
      `file ${quote(path)} is a truncated or damaged gzip file ` +
        `(${(error as Error).message.split('\n')[0]})`,
      'fetch the file again',
    );
  }
}

const isFile = (path: string): boolean =>
  fs.statSync(path, { throwIfNoEntry: false })?.isFile() === true;
/** A run may also be named by one of its checkpoints, as run/best.safetensors. */
export const isCheckpointFile = (run: string): boolean =>
  run.endsWith('.safetensors') && isFile(run);
export const checkpointPath = (run: string): string =>
  isCheckpointFile(run) ? run : join(run, CHECKPOINT_FILE);
/** The directory of a run. */
export const directoryOf = (run: string): string => (isCheckpointFile(run) ? dirname(run) : run);
export const holdsCheckpoint = (directory: string): boolean =>
  fs.existsSync(checkpointPath(directory));

/** Reads DIR/checkpoint.safetensors, with choices of `reader`: UsageError if there is none,
 *  CheckpointError naming the file if it is not whole. */
export async function loadCheckpoint(
  directory: string,
  reader?: CheckpointReader,
): Promise<Checkpoint> {
  const path = checkpointPath(directory);
  let file: Uint8Array;
  try {
    file = readBounded(path, MAX_CHECKPOINT_BYTES, true);
  } catch (error) {
    const isFile = fs.existsSync(directory) && !fs.statSync(directory).isDirectory();
    throw new UsageError(
      isFile
        ? `${quote(directory)} is a file, expected the directory of a run`
        : `checkpoint ${quote(path)} ${reason(error)}, expected the directory of a run`,
      'give the directory that train wrote with --out',
    );
  }
  try {
    return await decodeCheckpoint(file, reader);
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    throw new CheckpointError(
      `${quote(path)}: ${error.message.split('. HINT: ')[0]}`,
      error.hint ?? 'restore the file from a copy, or train again',
    );
  }
}

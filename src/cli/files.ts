// Files. A checkpoint is one file in a directory, written to a temporary file beside it, synchronised to the disk and renamed:
// a kill at any moment leaves the old or the new checkpoint, whole. Temporary files of killed runs go at the next save.

import * as fs from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type AnyModel, type CheckedOptions, type Checkpoint, CheckpointError, RetrogradError, UsageError, decodeCheckpoint } from './library.ts';
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

const temporaryName = (file: string): string => `.${file}.${process.pid}.tmp`;
const isTemporary = (name: string): boolean => /^\.(checkpoint|best|weights\.f32)\.safetensors\.\d+\.tmp$/.test(name);

/** Makes a directory and those above it. Node's own recursive mkdir never returns where the system says "does not exist" of a
 *  name that it will not create, as in /proc. */
function makeDirectory(directory: string): void {
  const missing: string[] = [];
  for (let at = resolve(directory); !fs.existsSync(at); at = dirname(at)) missing.push(at);
  while (missing.length > 0) fs.mkdirSync(missing.pop() as string);
  fs.readdirSync(directory); // not a directory: says so
}

/** Makes the directory if need be and proves that a file can be written there. Throws UsageError; leaves nothing else behind. */
export function prepareDirectory(directory: string): void {
  const refuse = (error: unknown): never => {
    throw new UsageError(`--out ${quote(directory)} ${reason(error)}, expected a directory that can be written`, 'choose another directory with --out');
  };
  try {
    makeDirectory(directory);
    const probe = join(directory, temporaryName(CHECKPOINT_FILE));
    fs.writeFileSync(probe, '');
    fs.unlinkSync(probe);
  } catch (error) {
    refuse(error);
  }
}

/** Renames last only until the directory itself is on the disk. Windows cannot open directories, and needs not. */
function syncDirectory(directory: string): void {
  if (process.platform === 'win32') return;
  const handle = fs.openSync(directory, 'r');
  try {
    fs.fsyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
}

/** Writes DIR/file so that at every moment the old or the new one is there, whole. Throws RetrogradError with the reason. */
export function writeAtomically(directory: string, file: string, bytes: Uint8Array): void {
  const temporary = join(directory, temporaryName(file));
  try {
    for (const name of fs.readdirSync(directory)) if (isTemporary(name)) fs.rmSync(join(directory, name), { force: true });
    const handle = fs.openSync(temporary, 'wx');
    try {
      fs.writeFileSync(handle, bytes);
      fs.fsyncSync(handle);
    } finally {
      fs.closeSync(handle);
    }
    fs.renameSync(temporary, join(directory, file));
    syncDirectory(directory);
  } catch (error) {
    try {
      fs.rmSync(temporary, { force: true });
    } catch {
      // The first error says more.
    }
    throw new RetrogradError(`${quote(join(directory, file))} was not written: ${quote(directory)} ${reason(error)}`, 'the file that was there before is untouched');
  }
}

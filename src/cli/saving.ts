// Nothing that took hours is lost because it cannot be written at the moment: a save on the way
// that fails is made good by the next one; what must be written now is tried again for a while,
// and then written in another place.

import fs from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { quote } from './argv.ts';
import { writeAtomically } from './atomic.ts';
import { RetrogradError } from './library.ts';
import { pathWord, shellWord } from './shell.ts';

export interface NamedFile {
  file: string;
  bytes: Uint8Array;
}

/** Files that are not where they belong: where they are, and why. */
export interface Rescue {
  directory: string;
  files: string[];
  error: RetrogradError;
}

/** Milliseconds before another attempt. */
const AGAIN = [300, 1500];

/** An error in words, without its hint. */
export const wordsOf = (error: RetrogradError): string => error.message.split('. HINT: ')[0];

/** The error of an attempt; undefined if there is none. Throws what is no RetrogradError. */
export async function attempt(
  work: () => void | Promise<void>,
): Promise<RetrogradError | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (error instanceof RetrogradError) return error;
    throw error;
  }
}

/** The command that brings files where they belong. */
export function moveHint({ directory, files }: Rescue, to: string): string {
  const words = [...files.map((file) => join(directory, file)), `${pathWord(to)}/`].map(shellWord);
  return `when it can be written, move it: mv ${words.join(' ')}`;
}

function rescueIn(place: string, files: readonly NamedFile[]): string | undefined {
  let directory: string | undefined;
  try {
    directory = fs.mkdtempSync(join(place, 'retrograd-'));
    for (const { file, bytes } of files) writeAtomically(directory, file, bytes);
    return directory;
  } catch {
    if (directory !== undefined) fs.rmSync(directory, { recursive: true, force: true });
    return undefined;
  }
}

function rescue(files: readonly NamedFile[], error: RetrogradError): Rescue {
  const places = [...new Set([tmpdir(), process.cwd(), homedir()])];
  for (const place of places) {
    const directory = rescueIn(place, files);
    if (directory !== undefined) return { directory, files: files.map(({ file }) => file), error };
  }
  const tried = places.map(quote).join(', ');
  throw new RetrogradError(`${wordsOf(error)}, and it is lost: nor can it be written in ${tried}`);
}

/** Writes files that must not be lost. Undefined: they are where they belong. Throws RetrogradError
 *  if they cannot be written anywhere. */
export async function saveSurely(
  files: readonly NamedFile[],
  write: (file: string, bytes: Uint8Array) => void,
): Promise<Rescue | undefined> {
  const writeAll = (): void => {
    for (const { file, bytes } of files) write(file, bytes);
  };
  let error = await attempt(writeAll);
  for (const wait of AGAIN) {
    if (error === undefined) return undefined;
    await setTimeout(wait);
    error = await attempt(writeAll);
  }
  return error === undefined ? undefined : rescue(files, error);
}

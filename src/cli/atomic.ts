// The one way in which files are written: to a temporary file of a random name beside the old one,
// synchronised to the disk and renamed over it. A kill at any moment leaves the old or the new
// file, whole. The temporary file goes with the process; that of a killed one goes when the next
// process takes its directory (lock.ts).

import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { quote } from './argv.ts';
import { RetrogradError, UsageError } from './library.ts';
import { pause } from './output.ts';
import { codeOf, reason } from './system-errors.ts';

const isWindows = process.platform === 'win32';
const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
/** Earlier versions had the number of the process where there is a random name now. */
const TEMPORARY = new RegExp(`^\\.(.+)\\.(?:\\d+|${UUID})\\.tmp$`);

/** Files that this process made and that nobody needs once it has ended. */
const passing = new Set<string>();
process.on('exit', () => passing.forEach(remove));

/** A hidden name beside `name` that nobody has and nobody can guess. */
export const randomName = (name: string, extension: string): string =>
  `.${name}.${randomUUID()}.${extension}`;

/** Removes a file, if it is there and can be removed. */
export function remove(path: string): void {
  passing.delete(path);
  try {
    fs.rmSync(path, { force: true });
  } catch {
    // It has no meaning to anybody.
  }
}

/** Opens a new file that goes with the process. Never follows a link, never opens what is there. */
export function createPassing(path: string, mode: number): number {
  const handle = fs.openSync(path, 'wx', mode);
  passing.add(path);
  return handle;
}

/** Makes a directory and those above it. Node's own recursive mkdir never returns where the system
 *  says "does not exist" of a name that it will not create, as in /proc. */
export function makeDirectory(directory: string): void {
  const missing: string[] = [];
  for (let at = resolve(directory); !fs.existsSync(at); at = dirname(at)) missing.push(at);
  for (const path of missing.reverse()) {
    try {
      fs.mkdirSync(path);
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error; // another process was faster
    }
  }
  fs.readdirSync(directory); // not a directory: says so
}

/** A directory that the system refuses. `given`: it, as the person gave it. */
export const unwritable = (given: string, error: unknown): UsageError => {
  const message = `${given} ${reason(error)}, expected a directory that can be written`;
  return new UsageError(message, 'choose another directory with --out');
};

/** Makes the directory of --out if need be and proves that a file can be written there. Leaves
 *  nothing else behind. Throws UsageError. */
export function prepareDirectory(directory: string): void {
  try {
    makeDirectory(directory);
    const probe = join(directory, randomName('probe', 'tmp'));
    fs.closeSync(createPassing(probe, 0o600));
    remove(probe);
  } catch (error) {
    throw unwritable(`--out ${quote(directory)}`, error);
  }
}

/** Some file systems cannot synchronise; what they have written is there all the same. */
const CANNOT = ['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EPERM', 'EBADF'];

function syncFile(handle: number): void {
  try {
    fs.fsyncSync(handle);
  } catch (error) {
    if (!CANNOT.includes(codeOf(error))) throw error;
  }
}

/** A rename lasts only until the directory itself is on the disk. Windows cannot open directories,
 *  others may not want to: the file is there, so nothing of this is a failure to write it. */
function syncDirectory(directory: string): void {
  if (isWindows) return;
  try {
    const handle = fs.openSync(directory, 'r');
    try {
      fs.fsyncSync(handle);
    } finally {
      fs.closeSync(handle);
    }
  } catch {
    // A power cut in the next seconds may bring the old file back, whole.
  }
}

/** Gives a new file the owner and the mode of the one that it replaces. Nobody may read it who
 *  might not read the old one: if it cannot have the group, it has no rights for a group. */
function inherit(handle: number, { uid, gid, mode }: fs.Stats): void {
  if (isWindows) return;
  const attempt = (change: () => void): void => {
    try {
      change();
    } catch {
      // Not ours to give away, or a file system without owners.
    }
  };
  const owner = fs.fstatSync(handle);
  if (owner.gid !== gid) attempt(() => fs.fchownSync(handle, -1, gid));
  if (owner.uid !== uid) attempt(() => fs.fchownSync(handle, uid, -1));
  const rights = fs.fstatSync(handle).gid === gid ? 0o777 : 0o707;
  attempt(() => fs.fchmodSync(handle, mode & rights));
}

/** On Windows a file that somebody has open cannot be replaced: they may soon be done with it. */
function rename(from: string, to: string): void {
  for (let attempt = 1; ; attempt++) {
    try {
      fs.renameSync(from, to);
      return;
    } catch (error) {
      const isBusy = isWindows && ['EPERM', 'EACCES', 'EBUSY'].includes(codeOf(error));
      if (!isBusy || attempt === 10) throw error;
      pause(50);
    }
  }
}

const ADVICE: Record<string, string> = {
  ENOSPC: 'free some space',
  EDQUOT: 'free some space',
  ENOENT: 'the directory was removed or renamed',
};

function failure(directory: string, file: string, error: unknown): RetrogradError {
  const path = join(directory, file);
  const advice = ADVICE[codeOf(error)];
  const isThere = fs.statSync(path, { throwIfNoEntry: false })?.isFile() === true;
  const hints = [advice, isThere ? 'the file that was there before is untouched' : undefined];
  const hint = hints.filter((one) => one !== undefined).join('; ');
  const message = `${quote(path)} was not written: ${quote(directory)} ${reason(error)}`;
  return new RetrogradError(message, hint === '' ? undefined : hint);
}

/** Writes DIR/file, piece by piece, so that at every moment the old or the new one is there, whole.
 *  A link of that name is replaced, not followed. Throws the system's error. */
export function replaceFile(directory: string, file: string, pieces: Iterable<Uint8Array>): void {
  const path = join(directory, file);
  const temporary = join(directory, randomName(file, 'tmp'));
  try {
    const old = fs.statSync(path, { throwIfNoEntry: false });
    const handle = createPassing(temporary, old === undefined ? 0o666 : 0o600);
    try {
      if (old !== undefined) inherit(handle, old);
      for (const piece of pieces) fs.writeFileSync(handle, piece);
      syncFile(handle);
    } finally {
      fs.closeSync(handle);
    }
    rename(temporary, path);
    passing.delete(temporary);
    syncDirectory(directory);
  } catch (error) {
    remove(temporary);
    throw error;
  }
}

/** The same for a file of a run. Throws RetrogradError with the reason. */
export function writeAtomically(directory: string, file: string, bytes: Uint8Array): void {
  writePieces(directory, file, [bytes]);
}

/** The same, piece by piece. */
export function writePieces(directory: string, file: string, pieces: Iterable<Uint8Array>): void {
  try {
    replaceFile(directory, file, pieces);
  } catch (error) {
    throw failure(directory, file, error);
  }
}

/** Writes DIR/file as writeAtomically does, and the directory again if it was removed meanwhile. */
export function writeAgain(directory: string, file: string, bytes: Uint8Array): void {
  try {
    makeDirectory(directory);
  } catch {
    // Writing says what is wrong.
  }
  writeAtomically(directory, file, bytes);
}

/** Removes temporary files that ended processes left of files that `isOurs`. Call it only while
 *  nobody else can be writing those. */
export function removeLeftovers(directory: string, isOurs: (file: string) => boolean): void {
  for (const name of listed(directory)) {
    const [, file] = TEMPORARY.exec(name) ?? [];
    if (file === undefined || !isOurs(file)) continue;
    const path = join(directory, name);
    if (fs.lstatSync(path, { throwIfNoEntry: false })?.isFile() === true) remove(path);
  }
}

/** Names in a directory; none if it may not be listed. */
export function listed(directory: string): string[] {
  try {
    return fs.readdirSync(directory);
  } catch {
    return [];
  }
}

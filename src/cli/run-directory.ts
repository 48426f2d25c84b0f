// The directory of a run, held by this process alone while it trains. What is saved there is not
// lost when the directory is removed or renamed meanwhile, and never replaces what another process
// saved.

import fs from 'node:fs';
import { quote } from './argv.ts';
import { makeDirectory, removeLeftovers, unwritable, writeAtomically } from './atomic.ts';
import { CHECKPOINT_FILE, checkpointPath } from './files.ts';
import { RetrogradError, UsageError } from './library.ts';
import { findHolder, type Holder, Lock, takeLock } from './lock.ts';
import { reason } from './system-errors.ts';

const NAME = 'run';

export const inWords = ({ pid, host, since }: Holder): string =>
  `process ${pid} on ${host} since ${since}`;

const inUse = (given: string, holder: Holder): UsageError => {
  const message = `${given} is in use by ${inWords(holder)}`;
  const hint = 'wait for its end, or choose another --out';
  return new UsageError(`${message}, expected a directory that no run writes`, hint);
};

/** Throws UsageError if another process writes in the directory of --out now. */
export function checkFree(path: string): void {
  const holder = findHolder(path, NAME);
  if (holder !== undefined) throw inUse(`--out ${quote(path)}`, holder);
}

/** What a file is, so that another one of its name is told from it; undefined if there is none. */
function identify(path: string): string | undefined {
  const stat = fs.lstatSync(path, { throwIfNoEntry: false });
  return stat === undefined ? undefined : `${stat.ino} ${stat.size} ${stat.mtimeMs}`;
}

export class RunDirectory {
  /** The checkpoint that this process found or wrote last. */
  private known: string | undefined;

  private constructor(
    readonly path: string,
    private lock: Lock,
  ) {
    this.known = identify(checkpointPath(path));
    removeLeftovers(path, (file) => file.endsWith('.safetensors'));
  }

  /** Takes a directory, which is made if need be. `flag`: which option gave it. Throws UsageError
   *  if nothing can be written there, or another process writes there. */
  static hold(path: string, flag: '--out' | '--resume'): RunDirectory {
    const given = `${flag} ${quote(path)}`;
    let lock: Lock | Holder;
    try {
      makeDirectory(path);
      lock = takeLock(path, NAME);
    } catch (error) {
      throw unwritable(given, error);
    }
    if (lock instanceof Lock) return new RunDirectory(path, lock);
    throw inUse(given, lock);
  }

  /** Takes the directory anew if it was removed, renamed or taken over. Throws RetrogradError if
   *  another process writes there, or has saved there. */
  private regain(): void {
    if (this.lock.isOurs) return;
    makeDirectory(this.path);
    const lock = takeLock(this.path, NAME);
    if (!(lock instanceof Lock)) throw new RetrogradError(`it is in use by ${inWords(lock)}`);
    const found = identify(checkpointPath(this.path));
    if (found !== undefined && found !== this.known) {
      lock.release();
      throw new RetrogradError('another run has saved there meanwhile');
    }
    this.lock.release();
    this.lock = lock;
  }

  /** Writes a file of the run. Throws RetrogradError with the reason. */
  write(file: string, bytes: Uint8Array): void {
    try {
      this.regain();
    } catch (error) {
      const isOurs = error instanceof RetrogradError;
      const why = isOurs ? error.message : `${quote(this.path)} ${reason(error)}`;
      throw new RetrogradError(`${quote(`${this.path}/${file}`)} was not written: ${why}`);
    }
    writeAtomically(this.path, file, bytes);
    if (file === CHECKPOINT_FILE) this.known = identify(checkpointPath(this.path));
  }

  release(): void {
    this.lock.release();
  }
}

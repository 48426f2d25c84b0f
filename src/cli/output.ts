// Standard output and standard error, and what happens when nobody reads them any more or their
// disk is full. Work that is kept on the disk goes on without output; everything else has no
// purpose left and ends, as `yes | head` does. A command whose output was lost never exits with 0.

import fs from 'node:fs';
import { constants } from 'node:os';
import { codeOf, reason } from './system-errors.ts';

const STDOUT = 1;

/** Standard output is a file or a device. Then it is written here: when the system takes only a
 *  part of a text, Node neither writes the rest nor says that it is missing. */
let isFile = false;
/** Why standard output takes no more. */
let lost: unknown;
/** What goes on without it. */
let workThatGoesOn: string | undefined;

/** Milliseconds in which nothing else happens in this thread. */
export function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

function onLost(error: unknown): void {
  if (lost !== undefined) return;
  lost = error;
  const why = `retrograd: standard output ${reason(error)}`;
  if (workThatGoesOn !== undefined) {
    writeError(`${why}; ${workThatGoesOn}, the exit code will be 1\n`);
    return;
  }
  if (codeOf(error) === 'EPIPE') process.exit(128 + (constants.signals.SIGPIPE ?? 13));
  writeError(`${why}, expected to write there. HINT: give the output another place\n`);
  process.exit(1);
}

/** The whole text, however small the parts that the system takes. */
function writeWhole(text: string): void {
  const bytes = Buffer.from(text);
  let done = 0;
  while (done < bytes.length) {
    try {
      done += fs.writeSync(STDOUT, bytes, done);
    } catch (error) {
      if (codeOf(error) !== 'EAGAIN') throw error;
      pause(10);
    }
  }
}

/** Writes to standard output, unless it is lost. */
export function write(text: string): void {
  if (lost !== undefined) return;
  try {
    if (isFile) writeWhole(text);
    else process.stdout.write(text);
  } catch (error) {
    onLost(error);
  }
}

/** Writes to standard error if it still works: there is no other place to complain. */
export function writeError(text: string): void {
  try {
    process.stderr.write(text);
  } catch {
    // The exit code says it.
  }
}

/** A line on standard error that is no failure. */
export const warn = (line: string): void => writeError(`retrograd: warning: ${line}\n`);

/** From now on a lost output ends nothing. `what`: a part of a sentence, as "training goes on". */
export function goOnWithoutOutput(what: string): void {
  workThatGoesOn = what;
}

/** Called once, before anything is printed. */
export function watchOutput(): void {
  process.stdout.on('error', onLost);
  process.stderr.on('error', () => undefined);
  process.on('exit', (code) => {
    if (lost !== undefined && code === 0) process.exitCode = 1;
  });
  try {
    const stat = fs.fstatSync(STDOUT);
    isFile = stat.isFile() || (stat.isCharacterDevice() && !process.stdout.isTTY);
  } catch {
    // The stream says what is wrong.
  }
}

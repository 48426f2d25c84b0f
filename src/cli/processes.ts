// Which process is meant where its number is written down, and whether it still lives.

import fs from 'node:fs';
import { hostname } from 'node:os';
import { codeOf } from './system-errors.ts';

export interface ProcessIdentity {
  pid: number;
  host: string;
  /** Where its number means this process: on Linux the boot and the process namespace. */
  place: string;
  /** When the process began, in the system's own measure; '' if that is not known. */
  start: string;
}

/** When a process began, in ticks since the machine did; undefined if there is no such process, or
 *  only what is left of it until its parent looks. */
function startOf(pid: number | 'self'): string | undefined {
  try {
    const text = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' '); // its name may hold spaces
    return ['Z', 'X'].includes(fields[0]) ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function placeOf(): string {
  try {
    const boot = fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot} ${fs.readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return `host ${hostname()}`;
  }
}

export const thisProcess = (): ProcessIdentity => ({
  pid: process.pid,
  host: hostname(),
  place: placeOf(),
  start: startOf('self') ?? '',
});

function hasNumber(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/** Whether a process lives, as far as `me` can know. `isFresh`: it gave a sign of life lately,
 *  which decides where the number alone does not. */
export function isLiving(one: ProcessIdentity, me: ProcessIdentity, isFresh: boolean): boolean {
  if (one.place !== me.place) return isFresh;
  if (one.start !== '' && me.start !== '') return startOf(one.pid) === one.start;
  return isFresh && hasNumber(one.pid);
}

/** Whether both are one process. */
export const isSame = (a: ProcessIdentity, b: ProcessIdentity): boolean =>
  a.pid === b.pid && a.place === b.place && a.start === b.start;

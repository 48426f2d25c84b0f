// Who may write in a directory: one process at a time, on whatever machine or in whatever container
// that shares it. Whoever wants it makes a claim, a file of a random name, and then looks at the
// claims of others: with none of a living process beside it the claim holds, otherwise it is taken
// back. Of two that look at the same time both take theirs back and try again after a random time.
// No process changes a claim of another, and no name is used twice, so the claim of a dead process
// can be removed at any moment.
//
// Whether a process lives is known at once where its number means the same (processes.ts).
// Elsewhere a claim counts as long as it is fresh: a thread of its own writes to it every few
// seconds, for a training step may keep the main thread busy for minutes.

import fs from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { createPassing, listed, randomName, remove } from './atomic.ts';
import { pause } from './output.ts';
import { isLiving, isSame, type ProcessIdentity, thisProcess } from './processes.ts';

/** Milliseconds between signs of life, and after which a claim without one counts no more. */
const BEAT = 5000;
const STALE = 60_000;
/** Times that a claim is made while others only ask, too. */
const ATTEMPTS = 30;
/** The first character of a claim; the rest is JSON. */
const ASKS = '?';
const HOLDS = '!';

/** Who has a directory. */
export interface Holder extends ProcessIdentity {
  /** ISO 8601. */
  since: string;
}

interface Claim {
  /** Undefined: about to be written. */
  holder: Holder | undefined;
  holds: boolean;
  /** Last sign of life, by the clock of the file system. */
  seen: number;
}

interface OwnClaim {
  path: string;
  handle: number;
  /** When it was made, by the clock of the file system. */
  made: number;
}

/** Another process wrote it, and it is printed. */
const harmless = (text: unknown): string => `${text}`.replace(/[^\w.:-]/g, '?').slice(0, 100);

function parseHolder(text: string): Holder | undefined {
  try {
    const { pid, host, since, place, start } = JSON.parse(text) as Partial<Holder>;
    const printed = { pid: Number(pid), host: harmless(host), since: harmless(since) };
    return { ...printed, place: `${place}`, start: `${start}` };
  } catch {
    return undefined;
  }
}

/** Undefined: taken back, or no claim at all. */
function readClaim(path: string): Claim | undefined {
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;
  try {
    const handle = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      const seen = fs.fstatSync(handle).mtimeMs;
      const bytes = Buffer.alloc(4096);
      const text = bytes.toString('utf8', 0, fs.readSync(handle, bytes));
      return { holder: parseHolder(text.slice(1)), holds: text.startsWith(HOLDS), seen };
    } finally {
      fs.closeSync(handle);
    }
  } catch {
    return undefined;
  }
}

/** Claims of other living processes; those of dead ones are removed. */
function otherClaims(
  directory: string,
  name: string,
  me: ProcessIdentity,
  own: Pick<OwnClaim, 'path' | 'made'>,
): Claim[] {
  return listed(directory).flatMap((file) => {
    const path = join(directory, file);
    if (!file.startsWith(`.${name}.`) || !file.endsWith('.lock') || path === own.path) return [];
    const claim = readClaim(path);
    if (claim === undefined) return [];
    const isFresh = own.made - claim.seen < STALE;
    if (claim.holder === undefined ? isFresh : isLiving(claim.holder, me, isFresh)) return [claim];
    remove(path);
    return [];
  });
}

function makeClaim(directory: string, name: string, holder: Holder): OwnClaim {
  const path = join(directory, randomName(name, 'lock'));
  const handle = createPassing(path, 0o644);
  try {
    fs.writeSync(handle, `${ASKS}${JSON.stringify(holder)}`);
    return { path, handle, made: fs.fstatSync(handle).mtimeMs };
  } catch (error) {
    takeBack({ path, handle });
    throw error;
  }
}

function takeBack({ path, handle }: Pick<OwnClaim, 'path' | 'handle'>): void {
  remove(path);
  fs.closeSync(handle);
}

/** What the thread does that shows that this process lives. */
const BEATING = `const { handle, mark, beat } = require('node:worker_threads').workerData;
setInterval(() => { try { require('node:fs').writeSync(handle, mark, 0); } catch {} }, beat);`;

/** What this process holds, until it releases it or ends. */
export class Lock {
  private readonly heart: Worker;
  private isReleased = false;

  constructor(private readonly claim: OwnClaim) {
    const { handle } = claim;
    fs.writeSync(handle, HOLDS, 0);
    const workerData = { handle, mark: HOLDS, beat: BEAT };
    this.heart = new Worker(BEATING, { eval: true, workerData });
    this.heart.on('error', () => undefined); // no thread to be had: known by its number only
    this.heart.unref();
  }

  /** False if the claim is gone: the directory was removed, renamed or taken over. */
  get isOurs(): boolean {
    return fs.existsSync(this.claim.path);
  }

  release(): void {
    if (this.isReleased) return;
    this.isReleased = true;
    remove(this.claim.path);
    void this.heart.terminate().then(() => fs.closeSync(this.claim.handle));
  }
}

/** Takes `name` in a directory for this process, or says who has it. Throws the system's error if
 *  nothing can be written there. */
export function takeLock(directory: string, name: string): Lock | Holder {
  const me = { ...thisProcess(), since: new Date().toISOString() };
  let others: Claim[] = [];
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const own = makeClaim(directory, name, me);
    others = otherClaims(directory, name, me, own);
    if (others.length === 0) return new Lock(own);
    takeBack(own);
    if (others.some(({ holds }) => holds)) break;
    pause(Math.random() * 20 * attempt);
  }
  return holderAmong(others) ?? { pid: 0, host: 'unknown', since: 'now', place: '', start: '' };
}

const holderAmong = (claims: readonly Claim[]): Holder | undefined =>
  (claims.find(({ holds }) => holds) ?? claims.find(({ holder }) => holder !== undefined))?.holder;

/** Which other process has `name` in a directory, if any; no claim is made. */
export function findHolder(directory: string, name: string): Holder | undefined {
  const me = thisProcess();
  const claims = otherClaims(directory, name, me, { path: '', made: Date.now() });
  return holderAmong(claims.filter(({ holder }) => holder === undefined || !isSame(holder, me)));
}

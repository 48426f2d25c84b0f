// DIR/log.jsonl: the events of a run as --json prints them, one JSON object a line, always kept
// beside the checkpoint. A resumed run goes on in the log that it began; a line that a kill has
// torn is cut off, and so is what happened after the checkpoint, for it happens again. A log that
// cannot be written costs a warning and never the run.

import * as fs from 'node:fs';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { quote } from './argv.ts';
import { warn } from './output.ts';
import { printableJson } from './printable.ts';
import { reason } from './system-errors.ts';

export const LOG_FILE = 'log.jsonl';
/** What a new run finds of an older one that left no checkpoint. */
const OLD_LOG_FILE = 'log.old.jsonl';
const CHUNK = 2 ** 16;
/** Longer lines are no events; neither is what waits while the disk is full kept beyond that. */
const LONGEST_LINE = 2 ** 20;
const MOST_PENDING = 2 ** 23;

export const logPath = (directory: string): string => join(directory, LOG_FILE);

/** An event of a run: its fields are those of --json. */
export type LogEvent = Record<string, unknown> & { event: string };

interface Line {
  text: string;
  /** Where it begins, and where the next one does, in bytes. */
  start: number;
  end: number;
  /** It has its line feed. */
  isWhole: boolean;
}

/** The lines of a file, read piece by piece: a log may be larger than memory. */
function* linesOf(handle: number): Generator<Line> {
  const decoder = new StringDecoder('utf8');
  const chunk = Buffer.alloc(CHUNK);
  let text = '';
  let start = 0;
  let length = 0;
  let at = 0;
  const read = (): number => fs.readSync(handle, chunk, 0, CHUNK, at);
  for (let size = read(); size > 0; size = read()) {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0 && end < size; end = chunk.indexOf(10, from)) {
      yield {
        text: text + decoder.end(chunk.subarray(from, end)),
        start,
        end: at + end + 1,
        isWhole: true,
      };
      from = end + 1;
      start = at + from;
      text = '';
      length = 0;
    }
    length += size - from;
    if (length <= LONGEST_LINE) text += decoder.write(chunk.subarray(from, size));
    at += size;
  }
  if (at > start) yield { text, start, end: at, isWhole: false };
}

/** The event of a line; undefined if it is none. */
function parse(text: string): LogEvent | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isEvent =
      typeof value === 'object' && value !== null && typeof (value as LogEvent).event === 'string';
    return isEvent ? (value as LogEvent) : undefined;
  } catch {
    return undefined;
  }
}

/** A file opened for reading that is one: a pipe would wait for its other end for ever. */
function openFile(path: string): number {
  const handle = fs.openSync(path, fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0));
  if (fs.fstatSync(handle).isFile()) return handle;
  fs.closeSync(handle);
  throw Object.assign(new Error('is not a file'), { code: 'ENOTFILE' });
}

/** The events of a log, in order. Throws the system's error. */
export function* readLog(path: string): Generator<LogEvent> {
  const handle = openFile(path);
  try {
    for (const { text } of linesOf(handle)) {
      const event = parse(text);
      if (event !== undefined) yield event;
    }
  } finally {
    fs.closeSync(handle);
  }
}

/** The events of a run's log; none if it has no log that can be read. */
export function* eventsOf(directory: string): Generator<LogEvent> {
  try {
    yield* readLog(logPath(directory));
  } catch {
    // A run is whole without its log.
  }
}

/** The step at which an event happened. */
function stepOf({ step, steps }: LogEvent): number {
  if (typeof step === 'number') return step;
  return typeof steps === 'number' ? steps : 0;
}

/** Where a log ends for a run that goes on from `step`; undefined if it is the log of something
 *  else. */
function endAt(handle: number, step: number): { end: number; needsLineFeed: boolean } | undefined {
  let end = 0;
  let isFirst = true;
  for (const { text, start, end: next, isWhole } of linesOf(handle)) {
    const event = parse(text);
    if (isFirst && isWhole && event?.event !== 'plan') return undefined;
    isFirst = false;
    const isTorn = !isWhole && event === undefined;
    if (isTorn || (event !== undefined && stepOf(event) > step))
      return { end: start, needsLineFeed: false };
    end = next;
    if (!isWhole) return { end, needsLineFeed: true };
  }
  return { end, needsLineFeed: false };
}

/** Cuts a log where a run goes on from `step`. Throws if it is the log of something else. */
function cut(path: string, step: number): void {
  const handle = openFile(path);
  let found: ReturnType<typeof endAt>;
  try {
    found = endAt(handle, step);
  } finally {
    fs.closeSync(handle);
  }
  if (found === undefined) throw new Error('is no log of a run');
  fs.truncateSync(path, found.end);
  if (found.needsLineFeed) fs.appendFileSync(path, '\n');
}

/** Makes DIR/log.jsonl what the run's log is so far. */
function begin(directory: string, step: number, resumed: string | undefined): void {
  const path = logPath(directory);
  const isThere = fs.lstatSync(path, { throwIfNoEntry: false });
  if (isThere !== undefined && !isThere.isFile()) throw new Error('is not a file');
  if (resumed === undefined) {
    if (isThere === undefined || isThere.size === 0) return;
    cut(path, Infinity);
    fs.renameSync(path, join(directory, OLD_LOG_FILE));
    return;
  }
  const before = logPath(resumed);
  const isSame = fs.realpathSync(resumed) === fs.realpathSync(directory);
  if (!isSame && isThere === undefined && fs.existsSync(before))
    fs.copyFileSync(before, path, fs.constants.COPYFILE_EXCL);
  if (fs.existsSync(path)) cut(path, step);
}

/** The log of a run in `directory`, at `step`. `resumed`: the directory that the run goes on from.
 */
export class RunLog {
  private handle: number | undefined;
  private pending = Buffer.alloc(0);
  private hasWarned = false;
  private readonly path: string;

  constructor(directory: string, step: number, resumed?: string) {
    const { O_APPEND, O_CREAT, O_WRONLY, O_NOFOLLOW = 0 } = fs.constants;
    this.path = logPath(directory);
    try {
      begin(directory, step, resumed);
      this.handle = fs.openSync(this.path, O_APPEND | O_CREAT | O_WRONLY | O_NOFOLLOW, 0o666);
    } catch (error) {
      this.complain(error);
    }
  }

  /** Writes an event at once: a kill loses nothing that was logged. */
  add(event: object): void {
    if (this.handle === undefined) return;
    const line = Buffer.from(`${printableJson(event)}\n`);
    this.pending = this.pending.length === 0 ? line : Buffer.concat([this.pending, line]);
    try {
      while (this.pending.length > 0)
        this.pending = this.pending.subarray(fs.writeSync(this.handle, this.pending));
    } catch (error) {
      this.complain(error);
      if (this.pending.length > MOST_PENDING) this.close();
    }
  }

  close(): void {
    const { handle } = this;
    this.handle = undefined;
    if (handle === undefined) return;
    try {
      fs.closeSync(handle);
    } catch (error) {
      this.complain(error);
    }
  }

  private complain(error: unknown): void {
    if (!this.hasWarned)
      warn(`the log ${quote(this.path)} ${reason(error)}; the run goes on without it`);
    this.hasWarned = true;
  }
}

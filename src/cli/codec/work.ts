// What the commands of the codec share: files in and out, a bar, an interrupt.

import * as fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { quote } from '../argv.ts';
import { writeAtomically } from '../atomic.ts';
import { bytes as inBytes } from '../format.ts';
import { Interrupts } from '../interrupts.ts';
import {
  type ArchiveFile,
  type BlockCoder,
  CheckpointError,
  CodecError,
  ImageModel,
  imageCoder,
  MessageModel,
  messageCoder,
  UsageError,
} from '../library.ts';
import { readBounded, TooLarge } from '../read.ts';
import { Bar, barLine } from '../reporters.ts';
import { reason } from '../system-errors.ts';
import { isLively, terminalColumns } from '../terminal.ts';

/** Most bytes of what is read into memory. */
const MOST = 2 ** 30;
const MAX_MODEL = 2 ** 28;

/** A file's bytes. Throws UsageError. */
export function readFile(path: string, what: string, most = MOST): Uint8Array {
  try {
    return readBounded(path, most);
  } catch (error) {
    const why = error instanceof TooLarge ? error.message : reason(error);
    throw new UsageError(`${what} ${quote(path)} ${why}`, `give the path of a readable ${what}`);
  }
}

/** Where the JSON of a checkpoint begins. */
const JSON_AT = 8;
const BRACE = 0x7b;

/** What archives are coded by. */
export interface Coding {
  readonly coder: BlockCoder | undefined;
  /** Of a pixel, if images are coded; else 0. */
  readonly colours: number;
}

/** The model of --model: of messages, or a checkpoint of a discrete flow. */
export async function codingOf(path: string | undefined): Promise<Coding> {
  if (path === undefined) return { coder: undefined, colours: 0 };
  const file = readFile(path, 'model', MAX_MODEL);
  try {
    if (file[JSON_AT] !== BRACE)
      return { coder: messageCoder(MessageModel.read(file)), colours: 0 };
    const model = await ImageModel.read(file);
    return { coder: imageCoder(model), colours: model.colours };
  } catch (error) {
    throw named(path, error);
  }
}

/** An error of the codec or of a checkpoint with the path in front. */
export function named(path: string, error: unknown): unknown {
  if (!(error instanceof CodecError || error instanceof CheckpointError)) return error;
  const message = `${quote(path)}: ${error.message.split('. HINT: ')[0]}`;
  return error instanceof CodecError
    ? new CodecError(error.code, message, error.hint)
    : new CheckpointError(message, error.hint);
}

/** All files of a directory and those below it, by name. Links are left out. */
function* walk(directory: string): Generator<string> {
  const entries = fs.readdirSync(directory, { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else if (entry.isFile()) yield path;
  }
}

/** The files of some paths: names as an archive has them, below the path's own last part. */
export function filesAt(paths: readonly string[]): ArchiveFile[] {
  return paths.flatMap((path) => {
    const isDirectory = fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
    const found = isDirectory ? [...walk(path)] : [path];
    return found.map((file) => ({
      name: isDirectory ? nameBelow(path, file) : basename(file),
      bytes: readFile(file, 'file'),
    }));
  });
}

const nameBelow = (directory: string, file: string): string =>
  file.slice(join(directory, '.').length).replaceAll('\\', '/').replace(/^\/+/, '');

/** The file of --out. Throws UsageError if it is missing or there. */
export function outFile(out: string | undefined, isForced: boolean, example: string): string {
  if (out === undefined)
    throw new UsageError(
      '--out is missing, expected the file to write',
      `for instance -o ${example}`,
    );
  if (!isForced && fs.existsSync(out))
    throw new UsageError(`--out ${quote(out)} exists`, 'choose another file, or add --force');
  return out;
}

export const writeOut = (path: string, bytes: Uint8Array): void =>
  writeAtomically(dirname(path), basename(path), bytes);

/** What long work is given. */
export interface Work {
  readonly signal: AbortSignal;
  readonly onProgress: (bytes: number) => void;
}

/** Long work with a bar, which Ctrl-C ends: returns what it gives, or the signal's exit code. */
export async function withBar<T>(
  what: string,
  total: number,
  isJson: boolean,
  work: (given: Work) => Promise<T>,
): Promise<T | number> {
  const interrupts = new Interrupts();
  const stop = new AbortController();
  const line = (done: number, of: number): string =>
    barLine(
      what,
      done / Math.max(1, of),
      [`${inBytes(done)} of ${inBytes(of)}`],
      terminalColumns(),
    );
  const bar = !isJson && isLively() ? new Bar(line, total, 0) : undefined;
  const onProgress = (bytes: number): void => {
    if (interrupts.exitCode !== undefined) stop.abort();
    bar?.update(bytes);
  };
  try {
    return await work({ signal: stop.signal, onProgress });
  } catch (error) {
    if (interrupts.exitCode === undefined) throw error;
    return interrupts.exitCode;
  } finally {
    bar?.close();
    interrupts.release();
  }
}

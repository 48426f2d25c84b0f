// Results on the disk: one JSON file a run, OUT/NAME/CELL-SEED.json, there only when the run is
// complete. While a run goes on, a claim beside it keeps a second process from making the same one,
// so that two processes share an experiment.

import * as fs from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { quote } from '../../src/cli/argv.ts';
import { makeDirectory, removeLeftovers, unwritable } from '../../src/cli/atomic.ts';
import { UsageError } from '../../src/cli/library.ts';
import { type Holder, Lock, takeLock } from '../../src/cli/lock.ts';
import { readBounded } from '../../src/cli/read.ts';
import type { NamedFile } from '../../src/cli/saving.ts';
import type { Found } from './experiment.ts';

/** Most bytes of a result: they have some ten thousand. */
const MAX_RESULT = 2 ** 24;

export interface Result {
  experiment: string;
  cell: string;
  label: string;
  seed: number;
  scale: number;
  options: object;
  /** As given, without its folders, and the digest of what was read. */
  data: { name: string | null; sha256: string | null };
  found: Found;
  libraryVersion: string;
  environment: object;
  /** Wall time. */
  seconds: number;
}

/** Where the results of an experiment are: trials never mix with real runs. */
export const folderOf = (out: string, name: string, scale: number): string =>
  join(out, scale === 1 ? name : `${name}-scale-${scale}`);
const fileOf = (cell: string, seed: number): string => `${cell}-${seed}.json`;
/** The part of a run that is not complete. */
export const partialOf = (cell: string, seed: number): string => `.${cell}-${seed}.partial`;
/** As JSON has it: absent what is undefined. */
export const plain = (value: object): unknown => JSON.parse(JSON.stringify(value));

/** Names of what differs, deep ones with a point. */
function differing(a: unknown, b: unknown, at = ''): string[] {
  if (isDeepStrictEqual(a, b)) return [];
  const isObject = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isObject(a) || !isObject(b))
    return [`${at} (${JSON.stringify(a)} there, ${JSON.stringify(b)} now)`];
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((key) =>
    differing(a[key], b[key], at === '' ? key : `${at}.${key}`),
  );
}

/** The result of a run that was made before; undefined if there is none. Throws UsageError if it
 *  cannot be read, or is that of other options or data. */
export function readResult(
  folder: string,
  cell: string,
  seed: number,
  options: object,
  dataSha256: string | null,
): Result | undefined {
  const path = join(folder, fileOf(cell, seed));
  const hint = 'move it away, or give another --out';
  if (!fs.existsSync(path)) return undefined;
  let result: Result;
  try {
    result = JSON.parse(new TextDecoder().decode(readBounded(path, MAX_RESULT))) as Result;
  } catch (error) {
    throw new UsageError(
      `${quote(path)} is no result (${(error as Error).message}), expected JSON`,
      hint,
    );
  }
  const changed = [
    ...differing(result.options, plain(options)),
    ...differing(result.data?.sha256, dataSha256, 'data SHA-256'),
  ];
  if (changed.length > 0)
    throw new UsageError(
      `${quote(path)} is of other options: ` +
        `${changed.slice(0, 3).join(', ')}${changed.length > 3 ? ', ...' : ''}, expected the ` +
        'same',
      hint,
    );
  return result;
}

/** A result as a file; it is written with writeAtomically. */
export const resultFile = (result: Result): NamedFile => {
  const text = `${JSON.stringify(result, null, 1)}\n`;
  return { file: fileOf(result.cell, result.seed), bytes: new TextEncoder().encode(text) };
};

/** Takes a run for this process, or says which living process has it. Throws UsageError if nothing
 *  can be written in the folder. */
export function claim(folder: string, cell: string, seed: number): Lock | Holder {
  let lock: Lock | Holder;
  try {
    makeDirectory(folder); // it may have been removed meanwhile
    lock = takeLock(folder, `${cell}-${seed}`);
  } catch (error) {
    throw unwritable(`--out ${quote(folder)}`, error);
  }
  const own = [fileOf(cell, seed), partialOf(cell, seed)];
  if (lock instanceof Lock) removeLeftovers(folder, (file) => own.includes(file));
  return lock;
}

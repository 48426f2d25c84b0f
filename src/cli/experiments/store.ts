// Results on the disk: one JSON file a run, OUT/NAME/CELL-SEED.json, there only when the run is complete. While a run goes on, a claim beside
// it keeps a second process from making the same one, so that two processes share an experiment.

import * as fs from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { quote } from '../argv.ts';
import { writeAtomically } from '../files.ts';
import { UsageError } from '../library.ts';
import type { Found } from './experiment.ts';

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
export const folderOf = (out: string, name: string, scale: number): string => join(out, scale === 1 ? name : `${name}-scale-${scale}`);
const fileOf = (cell: string, seed: number): string => `${cell}-${seed}.json`;
/** As JSON has it: absent what is undefined. */
export const plain = (value: object): unknown => JSON.parse(JSON.stringify(value));

/** Names of what differs, deep ones with a point. */
function differing(a: unknown, b: unknown, at = ''): string[] {
  if (isDeepStrictEqual(a, b)) return [];
  const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isObject(a) || !isObject(b)) return [`${at} (${JSON.stringify(a)} there, ${JSON.stringify(b)} now)`];
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((key) => differing(a[key], b[key], at === '' ? key : `${at}.${key}`));
}

/** The result of a run that was made before; undefined if there is none. Throws UsageError if it cannot be read, or is that of other options
 *  or data. */
export function readResult(folder: string, cell: string, seed: number, options: object, dataSha256: string | null): Result | undefined {
  const path = join(folder, fileOf(cell, seed)), hint = 'move it away, or give another --out';
  if (!fs.existsSync(path)) return undefined;
  let result: Result;
  try {
    result = JSON.parse(fs.readFileSync(path, 'utf8')) as Result;
  } catch (error) {
    throw new UsageError(`${quote(path)} is no result (${(error as Error).message}), expected JSON`, hint);
  }
  const changed = [...differing(result.options, plain(options)), ...differing(result.data?.sha256, dataSha256, 'data SHA-256')];
  if (changed.length > 0) throw new UsageError(`${quote(path)} is of other options: ${changed.slice(0, 3).join(', ')}${changed.length > 3 ? ', ...' : ''}, expected the same`, hint);
  return result;
}

export const writeResult = (folder: string, result: Result): void =>
  writeAtomically(folder, fileOf(result.cell, result.seed), new TextEncoder().encode(`${JSON.stringify(result, null, 1)}\n`));

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM';
  }
};

/** Takes a run for this process: a function that gives it back, or the number of the living process that has it. */
export function claim(folder: string, cell: string, seed: number): (() => void) | number {
  const path = join(folder, `.${cell}-${seed}.running`), release = (): void => fs.rmSync(path, { force: true });
  for (let attempt = 0; attempt < 3; attempt++)
    try {
      fs.writeFileSync(path, String(process.pid), { flag: 'wx' });
      return release;
    } catch (error) {
      if ((error as { code?: string }).code !== 'EEXIST') throw error;
      const owner = fs.existsSync(path) ? Number(fs.readFileSync(path, 'utf8')) : 0;
      if (owner > 0 && owner !== process.pid && isAlive(owner)) return owner;
      release(); // of a process that was killed
    }
  return release;
}

// What a run says of itself to its workers: the first line of its receipt, which has all that
// decides its bits, and the files of its data.

import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import { quote } from '../argv.ts';
import type { SomeKind } from '../kinds/kinds.ts';
import { RetrogradError, UsageError } from '../library.ts';
import { deciding, type RunValues } from '../options.ts';
import { optionName } from '../rows.ts';

/** A file of the data. */
export interface DataFile {
  /** The option that names it. */
  option: string;
  /** Its path in the directory that the option names; '' if it is the file itself. */
  path: string;
  sha256: string;
  bytes: number;
}

export interface Manifest {
  manifest: 1;
  run: string;
  /** The kind of model: gpt, vit, translate. */
  kind: string;
  /** The first line of the receipt. */
  header: string;
  /** Options that say how the data are read. */
  values: RunValues;
  files: DataFile[];
}

/** Most bytes of all files: a worker keeps them in a directory for a while. */
const MOST = 2 ** 30;

export const sha256Of = (bytes: Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex');

/** The files that an option names: one, or all of a directory. */
function filesOf(option: string, path: string): { file: DataFile; at: string }[] {
  const isDirectory = fs.statSync(path).isDirectory();
  const names = isDirectory
    ? fs
        .readdirSync(path, { recursive: true, encoding: 'utf8' })
        .filter((name) => fs.statSync(join(path, name)).isFile())
        .sort()
    : [''];
  return names.map((name) => {
    const at = name === '' ? path : join(path, name);
    const bytes = fs.readFileSync(at);
    const about = { sha256: sha256Of(bytes), bytes: bytes.length };
    return { file: { option, path: name.replaceAll('\\', '/'), ...about }, at };
  });
}

/** All files of a run's data, and where they are. Throws UsageError if they are too large. */
export function dataFiles(kind: SomeKind, values: RunValues): { file: DataFile; at: string }[] {
  const found = kind.rows.data.flatMap((row) => {
    const option = optionName(row);
    const path = (values as Record<string, unknown>)[option];
    return typeof path === 'string' ? filesOf(option, path) : [];
  });
  const bytes = found.reduce((sum, { file }) => sum + file.bytes, 0);
  if (bytes > MOST)
    throw new UsageError(`the data have ${bytes} bytes, expected at most ${MOST} with workers`);
  return found;
}

/** The options that say how the data are read, as given; nothing else of a stranger's values. */
export function readingValues({ rows }: SomeKind, values: RunValues): RunValues {
  const names = [...deciding(rows), ...rows.free].map(optionName);
  const all = values as Record<string, unknown>;
  return Object.fromEntries(names.flatMap((name) => (name in all ? [[name, all[name]]] : [])));
}

/** The name of a run, by the first line of its receipt: it has what decides the bits, so the same
 *  command finds the run again, and one that goes on has the line that it began with. */
export const runName = (header: string): string => sha256Of(Buffer.from(header)).slice(0, 16);

export function manifestOf(
  kind: SomeKind,
  values: RunValues,
  header: string,
  files: DataFile[],
): Manifest {
  const run = runName(header);
  const reading = readingValues(kind, values);
  return { manifest: 1, run, kind: kind.name, header, values: reading, files };
}

/** A name within a directory, of any system. */
const isName = (name: string): boolean =>
  /^[^\\/:\0]{1,255}$/.test(name) && name !== '.' && name !== '..';

const isFile = (value: unknown): value is DataFile => {
  const { option, path, sha256, bytes } = Object(value) as DataFile;
  const isInside = typeof path === 'string' && (path === '' || path.split('/').every(isName));
  const isNamed = typeof option === 'string' && /^[a-z]{1,20}$/.test(option);
  return (
    isNamed &&
    isInside &&
    /^[0-9a-f]{64}$/.test(sha256) &&
    Number.isSafeInteger(bytes) &&
    bytes >= 0
  );
};

/** A manifest from bytes that may be anything. Throws RetrogradError. */
export function readManifest(bytes: Uint8Array, run: string): Manifest {
  let found: Partial<Manifest>;
  try {
    found = JSON.parse(Buffer.from(bytes).toString('utf8')) as Partial<Manifest>;
  } catch {
    found = {};
  }
  const { manifest, header, files, values } = Object(found) as Partial<Manifest>;
  if (manifest !== 1 || typeof header !== 'string' || Object(values) !== values)
    throw new RetrogradError(`what the server has of the run ${quote(run)} is no manifest`);
  if (!Array.isArray(files) || !files.every(isFile))
    throw new RetrogradError(`the run ${quote(run)} names files that none can have`);
  const total = files.reduce((sum, { bytes: size }) => sum + size, 0);
  if (found.run !== run || runName(header) !== run || total > MOST)
    throw new RetrogradError(`the manifest of the run ${quote(run)} is of another one`);
  return found as Manifest;
}

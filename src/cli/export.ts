// retrograd export DIR --to hf --out model: a saved model as the files that other programs load.

import fs from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { version } from '../../package.json';
import { oneLine, quote } from './argv.ts';
import { listed, makeDirectory, unwritable, writePieces } from './atomic.ts';
import { directoryOf } from './files.ts';
import { bytes, table } from './format.ts';
import { weightsSha256 } from './inspect.ts';
import {
  type ExportedFile,
  type ExportedFiles,
  exportGguf,
  exportHf,
  exportLlmC,
  exportNanoGpt,
  exportOnnx,
  exportPeft,
  exportSafetensors,
  UsageError,
} from './library.ts';
import { Bar, barLine, print, printJson } from './reporters.ts';
import { merged, openAny } from './run.ts';
import { commandLine } from './shell.ts';
import { isLively, terminalColumns } from './terminal.ts';

/** The forms, and whether --out is a directory. */
export const FORMS = {
  hf: true,
  gguf: false,
  onnx: true,
  safetensors: false,
  nanogpt: false,
  'llm.c': false,
  peft: true,
} as const;
export type Form = keyof typeof FORMS;

/** What has a name of its own. */
const NAMED: readonly Form[] = ['hf', 'gguf', 'onnx'];

export interface ExportValues {
  to?: Form;
  out?: string;
  name?: string;
  base?: string;
  end?: number;
  cache?: boolean;
  json?: boolean;
}

type Run = Awaited<ReturnType<typeof openAny>>['run'];

interface Place {
  readonly to: Form;
  readonly out: string;
}

/** What is there, if anything. Throws UsageError if nothing could be. */
function statOf(out: string): fs.Stats | undefined {
  try {
    return fs.statSync(out, { throwIfNoEntry: false });
  } catch (error) {
    throw unwritable(`--out ${quote(out)}`, error);
  }
}

/** Throws UsageError if the form or the place is missing, or the place is taken. */
function placeOf({ to, out }: ExportValues): Place {
  const forms = Object.keys(FORMS).join(', ');
  if (to === undefined)
    throw new UsageError(`--to is missing, expected one of ${forms}`, 'for instance --to hf');
  if (out === undefined)
    throw new UsageError(
      `--out is missing, expected the ${FORMS[to] ? 'directory' : 'file'} to write`,
      `for instance --out ${FORMS[to] ? 'model' : `model.${to}`}`,
    );
  const stat = statOf(out);
  const isEmpty = stat?.isDirectory() === true && listed(out).length === 0;
  if (stat === undefined || (FORMS[to] && isEmpty)) return { to, out };
  throw new UsageError(
    `--out ${quote(out)} exists, expected ${FORMS[to] ? 'a new or empty directory' : 'a new file'}`,
    'choose another, or remove it first',
  );
}

/** Throws UsageError for an option that the form has not. */
function checkOptions({ to, end, cache, name, base }: ExportValues): void {
  const refused: [string, boolean][] = [
    ['--end', end !== undefined && to !== 'gguf'],
    ['--no-cache', cache === false && to !== 'onnx'],
    ['--base', base !== undefined && to !== 'peft'],
    ['--name', name !== undefined && !NAMED.includes(to as Form)],
  ];
  const found = refused.find(([, isRefused]) => isRefused);
  if (found !== undefined)
    throw new UsageError(
      `${found[0]} is given with --to ${to}, which does not have it`,
      `leave it out; see ${commandLine('export', '--help')}`,
    );
}

/** The files by name; a single one has the name of --out. */
function filesOf(run: Run, given: ExportValues, { to, out }: Place): ExportedFiles {
  const name = given.name ?? basename(resolve(directoryOf(run.directory)));
  const { end, cache, base } = given;
  const single = (file: ExportedFile): ExportedFiles => ({ [basename(out)]: file });
  if (to === 'peft') return exportPeft(run, { base });
  if (to === 'hf') return exportHf(run, { name });
  if (to === 'onnx') return exportOnnx(run, { name, cache });
  if (to === 'gguf') return single(exportGguf(run, { name, end }));
  if (to === 'nanogpt') return single(exportNanoGpt(run));
  if (to === 'llm.c') return single(exportLlmC(run));
  return single(exportSafetensors(run, { libraryVersion: version }));
}

/** Writes all files; `done` hears how many bytes are written. */
function writeAll(folder: string, files: ExportedFiles, done: (bytes: number) => void): void {
  let written = 0;
  function* counted(file: ExportedFile): Iterable<Uint8Array> {
    for (const piece of file) {
      yield piece;
      written += piece.length;
      done(written);
    }
  }
  for (const [name, file] of Object.entries(files)) {
    const path = join(folder, name);
    try {
      makeDirectory(dirname(path));
    } catch (error) {
      throw unwritable(`--out ${quote(folder)}`, error);
    }
    writePieces(dirname(path), basename(path), counted(file));
  }
}

/** The command: returns the exit code. */
export async function exportModel(directory: string, values: ExportValues): Promise<number> {
  const place = placeOf(values);
  const { to, out } = place;
  checkOptions(values);
  const { run: saved } = await openAny(directory);
  const run = to === 'peft' ? saved : merged(saved);
  const files = filesOf(run, values, place);
  const total = Object.values(files).reduce((sum, { size }) => sum + size, 0);
  const line = (done: number): string =>
    barLine('writing', done / total, [`${bytes(done)} of ${bytes(total)}`], terminalColumns());
  const bar = values.json !== true && isLively() ? new Bar(line, total, 0) : undefined;
  try {
    writeAll(FORMS[to] ? out : dirname(out), files, (done) => bar?.update(done));
  } finally {
    bar?.close();
  }
  const digest = weightsSha256(run.tensors);
  if (values.json === true) {
    const sizes = Object.entries(files).map(([name, { size }]) => ({ name, bytes: size }));
    printJson({ event: 'exported', to, out, files: sizes, weightsSha256: digest });
    return 0;
  }
  print(
    table(
      Object.entries(files).map(([name, { size }]) => [name, bytes(size)]),
      [1],
    ),
  );
  print(`\nin ${oneLine(out)}; SHA-256 of the weights:\n${digest}`);
  return 0;
}

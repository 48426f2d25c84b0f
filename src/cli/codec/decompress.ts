// retrograd decompress a.rga -o DIR, and retrograd test a.rga: every file of an archive, or none.

import * as fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { quote } from '../argv.ts';
import { makeDirectory, writeAtomically } from '../atomic.ts';
import { bytes as inBytes } from '../format.ts';
import {
  type ArchiveFile,
  archiveInfo,
  CodecError,
  readArchive,
  sha256Hex,
  UsageError,
} from '../library.ts';
import { print, printJson } from '../reporters.ts';
import { withPngs } from './pngs.ts';
import { codingOf, named, readFile, withBar } from './work.ts';

interface DecompressValues {
  out?: string;
  model?: string;
  maxOutput?: number;
  json?: boolean;
}

const DEFAULT_OUTPUT = 2 ** 28;
/** The kind of an archive that a model of images coded. */
const IMAGES = 2;
/** Of memory, for each byte of the files, and for a model. */
const MEMORY = (maxOutput: number): number => 4 * maxOutput + 2 ** 30;

/** All files of an archive as they were given to `compress`, or an exit code. */
async function filesIn(path: string, values: DecompressValues): Promise<ArchiveFile[] | number> {
  const archive = readFile(path, 'archive');
  const { maxOutput = DEFAULT_OUTPUT } = values;
  const { coder } = await codingOf(values.model);
  const coders = coder === undefined ? [] : [coder];
  const options = { coders, maxOutput, maxMemory: MEMORY(maxOutput) };
  try {
    const { bytes, kind } = archiveInfo(archive);
    const files = await withBar('decoding', bytes, values.json === true, (given) =>
      readArchive(archive, { ...given, ...options }),
    );
    return typeof files === 'number' || kind !== IMAGES ? files : withPngs(files);
  } catch (error) {
    throw explained(named(path, error), values);
  }
}

/** Says which option helps. */
function explained(error: unknown, { model }: DecompressValues): unknown {
  if (!(error instanceof CodecError)) return error;
  const [message] = error.message.split('. HINT: ');
  if (error.code === 'model')
    return new CodecError(
      'model',
      message,
      `give ${model === undefined ? 'it' : 'that one'} by --model`,
    );
  if (error.code === 'limit')
    return new CodecError('limit', message, 'raise --max-output if you trust it');
  return error;
}

/** Where the files go. Throws UsageError if one is there already. */
function targets(out: string, files: readonly ArchiveFile[]): string[] {
  const paths = files.map(({ name }) => join(out, ...name.split('/')));
  const taken = paths.find((path) => fs.existsSync(path));
  if (taken !== undefined)
    throw new UsageError(`${quote(taken)} exists, nothing was written`, 'choose another --out');
  return paths;
}

const sum = (files: readonly ArchiveFile[]): number =>
  files.reduce((total, { bytes }) => total + bytes.length, 0);

/** The command: returns the exit code. */
export async function decompress(path: string, values: DecompressValues): Promise<number> {
  const { out } = values;
  if (out === undefined)
    throw new UsageError(
      '--out is missing, expected the directory to write',
      'for instance -o out',
    );
  const files = await filesIn(path, values);
  if (typeof files === 'number') return files;
  const paths = targets(out, files);
  files.forEach(({ bytes }, i) => {
    makeDirectory(dirname(paths[i]));
    writeAtomically(dirname(paths[i]), basename(paths[i]), bytes);
  });
  const about = { files: files.length, bytes: sum(files) };
  if (values.json === true) printJson({ event: 'decompress', out, ...about });
  else print(`${out}: ${files.length} files, ${inBytes(about.bytes)}`);
  return 0;
}

/** The command `test`: returns the exit code. */
export async function testArchive(path: string, values: DecompressValues): Promise<number> {
  const files = await filesIn(path, values);
  if (typeof files === 'number') return files;
  const about = { files: files.length, bytes: sum(files) };
  const digests = await Promise.all(files.map(({ bytes }) => sha256Hex(bytes)));
  if (values.json === true) {
    files.forEach(({ name, bytes }, i) => {
      printJson({ event: 'file', name, bytes: bytes.length, sha256: digests[i] });
    });
    printJson({ event: 'test', ...about });
  } else {
    for (const [i, { name }] of files.entries()) print(`${digests[i].slice(0, 16)}  ${name}`);
    print(`${path} is whole: ${files.length} files, ${inBytes(about.bytes)}`);
  }
  return 0;
}

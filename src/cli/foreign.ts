// Weights of other programs on the disk, read in parts.

import fs from 'node:fs';
import { dirname, join } from 'node:path';
import { quote } from './argv.ts';
import {
  type ByteSource,
  openLlmC,
  openSafetensors,
  openSharded,
  type TensorSource,
  UsageError,
} from './library.ts';
import { reason } from './system-errors.ts';

/** Weights, and what is known of them. */
export interface FoundFile {
  readonly source: TensorSource;
  /** Of a file that says it itself. */
  readonly config: object | undefined;
  /** Where a configuration and a tokenizer may lie. */
  readonly directory: string;
  close(): void;
}

const MOST_JSON = 2 ** 26;

const cannot = (path: string, error: unknown): UsageError =>
  new UsageError(
    `${quote(path)} ${reason(error)}, expected weights or a directory of them`,
    'model.safetensors with config.json, as transformers saves them, or a .bin of llm.c',
  );

/** A JSON file as a value. Throws UsageError. */
export function readJsonFile(path: string): unknown {
  try {
    if (fs.statSync(path).size > MOST_JSON) throw new UsageError(`${quote(path)} is too large`);
    return JSON.parse(fs.readFileSync(path, 'utf8'));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const isJson = error instanceof SyntaxError;
    throw new UsageError(
      `${quote(path)} ${isJson ? 'is not JSON' : reason(error)}, expected a JSON file`,
    );
  }
}

/** Files that are open until `close`. */
class Files {
  private readonly open: number[] = [];

  bytes(path: string): ByteSource {
    try {
      const file = fs.openSync(path, 'r');
      this.open.push(file);
      const { size } = fs.fstatSync(file);
      return {
        size,
        read(offset, length) {
          const bytes = new Uint8Array(length);
          const count = fs.readSync(file, bytes, 0, length, offset);
          return bytes.subarray(0, count);
        },
      };
    } catch (error) {
      throw cannot(path, error);
    }
  }

  close(): void {
    for (const file of this.open) fs.closeSync(file);
    this.open.length = 0;
  }
}

const isDirectory = (path: string): boolean => {
  try {
    return fs.statSync(path).isDirectory();
  } catch (error) {
    throw cannot(path, error);
  }
};

/** The file of a directory: one, or the index of several. */
function fileIn(directory: string): string {
  const names = ['model.safetensors', 'model.safetensors.index.json'];
  const found = names.map((name) => join(directory, name)).find((path) => fs.existsSync(path));
  if (found !== undefined) return found;
  throw new UsageError(
    `${quote(directory)} has no ${names.join(' or ')}, expected one of them`,
    'pickles (.bin, .pt) run code and are not read: save as safetensors',
  );
}

async function sourceOf(files: Files, path: string): Promise<Omit<FoundFile, 'close'>> {
  const directory = dirname(path);
  if (path.endsWith('.json')) {
    const open = (file: string): ByteSource => files.bytes(join(directory, file));
    const source = await openSharded(readJsonFile(path), open);
    return { source, config: undefined, directory };
  }
  const bytes = files.bytes(path);
  if (path.endsWith('.bin')) return { ...(await openLlmC(bytes)), directory };
  return { source: await openSafetensors(bytes), config: undefined, directory };
}

/** The weights that a path leads to: a directory, a safetensors file, an index, llm.c's .bin. */
export async function foundSource(path: string): Promise<FoundFile> {
  const files = new Files();
  try {
    const found = await sourceOf(files, isDirectory(path) ? fileIn(path) : path);
    return { ...found, close: () => files.close() };
  } catch (error) {
    files.close();
    throw error;
  }
}

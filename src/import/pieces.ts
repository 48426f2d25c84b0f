// Tensors by name, whose numbers are read piece by piece.

import { CheckpointError, UsageError } from '../core/errors.ts';
import { type ByteSource, readBytes } from './bytes.ts';
import type { TensorEntry } from './header.ts';
import { ELEMENT_BYTES, READABLE, toNumbers } from './numbers.ts';

/** Elements that are held at a time: 2 to 4 MiB of a file. */
const PIECE = 2 ** 20;
/** Some elements of a tensor: `values` from element `first` on. */
export interface TensorPiece {
  /** Place of the first one in the tensor, row-major. */
  readonly first: number;
  /** As doubles, which they are exactly; all finite. */
  readonly values: Float64Array;
}

/** Tensors by name, whose numbers are read piece by piece. */
export interface TensorSource {
  /** The table of strings that a file may have. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Names, types and shapes, as the file has them. */
  readonly tensors: readonly Pick<TensorEntry, 'name' | 'dtype' | 'shape'>[];
  /** `count` elements from `first` on, in pieces of at most 2^20. Throws CheckpointError for a
   *  tensor that is not there, of a type that is not read, or with a number that is not finite. */
  pieces(name: string, first?: number, count?: number): AsyncIterable<TensorPiece>;
}

/** A tensor's pieces, of the bytes from `start` on. */
export async function* piecesOf(
  source: ByteSource,
  start: number,
  { name, dtype, shape, begin }: TensorEntry,
  first: number,
  count: number,
): AsyncGenerator<TensorPiece> {
  const each = ELEMENT_BYTES[dtype];
  const size = shape.reduce((a, b) => a * b, 1);
  if (!READABLE.includes(dtype))
    throw new CheckpointError(
      `tensor ${JSON.stringify(name)} has type ${dtype}, expected ${READABLE.join(', ')}`,
      dtype === 'I32' ? 'a checkpoint of retrograd is read by decodeCheckpoint' : undefined,
    );
  if (first < 0 || first + count > size)
    throw new UsageError(`tensor ${JSON.stringify(name)} has no elements ${first}+${count}`);
  for (let at = first; at < first + count; at += PIECE) {
    const length = Math.min(PIECE, first + count - at);
    const bytes = await readBytes(source, start + begin + at * each, length * each);
    yield { first: at, values: toNumbers(bytes, dtype, name, at) };
  }
}

/** A source of the tensors of a table, whose bytes are counted from `start` on. */
export function sourceOf(
  bytes: ByteSource,
  start: number,
  entries: readonly TensorEntry[],
  metadata: Record<string, string>,
): TensorSource {
  const table = new Map(entries.map((entry) => [entry.name, entry]));
  return {
    metadata,
    tensors: entries.map(({ name, dtype, shape }) => ({ name, dtype, shape })),
    pieces(name, first = 0, count) {
      const entry = table.get(name);
      if (entry === undefined)
        throw new CheckpointError(`tensor ${JSON.stringify(name)} is not in the file`);
      const all = entry.shape.reduce((a, b) => a * b, 1);
      return piecesOf(bytes, start, entry, first, count ?? all - first);
    },
  };
}

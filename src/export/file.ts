// A file of an export. Its bytes come in pieces that are made as they are asked for, so that
// writing a model of 124 million weights takes the weights and a megabyte.

import { UsageError } from '../core/errors.ts';

/** Bytes of a piece that is made of weights. */
export const PIECE_BYTES = 2 ** 20;

/** Most bytes of one array, in every engine. */
const MAX_BYTES = 2 ** 31 - 1;

/** A file of an export: its size, and its bytes in pieces, which are made anew whenever they are
 *  asked for. Those of a trainer are its weights as they are then: write it before the next step.
 *  @example
 *  const model = gpt({ vocabulary: 256, layers: 1, channels: 8, heads: 2, context: 4 });
 *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
 *  const file = exportSafetensors(trainer);
 *  let size = 0;
 *  for (const piece of file) size += piece.length; // or: await writeFile(path, file)
 *  console.log(size === file.size, new Blob([...file]).size === size); // true true
 */
export class ExportedFile implements Iterable<Uint8Array<ArrayBuffer>> {
  /** Kept by bundlers. @internal */
  static readonly name = 'ExportedFile';
  /** Bytes. */
  readonly size: number;
  private readonly pieces: () => Iterable<Uint8Array<ArrayBuffer>>;

  /** @internal */
  constructor(size: number, pieces: () => Iterable<Uint8Array<ArrayBuffer>>) {
    this.size = size;
    this.pieces = pieces;
  }

  /** The bytes, piece by piece: what `for`, `Blob`, `ReadableStream.from` and Node's `writeFile`
   *  take. */
  [Symbol.iterator](): Iterator<Uint8Array<ArrayBuffer>> {
    return this.pieces()[Symbol.iterator]();
  }

  /** All bytes at once. Throws UsageError for more than 2^31 - 1.
   *  @example
   *  const model = gpt({ vocabulary: 256, layers: 1, channels: 8, heads: 2, context: 4 });
   *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
   *  const files = exportHf(trainer, { vocabulary: Vocabulary.bytes() });
   *  const config = JSON.parse(new TextDecoder().decode(files['config.json'].bytes()));
   *  console.log(config.architectures); // [ 'GPT2LMHeadModel' ]
   */
  bytes(): Uint8Array<ArrayBuffer> {
    if (this.size > MAX_BYTES)
      throw new UsageError(
        `the file has ${this.size} bytes, expected at most ${MAX_BYTES} at once`,
        'write its pieces: for (const piece of file) ...',
      );
    const all = new Uint8Array(this.size);
    let at = 0;
    for (const piece of this) {
      all.set(piece, at);
      at += piece.length;
    }
    return all;
  }
}

/** A file that is a text. */
export function textFile(text: string): ExportedFile {
  const bytes = new TextEncoder().encode(text);
  return new ExportedFile(bytes.length, () => [bytes]);
}

/** A file of a value as JSON. */
export const jsonFile = (value: unknown): ExportedFile =>
  textFile(`${JSON.stringify(value, undefined, 2)}\n`);

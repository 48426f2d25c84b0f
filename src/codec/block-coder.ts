// What an archive asks of a way to code by a model. A model of messages is one (kind 1), one of
// images another (kind 2, image-coder.ts).

import { CodecError } from './errors.ts';
import { checkModel, decodeTokens, encodeTokens, type MessageModel } from './message.ts';
import { END } from './model-shape.ts';
import type { Progress } from './pause.ts';

/** Codes blocks of an archive by a model. Another one than that of messages is made by whoever has
 *  another kind of model, under a kind of its own. */
export interface BlockCoder {
  /** Which way to code it is, 1..255: archives carry it. */
  readonly kind: number;
  /** The model's SHA-256, 64 hex digits: archives carry it. */
  readonly id: string;
  /** Bytes of memory that it uses. */
  readonly bytes: number;
  /** Bytes of a block, all of them but the last (2^18). Of one kind always the same. */
  readonly block?: number | undefined;
  /** A block's bytes, coded. */
  encode(plain: Uint8Array, progress: Progress): Promise<Uint8Array>;
  /** So many bytes, from what `encode` made of them, and nothing else: throws CodecError. */
  decode(coded: Uint8Array, length: number, progress: Progress): Promise<Uint8Array>;
}

/** Blocks by a model of messages: each block is coded as one long message, without its end. For
 *  files of the kind that the model was trained on.
 *  @example
 *  const samples = [new Uint8Array(20).fill(7), new Uint8Array(9)];
 *  const small = { layers: 1, channels: 8, heads: 1, context: 16, steps: 2, batch: 2 };
 *  const coder = messageCoder(MessageModel.read(await trainMessages(samples, small)));
 *  console.log(coder.kind, coder.id.length); // 1 64
 */
export function messageCoder(model: MessageModel): BlockCoder {
  const { predictor, turns, id, bytes } = checkModel(model);
  return {
    kind: 1,
    id,
    bytes,
    encode: (plain, progress) =>
      turns.take(async () => {
        predictor.begin();
        return encodeTokens(predictor, Int32Array.from(plain), progress);
      }),
    decode: (coded, length, progress) =>
      turns.take(async () => {
        const goesOn = (tokens: readonly number[]): boolean => {
          if (tokens.at(-1) === END)
            throw new CodecError('damaged', 'a block ends before its length');
          return tokens.length < length;
        };
        predictor.begin();
        return Uint8Array.from(await decodeTokens(predictor, coded, goesOn, progress));
      }),
  };
}

// What an archive asks of a way to code by a model. A model of messages is one (kind 1).

import { CodecError } from './errors.ts';
import { findSymbol } from './frequencies.ts';
import { checkAgain, checkModel, type MessageModel, put, type Watch } from './message.ts';
import { END } from './model-shape.ts';
import { RangeDecoder, RangeEncoder } from './range-coder.ts';

/** Codes blocks of an archive by a model. Another one than that of messages is made by whoever has
 *  another kind of model, under a kind of its own. */
export interface BlockCoder {
  /** Which way to code it is, 1..255: archives carry it. */
  readonly kind: number;
  /** The model's SHA-256, 64 hex digits: archives carry it. */
  readonly id: string;
  /** Bytes of memory that it uses. */
  readonly bytes: number;
  /** A block's bytes, coded. */
  encode(plain: Uint8Array, watch: Progress): Promise<Uint8Array>;
  /** So many bytes, from what `encode` made of them, and nothing else: throws CodecError. */
  decode(coded: Uint8Array, length: number, watch: Progress): Promise<Uint8Array>;
}

/** What a coder calls now and then with the bytes of the block that are done: lets others work, and
 *  throws if the work is to end. */
export type Progress = (bytes: number) => Promise<void>;

/** Bytes between two pauses. */
const PIECE = 256;

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
        const encoder = new RangeEncoder();
        const tokens = Int32Array.from(plain);
        predictor.begin();
        for (let at = 0; at < tokens.length; at += PIECE) {
          await progress(at);
          predictor.each(tokens.subarray(at, at + PIECE), (token) =>
            put(encoder, predictor.sizes, token),
          );
        }
        return encoder.finish();
      }),
    decode: (coded, length, progress) =>
      turns.take(async () => {
        const decoder = new RangeDecoder(coded);
        const again = new RangeEncoder();
        const plain = new Uint8Array(length);
        predictor.begin();
        for (let at = 0; at < length; at++) {
          if (at % PIECE === 0) await progress(at);
          predictor.predict();
          const { symbol, start } = findSymbol(predictor.sizes, decoder.target());
          if (symbol === END) throw new CodecError('damaged', 'a block ends before its length');
          decoder.skip(start, predictor.sizes[symbol]);
          again.put(start, predictor.sizes[symbol]);
          predictor.push(symbol);
          plain[at] = symbol;
        }
        decoder.finish();
        checkAgain(again, coded);
        return plain;
      }),
  };
}

/** A watch as a coder calls it, for a block that begins after so many bytes. */
export const progressOf =
  (watch: Watch, before: number): Progress =>
  (bytes) =>
    watch.step(before + bytes);

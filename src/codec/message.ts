// A message as bytes of a range coder, by a model of such messages. A message is
//
//   1 byte    2 bits: 0 coded, 1 stored, each with 6 bits of check; 2 and 3 the same with 14
//   1 byte    8 more bits of check, of kinds 2 and 3
//   the rest  what the range coder wrote, the token END last; or the bytes as they are
//
// A decoder codes again what it decodes: bytes that the encoder would not have written are refused,
// so a changed message is one that somebody could have sent. Then the check has to notice.

import { fields, instance, whole } from '../core/check.ts';
import { copyOf } from '../core/copy.ts';
import { crc32c } from './crc32c.ts';
import { CodecError } from './errors.ts';
import { findSymbol } from './frequencies.ts';
import { unpackModel } from './model-file.ts';
import { END, type ModelShape, modelOf, weightsIn } from './model-shape.ts';
import { type Progress, Turns, Watch } from './pause.ts';
import { Predictor } from './predictor.ts';
import { RangeEncoder } from './range-coder.ts';
import { StrictDecoder } from './strict-decoder.ts';

/** How a message is coded or decoded. */
export interface MessageOptions {
  /** Most bytes of a decoded message, 0 .. 2^31 - 1; one that has more is refused (1 MiB). */
  maxOutput?: number | undefined;
  /** Ends the work early: the promise is rejected with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Called now and then with the bytes of the message that are done. */
  onProgress?: ((bytes: number) => void) | undefined;
}

/** How a message is coded. */
export interface EncodeOptions extends Omit<MessageOptions, 'maxOutput'> {
  /** Bytes beside what the model needs, 1 or 2: of 64 changed messages that could have been sent
   *  one passes 1, of 16,384 one passes 2 (1). */
  framing?: 1 | 2 | undefined;
}

const DECODE = { maxOutput: 2 ** 20, signal: undefined, onProgress: undefined };
const ENCODE = { framing: 1, signal: undefined, onProgress: undefined };
/** Tokens between two pauses. */
const PIECE = 256;

const CODED = 0;
const STORED = 1;

/** A model of messages, ready for work: of `trainMessages`, or of a file of it.
 *  @example
 *  const samples = [new Uint8Array(20).fill(7), new Uint8Array(9)];
 *  const small = { layers: 1, channels: 8, heads: 1, context: 16, steps: 2, batch: 2 };
 *  const file = await trainMessages(samples, small);
 *  const model = MessageModel.read(file);
 *  console.log(model.id.length, model.context); // 64 16
 */
export class MessageModel {
  /** Kept by bundlers. @internal */
  static readonly name: string = 'MessageModel';
  /** SHA-256 of the model file but its last 32 bytes, 64 hex digits. */
  readonly id: string;
  /** Number of weights. */
  readonly parameters: number;
  /** Most tokens that it looks at. */
  readonly context: number;
  /** Bytes of memory in use. */
  readonly bytes: number;
  /** @internal */
  readonly shape: ModelShape;
  /** @internal */
  readonly parts: ReturnType<typeof unpackModel>;
  /** @internal */
  readonly predictor: Predictor;
  /** @internal */
  readonly turns = new Turns();
  /** Where checks begin: a message of another model fails them. @internal */
  readonly seed: number;

  private constructor(file: Uint8Array) {
    this.parts = unpackModel(file);
    const { shape, id, tensors, beginning } = this.parts;
    this.id = id;
    this.shape = shape;
    this.context = shape.context;
    this.parameters = weightsIn(shape);
    this.predictor = new Predictor({ model: modelOf(shape), tensors, beginning });
    this.bytes = this.predictor.bytes;
    this.seed = Number.parseInt(id.slice(0, 8), 16);
  }

  /** The model of a file. Throws CodecError for what is no model file of a known format, whole and
   *  unchanged.
   *  @example
   *  try {
   *    MessageModel.read(new Uint8Array(100));
   *  } catch (error) {
   *    console.log(error.code); // foreign
   *  }
   */
  static read(file: Uint8Array): MessageModel {
    return new MessageModel(file);
  }
}

/** Throws UsageError for what is no model. */
export const checkModel = (model: MessageModel): MessageModel =>
  instance<MessageModel>('model', model, MessageModel, 'a MessageModel: MessageModel.read(file)');

/** The tokens of a message. */
export function tokensOf(bytes: Uint8Array): Int32Array {
  const tokens = new Int32Array(bytes.length + 1);
  tokens.set(bytes);
  tokens[bytes.length] = END;
  return tokens;
}

/** Codes a token by a predictor's sizes. */
function put(encoder: RangeEncoder, sizes: Float64Array, token: number): void {
  let start = 0;
  for (let i = 0; i < token; i++) start += sizes[i];
  encoder.put(start, sizes[token]);
}

/** What the range coder writes of tokens, by a predictor that has begun. */
export async function encodeTokens(
  predictor: Predictor,
  tokens: Int32Array,
  progress: Progress,
): Promise<Uint8Array<ArrayBuffer>> {
  const encoder = new RangeEncoder();
  for (let at = 0; at < tokens.length; at += PIECE) {
    if (at > 0) await progress(at);
    predictor.each(tokens.subarray(at, at + PIECE), (token) =>
      put(encoder, predictor.sizes, token),
    );
  }
  return encoder.finish();
}

/** Tokens from what the range coder wrote of them, as long as `goesOn` says so of those that came.
 *  Throws CodecError. */
export async function decodeTokens(
  predictor: Predictor,
  coded: Uint8Array,
  goesOn: (tokens: readonly number[]) => boolean,
  progress: Progress,
): Promise<number[]> {
  const decoder = new StrictDecoder(coded);
  const tokens: number[] = [];
  while (goesOn(tokens)) {
    if (tokens.length > 0 && tokens.length % PIECE === 0) await progress(tokens.length);
    predictor.predict();
    const { symbol, start } = findSymbol(predictor.sizes, decoder.target());
    decoder.skip(start, predictor.sizes[symbol]);
    predictor.push(symbol);
    tokens.push(symbol);
  }
  decoder.finish();
  return tokens;
}

/** A message, from what the range coder wrote of it. Throws CodecError. */
export async function decodeMessage(
  predictor: Predictor,
  coded: Uint8Array,
  maxOutput: number,
  progress: Progress,
): Promise<Uint8Array<ArrayBuffer>> {
  const goesOn = (tokens: readonly number[]): boolean => {
    if (tokens.at(-1) === END) return false;
    if (tokens.length > maxOutput)
      throw new CodecError('limit', `the message has more than ${maxOutput} bytes`, RAISE);
    return true;
  };
  return Uint8Array.from((await decodeTokens(predictor, coded, goesOn, progress)).slice(0, -1));
}

const CHANGED = 'the check fails: the message was changed, or another model coded it';
const RAISE = 'raise maxOutput if you trust the sender';

/** The bits of a message's check. */
export const checkOf = (bytes: Uint8Array, seed: number, bits: number): number =>
  crc32c(bytes, seed) >>> (32 - bits);

/** A frame's first bytes and what follows. */
function frame(kind: number, check: number, framing: number, body: Uint8Array) {
  const whole = new Uint8Array(framing + body.length);
  whole[0] = ((kind + 2 * (framing - 1)) << 6) | (framing === 1 ? check : check >> 8);
  if (framing === 2) whole[1] = check & 255;
  whole.set(body, framing);
  return whole;
}

/** A message in as few bytes as the model can: at most `framing` more than it has. Messages of one
 *  model wait for each other. Throws UsageError for wrong options.
 *  @example
 *  const samples = [new Uint8Array(20).fill(7), new Uint8Array(9).fill(7)];
 *  const small = { layers: 1, channels: 8, heads: 1, context: 16, steps: 40, batch: 2 };
 *  const model = MessageModel.read(await trainMessages(samples, small));
 *  const coded = await encode(model, new Uint8Array(30).fill(7));
 *  console.log(coded.length < 30, (await decode(model, coded)).length); // true 30
 */
export async function encode(
  model: MessageModel,
  bytes: Uint8Array,
  options: EncodeOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const { predictor, turns, seed } = checkModel(model);
  const plain = copyOf('bytes', bytes);
  const { framing, signal, onProgress } = fields<EncodeOptions>(
    'options',
    options,
    ENCODE as never,
  );
  whole('framing', framing, 1, 2);
  const watch = new Watch(signal, onProgress);
  const check = checkOf(plain, seed, framing === 1 ? 6 : 14);
  return turns.take(async () => {
    watch.check();
    predictor.begin();
    const coded = await encodeTokens(predictor, tokensOf(plain), watch.progress());
    const isStored = coded.length >= plain.length;
    return frame(isStored ? STORED : CODED, check, framing, isStored ? plain : coded);
  });
}

/** The message that `encode` coded with the same model. Throws CodecError: truncated, trailing,
 *  damaged (changed, or of another model), limit (more than maxOutput bytes); UsageError for wrong
 *  options.
 *  @example
 *  const samples = [new Uint8Array(20).fill(7), new Uint8Array(9).fill(7)];
 *  const small = { layers: 1, channels: 8, heads: 1, context: 16, steps: 2, batch: 2 };
 *  const model = MessageModel.read(await trainMessages(samples, small));
 *  const error = await decode(model, new Uint8Array(0)).catch((thrown) => thrown);
 *  console.log(error.code); // truncated
 */
export async function decode(
  model: MessageModel,
  coded: Uint8Array,
  options: MessageOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const { predictor, turns, seed } = checkModel(model);
  const given = copyOf('coded', coded);
  const { maxOutput, signal, onProgress } = fields<MessageOptions>(
    'options',
    options,
    DECODE as never,
  );
  whole('maxOutput', maxOutput, 0, 2 ** 31 - 1);
  const kind = given[0] >> 6;
  const framing = kind < 2 ? 1 : 2;
  if (given.length < framing) throw new CodecError('truncated', 'the message has no beginning');
  const body = given.subarray(framing);
  const watch = new Watch(signal, onProgress);
  return turns.take(async () => {
    watch.check();
    if (kind % 2 === CODED) predictor.begin();
    else if (body.length > maxOutput)
      throw new CodecError('limit', `the message has ${body.length} bytes`, RAISE);
    const plain =
      kind % 2 === CODED
        ? await decodeMessage(predictor, body, maxOutput, watch.progress())
        : body.slice();
    const check = framing === 1 ? given[0] & 63 : ((given[0] & 63) << 8) | given[1];
    if (checkOf(plain, seed, framing === 1 ? 6 : 14) !== check)
      throw new CodecError('damaged', CHANGED);
    return plain;
  });
}

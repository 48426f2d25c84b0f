// One end of a channel: two ends with the same model code what they exchange, and both learn from
// it, in lock step. Only a trainer that has the same bits everywhere can: two that differ in one
// rounding would soon expect different bytes. A frame is
//
//   1 byte    2 bits: 0 coded, 1 stored; 6 bits: the message's number, modulo 64
//   2 bytes   of SHA-256(state, message), where the state is a digest of all that came before
//   the rest  what the range coder wrote, or the bytes
//
// After a message the state takes in that digest, and of every step that follows the weights'
// SHA-256, or that it was refused. So ends that are not alike are noticed at the next message.

import { fields, real, text, whole } from '../core/check.ts';
import { copyOf } from '../core/copy.ts';
import { hex, sha256, unhex } from '../core/digest.ts';
import { type Checkpoint, CheckpointError, decodeCheckpoint, encodeCheckpoint } from '../index.ts';
import { CodecError } from './errors.ts';
import { Learner, type LearnOptions } from './learner.ts';
import {
  checkModel,
  decodeMessage,
  encodeTokens,
  type MessageModel,
  type MessageOptions,
  tokensOf,
} from './message.ts';
import { modelOf } from './model-shape.ts';
import { Turns, Watch } from './pause.ts';
import { Predictor } from './predictor.ts';

const HEADER = 3;
const NUMBERS = 64;
const DECODE = { maxOutput: 2 ** 20, signal: undefined, onProgress: undefined };
/** The format of a channel's part of a checkpoint. */
const FORMAT = 1;
const LOST = 'send it again, or begin again from a checkpoint that both ends have: Channel.restore';

/** What a checkpoint has beside the run's tensors. */
interface ChannelState {
  readonly kind: 'channel';
  readonly format: number;
  readonly digest: string;
  readonly messages: number;
  readonly since: number;
  readonly refused: number;
  readonly interval: number;
  readonly learningRate: number;
  readonly window: readonly number[];
  readonly history: readonly number[];
}

/** One end of a channel. Both ends begin with the same model and options; each message is coded at
 *  one and decoded at the other, in the same order at both. Where both may send at once, take a
 *  channel for each direction.
 *  @example
 *  const samples = [new Uint8Array(20).fill(7), new Uint8Array(9)];
 *  const small = { layers: 1, channels: 8, heads: 1, context: 16, steps: 2, batch: 2 };
 *  const model = MessageModel.read(await trainMessages(samples, small));
 *  const [here, there] = [Channel.create(model), Channel.create(model)];
 *  const frame = await here.encode(new Uint8Array(50).fill(7));
 *  console.log((await there.decode(frame)).length, here.digest === there.digest); // 50 true
 *  console.log(here.messages, here.steps); // 1 3
 */
export class Channel {
  /** Kept by bundlers. @internal */
  static readonly name: string = 'Channel';
  private readonly learner: Learner;
  private readonly predictor: Predictor;
  private readonly turns = new Turns();
  private count = 0;
  private state: Uint8Array<ArrayBuffer>;

  private constructor(
    private readonly model: MessageModel,
    options: LearnOptions,
  ) {
    const { shape, parts } = checkModel(model);
    const { context } = shape;
    const known = { interval: context, batch: 2, learningRate: 0.0005 };
    const given = fields<LearnOptions>('options', options, known);
    whole('interval', given.interval, 0, 2 ** 31 - 1);
    whole('batch', given.batch, 1, 64);
    real('learningRate', given.learningRate, 0, 1);
    const own = modelOf(shape);
    this.learner = new Learner(own, given);
    this.learner.load(parts.tensors);
    this.predictor = new Predictor({ ...parts, model: own });
    this.predictor.begin();
    this.state = sha256([new TextEncoder().encode(model.id)]);
  }

  /** An end that has seen no message. Throws UsageError for wrong options.
   *  @example
   *  const samples = [new Uint8Array(20).fill(7), new Uint8Array(9)];
   *  const small = { layers: 1, channels: 8, heads: 1, context: 16, steps: 2, batch: 2 };
   *  const model = MessageModel.read(await trainMessages(samples, small));
   *  console.log(Channel.create(model, { interval: 64 }).messages); // 0
   */
  static create(model: MessageModel, options: LearnOptions = {}): Channel {
    return new Channel(model, options);
  }

  /** Messages that went through, both ways. */
  get messages(): number {
    return this.count;
  }

  /** Steps of training so far. */
  get steps(): number {
    return this.learner.trainer.steps;
  }

  /** Steps that were refused at both ends because a number left its range; they changed nothing. */
  get refused(): number {
    return this.learner.refused;
  }

  /** What both ends have in common if they are alike, 64 hex digits. */
  get digest(): string {
    return hex(this.state);
  }

  /** A message as a frame for the other end, which must get it next. Learns from it. If the work is
   *  ended by a signal, nothing has changed.
   *  @example
   *  const samples = [new Uint8Array(20).fill(7), new Uint8Array(9)];
   *  const small = { layers: 1, channels: 8, heads: 1, context: 16, steps: 2, batch: 2 };
   *  const model = MessageModel.read(await trainMessages(samples, small));
   *  console.log((await Channel.create(model).encode(new Uint8Array(0))).length < 6); // true
   */
  encode(
    message: Uint8Array,
    options: Omit<MessageOptions, 'maxOutput'> = {},
  ): Promise<Uint8Array<ArrayBuffer>> {
    return this.turn(async () => {
      const { signal, onProgress } = fields<MessageOptions>('options', options, DECODE as never);
      const plain = copyOf('message', message);
      const watch = new Watch(signal, onProgress);
      watch.check();
      const coded = await encodeTokens(this.predictor, tokensOf(plain), watch.progress());
      const isStored = coded.length >= plain.length;
      const body = isStored ? plain : coded;
      const frame = new Uint8Array(HEADER + body.length);
      const check = this.checkOf(plain);
      frame[0] = (isStored ? NUMBERS : 0) + (this.count % NUMBERS);
      frame.set(check.subarray(0, HEADER - 1), 1);
      frame.set(body, HEADER);
      await this.learnFrom(plain, check);
      return frame;
    });
  }

  /** The message of a frame from the other end. Learns from it. Throws CodecError, and nothing has
   *  changed then: sync (a message was lost, or came twice, or the ends are not alike), truncated,
   *  trailing, damaged, limit.
   *  @example
   *  const samples = [new Uint8Array(20).fill(7), new Uint8Array(9)];
   *  const small = { layers: 1, channels: 8, heads: 1, context: 16, steps: 2, batch: 2 };
   *  const model = MessageModel.read(await trainMessages(samples, small));
   *  const [here, there] = [Channel.create(model), Channel.create(model)];
   *  await here.encode(Uint8Array.of(1)); // lost on the way
   *  const error = await there.decode(await here.encode(Uint8Array.of(2))).catch((e) => e);
   *  console.log(error.code); // sync
   */
  decode(frame: Uint8Array, options: MessageOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    return this.turn(async () => {
      const given = fields<MessageOptions>('options', options, DECODE as never);
      const { maxOutput, signal, onProgress } = given;
      whole('maxOutput', maxOutput, 0, 2 ** 31 - 1);
      const bytes = copyOf('frame', frame);
      if (bytes.length < HEADER) throw new CodecError('truncated', 'the frame has no beginning');
      this.checkNumber(bytes[0]);
      const watch = new Watch(signal, onProgress);
      watch.check();
      const body = bytes.slice(HEADER);
      const isStored = bytes[0] >= NUMBERS;
      if (isStored && body.length > maxOutput)
        throw new CodecError('limit', `the message has ${body.length} bytes`);
      const plain = isStored
        ? body
        : await decodeMessage(this.predictor, body, maxOutput, watch.progress());
      const check = this.checkOf(plain);
      if (check[0] !== bytes[1] || check[1] !== bytes[2])
        throw new CodecError('sync', 'the ends are not alike, or the frame was changed', LOST);
      if (isStored) this.predictor.each(tokensOf(plain), () => undefined);
      await this.learnFrom(plain, check);
      return plain;
    });
  }

  private checkNumber(first: number): void {
    if (first >= 2 * NUMBERS)
      throw new CodecError('version', 'a frame of a kind that this library does not know');
    const number = first % NUMBERS;
    const expected = this.count % NUMBERS;
    if (number === expected) return;
    const ahead = (number - expected + NUMBERS) % NUMBERS;
    const what =
      ahead < NUMBERS / 2 ? `${ahead} messages were lost` : 'it came before, or another was lost';
    throw new CodecError('sync', `message ${number} came, ${expected} was expected: ${what}`, LOST);
  }

  private checkOf(plain: Uint8Array): Uint8Array<ArrayBuffer> {
    return sha256([this.state, plain]);
  }

  /** Work on the window as it is; if it fails, the window is what it was. */
  private turn<T>(work: () => Promise<T>): Promise<T> {
    return this.turns.take(async () => {
      const { tokens } = this.predictor;
      try {
        return await work();
      } catch (error) {
        this.predictor.resume(tokens);
        throw error;
      }
    });
  }

  /** A message went through: learns. */
  private async learnFrom(plain: Uint8Array, check: Uint8Array): Promise<void> {
    const { learner, predictor } = this;
    const due = learner.take(tokensOf(plain));
    const parts: Uint8Array[] = [check];
    for (let i = due - 1; i >= 0; i--)
      parts.push(
        await learner.step(i * learner.options.interval, (tensors) => predictor.reload(tensors)),
      );
    this.state = sha256(parts);
    this.count++;
  }

  /** All that an end is, as bytes: the other end, or this one after a fall, goes on from it. For a
   *  channel with the same model. It holds the last messages.
   *  @example
   *  const samples = [new Uint8Array(20).fill(7), new Uint8Array(9)];
   *  const small = { layers: 1, channels: 8, heads: 1, context: 16, steps: 2, batch: 2 };
   *  const model = MessageModel.read(await trainMessages(samples, small));
   *  const here = Channel.create(model);
   *  await here.encode(Uint8Array.of(1));
   *  const there = await Channel.restore(model, await here.checkpoint());
   *  console.log(there.messages, there.digest === here.digest); // 1 true
   */
  checkpoint(): Promise<Uint8Array<ArrayBuffer>> {
    return this.turns.take(() => {
      const { learner, model } = this;
      const { trainer, since, refused, options } = learner;
      const state: ChannelState = {
        kind: 'channel',
        format: FORMAT,
        digest: this.digest,
        messages: this.count,
        since,
        refused,
        interval: options.interval,
        learningRate: options.learningRate,
        window: Array.from(this.predictor.tokens),
        history: Array.from(learner.history),
      };
      return encodeCheckpoint({
        tensors: trainer.tensors(),
        options: trainer.options as Checkpoint['options'],
        step: trainer.steps,
        vocabulary: state,
        dataSha256: model.id,
        libraryVersion: `channel ${FORMAT}`,
      });
    });
  }

  /** The end that a checkpoint is of. Throws CheckpointError for what is no whole checkpoint of a
   *  channel, CodecError (model, version) for one of another model or format.
   *  @example
   *  const samples = [new Uint8Array(20).fill(7), new Uint8Array(9)];
   *  const small = { layers: 1, channels: 8, heads: 1, context: 16, steps: 2, batch: 2 };
   *  const model = MessageModel.read(await trainMessages(samples, small));
   *  const here = Channel.create(model);
   *  const there = await Channel.restore(model, await here.checkpoint());
   *  const frame = await there.encode(Uint8Array.of(5, 6));
   *  console.log(await here.decode(frame)); // Uint8Array(2) [ 5, 6 ]
   */
  static async restore(model: MessageModel, checkpoint: Uint8Array): Promise<Channel> {
    checkModel(model);
    const { vocabulary, tensors, step, options, dataSha256 } = await decodeCheckpoint(checkpoint);
    const state = Object(vocabulary) as ChannelState;
    if (state.kind !== 'channel') throw new CheckpointError('it is of no channel');
    if (state.format !== FORMAT)
      throw new CodecError('version', `the channel has format ${state.format}, known is ${FORMAT}`);
    if (dataSha256 !== model.id)
      throw new CodecError('model', `the channel is one of model ${dataSha256.slice(0, 16)}`);
    const { interval, learningRate } = state;
    try {
      const channel = new Channel(model, { interval, learningRate, batch: options.batch });
      channel.learner.trainer.restore(tensors, step);
      channel.resumeFrom(state);
      return channel;
    } catch (error) {
      throw new CheckpointError(`a channel's numbers are wrong: ${(error as Error).message}`);
    }
  }

  private resumeFrom(state: ChannelState): void {
    const { learner, predictor } = this;
    const counts = [state.messages, state.since, state.refused];
    for (const value of counts) whole('a number of the channel', value, 0, 2 ** 53 - 1);
    const tokens = (values: readonly number[], most: number): Int32Array =>
      Int32Array.from(values.slice(-most), (value) => whole('a token', value, 0, 256));
    this.count = state.messages;
    learner.since = state.since;
    learner.refused = state.refused;
    learner.history = tokens(state.history, state.history.length);
    this.state = unhex(text('digest', state.digest));
    predictor.reload(learner.weights());
    predictor.resume(tokens(state.window, this.model.context));
  }
}

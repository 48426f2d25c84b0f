// Writes the receipt of a run: after each step its line, whose digests are taken while the next
// step runs. An audit is the same: it records the run again and compares the lines.

import { version } from '../../package.json';
import { callback, fields, flag, properties, reading, real, whole } from '../core/check.ts';
import { UsageError } from '../core/errors.ts';
import type { StepReport, Trainer } from '../index.ts';
import { LOSS_FRACTION } from '../memory/formats.ts';
import { roundsOf } from '../optim/local-steps.ts';
import { keptOptions } from '../train/options-data.ts';
import { digest as kernels } from '../verify/published/conformance.json';
import { digestWeights, gradientLeaves, type Sha256, stateLeaves, webSha256 } from './digests.ts';
import { ReceiptError } from './errors.ts';
import {
  hasState,
  isDigest,
  RECEIPT_FORMAT,
  type ReceiptHeader,
  type ReceiptLine,
  rootOf,
  sealLine,
} from './format.ts';
import { lastStep, readReceipt } from './read.ts';
import { trainedNames, trainerOf } from './trainer.ts';

/** No loss of a prediction is as large: its sum has 64 bits. */
const MOST_LOSS = 2 ** 53;

/** How the digests of a receipt are computed. */
export interface DigestOptions {
  /** Gives the SHA-256 of bytes as they are when it is called, beside the steps that follow (by
   *  WebCrypto, which copies them to where there is room; a program may know a place). */
  sha256?: Sha256 | undefined;
}

/** What a receipt says of a run beside its options. */
export interface RecordOptions extends DigestOptions {
  /** SHA-256 of the training data, 64 hex digits. */
  dataSha256: string;
  /** What the model's numbers stand for, as JSON, as a checkpoint keeps it (null). */
  vocabulary?: unknown;
  /** Whether the run began with other weights than its seed gives (false; true for a trainer that
   *  has done steps). */
  imported?: boolean | undefined;
  /** Steps between two digests of the whole state, 1..2^31 - 1: whole rounds, where a run has them
   *  (100, or the rounds that have as many). */
  every?: number | undefined;
  /** Every step has the digest of the whole state and of each of its tensors, in long lines
   *  (false). */
  full?: boolean | undefined;
}

/** Options that change no bit. */
const FREE = ['microBatch', 'keep', 'verify', 'threads', 'memoryLimit'];

/** The options of a run, but for those that change no bit. */
function decidingOptions<Batch>(trainer: Trainer<Batch>): ReceiptHeader['options'] {
  const all = JSON.parse(keptOptions(trainer.options as never)) as object;
  return Object.fromEntries(Object.entries(all).filter(([name]) => !FREE.includes(name)));
}

/** Writes a receipt, line by line: the caller puts the lines where they belong.
 *  @example
 *  const model = gpt({ vocabulary: 4, layers: 1, channels: 8, heads: 2, context: 4 });
 *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
 *  const dataSha256 = await sha256Hex(new Uint8Array(0));
 *  const recorder = await Recorder.begin(trainer, { dataSha256 });
 *  const batch = { inputs: Int32Array.of(0, 1, 2, 3), targets: Int32Array.of(1, 2, 3, 0) };
 *  const line = await recorder.record(trainer.step(batch));
 *  console.log((recorder.header + line).split('\n').length); // 3
 */
export class Recorder<Batch = unknown> {
  /** Kept by bundlers. @internal */
  static readonly name: string = 'Recorder';
  private names: readonly string[];
  private trainedOnes: readonly string[];
  private written: Promise<string>;
  private at: number;

  private constructor(
    private readonly trainer: Trainer<Batch>,
    private readonly about: ReceiptHeader,
    /** The first line of the receipt, with its line feed. */
    readonly header: string,
    { step, seal }: { step: number; seal: string },
    private readonly digest: Sha256,
  ) {
    this.names = trainer.tensors().map(({ name }) => name);
    this.trainedOnes = trainedNames(trainer);
    this.at = step;
    this.written = Promise.resolve(seal);
  }

  /** The receipt of a run that begins now. Throws UsageError for wrong options.
   *  @example
   *  const model = gpt({ vocabulary: 4, layers: 1, channels: 8, heads: 2, context: 4 });
   *  const trainer = Trainer.create({ model, batch: 1, steps: 10, threads: 1 });
   *  const dataSha256 = await sha256Hex(new Uint8Array(0));
   *  const { header } = await Recorder.begin(trainer, { dataSha256 });
   *  console.log(header.startsWith('{"receipt":1,'), header.endsWith('"}\n')); // true true
   */
  static async begin<Batch>(
    trainer: Trainer<Batch>,
    options: RecordOptions,
  ): Promise<Recorder<Batch>> {
    trainerOf(trainer);
    const { steps } = trainer;
    const given = fields<RecordOptions>('options', options, {
      dataSha256: undefined,
      vocabulary: null,
      imported: steps > 0,
      every: undefined,
      full: false,
      sha256: webSha256,
    });
    const { dataSha256: data, imported } = given;
    const round = roundsOf(trainer.options)?.steps ?? 1;
    const every = given.every ?? Math.ceil(100 / round) * round;
    if (!isDigest(data)) throw new UsageError('dataSha256 is not a SHA-256, 64 hex digits');
    const vocabulary = asJson('vocabulary', given.vocabulary);
    flag('imported', imported);
    whole('every', every, 1, 2 ** 31 - 1);
    if (every % round !== 0)
      throw new UsageError(
        `every is ${every}, expected a multiple of the ${round} steps of a round`,
      );
    const isFull = flag('full', given.full);
    const digest = callback('sha256', given.sha256);
    const tensors = trainer.tensors();
    const names = tensors.map(({ name }) => name);
    const [weights, leaves] = await Promise.all([
      digestWeights(tensors, digest),
      stateLeaves(tensors, digest),
    ]);
    const about: ReceiptHeader = {
      receipt: RECEIPT_FORMAT,
      library: version,
      kernels,
      options: decidingOptions(trainer),
      data,
      vocabulary,
      start: { step: steps, imported, weights, state: rootOf(names, leaves) },
      every,
      ...(round > 1 ? { round } : {}),
      ...(isFull ? { tensors: names, gradients: trainedNames(trainer) } : {}),
    };
    const { text, seal } = sealLine('', about);
    return new Recorder(trainer, about, `${text}\n`, { step: steps, seal }, digest);
  }

  /** Goes on with a receipt, given as its file's bytes, whose last line is of the step that the
   *  trainer is at. Throws ReceiptError if it cannot be read, if the trainer is another run's, or
   *  has other weights than the receipt says.
   *  @example
   *  const model = gpt({ vocabulary: 4, layers: 1, channels: 8, heads: 2, context: 4 });
   *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
   *  const dataSha256 = await sha256Hex(new Uint8Array(0));
   *  const { header } = await Recorder.begin(trainer, { dataSha256 });
   *  const file = new TextEncoder().encode(header);
   *  const recorder = await Recorder.resume(trainer, file);
   *  console.log(recorder.header === header); // true
   */
  static async resume<Batch>(
    trainer: Trainer<Batch>,
    file: Uint8Array,
    options: DigestOptions = {},
  ): Promise<Recorder<Batch>> {
    trainerOf(trainer);
    const { sha256 } = fields<DigestOptions>('options', options, { sha256: webSha256 });
    const digest = callback('sha256', sha256);
    const { header, lines, seals } = readReceipt(file);
    const step = lastStep({ header, lines });
    if (trainer.steps !== step)
      throw new ReceiptError(`it ends at step ${step}, the run is at step ${trainer.steps}`);
    checkSameOptions(header.options, decidingOptions(trainer));
    const known = lines.at(-1) ?? header.start;
    const tensors = trainer.tensors();
    const weights = await digestWeights(tensors, digest);
    if (weights !== known.weights)
      throw new ReceiptError(
        `at step ${step} it has weights of SHA-256 ${known.weights}, the run's have ${weights}`,
      );
    const names = tensors.map(({ name }) => name);
    if (
      known.state !== undefined &&
      rootOf(names, await stateLeaves(tensors, digest)) !== known.state
    )
      throw new ReceiptError(`at step ${step} the run has another state of the optimizer than it`);
    const { text } = sealLine('', header);
    const seal = seals[seals.length - 1];
    return new Recorder(trainer, header, `${text}\n`, { step, seal }, digest);
  }

  /** The line of the step that the trainer has just done, with its line feed, once it is digested.
   *  To be called after each step, before the next one begins; what it resolves to may be waited
   *  for later. Throws UsageError for another step.
   *  @example
   *  const model = gpt({ vocabulary: 4, layers: 1, channels: 8, heads: 2, context: 4 });
   *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
   *  const dataSha256 = await sha256Hex(new Uint8Array(0));
   *  const recorder = await Recorder.begin(trainer, { dataSha256 });
   *  const batch = { inputs: Int32Array.of(0, 1, 2, 3), targets: Int32Array.of(1, 2, 3, 0) };
   *  const { weights } = JSON.parse(await recorder.record(trainer.step(batch)));
   *  console.log(weights === (await trainer.weightsSha256())); // true
   */
  record(report: StepReport): Promise<string> {
    const given = properties('report', report, ['step', 'loss', 'predictions']);
    const step = whole('step', given.step, 1, 2 ** 31 - 1);
    if (step !== this.at + (this.about.round ?? 1) || step !== this.trainer.steps)
      throw new UsageError(
        `step ${step} is recorded after step ${this.at}, and the trainer is at step ` +
          `${this.trainer.steps}`,
        'record every step before the next one',
      );
    const predictions = whole('predictions', given.predictions, 1, 2 ** 31 - 1);
    const loss = real('loss', given.loss, -MOST_LOSS, MOST_LOSS);
    this.at = step;
    const digests = this.digests(step);
    const before = this.written;
    const sealed = (async () => {
      const { gradients, weights, state } = await digests;
      const isFull = this.about.tensors !== undefined;
      const line: ReceiptLine = {
        step,
        predictions,
        loss: Math.round(loss * predictions * 2 ** LOSS_FRACTION),
        gradients: rootOf(this.trainedOnes, gradients),
        weights,
        ...(state === undefined ? {} : { state: rootOf(this.names, state) }),
        ...(isFull ? { gradientTensors: gradients, stateTensors: state } : {}),
      } as ReceiptLine;
      return sealLine(await before, line);
    })();
    this.written = sealed.then(({ seal }) => seal);
    this.written.catch(() => undefined); // whoever waits for the line hears of it
    return sealed.then(({ text }) => `${text}\n`);
  }

  /** Begun at once: the next step changes what is digested. */
  private async digests(step: number) {
    const { trainer, digest } = this;
    const tensors = trainer.tensors();
    const all = [
      gradientLeaves(trainer, this.trainedOnes, digest),
      digestWeights(tensors, digest),
      hasState(this.about, step) ? stateLeaves(tensors, digest) : undefined,
    ] as const;
    const [gradients, weights, state] = await Promise.all(all);
    return { gradients, weights, state };
  }
}

/** A value as it is once it was written as JSON and read again. */
const asJson = (name: string, value: unknown): unknown =>
  reading(name, () => JSON.parse(JSON.stringify(value)));

function checkSameOptions(known: ReceiptHeader['options'], now: ReceiptHeader['options']): void {
  const names = [...new Set([...Object.keys(known), ...Object.keys(now)])];
  const other = names.find((name) => JSON.stringify(known[name]) !== JSON.stringify(now[name]));
  if (other !== undefined)
    throw new ReceiptError(
      `it is of a run with ${other} ${JSON.stringify(known[other])}, the run has ` +
        `${JSON.stringify(now[other])}`,
      'begin another receipt',
    );
}

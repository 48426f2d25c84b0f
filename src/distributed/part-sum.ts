// The exact sum of the parts of a step, and the update by it. A part is checked before it is added:
// whatever a stranger sends, no sum can leave its 64 bits.

import { callback, properties, typed, whole } from '../core/check.ts';
import { UsageError } from '../core/errors.ts';
import type { StepReport, Trainer } from '../index.ts';
import { type Rounds, roundsOf } from '../optim/local-steps.ts';
import { trainerOf } from '../receipt/trainer.ts';
import { DistributedError } from './errors.ts';
import { stepWith } from './inside.ts';
import { roundWith } from './outer-step.ts';
import {
  checkRange,
  type GradientPart,
  type Gradients,
  HEAD,
  type Layout,
  layoutOf,
  readSums,
} from './part.ts';
import { type BatchOf, batches, SHARD_LIMIT } from './shard.ts';

/** Largest magnitude of a gradient of `count` samples of a batch: the step's flushes, 2^63 in all
 *  (MAX_FLUSHES), belong to its samples alike, so the parts of a batch never add up to more than
 *  2^63 - 1.
 *  @example
 *  console.log(partLimit(1, 2), partLimit(7, 7) === 2n ** 63n - 1n); // 4611686018427387903n true
 */
export function partLimit(count: number, batch: number): bigint {
  const most = whole('batch', batch, 1, 2 ** 31 - 1);
  return ((2n ** 63n - 1n) / BigInt(most)) * BigInt(whole('count', count, 1, most));
}

/** The same for a trainer's part of so many samples: of a shard it is what weights can change. */
export const limitOf = ({ options }: Pick<Trainer<never>, 'options'>, count: number): bigint =>
  roundsOf(options) === undefined ? partLimit(count, options.batch) : SHARD_LIMIT;

/** The first gradient beyond the limit; -1 if there is none, which the high words of all, put
 *  together, tell most often. */
export function beyond(gradients: Gradients, limit: bigint): number {
  const words = new Int32Array(gradients.buffer, gradients.byteOffset, gradients.length * 2);
  const high = Number(limit >> 32n);
  let all = 0;
  for (let i = 1; i < words.length; i += 2) all |= words[i] ^ (words[i] >> 31);
  if (all < high) return -1;
  for (let i = 1; i < words.length; i += 2) {
    const magnitude = words[i] ^ (words[i] >> 31);
    if (magnitude < high) continue;
    const value = gradients[(i - 1) / 2];
    if (value > limit || value < -limit) return (i - 1) / 2;
  }
  return -1;
}

/** Whether an honest part can have such gradients. */
export const isPossible = (
  trainer: Pick<Trainer<never>, 'options'>,
  { gradients, count }: GradientPart,
): boolean => beyond(gradients, limitOf(trainer, count)) < 0;

/** sum += part, of which it is known that no element overflows. Words of 32 bits: BigInts take
 *  thirty times as long. */
function add(sum: Gradients, part: Gradients): void {
  const a = new Int32Array(sum.buffer, sum.byteOffset, sum.length * 2);
  const b = new Int32Array(part.buffer, part.byteOffset, part.length * 2);
  for (let i = 0; i < a.length; i += 2) {
    const low = (a[i] + b[i]) | 0;
    const carry = ((a[i] & b[i]) | ((a[i] | b[i]) & ~low)) >>> 31;
    a[i] = low;
    a[i + 1] += b[i + 1] + carry;
  }
}

/** Adds up the parts of the trainer's next step, in any order, and makes the step of their sum: bit
 *  for bit what `Trainer.step` does, or `makeRound` for a run with `localSteps`. It is given the
 *  batch of the step, or what makes the batch of the step that comes after so many others, which a
 *  round needs.
 *  @example
 *  const model = gpt({ vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 });
 *  const options = { model, batch: 2, steps: 10 };
 *  const [one, other] = [Trainer.create(options), Trainer.create(options)];
 *  const inputs = Int32Array.of(0, 1, 2, 3, 1, 2, 3, 0);
 *  const batch = { inputs, targets: Int32Array.of(1, 2, 3, 0, 2, 3, 0, 1) };
 *  const sum = new PartSum(one, batch);
 *  sum.add(computePart(other, batch, { step: 0, first: 1, count: 1 }));
 *  sum.add(computePart(other, batch, { step: 0, first: 0, count: 1 }));
 *  sum.update();
 *  other.step(batch);
 *  console.log((await one.weightsSha256()) === (await other.weightsSha256())); // true
 */
export class PartSum<Batch = unknown> {
  /** Kept by bundlers. @internal */
  static readonly name: string = 'PartSum';
  private readonly layout: Layout;
  private readonly step: number;
  private readonly samples: boolean[];
  private readonly total = { loss: 0, correct: 0, saturated: 0, checkedStates: 0 };
  private readonly rounds: Rounds | undefined;
  private sum: Gradients;

  /** Throws UsageError if the trainer is none, or has rounds that do not fit its batch. */
  constructor(
    private readonly trainer: Trainer<Batch>,
    private readonly batch: Batch | BatchOf<Batch>,
  ) {
    this.layout = layoutOf(trainerOf(trainer));
    this.rounds = roundsOf(trainer.options);
    if (this.rounds !== undefined) callback('batch', batch);
    this.step = trainer.steps;
    this.samples = new Array(trainer.options.batch).fill(false);
    this.sum = this.layout.rooms.take();
  }

  /** Whether parts of all samples are there. */
  get isWhole(): boolean {
    return this.samples.every(Boolean);
  }

  /** Adds a part. Throws UsageError for what is no part or of samples that the batch does not have,
   *  DistributedError for a part of another step, of samples that are there, or with a gradient
   *  that no honest one has; nothing is added then.
   *  @example
   *  const model = gpt({ vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 });
   *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
   *  const batch = { inputs: Int32Array.of(0, 1, 2, 3), targets: Int32Array.of(1, 2, 3, 0) };
   *  const sum = new PartSum(trainer, batch);
   *  sum.add(computePart(trainer, batch, { step: 0, first: 0, count: 1 }));
   *  console.log(sum.isWhole); // true
   */
  add(part: GradientPart): void {
    const given = properties('part', part, [...HEAD, 'gradients']);
    const { options } = this.trainer;
    const { step, first, count } = checkRange(given, options);
    const sums = readSums({ ...given });
    const gradients = typed('gradients', given.gradients, 'BigInt64Array') as Gradients;
    if (step !== this.step)
      throw new DistributedError(`a part is of step ${step + 1}, expected ${this.step + 1}`);
    if (gradients.length !== this.layout.size)
      throw new DistributedError(`a part has other gradients than the model's ${this.layout.size}`);
    if (this.samples.slice(first, first + count).some(Boolean))
      throw new DistributedError(`samples ${first} to ${first + count - 1} are there already`);
    const wrong = beyond(gradients, limitOf(this.trainer, count));
    if (wrong >= 0)
      throw new DistributedError(
        `gradient ${wrong} of samples ${first} to ${first + count - 1} is ${gradients[wrong]}, ` +
          `beyond what ${count} of ${options.batch} samples can have`,
      );
    if (this.samples.some(Boolean)) add(this.sum, gradients);
    else this.sum.set(gradients);
    this.samples.fill(true, first, first + count);
    for (const key of Object.keys(this.total) as (keyof typeof this.total)[])
      this.total[key] += sums[key];
  }

  /** The step, or the round. Throws UsageError if parts are missing or the trainer went on without
   *  them.
   *  @example
   *  const model = gpt({ vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 });
   *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
   *  const batch = { inputs: Int32Array.of(0, 1, 2, 3), targets: Int32Array.of(1, 2, 3, 0) };
   *  const sum = new PartSum(trainer, batch);
   *  sum.add(computePart(trainer, batch, { step: 0, first: 0, count: 1 }));
   *  const { step, loss } = sum.update();
   *  console.log(step, loss.toFixed(6)); // 1 1.420349
   */
  update(): StepReport {
    const { trainer, total, layout, rounds } = this;
    if (!this.isWhole) throw new UsageError('parts of the step are missing', 'add them first');
    if (trainer.steps !== this.step)
      throw new UsageError(`the trainer is at step ${trainer.steps}, expected ${this.step}`);
    trainer.totals.saturated += total.saturated;
    trainer.totals.checkedStates += total.checkedStates;
    const report = rounds === undefined ? this.makeStep() : this.makeRound(rounds);
    layout.rooms.give(this.sum);
    this.sum = new BigInt64Array(0);
    return report;
  }

  private makeStep(): StepReport {
    const { trainer, batch, step, total } = this;
    return stepWith(trainer, batches(batch)(step), total, () => this.put());
  }

  private makeRound(rounds: Rounds): StepReport {
    const { trainer, batch, total, sum: gradients } = this;
    const report = roundWith(trainer, batches(batch), { ...total, gradients }, rounds);
    this.put(); // for who looks at the step's gradients
    return report;
  }

  private put(): void {
    let at = 0;
    for (const name of this.layout.names) {
      const gradient = this.trainer.gradient(name);
      gradient.set(this.sum.subarray(at, at + gradient.length));
      at += gradient.length;
    }
  }
}

// An audit: a part of a run is done again, recorded again, and compared line by line.

import { callback, fields, instance, whole } from '../core/check.ts';
import { copyOf } from '../core/copy.ts';
import { UsageError } from '../core/errors.ts';
import { type StepReport, Trainer } from '../index.ts';
import { type Difference, differenceOf } from './compare.ts';
import { digestWeights, stateLeaves, webSha256 } from './digests.ts';
import { lineOf, rootOf } from './format.ts';
import { lastStep, type Receipt, readReceipt } from './read.ts';
import { type DigestOptions, Recorder } from './recorder.ts';

/** How an audit goes. */
export interface AuditOptions extends DigestOptions {
  /** The last step to do again (that of the receipt). */
  until?: number | undefined;
  /** Hears of each step that is done; may return a promise, which is waited for. */
  onStep?: ((step: number) => unknown) | undefined;
}

/** Whether the trainer is where the receipt says, before anything is done again. */
async function differenceAt(
  { header, lines }: Receipt,
  trainer: Trainer<never>,
  { sha256 = webSha256 }: DigestOptions,
): Promise<Difference | undefined> {
  const tensors = trainer.tensors();
  const known = lines[lineOf(header, trainer.steps) - 1] ?? header.start;
  const [weights, leaves] = await Promise.all([
    digestWeights(tensors, sha256),
    stateLeaves(tensors, sha256),
  ]);
  const names = tensors.map(({ name }) => name);
  const found = [
    ...(known.weights === weights ? [] : ['weights']),
    ...(known.state === undefined || known.state === rootOf(names, leaves) ? [] : ['state']),
  ];
  return found.length === 0 ? undefined : { step: trainer.steps, fields: found };
}

/** Does a run again from the step that the trainer is at, by `step`, which makes the batch of the
 *  next step, or round, and trains on it; returns the first difference from the receipt, given as
 *  its file's bytes, or undefined if there is none. That the trainer begins in the state that the
 *  receipt says is checked first. Throws ReceiptError for a receipt that cannot be read or is of
 *  another run, UsageError for steps that it has not, and what `step` throws.
 *  @example
 *  const model = gpt({ vocabulary: 4, layers: 1, channels: 8, heads: 2, context: 4 });
 *  const options = { model, batch: 1, steps: 10 };
 *  const batch = { inputs: Int32Array.of(0, 1, 2, 3), targets: Int32Array.of(1, 2, 3, 0) };
 *  const trainer = Trainer.create(options);
 *  const dataSha256 = await sha256Hex(new Uint8Array(0));
 *  const recorder = await Recorder.begin(trainer, { dataSha256 });
 *  let text = recorder.header;
 *  while (trainer.steps < 3) text += await recorder.record(trainer.step(batch));
 *  trainer.tensors()[0].data[5] ^= 1; // a fault
 *  while (trainer.steps < 5) text += await recorder.record(trainer.step(batch));
 *  const again = Trainer.create(options);
 *  const file = new TextEncoder().encode(text);
 *  const found = await audit(again, () => again.step(batch), file);
 *  console.log(found.step); // 4
 */
export async function audit<Batch>(
  trainer: Trainer<Batch>,
  step: () => StepReport | Promise<StepReport>,
  file: Uint8Array,
  options: AuditOptions = {},
): Promise<Difference | undefined> {
  instance<object>('trainer', trainer, Trainer, 'a Trainer');
  callback('step', step);
  const receipt = readReceipt(file);
  const bytes = copyOf('file', file);
  const last = lastStep(receipt);
  const defaults = { until: last, onStep: () => undefined, sha256: webSha256 };
  const given = fields<AuditOptions>('options', options, defaults);
  const digests = { sha256: callback('sha256', given.sha256) };
  const onStep = callback('onStep', given.onStep);
  const until = whole('until', given.until, 0, 2 ** 31 - 1);
  const { start, round } = receipt.header;
  const isInside = until <= last && trainer.steps >= start.step && trainer.steps <= until;
  if (!isInside || lineOf(receipt.header, until) % 1 !== 0)
    throw new UsageError(
      `steps ${trainer.steps + 1} to ${until} are to be done again, the receipt has ` +
        `${start.step + 1} to ${last}`,
      round === undefined ? undefined : `give whole rounds of ${round} steps`,
    );
  const other = await differenceAt(receipt, trainer as never, digests);
  if (other !== undefined) return other;
  const begun = bytes.slice(0, receipt.ends[lineOf(receipt.header, trainer.steps)]);
  const recorder = await Recorder.resume(trainer, begun, digests);
  let pending: Promise<Difference | undefined> = Promise.resolve(undefined);
  while (trainer.steps < until) {
    const report = await step();
    const line = recorder.record(report);
    const found = await pending;
    pending = differenceIn(receipt, bytes, report.step, line);
    pending.catch(() => undefined); // heard of below
    if (found !== undefined) return found;
    await onStep(report.step);
  }
  return pending;
}

/** What is different in the line of a step that was done again. */
async function differenceIn(
  { header, lines, ends }: Receipt,
  bytes: Uint8Array,
  step: number,
  line: Promise<string>,
): Promise<Difference | undefined> {
  const at = lineOf(header, step);
  const known = new TextDecoder().decode(bytes.subarray(ends[at - 1], ends[at]));
  const now = await line;
  return now === known ? undefined : differenceOf(header, lines[at - 1], JSON.parse(now));
}

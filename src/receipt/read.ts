// A receipt's bytes as a value. Nothing in them is trusted: a line that is not to the byte what a
// writer makes of what it says is refused, and so is one whose digest is not that of everything
// before it. What follows the last line feed is a line that was being written when a run was
// killed: it says nothing.

import { parseJson } from '../checkpoint/json.ts';
import { typed, whole } from '../core/check.ts';
import type { RetrogradError } from '../core/errors.ts';
import { ReceiptError } from './errors.ts';
import {
  chainOf,
  hasState,
  isDigest,
  lineOf,
  RECEIPT_FORMAT,
  type ReceiptHeader,
  type ReceiptLine,
  rootOf,
  unsealLine,
} from './format.ts';

/** A receipt, read. */
export interface Receipt {
  /** What decides the bits. */
  readonly header: ReceiptHeader;
  /** A line for each step, or round, without gaps. */
  readonly lines: readonly ReceiptLine[];
  /** The digest of each line: of the header, then of the steps. The last one stands for all. */
  readonly seals: readonly string[];
  /** Where each of them ends in the file, in bytes. */
  readonly ends: readonly number[];
  /** Whether bytes follow that are no whole line: a run was killed. */
  readonly torn: boolean;
}

/** Most steps of a run. */
const MAX_STEPS = 2 ** 31 - 1;
const NO_LINE = 'it has no whole line';
/** Most bytes of a receipt. */
export const MAX_RECEIPT_BYTES = 2 ** 29;

const HEADER = [
  ...['receipt', 'library', 'kernels', 'options', 'data', 'vocabulary', 'start', 'every'],
  ...['round', 'tensors', 'gradients'],
] as const;
const LINE = [
  ...['step', 'predictions', 'loss', 'gradients', 'weights', 'state'],
  ...['gradientTensors', 'stateTensors'],
] as const;
const START = ['step', 'imported', 'weights', 'state'] as const;

type Fields = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isCount = (value: unknown, least: number): boolean =>
  typeof value === 'number' && value % 1 === 0 && value >= least && value <= MAX_STEPS;
const isTexts = (value: unknown, count?: number): value is string[] =>
  Array.isArray(value) &&
  value.every((one) => typeof one === 'string') &&
  (count === undefined || value.length === count);

/** Throws unless the object has just these fields, in this order, some of which may be left out. */
function checkFields(what: string, value: Fields, known: readonly string[]): void {
  const expected = known.filter((name) => Object.hasOwn(value, name));
  if (Object.keys(value).join() !== expected.join())
    throw new ReceiptError(`${what} has other fields than ${known.join(', ')}, in this order`);
}

function need(what: string, value: Fields, checks: Readonly<Record<string, boolean>>): void {
  for (const [name, isRight] of Object.entries(checks))
    if (!isRight)
      throw new ReceiptError(`${name} of ${what} is ${shown(value[name])}, which none can be`);
}

const shown = (value: unknown): string => (JSON.stringify(value) ?? 'missing').slice(0, 80);

function readHeader(value: unknown): ReceiptHeader {
  const what = 'the first line';
  if (!isObject(value) || !Object.hasOwn(value, 'receipt'))
    throw new ReceiptError('this is not a receipt');
  if (isCount(value.receipt, RECEIPT_FORMAT + 1))
    throw new ReceiptError(
      `its format has version ${value.receipt}, this library reads up to ${RECEIPT_FORMAT}`,
      `written by retrograd ${shown(value.library)}; update`,
    );
  checkFields(what, value, HEADER);
  const { options, start } = value;
  need(what, value, {
    receipt: value.receipt === RECEIPT_FORMAT,
    library: typeof value.library === 'string',
    kernels: isDigest(value.kernels),
    options: isObject(options) && isCount(options.steps, 1),
    data: isDigest(value.data),
    vocabulary: Object.hasOwn(value, 'vocabulary'),
    start: isObject(start),
    every: isCount(value.every, 1),
    round: value.round === undefined || isCount(value.round, 2),
    tensors: value.tensors === undefined || isTexts(value.tensors),
    gradients:
      value.tensors === undefined ? value.gradients === undefined : isTexts(value.gradients),
  });
  const at = start as Fields;
  checkFields('start', at, START);
  need('start', at, {
    step: isCount(at.step, 0),
    imported: typeof at.imported === 'boolean',
    weights: isDigest(at.weights),
    state: isDigest(at.state),
  });
  return value as unknown as ReceiptHeader;
}

const LEAF = /^[0-9a-f]{64} -?\d{1,3}$/;

/** The leaves of a digest: of each name one, and together that digest. */
function checkLeaves(
  what: string,
  root: unknown,
  names: readonly string[] | undefined,
  leaves: unknown,
): void {
  if (names === undefined && leaves === undefined) return;
  const isWhole =
    names !== undefined && isTexts(leaves, names.length) && leaves.every((l) => LEAF.test(l));
  if (!isWhole) throw new ReceiptError(`${what} are not those of a full receipt`);
  if (rootOf(names, leaves) !== root) throw new ReceiptError(`${what} have another digest`);
}

function readLine(header: ReceiptHeader, value: unknown, step: number): ReceiptLine {
  const what = `the line of step ${step}`;
  if (!isObject(value)) throw new ReceiptError(`${what} is not an object`);
  checkFields(what, value, LINE);
  const { predictions, loss, state } = value;
  need(what, value, {
    step: value.step === step,
    predictions: isCount(predictions, 1),
    loss: Number.isSafeInteger(loss),
    gradients: isDigest(value.gradients),
    weights: isDigest(value.weights),
    state: hasState(header, step) ? isDigest(state) : state === undefined,
  });
  const { gradientTensors, stateTensors } = value;
  checkLeaves(`the gradients of step ${step}`, value.gradients, header.gradients, gradientTensors);
  checkLeaves(`the tensors of step ${step}`, state, header.tensors, stateTensors);
  return value as unknown as ReceiptLine;
}

/** The value of line `number`, 1 for the first, once its text and digest are known to be right. */
function open(text: string, number: number, previous: string): { value: unknown; seal: string } {
  const what = `line ${number}`;
  const parts = unsealLine(text);
  let value: unknown;
  try {
    value = parseJson(parts?.body ?? text, what);
  } catch (error) {
    throw new ReceiptError((error as RetrogradError).message.split('. HINT: ')[0]);
  }
  if (parts === undefined) throw new ReceiptError(`${what} has no digest of what is before it`);
  const seal = chainOf(previous, parts.body);
  if (seal === parts.seal) return { value, seal };
  throw new ReceiptError(
    `${what} does not fit what is before it: its digest is ${seal}, written is ${parts.seal}`,
    'it, or a line before it, was changed',
  );
}

/** The text of some bytes, which must be UTF-8. */
function textOf(bytes: Uint8Array, number: number): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new ReceiptError(`line ${number} is not UTF-8`);
  }
}

/** A receipt's content. Throws ReceiptError naming the first line that is damaged, changed or not
 *  what a run writes, and for a newer format. A last line without its line feed is left out: a run
 *  that was killed leaves one (`torn`).
 *  @example
 *  const model = gpt({ vocabulary: 4, layers: 1, channels: 8, heads: 2, context: 4 });
 *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
 *  const dataSha256 = await sha256Hex(new Uint8Array(0));
 *  const recorder = await Recorder.begin(trainer, { dataSha256 });
 *  const batch = { inputs: Int32Array.of(0, 1, 2, 3), targets: Int32Array.of(1, 2, 3, 0) };
 *  const line = await recorder.record(trainer.step(batch));
 *  const receipt = readReceipt(new TextEncoder().encode(recorder.header + line));
 *  const { step, predictions } = receipt.lines[0];
 *  console.log(step, predictions, receipt.torn); // 1 4 false
 */
export function readReceipt(file: Uint8Array): Receipt {
  const bytes = typed('file', file, 'Uint8Array');
  if (bytes.length > MAX_RECEIPT_BYTES)
    throw new ReceiptError(`it has ${bytes.length} bytes, expected at most ${MAX_RECEIPT_BYTES}`);
  if (bytes.length === 0) throw new ReceiptError(NO_LINE);
  const lines: ReceiptLine[] = [];
  const seals: string[] = [];
  const ends: number[] = [];
  let header: ReceiptHeader | undefined;
  let start = 0;
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
    const number = seals.length + 1;
    const text = textOf(bytes.slice(start, end), number);
    const { value, seal } = open(text, number, seals.at(-1) ?? '');
    if (header === undefined) header = readHeader(value);
    else {
      const step = header.start.step + (number - 1) * (header.round ?? 1);
      lines.push(readLine(header, value, step));
    }
    seals.push(seal);
    start = end + 1;
    ends.push(start);
  }
  if (header === undefined) throw new ReceiptError(NO_LINE);
  return { header, lines, seals, ends, torn: start < bytes.length };
}

/** The last step that a receipt has a line of, or where it begins. */
export const lastStep = ({ header, lines }: Pick<Receipt, 'header' | 'lines'>): number =>
  header.start.step + lines.length * (header.round ?? 1);

/** A receipt's file as far as a step: what it was when that step was done. Throws ReceiptError if
 *  it cannot be read or has no such step.
 *  @example
 *  const model = gpt({ vocabulary: 4, layers: 1, channels: 8, heads: 2, context: 4 });
 *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
 *  const dataSha256 = await sha256Hex(new Uint8Array(0));
 *  const recorder = await Recorder.begin(trainer, { dataSha256 });
 *  const batch = { inputs: Int32Array.of(0, 1, 2, 3), targets: Int32Array.of(1, 2, 3, 0) };
 *  const line = await recorder.record(trainer.step(batch));
 *  const file = new TextEncoder().encode(recorder.header + line);
 *  console.log(cutReceipt(file, 0).length === recorder.header.length); // true
 */
export function cutReceipt(file: Uint8Array, step: number): Uint8Array {
  const receipt = readReceipt(file);
  const { header, ends } = receipt;
  const end = ends[lineOf(header, whole('step', step, 0, MAX_STEPS))];
  if (end !== undefined) return file.slice(0, end);
  throw new ReceiptError(
    `it has steps ${header.start.step} to ${lastStep(receipt)}, expected step ${step} too`,
  );
}

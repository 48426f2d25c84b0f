// Where two receipts part, and where a receipt and a run that is done again do.

import { ReceiptError } from './errors.ts';
import type { ReceiptHeader, ReceiptLine } from './format.ts';
import { type Receipt, readReceipt } from './read.ts';

/** The first step of which two say different things, and what is different. */
export interface Difference {
  /** Steps done after it; where a receipt begins, if that is different already. */
  readonly step: number;
  /** What differs of loss, predictions, gradients, weights and state. */
  readonly fields: readonly string[];
  /** Of full receipts: the first gradient that differs. */
  readonly gradient?: string;
  /** Of full receipts: the first tensor of the state that differs. */
  readonly tensor?: string;
}

const FIELDS = ['predictions', 'loss', 'gradients', 'weights', 'state'] as const;

/** The name of the first that differs. */
const firstOther = (
  names: readonly string[] = [],
  a: readonly string[] = [],
  b: readonly string[] = [],
): string | undefined => names.find((_, i) => a[i] !== b[i]);

/** What is different in two lines of a step. */
export function differenceOf(header: ReceiptHeader, a: ReceiptLine, b: ReceiptLine): Difference {
  const gradient = firstOther(header.gradients, a.gradientTensors, b.gradientTensors);
  const tensor = firstOther(header.tensors, a.stateTensors, b.stateTensors);
  return {
    step: a.step,
    fields: FIELDS.filter((name) => a[name] !== b[name]),
    ...(gradient === undefined ? {} : { gradient }),
    ...(tensor === undefined ? {} : { tensor }),
  };
}

const HEADER = ['kernels', 'options', 'data', 'vocabulary'] as const;

function checkComparable(a: Receipt, b: Receipt): void {
  const other = HEADER.find(
    (name) => JSON.stringify(a.header[name]) !== JSON.stringify(b.header[name]),
  );
  if (other !== undefined)
    throw new ReceiptError(`the receipts are of different runs: they have other ${other}`);
  if (a.header.start.step !== b.header.start.step)
    throw new ReceiptError('the receipts begin at different steps');
}

/** The first step of which two receipts of one run, given as their files' bytes, say different
 *  things; undefined if there is none as far as both go. Nothing is trained for it: until that step
 *  both sides agree, so only that step is in dispute. Throws ReceiptError if one cannot be read, or
 *  they are of different runs.
 *  @example
 *  const model = gpt({ vocabulary: 4, layers: 1, channels: 8, heads: 2, context: 4 });
 *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
 *  const dataSha256 = await sha256Hex(new Uint8Array(0));
 *  const { header } = await Recorder.begin(trainer, { dataSha256 });
 *  const file = new TextEncoder().encode(header);
 *  console.log(compareReceipts(file, file)); // undefined
 */
export function compareReceipts(file: Uint8Array, other: Uint8Array): Difference | undefined {
  const [a, b] = [readReceipt(file), readReceipt(other)];
  checkComparable(a, b);
  const { step } = a.header.start;
  const begun = (['weights', 'state'] as const).filter(
    (name) => a.header.start[name] !== b.header.start[name],
  );
  if (begun.length > 0) return { step, fields: begun };
  const common = Math.min(a.lines.length, b.lines.length);
  for (let i = 0; i < common; i++) {
    const found = differenceOf(a.header, a.lines[i], b.lines[i]);
    if (found.fields.length > 0) return found;
  }
  return undefined;
}

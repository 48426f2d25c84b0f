// A run as the first line of its receipt has it: what can be done again, and by others.

import { kindOf, type SomeKind } from '../kinds/kinds.ts';
import {
  checkTrainOptions,
  type Receipt,
  ReceiptError,
  readReceipt,
  receiptOptions,
} from '../library.ts';
import type { RunOptions } from '../settings.ts';

/** What changes no bit, for the run's samples in a batch. */
type Free = (batch: number) => { threads: number; microBatch: number };

export interface ReceiptRun {
  receipt: Receipt;
  kind: SomeKind;
  options: RunOptions;
  /** What the model's numbers stand for. */
  known: unknown;
}

/** Throws ReceiptError for what is no receipt, or of a run that the command line does not know. */
export function openReceipt(file: Uint8Array, free: Free): ReceiptRun {
  const receipt = readReceipt(file);
  const given = receiptOptions(file);
  const options = checkTrainOptions({
    ...given,
    ...free(given.batch),
  }) as unknown as RunOptions;
  const kind = kindOf(options.model);
  const known: unknown = kind.fromJson(receipt.header.vocabulary, options.model.config);
  if (known === undefined) throw new ReceiptError('its vocabulary does not fit its model');
  return { receipt, kind, options, known };
}

/** The run as one whose data are read again. */
export function basisOf({ receipt, options, known }: ReceiptRun): Parameters<SomeKind['read']>[1] {
  const { data: dataSha256, library: libraryVersion, vocabulary } = receipt.header;
  const saved = { tensors: [], options, step: 0, vocabulary, directory: '' };
  return { ...saved, dataSha256, libraryVersion, known };
}

// What can be wrong with a receipt. A class of its own: who audits tells a receipt that says
// nothing from one that says something wrong.

import { RetrogradError } from '../core/errors.ts';

/** A receipt, or its signature, that cannot be relied on: damaged, of a newer format, of another
 *  run, or not a receipt.
 *  @example
 *  try {
 *    readReceipt(new TextEncoder().encode('a text, not a receipt\n'));
 *  } catch (error) {
 *    console.log(error instanceof ReceiptError, error.message); // true line 1 is not JSON
 *  }
 */
export class ReceiptError extends RetrogradError {
  /** @internal */
  static override readonly name = 'ReceiptError';
}

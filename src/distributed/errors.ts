// What can be wrong with what another machine has sent.

import { RetrogradError } from '../core/errors.ts';

/** A part, a task or a message that cannot be relied on: damaged, of another step or build, or
 *  beyond what any honest one can be.
 *  @example
 *  try {
 *    decodeWeights(new Uint8Array(3), 8);
 *  } catch (error) {
 *    console.log(error instanceof DistributedError); // true
 *  }
 */
export class DistributedError extends RetrogradError {
  /** @internal */
  static override readonly name = 'DistributedError';
}

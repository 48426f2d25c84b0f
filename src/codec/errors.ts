// What can be wrong with something that was coded. One class with a code, so that a program can
// tell the cases apart without reading the message.

import { RetrogradError } from '../core/errors.ts';

/** What is wrong: not of this kind at all (`foreign`); of a version that this library does not know
 *  (`version`); ended too early (`truncated`); goes on behind its end (`trailing`); another model's
 *  (`model`); changed on the way (`damaged`); larger than was allowed (`limit`); the two ends of a
 *  channel are not where they should be (`sync`). */
export type CodecProblem =
  | 'foreign'
  | 'version'
  | 'truncated'
  | 'trailing'
  | 'model'
  | 'damaged'
  | 'limit'
  | 'sync';

/** A model file, message, archive or frame that cannot be decoded; `code` says why. Nothing of it
 *  was handed out.
 *  @example
 *  try {
 *    MessageModel.read(new TextEncoder().encode('a text, not a model'));
 *  } catch (error) {
 *    console.log(error instanceof CodecError, error.code); // true foreign
 *  }
 */
export class CodecError extends RetrogradError {
  /** @internal */
  static override readonly name = 'CodecError';
  /** What is wrong. */
  readonly code: CodecProblem;
  constructor(code: CodecProblem, message: string, hint?: string) {
    super(message, hint);
    this.code = code;
  }
}

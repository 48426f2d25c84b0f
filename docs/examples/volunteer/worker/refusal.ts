// Errors as data that a page can show.

import type { Failure } from '../../../playground/protocol.ts';
import { failureOf } from '../../../playground/worker/failure.ts';

const NO_MEMORY: Failure = {
  name: 'UsageError',
  message: 'the browser refuses the memory that this run needs',
  hint: 'close other tabs, or help by the command line: retrograd worker',
};
const OTHER_BUILD = 'reload the page; it may be of another version than the run';

/** What a coordinator says to whom it refuses begins so. */
const REFUSED = /^refused: /;

export function refusalOf(error: unknown): Failure {
  const failure = failureOf(error, NO_MEMORY);
  if (!REFUSED.test(failure.message)) return failure;
  const message = failure.message.replace(REFUSED, 'the coordinator refuses this worker: ');
  return { ...failure, message, hint: failure.hint ?? OTHER_BUILD };
}

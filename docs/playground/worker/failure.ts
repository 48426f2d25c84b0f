// Errors as data that a page can show: one sentence, and a way on.

import type { Failure } from '../protocol.ts';

const REFUSED: Failure = {
  name: 'UsageError',
  message: 'the browser refuses the memory that this run needs',
  hint: 'take fewer channels, a smaller batch or a shorter context',
};

export function failureOf(error: unknown, refused = REFUSED): Failure {
  if (error instanceof RangeError) return refused;
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), hint: undefined };
  const { name, message, hint } = error as Error & { hint?: string };
  return { name, message: message.split('. HINT: ')[0], hint };
}

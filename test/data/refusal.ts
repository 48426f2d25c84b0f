// What readers of data say of a file that is wrong.

import { expect } from 'vitest';
import { UsageError } from '../../src/core/errors.ts';

/** The message of the UsageError, 'accepted' if there is none; any other error fails the test. */
export function refusal(read: () => unknown): string {
  try {
    read();
    return 'accepted';
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    expect((error as Error).message).not.toMatch(/\n|NaN|undefined/);
    return (error as Error).message;
  }
}

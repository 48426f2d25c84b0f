// --expect SHA, for scripts and CI: the command ends with 1 if what it computed has another digest.

import { quote } from './argv.ts';
import { RetrogradError, UsageError } from './library.ts';

const SHORTEST = 8;

/** A parser of SHA-256 digests: 64 hexadecimal digits, or as many of the first as a person keeps.
 */
export const digestOf =
  (flag: string) =>
  (given: string): string => {
    if (!/^[0-9a-f]{8,64}$/i.test(given))
      throw new UsageError(
        `${flag} is ${quote(given)}, expected the ${SHORTEST} to 64 first hexadecimal digits ` +
          'of a SHA-256',
      );
    return given.toLowerCase();
  };

/** Throws RetrogradError, exit code 1, if the digest of `what` is not the expected one; undefined:
 *  nothing is expected. */
export function checkExpected(what: string, digest: string, expected: string | undefined): void {
  if (expected === undefined || digest.startsWith(expected)) return;
  throw new RetrogradError(
    `${what} SHA-256 ${digest}, expected ${expected}`,
    'compare version, options and data with those of the expected run; any of them changes ' +
      'the bits, the machine does not',
  );
}

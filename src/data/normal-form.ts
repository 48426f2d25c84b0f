// NFC as Unicode 15.0 has it, whatever version the runtime's tables are of. What a character that
// is assigned becomes never changes any more (the stability policy of Unicode); versions differ
// only in characters that the older one does not know. So the runtime is asked to normalise only
// runs of characters that Unicode 15.0 normalises. All others stay as they are, and nothing is
// joined or sorted across them, as Unicode 15.0 does it.

import { UsageError } from '../core/errors.ts';
import { NORMALISED } from './normal-table.ts';

/** Combining marks, of which no writing has more than a few in a row. */
const MARKS = /\p{M}+/gu;
const MAX_MARKS = 64;

/** Runtimes sort a run of combining marks in a time quadratic in its length. */
function checkMarks(text: string): void {
  for (const [run] of text.matchAll(MARKS)) {
    if (run.length <= MAX_MARKS) continue;
    const what = `${run.length} combining marks in a row`;
    throw new UsageError(`a sentence has ${what}, expected at most ${MAX_MARKS}`);
  }
}

let pattern: RegExp | undefined;

/** Runs of the characters in the table. */
function makePattern(): RegExp {
  let end = 0;
  const codePoint = (point: number): string => `\\u{${point.toString(16)}}`;
  const ranges = NORMALISED.split(' ').map((word) => {
    const [gap, more] = word.split('.').map((digits) => parseInt(digits, 36));
    const from = end + gap;
    end = from + more;
    return `${codePoint(from)}-${codePoint(end)}`;
  });
  return new RegExp(`[${ranges.join('')}]+`, 'gu');
}

/** The text in NFC. Throws UsageError for more than 64 combining marks in a row. */
export function composed(text: string): string {
  pattern ??= makePattern();
  return text.replace(pattern, (run) => {
    checkMarks(run);
    return run.normalize('NFC');
  });
}

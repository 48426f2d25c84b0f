// Which tensors are meant: names in which * stands for anything, as a value and on the command
// line.

import { list, show, text } from '../core/check.ts';
import { UsageError } from '../core/errors.ts';

/** Some of a model's tensors, by name. */
export interface Matching {
  /** By which it is found again. */
  readonly name: string;
  /** As given. */
  readonly options: { readonly patterns: readonly string[] };
  /** Whether a name is one of them. */
  fits(name: string): boolean;
  /** Throws UsageError for a pattern that fits none of all parameters. `what` has them (freeze). */
  check(parameters: readonly { readonly path: string }[], what?: string): void;
}

/** Whether a name has the pieces of a pattern, in their order: the first one at its beginning, the
 *  last one at its end. In linear time, as checkpoints have patterns. */
function isLike(pieces: readonly string[], name: string): boolean {
  const [first] = pieces;
  const last = pieces[pieces.length - 1];
  if (pieces.length === 1) return name === first;
  if (!name.startsWith(first) || !name.endsWith(last)) return false;
  let at = first.length;
  for (const piece of pieces.slice(1, -1)) {
    at = name.indexOf(piece, at) + piece.length;
    if (at < piece.length) return false;
  }
  return at + last.length <= name.length;
}

/** The tensors whose names fit one of some patterns, in which * stands for anything. A pattern
 *  after ! takes out again what those before it mean: the last one that fits decides. Of a rule in
 *  code: `matching(names.filter(...))`.
 *  @example
 *  const most = matching(['block.*', '!block.11.*', '!*.gain']);
 *  const names = ['token.weight', 'block.0.up.weight', 'block.0.norm1.gain', 'block.11.up.weight'];
 *  console.log(names.filter(most.fits).join()); // block.0.up.weight
 */
export function matching(patterns: readonly string[]): Matching {
  const own = list('patterns', patterns, text);
  const parts = own.map((pattern) => {
    const takesOut = pattern.startsWith('!');
    const pieces = (takesOut ? pattern.slice(1) : pattern).split('*');
    return { pattern, takesOut, fits: (name: string) => isLike(pieces, name) };
  });
  return {
    name: 'matching',
    options: { patterns: own },
    fits: (name) =>
      parts.reduce((isIn, { takesOut, fits }) => (fits(name) ? !takesOut : isIn), false),
    check(parameters, what = 'freeze') {
      const names = parameters.map(({ path }) => path);
      const unfit = parts.find(({ fits }) => !names.some(fits));
      if (unfit !== undefined)
        throw new UsageError(
          `${what} has ${show(unfit.pattern)}, which fits none of the model's weights`,
          `they are ${names.slice(0, 3).join(', ')}, ...`,
        );
    },
  };
}

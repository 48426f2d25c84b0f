// Which tensors are meant: names in which * stands for anything, as on the command line.

import { list, text } from '../core/check.ts';

/** Whether a name fits one of the patterns. */
export function selects(what: string, patterns: readonly string[]): (name: string) => boolean {
  const all = list(what, patterns, text).map(
    (pattern) => new RegExp(`^${pattern.replace(/[^\w*]/g, '\\$&').replace(/\*/g, '.*')}$`, 's'),
  );
  return (name) => all.some((pattern) => pattern.test(name));
}

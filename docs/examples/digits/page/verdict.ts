// What is said of the digest of a run's weights.

import type { Event } from '../protocol.ts';
import published from '../published.json';
import { type Settings, toHash } from '../settings.ts';

type End = Extract<Event, { kind: 'end' }>;

/** Words, and whether they are good or bad. */
export function verdictOf(
  { isComplete, step, digest }: End,
  settings: Settings,
  linked: string | undefined,
): [words: string, kind: string] {
  if (!isComplete) return [`Stopped after step ${step}.`, ''];
  const known = (published as Record<string, string>)[toHash(settings)];
  const expected = known ?? linked;
  const what = known === undefined ? 'the digest of the link' : 'the published digest';
  if (expected === undefined)
    return ['The link to this run has the digest: whoever opens it gets the same, or is told.', ''];
  return expected === digest
    ? [`The same weights, bit for bit: equal to ${what}.`, 'good']
    : [`DIFFERENT from ${what}: ${expected}.`, 'bad'];
}

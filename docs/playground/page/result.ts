// What a run leaves: the digest of its weights, and how the command line goes on or repeats it.

import { canonical } from '../address.ts';
import { commandOf, resumeCommand, textFile } from '../command.ts';
import { count } from '../format.ts';
import type { Event } from '../protocol.ts';
import published from '../published.json';
import type { Settings } from '../settings.ts';
import { at, say } from './dom.ts';

type End = Extract<Event, { kind: 'end' }>;

/** The published digest of a run, if there is one. */
export const publishedOf = (settings: Settings): string | undefined =>
  (published as Record<string, string>)[canonical(settings)];

/** What to compare a digest with, and where it is from. */
export function expectedOf(
  settings: Settings,
  linked: string | undefined,
): [string, string] | undefined {
  const known = publishedOf(settings);
  if (known !== undefined) return ['the published digest', known];
  return linked === undefined ? undefined : ['the digest of the link', linked];
}

function verdict(end: End, settings: Settings, linked: string | undefined): [string, string] {
  if (!end.isComplete) return [`Stopped after step ${end.step}.`, ''];
  const expected = expectedOf(settings, linked);
  if (expected === undefined)
    return ['The link to this run has the digest: whoever opens it gets the same, or is told.', ''];
  const [what, digest] = expected;
  return digest === end.digest
    ? [`The same weights, bit for bit: equal to ${what}.`, 'good']
    : [`DIFFERENT from ${what}: ${digest}.`, 'bad'];
}

export function showCommands(settings: Settings, digest?: string): void {
  say(at('command-resume'), resumeCommand(settings));
  say(at('command-whole'), commandOf(settings, digest));
  say(at('command-text'), textFile(settings));
}

export function showResult(end: End, settings: Settings, linked: string | undefined): void {
  const [text, kind] = verdict(end, settings, linked);
  at('result').hidden = false;
  say(at('digest'), end.digest);
  say(at('verdict'), text);
  at('verdict').className = kind;
  const { checkedStates, mismatchedElements } = end;
  const rebuilt =
    checkedStates === 0
      ? ''
      : `${count(checkedStates)} states were rebuilt on the way back and compared with the way ` +
        `forward: ${count(mismatchedElements)} elements differ.`;
  say(at('rebuilt'), rebuilt);
  showCommands(settings, end.isComplete ? end.digest : undefined);
}

export function hideResult(): void {
  at('result').hidden = true;
}

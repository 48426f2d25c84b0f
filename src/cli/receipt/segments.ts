// The parts of a run that can be done again one apart from another: each begins with the seed or
// with a checkpoint that was kept, and ends where the next one begins.

import * as fs from 'node:fs';
import { join } from 'node:path';
import { wholeNumber } from '../argv.ts';
import { type Receipt, UsageError } from '../library.ts';

export interface Segment {
  /** Steps done before. */
  from: number;
  until: number;
  /** The checkpoint that it begins with; undefined: the weights of the seed. */
  checkpoint: string | undefined;
}

const STATE = /^state-(\d{1,10})\.safetensors$/;

/** Checkpoints of steps in the directory of a run. */
function statesIn(directory: string): Map<number, string> {
  let names: string[];
  try {
    names = fs.readdirSync(directory);
  } catch {
    throw new UsageError(`--run ${directory} is no directory that can be read, expected one`);
  }
  const found = names.flatMap((name): [number, string][] => {
    const [, step] = STATE.exec(name) ?? [];
    return step === undefined ? [] : [[Number(step), join(directory, name)]];
  });
  return new Map(found);
}

/** All segments of a receipt. Throws UsageError if its first one cannot begin. */
export function segmentsOf(
  { header, lines }: Receipt,
  directory: string | undefined,
  from: string | undefined,
): Segment[] {
  const { step, imported } = header.start;
  const states = directory === undefined ? new Map<number, string>() : statesIn(directory);
  const first = from ?? (imported ? states.get(step) : undefined);
  if (imported && first === undefined)
    throw new UsageError(
      `the run begins with imported weights at step ${step}, expected a checkpoint of them`,
      'give it with --from, or --run DIR where state-STEP.safetensors is kept',
    );
  const { round = 1 } = header;
  const last = step + lines.length * round;
  const hasState = (at: number): boolean =>
    at > step && at < last && lines[(at - step) / round - 1]?.state !== undefined;
  const starts = [
    { from: step, checkpoint: first },
    ...[...states]
      .filter(([at]) => hasState(at))
      .sort(([a], [b]) => a - b)
      .map(([at, checkpoint]) => ({ from: at, checkpoint })),
  ];
  return starts.map((start, i) => ({ ...start, until: starts[i + 1]?.from ?? last }));
}

/** The part of the segments that has steps `a-b`, or `b` alone. */
export function onlySteps(segments: readonly Segment[], words: string): Segment[] {
  const [, a, b = a] = /^(\d+)(?:-(\d+))?$/.exec(words) ?? [];
  const number = (word: string): number => wholeNumber('--only', 1, 2 ** 31 - 1)(word) as number;
  if (a === undefined)
    throw new UsageError(`--only is ${words}, expected one step or two, as in 101-200`);
  const [first, last] = [number(a), number(b)];
  const found = segments
    .filter(({ from, until }) => from < last && until >= first)
    .map((segment) => ({ ...segment, until: Math.min(segment.until, last) }));
  if (found.length > 0 && first <= last && (segments.at(-1)?.until ?? 0) >= last) return found;
  throw new UsageError(`--only is ${words}, expected steps that the receipt has`);
}

/** `count` segments, chosen by words that nobody knew when the run was made. */
export function sampleOf(
  segments: readonly Segment[],
  count: number,
  digest: (words: string) => string,
): Segment[] {
  const ranked = segments.map((segment) => ({ segment, rank: digest(String(segment.from)) }));
  const chosen = ranked.sort((a, b) => (a.rank < b.rank ? -1 : 1)).slice(0, count);
  return chosen.map(({ segment }) => segment).sort((a, b) => a.from - b.from);
}

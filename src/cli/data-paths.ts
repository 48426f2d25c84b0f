// Where the data of a run are. Its log keeps that, so that `eval DIR` and `--resume DIR` alone find
// the data again; what they find is held against the digest in the checkpoint.

import { resolve } from 'node:path';
import { eventsOf } from './log.ts';
import type { RunValues } from './options.ts';
import { optionName, type Row } from './rows.ts';

/** Absolute paths by the name of the option that gives them. */
export type DataPaths = Record<string, string>;

/** Where a run began, as its log tells it. */
export interface Beginning {
  run: string;
  step: number;
  weightsSha256: string;
}

/** The paths among the values; undefined if there are none. */
export function pathsOf(rows: readonly Row[], values: RunValues): DataPaths | undefined {
  const found = rows.map(optionName).flatMap((name) => {
    const path = (values as Record<string, unknown>)[name];
    return typeof path === 'string' ? [[name, resolve(path)] as const] : [];
  });
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

/** The paths that the log of a run tells of, of its last plan. */
export function recordedPaths(rows: readonly Row[], directory: string): DataPaths | undefined {
  let last: unknown;
  for (const { event, data } of eventsOf(directory)) if (event === 'plan') last = data;
  return typeof last === 'object' && last !== null ? pathsOf(rows, last as RunValues) : undefined;
}

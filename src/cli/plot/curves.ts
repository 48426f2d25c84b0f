// Loss curves of runs: read from their logs, or of a run that has just ended; and made short enough
// to draw.

import { statSync } from 'node:fs';
import { quote } from '../argv.ts';
import { UsageError } from '../library.ts';
import { type LogEvent, logPath, readLog } from '../log.ts';
import { mean } from '../statistics.ts';
import { reason } from '../system-errors.ts';

export type CurveKind = 'training' | 'validation';

export interface Curve {
  run: string;
  kind: CurveKind;
  /** Ascending. */
  steps: number[];
  losses: number[];
}

/** What a log tells of a run, for curves and tables. */
export interface History {
  run: string;
  /** What the loss is a mean over; undefined if the log does not say. */
  unit: 'a token' | 'an image' | undefined;
  /** Ascending in step. */
  steps: LogEvent[];
  validations: LogEvent[];
}

const isNumber = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value);

/** Adds an event of a step; one that comes again, as after a kill, takes the place of the earlier
 *  one. */
function add(events: LogEvent[], event: LogEvent): void {
  const { step, loss } = event;
  if (!isNumber(step) || !isNumber(loss)) return;
  while (events.length > 0 && (events[events.length - 1].step as number) >= step) events.pop();
  events.push(event);
}

function unitOf({ data }: LogEvent): History['unit'] {
  if (typeof data !== 'object' || data === null) return undefined;
  return 'data' in data ? 'an image' : 'a token';
}

/** The history of a run: of its directory, or of a file of events. Throws UsageError. */
export function readHistory(path: string): History {
  const history: History = { run: path, unit: undefined, steps: [], validations: [] };
  try {
    const isDirectory = statSync(path).isDirectory();
    for (const event of readLog(isDirectory ? logPath(path) : path)) {
      if (event.event === 'plan') history.unit = unitOf(event) ?? history.unit;
      if (event.event === 'step') add(history.steps, event);
      if (event.event === 'validation') add(history.validations, event);
    }
  } catch (error) {
    throw new UsageError(
      `the log of ${quote(path)} ${reason(error)}, expected the directory of a run or its log`,
      'train with --out DIR, which keeps a log in it',
    );
  }
  if (history.steps.length === 0)
    throw new UsageError(
      `the log of ${quote(path)} has no step, expected the log of a run`,
      'train with --out DIR',
    );
  return history;
}

/** A curve of a history; undefined if it has less than two points. */
export function curveOf({ run, steps, validations }: History, kind: CurveKind): Curve | undefined {
  const events = kind === 'training' ? steps : validations;
  if (events.length < 2 && kind === 'validation') return undefined;
  return {
    run,
    kind,
    steps: events.map(({ step }) => step as number),
    losses: events.map(({ loss }) => loss as number),
  };
}

/** At most `most` points: means of neighbours. */
export function thin({ steps, losses, ...rest }: Curve, most: number): Curve {
  if (losses.length <= most) return { ...rest, steps, losses };
  const part = (values: readonly number[]): number[] =>
    Array.from({ length: most }, (_, i) =>
      mean(
        values.slice(
          Math.floor((i * values.length) / most),
          Math.floor(((i + 1) * values.length) / most),
        ),
      ),
    );
  return { ...rest, steps: part(steps), losses: part(losses) };
}

/** What a reader calls a curve: the run, if there are several, and its kind, if there are both. */
export function labelOf({ run, kind }: Curve, all: readonly Curve[]): string {
  const areSeveral = new Set(all.map((curve) => curve.run)).size > 1;
  const areBoth = new Set(all.map((curve) => curve.kind)).size > 1;
  if (!areSeveral) return kind;
  return areBoth ? `${run} (${kind})` : run;
}

/** The lowest and the highest of steps and losses; no range is empty. */
export function rangesOf(curves: readonly Curve[]): {
  steps: [number, number];
  losses: [number, number];
} {
  const range = (lists: readonly number[][]): [number, number] => {
    let low = Infinity;
    let high = -Infinity;
    for (const list of lists)
      for (const value of list) [low, high] = [Math.min(low, value), Math.max(high, value)];
    return low < high ? [low, high] : [low - 0.5, high + 0.5];
  };
  return {
    steps: range(curves.map(({ steps }) => steps)),
    losses: range(curves.map(({ losses }) => losses)),
  };
}

/** Round numbers within a range, about `count` of them. */
export function ticks([low, high]: readonly [number, number], count: number): number[] {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const unit =
    [1, 2, 5, 10].map((digit) => digit * power).find((size) => size >= rough) ?? power * 10;
  const first = Math.ceil(low / unit - 1e-9);
  const last = Math.floor(high / unit + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) =>
    Number(((first + i) * unit).toPrecision(12)),
  );
}

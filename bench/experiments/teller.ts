// What is said of runs while they are made: lines or events.

import { quote } from '../../src/cli/argv.ts';
import { duration, table } from '../../src/cli/format.ts';
import type { Holder } from '../../src/cli/lock.ts';
import { warn } from '../../src/cli/output.ts';
import { print, printJson } from '../../src/cli/reporters.ts';
import { inWords } from '../../src/cli/run-directory.ts';
import { moveHint, type Rescue, wordsOf } from '../../src/cli/saving.ts';
import { deviation, mean } from '../../src/cli/statistics.ts';
import type { Experiment, Metric, Point } from './experiment.ts';
import type { KeptRun } from './kept.ts';
import type { Making, Run } from './making.ts';
import type { Result } from './store.ts';

/** What was measured on held-out data, in words. */
function heldOut({ loss, accuracy }: Point): string {
  const ofLoss = loss === undefined ? '' : `, held out ${loss.toFixed(4)}`;
  const ofAccuracy = accuracy === undefined ? '' : `   accuracy ${(100 * accuracy).toFixed(2)} %`;
  return ofLoss + ofAccuracy;
}

/** Tells of the runs: lines or events. */
export class Teller {
  /** Seconds that runs made here took. */
  private readonly took: number[] = [];
  /** Runs that other processes make. */
  private readonly waiting = new Set<string>();
  /** Something is not where it belongs. */
  hasRescued = false;
  private readonly name: string;
  private readonly isJson: boolean;
  private readonly folder: string;
  private left: number;

  constructor({ chosen, isJson, folder, runs }: Making) {
    this.name = chosen.name;
    this.isJson = isJson;
    this.folder = folder;
    this.left = runs.length;
  }

  /** Says a line about a run, or an event. */
  private say({ cell, seed }: Run, words: string, event: string, more: object): void {
    if (this.isJson) printJson({ event, cell: cell.id, seed, ...more });
    else print(`${this.name} ${cell.id}, seed ${seed}: ${words}`);
  }

  skipped(run: Run, why: string): void {
    this.left--;
    this.say(run, why, 'skipped', { why });
  }

  /** Another process makes it. */
  waits(run: Run, holder: Holder): void {
    const what = `${run.cell.id}, seed ${run.seed}`;
    const why = `left to ${inWords(holder)}, which runs it`;
    if (this.waiting.has(what)) return;
    this.waiting.add(what);
    this.say(run, why, 'skipped', { why });
  }

  interrupted({ cell, seed }: Run, { step, rescue }: KeptRun): void {
    const fate = step === undefined ? 'which is lost' : `kept at step ${step}`;
    if (!this.isJson)
      print(`interrupted in ${cell.id}, seed ${seed}, ${fate}; the same command goes on`);
    if (rescue !== undefined) this.rescued(rescue);
  }

  /** What the run left could not be written where it belongs. */
  rescued(rescue: Rescue): void {
    this.hasRescued = true;
    const { error, directory } = rescue;
    const hint = moveHint(rescue, this.folder);
    warn(`${wordsOf(error)}; it is in ${quote(directory)} instead. HINT: ${hint}`);
  }

  /** What became of a part of the run that was kept: gone on with, or not, and why. */
  keptPart(run: Run, what: number | string): void {
    if (typeof what === 'number') {
      this.say(run, `goes on from step ${what}`, 'resumed', { step: what });
      return;
    }
    const words = `begins again, what was kept of it cannot be used: ${what}`;
    this.say(run, words, 'restarted', { why: what });
  }

  point(run: Run, share: number, point: Point, { seconds }: KeptRun): void {
    const whole = seconds / share;
    const rest = whole - seconds;
    const all = rest + (this.left - 1) * mean([...this.took, whole]);
    const words =
      `${Math.round(100 * share)} %   step ${point.step}   ` +
      `loss ${point.trainLoss.toFixed(4)}${heldOut(point)}   ` +
      `${duration(rest)} left, ${duration(all)} of all`;
    this.say(run, words, 'point', {
      share,
      ...point,
      secondsLeft: rest,
      secondsLeftOfAll: all,
    });
  }

  done(run: Run, { found: { failed }, seconds }: Result): void {
    this.left--;
    this.took.push(seconds);
    const fate = failed === undefined ? 'done' : `ended by itself: ${failed}`;
    const words = `${fate} in ${duration(seconds)}; ${this.left} of the runs left`;
    this.say(run, words, 'done', { failed: failed ?? null, seconds, runsLeft: this.left });
  }
}

const at = (found: unknown, path: string): unknown =>
  path
    .split('.')
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], found);

/** Units of a metric as people read it, and digits after the point. */
const UNITS: Partial<Record<Metric['as'], { factor: number; digits: number }>> = {
  percent: { factor: 100, digits: 2 },
  megabytes: { factor: 1e-6, digits: 4 },
};

/** The first metric of every cell: mean, deviation, number of seeds. */
export function summary(
  { cells, metrics: [{ path, title, as }] }: Experiment,
  results: readonly Result[],
): string {
  const { factor, digits } = UNITS[as] ?? { factor: 1, digits: 4 };
  const rows = cells.flatMap(({ id, label }) => {
    const values = results
      .filter((result) => result.cell === id)
      .map(({ found }) => at(found, path))
      .filter((value) => typeof value === 'number')
      .map((value) => value * factor);
    if (values.length === 0) return [];
    const spread = deviation(values);
    const deviates = spread === undefined ? '' : ` ± ${spread.toFixed(digits)}`;
    return [[label, `${mean(values).toFixed(digits)}${deviates}`, `n = ${values.length}`]];
  });
  return table([['', title, ''], ...rows]);
}

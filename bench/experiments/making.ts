// Makes the runs of an experiment, one after the other. Runs that are there already are kept, and
// so is one that is stopped, so that it goes on bit for bit; started twice, two processes share the
// runs.

import { setTimeout } from 'node:timers/promises';
import { version } from '../../package.json';
import { Interrupts } from '../../src/cli/interrupts.ts';
import { type Holder, Lock } from '../../src/cli/lock.ts';
import { print } from '../../src/cli/reporters.ts';
import { environment } from './environment.ts';
import type { Cell, Experiment, Opened, Point } from './experiment.ts';
import { KeptRun } from './kept.ts';
import { claim, type Result, readResult, resultFile } from './store.ts';
import { summary, Teller } from './teller.ts';

export interface Run {
  cell: Cell;
  seed: number;
}

export interface Making {
  chosen: Experiment;
  opened: Opened;
  folder: string;
  runs: readonly Run[];
  scale: number;
  threads: number;
  isJson: boolean;
  dataName: string | null;
}

/** What became of a run: its result, or why there is none. `held`: another process makes it. */
type Made = Result | { held: Holder } | 'interrupted';

/** Makes a run that nobody else can be making. */
async function makeRun(
  run: Run,
  making: Making,
  { interrupts, teller }: Watching,
): Promise<Result | 'interrupted'> {
  const { chosen, opened, folder, scale, threads, dataName } = making;
  const { cell, seed } = run;
  const options = opened.options(cell, seed);
  const where = environment(threads);
  const dataSha256 = opened.dataSha256(cell);
  const identity = { options, dataSha256, libraryVersion: version, commit: where.commit };
  const kept = new KeptRun(folder, cell.id, seed, identity, (what) => teller.keptPart(run, what));
  const point = (share: number, one: Point): void => teller.point(run, share, one, kept);
  const isInterrupted = (): boolean => interrupts.exitCode !== undefined;
  const found = await opened.run(cell, seed, threads, { point, isInterrupted, kept });
  if (found === undefined) {
    teller.interrupted(run, kept);
    return 'interrupted';
  }
  const result: Result = {
    experiment: chosen.name,
    cell: cell.id,
    label: cell.label,
    seed,
    scale,
    options,
    data: { name: dataName, sha256: dataSha256 },
    found,
    libraryVersion: version,
    environment: where,
    seconds: kept.seconds,
  };
  const rescue = await kept.write(resultFile(result));
  if (rescue === undefined) kept.remove();
  else teller.rescued(rescue);
  teller.done(run, result);
  return result;
}

/** Makes a run unless it is there already, or another process makes it. */
async function makeOnce(run: Run, making: Making, watching: Watching): Promise<Made> {
  const { opened, folder } = making;
  const { cell, seed } = run;
  const made = (): Result | undefined => {
    const options = opened.options(cell, seed);
    const before = readResult(folder, cell.id, seed, options, opened.dataSha256(cell));
    if (before !== undefined)
      watching.teller.skipped(run, 'kept, made before with the same options');
    return before;
  };
  const before = made();
  if (before !== undefined) return before;
  const lock = claim(folder, cell.id, seed);
  if (!(lock instanceof Lock)) return { held: lock };
  try {
    // another process may just have ended it
    return made() ?? (await makeRun(run, making, watching));
  } finally {
    lock.release();
  }
}

interface Watching {
  interrupts: Interrupts;
  teller: Teller;
}

/** Milliseconds between looks at a run that another process makes. */
const LOOK = 1000;

/** Makes the runs that nobody else makes; returns those that others do. */
async function makeAll(
  runs: readonly Run[],
  making: Making,
  watching: Watching,
  results: Result[],
): Promise<Run[] | 'interrupted'> {
  const held: Run[] = [];
  for (const run of runs) {
    if (watching.interrupts.exitCode !== undefined) return 'interrupted';
    const made = await makeOnce(run, making, watching);
    if (made === 'interrupted') return made;
    if ('held' in made) {
      watching.teller.waits(run, made.held);
      held.push(run);
    } else results.push(made);
  }
  return held;
}

/** Makes the runs that are not there yet, and waits for those that others make, to take over from
 *  one that ends early; after Ctrl-C the one that is going on is kept. Returns the exit code. */
export async function makeRuns(making: Making): Promise<number> {
  const { chosen, folder, isJson, runs } = making;
  const results: Result[] = [];
  const interrupts = new Interrupts();
  const teller = new Teller(making);
  try {
    for (let left = [...runs]; left.length > 0; ) {
      const held = await makeAll(left, making, { interrupts, teller }, results);
      if (held === 'interrupted') return interrupts.exitCode ?? 1;
      left = held;
      if (left.length > 0) await setTimeout(LOOK);
    }
    if (!isJson) print(`\n${summary(chosen, results)}\n\nresults in ${folder}`);
    return teller.hasRescued ? 1 : 0;
  } finally {
    interrupts.release();
  }
}

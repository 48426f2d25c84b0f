// retrograd experiment: makes the runs behind a table or a figure of docs/results.md, one JSON file
// each. Runs that are there already are kept, and so is one that is stopped, so that it goes on bit
// for bit; started twice, two processes share the runs.

import { basename, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Command } from 'commander';
import { version } from '../../package.json';
import { number, quote, wholeNumber } from './argv.ts';
import { environment } from './experiments/environment.ts';
import type { Cell, Experiment, Opened, Point } from './experiments/experiment.ts';
import { KeptRun } from './experiments/kept.ts';
import { EXPERIMENTS, FIGURES, LIST_HINT, NAMES, findExperiment } from './experiments/list.ts';
import { type Result, claim, folderOf, readResult, resultFile } from './experiments/store.ts';
import { deviation, mean } from './statistics.ts';
import { prepareDirectory } from './atomic.ts';
import { duration, table } from './format.ts';
import { Interrupts } from './interrupts.ts';
import { UsageError } from './library.ts';
import { type Holder, Lock } from './lock.ts';
import { goOnWithoutOutput, warn } from './output.ts';
import { print, printJson } from './reporters.ts';
import { inWords } from './run-directory.ts';
import { type Rescue, moveHint, wordsOf } from './saving.ts';

/** What --data is the path of. */
const DATA = { images: 'a directory of images', text: 'a text file', pairs: 'a file of pairs' };
const OUT = 'bench/results/experiments';
const SEEDS = '1,2,3';

export interface ExperimentValues {
  data?: string;
  out?: string;
  seeds?: string;
  scale?: number;
  cells?: string;
  threads?: number;
  list?: boolean;
  json?: boolean;
}

/** Registers the command. */
export function addExperiment(program: Command, finish: (code: number) => void): void {
  const parsed = <T>(parse: (given: string) => T): ((given: string) => string) =>
    parse as unknown as (given: string) => string;
  program
    .command('experiment')
    .description('make the runs behind a table or figure of docs/results.md')
    .argument('[NAME]', 'which one; --list says what there is')
    .option('-d, --data <path>', 'directory of images or text file, as the experiment needs')
    .option('-o, --out <dir>', `results: DIR/NAME/CELL-SEED.json (${OUT})`)
    .option('--seeds <list>', `one run a cell and seed (${SEEDS})`)
    .option('--cells <list>', 'only these cells (all)')
    .option(
      '--scale <x>',
      'shorten the budget for a trial, into a folder of its own (1)',
      parsed(number('--scale')),
    )
    .option(
      '-j, --threads <n>',
      'same bits; two processes of one thread are faster (1)',
      parsed(wholeNumber('--threads', 1, 64)),
    )
    .option('--list', 'say what experiments there are')
    .option('--json', 'one JSON object a line instead of words')
    .action(async (name: string | undefined, values: ExperimentValues) =>
      finish(await experiment(name, values)),
    );
}

function list(isJson: boolean): number {
  if (isJson) {
    for (const { open: _, ...description } of EXPERIMENTS)
      printJson({ event: 'experiment', ...description });
    for (const figure of FIGURES) printJson({ event: 'figure', ...figure });
    return 0;
  }
  const rows = EXPERIMENTS.map(({ name, title, data, cells, budget }) => [
    name,
    data === 'none' ? 'no data' : data,
    title,
    `${budget}; cells ${cells.map(({ id }) => id).join(', ')}`,
  ]);
  print(
    table([
      ...rows,
      ...FIGURES.map(({ name, title, of, cells }) => [
        name,
        '',
        title,
        `from ${cells.join(', ')} of ${of}`,
      ]),
    ]),
  );
  return 0;
}

const words = (given: string): string[] =>
  given
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');

function parseSeeds(given: string): number[] {
  const seeds = words(given).map(wholeNumber('--seeds', 0, Number.MAX_SAFE_INTEGER));
  if (seeds.length === 0 || new Set(seeds).size < seeds.length)
    throw new UsageError(
      `--seeds is ${quote(given)}, expected whole numbers, each once`,
      `as in ${SEEDS}`,
    );
  return seeds;
}

function chooseCells({ name, cells }: Experiment, wanted: readonly string[]): Cell[] {
  const unknown = wanted.find((id) => !cells.some((cell) => cell.id === id));
  const foreign = cells.find(({ id, madeBy }) => madeBy !== undefined && wanted.includes(id));
  if (foreign !== undefined)
    throw new UsageError(
      `--cells has ${quote(foreign.id)}, which another program makes, expected cells of ours`,
      foreign.madeBy,
    );
  if (unknown !== undefined || wanted.length === 0)
    throw new UsageError(
      `--cells has ${quote(unknown ?? '')}, expected cells of ${name}: ` +
        `${cells.map(({ id }) => id).join(', ')}`,
    );
  return cells.filter(({ id }) => wanted.includes(id));
}

interface Run {
  cell: Cell;
  seed: number;
}

/** Tells of the runs: lines or events. */
class Teller {
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

  private say(line: string, event: object): void {
    if (this.isJson) printJson(event);
    else print(line);
  }

  skipped({ cell, seed }: Run, why: string): void {
    this.left--;
    this.say(`${this.name} ${cell.id}, seed ${seed}: ${why}`, {
      event: 'skipped',
      cell: cell.id,
      seed,
      why,
    });
  }

  /** Another process makes it. */
  waits({ cell, seed }: Run, holder: Holder): void {
    const what = `${cell.id}, seed ${seed}`;
    const why = `left to ${inWords(holder)}, which runs it`;
    if (this.waiting.has(what)) return;
    this.waiting.add(what);
    this.say(`${this.name} ${what}: ${why}`, { event: 'skipped', cell: cell.id, seed, why });
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
  keptPart({ cell, seed }: Run, what: number | string): void {
    if (typeof what === 'number')
      this.say(`${this.name} ${cell.id}, seed ${seed}: goes on from step ${what}`, {
        event: 'resumed',
        cell: cell.id,
        seed,
        step: what,
      });
    else
      this.say(
        `${this.name} ${cell.id}, seed ${seed}: begins again, what was kept of it cannot be ` +
          `used: ${what}`,
        { event: 'restarted', cell: cell.id, seed, why: what },
      );
  }

  point({ cell, seed }: Run, share: number, point: Point, { seconds }: KeptRun): void {
    const whole = seconds / share;
    const rest = whole - seconds;
    const all = rest + (this.left - 1) * mean([...this.took, whole]);
    const measured = `${point.loss === undefined ? '' : `, held out ${point.loss.toFixed(4)}`}${point.accuracy === undefined ? '' : `   accuracy ${(100 * point.accuracy).toFixed(2)} %`}`;
    this.say(
      `${this.name} ${cell.id}, seed ${seed}: ${Math.round(100 * share)} %   step ` +
        `${point.step}   loss ${point.trainLoss.toFixed(4)}${measured}   ${duration(rest)} ` +
        `left, ${duration(all)} of all`,
      {
        event: 'point',
        cell: cell.id,
        seed,
        share,
        ...point,
        secondsLeft: rest,
        secondsLeftOfAll: all,
      },
    );
  }

  done({ cell, seed }: Run, { found, seconds }: Result): void {
    this.left--;
    this.took.push(seconds);
    this.say(
      `${this.name} ${cell.id}, seed ${seed}: ` +
        `${found.failed === undefined ? 'done' : `ended by itself: ${found.failed}`} in ` +
        `${duration(seconds)}; ${this.left} of the runs left`,
      {
        event: 'done',
        cell: cell.id,
        seed,
        failed: found.failed ?? null,
        seconds,
        runsLeft: this.left,
      },
    );
  }
}

const at = (found: unknown, path: string): unknown =>
  path
    .split('.')
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], found);

/** The first metric of every cell: mean, deviation, number of seeds. */
function summary(
  { cells, metrics: [{ path, title, as }] }: Experiment,
  results: readonly Result[],
): string {
  const factor = as === 'percent' ? 100 : as === 'megabytes' ? 1e-6 : 1;
  return table([
    ['', title, ''],
    ...cells.flatMap(({ id, label }) => {
      const values = results
        .filter((result) => result.cell === id)
        .map(({ found }) => at(found, path))
        .filter((value) => typeof value === 'number')
        .map((value) => value * factor);
      const spread = deviation(values);
      return values.length === 0
        ? []
        : [
            [
              label,
              `${mean(values).toFixed(as === 'percent' ? 2 : 4)}${spread === undefined ? '' : ` ± ${spread.toFixed(as === 'percent' ? 2 : 4)}`}`,
              `n = ${values.length}`,
            ],
          ];
    }),
  ]);
}

export async function experiment(
  name: string | undefined,
  values: ExperimentValues,
): Promise<number> {
  if (values.list === true) return list(values.json === true);
  if (name === undefined)
    throw new UsageError(
      `the name of an experiment is missing, expected one of ${NAMES}`,
      LIST_HINT,
    );
  const found = findExperiment(name);
  const chosen = found.experiment;
  const { scale = 1, threads = 1 } = values;
  const seeds = parseSeeds(values.seeds ?? SEEDS);
  const cells = chooseCells(chosen, values.cells === undefined ? found.cells : words(values.cells));
  if (!(scale > 0 && scale <= 1))
    throw new UsageError(`--scale is ${scale}, expected more than 0 and at most 1`);
  if (values.data === undefined && chosen.data !== 'none')
    throw new UsageError(
      `--data is missing, expected ${DATA[chosen.data]}`,
      chosen.dataWords.replaceAll('**', ''),
    );
  const opened = await chosen.open(values.data ?? '', scale);
  const folder = folderOf(values.out ?? OUT, chosen.name, scale);
  const runs = seeds.flatMap((seed) => cells.map((cell) => ({ cell, seed })));
  // refused before anything runs
  for (const { cell, seed } of runs)
    readResult(folder, cell.id, seed, opened.options(cell, seed), opened.dataSha256);
  prepareDirectory(folder);
  goOnWithoutOutput(`the runs go on, their results are in ${quote(folder)}`);
  const dataName = values.data === undefined ? null : basename(resolve(values.data));
  return await makeRuns({
    chosen,
    opened,
    folder,
    runs,
    scale,
    threads,
    isJson: values.json === true,
    dataName,
  });
}

interface Making {
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
  const { dataSha256 } = opened;
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
    const before = readResult(folder, cell.id, seed, opened.options(cell, seed), opened.dataSha256);
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

/** Makes the runs that are not there yet, and waits for those that others make, to take over from
 *  one that ends early; after Ctrl-C the one that is going on is kept. Returns the exit code. */
async function makeRuns(making: Making): Promise<number> {
  const { chosen, folder, isJson, runs } = making;
  const results: Result[] = [];
  const interrupts = new Interrupts();
  const teller = new Teller(making);
  try {
    for (let left = [...runs]; left.length > 0; ) {
      const held: Run[] = [];
      for (const run of left) {
        if (interrupts.exitCode !== undefined) return interrupts.exitCode;
        const made = await makeOnce(run, making, { interrupts, teller });
        if (made === 'interrupted') return interrupts.exitCode ?? 1;
        if ('held' in made) {
          teller.waits(run, made.held);
          held.push(run);
        } else results.push(made);
      }
      left = held;
      if (left.length > 0) await setTimeout(LOOK);
    }
    if (!isJson) print(`\n${summary(chosen, results)}\n\nresults in ${folder}`);
    return teller.hasRescued ? 1 : 0;
  } finally {
    interrupts.release();
  }
}

// retrograd experiment: makes the runs behind a table or a figure of docs/results.md, one JSON file each. Runs that are there already are
// kept, and so is one that is stopped, so that it goes on bit for bit; started twice, two processes share the runs.

import { basename, resolve } from 'node:path';
import type { Command } from 'commander';
import { version } from '../../package.json';
import { number, quote, wholeNumber } from './argv.ts';
import { environment } from './experiments/environment.ts';
import type { Cell, Experiment, Opened, Point } from './experiments/experiment.ts';
import { KeptRun } from './experiments/kept.ts';
import { EXPERIMENTS, FIGURES, LIST_HINT, NAMES, findExperiment } from './experiments/list.ts';
import { type Result, claim, folderOf, readResult, writeResult } from './experiments/store.ts';
import { deviation, mean } from './statistics.ts';
import { prepareDirectory } from './files.ts';
import { duration, table } from './format.ts';
import { Interrupts } from './interrupts.ts';
import { UsageError } from './library.ts';
import { goOnWithoutOutput } from './output.ts';
import { print, printJson } from './reporters.ts';

/** What --data is the path of. */
const DATA = { images: 'a directory of images', text: 'a text file', pairs: 'a file of pairs' };
const OUT = 'bench/results/experiments', SEEDS = '1,2,3';

export interface ExperimentValues { data?: string; out?: string; seeds?: string; scale?: number; cells?: string; threads?: number; list?: boolean; json?: boolean }

/** Registers the command. */
export function addExperiment(program: Command, finish: (code: number) => void): void {
  const parsed = <T>(parse: (given: string) => T): ((given: string) => string) => parse as unknown as (given: string) => string;
  program.command('experiment').description('make the runs behind a table or figure of docs/results.md').argument('[NAME]', 'which one; --list says what there is')
    .option('-d, --data <path>', 'directory of images or text file, as the experiment needs')
    .option('-o, --out <dir>', `results: DIR/NAME/CELL-SEED.json (${OUT})`)
    .option('--seeds <list>', `one run a cell and seed (${SEEDS})`)
    .option('--cells <list>', 'only these cells (all)')
    .option('--scale <x>', 'shorten the budget for a trial, into a folder of its own (1)', parsed(number('--scale')))
    .option('-j, --threads <n>', 'same bits; two processes of one thread are faster (1)', parsed(wholeNumber('--threads', 1, 64)))
    .option('--list', 'say what experiments there are').option('--json', 'one JSON object a line instead of words')
    .action(async (name: string | undefined, values: ExperimentValues) => finish(await experiment(name, values)));
}

function list(isJson: boolean): number {
  if (isJson) {
    for (const { open: _, ...description } of EXPERIMENTS) printJson({ event: 'experiment', ...description });
    for (const figure of FIGURES) printJson({ event: 'figure', ...figure });
    return 0;
  }
  const rows = EXPERIMENTS.map(({ name, title, data, cells, budget }) => [name, data === 'none' ? 'no data' : data, title, `${budget}; cells ${cells.map(({ id }) => id).join(', ')}`]);
  print(table([...rows, ...FIGURES.map(({ name, title, of, cells }) => [name, '', title, `from ${cells.join(', ')} of ${of}`])]));
  return 0;
}

const words = (given: string): string[] => given.split(',').map((word) => word.trim()).filter((word) => word !== '');

function parseSeeds(given: string): number[] {
  const seeds = words(given).map(wholeNumber('--seeds', 0, Number.MAX_SAFE_INTEGER));
  if (seeds.length === 0 || new Set(seeds).size < seeds.length) throw new UsageError(`--seeds is ${quote(given)}, expected whole numbers, each once`, `as in ${SEEDS}`);
  return seeds;
}

function chooseCells({ name, cells }: Experiment, wanted: readonly string[]): Cell[] {
  const unknown = wanted.find((id) => !cells.some((cell) => cell.id === id)), foreign = cells.find(({ id, madeBy }) => madeBy !== undefined && wanted.includes(id));
  if (foreign !== undefined) throw new UsageError(`--cells has ${quote(foreign.id)}, which another program makes, expected cells of ours`, foreign.madeBy);
  if (unknown !== undefined || wanted.length === 0) throw new UsageError(`--cells has ${quote(unknown ?? '')}, expected cells of ${name}: ${cells.map(({ id }) => id).join(', ')}`);
  return cells.filter(({ id }) => wanted.includes(id));
}

interface Run { cell: Cell; seed: number }

/** Tells of the runs: lines or events. */
class Teller {
  /** Seconds that runs made here took. */
  private readonly took: number[] = [];
  constructor(private readonly name: string, private readonly isJson: boolean, private left: number) {}

  private say(line: string, event: object): void {
    if (this.isJson) printJson(event);
    else print(line);
  }

  skipped({ cell, seed }: Run, why: string): void {
    this.left--;
    this.say(`${this.name} ${cell.id}, seed ${seed}: ${why}`, { event: 'skipped', cell: cell.id, seed, why });
  }

  /** What became of a part of the run that was kept: gone on with, or not, and why. */
  keptPart({ cell, seed }: Run, what: number | string): void {
    if (typeof what === 'number') this.say(`${this.name} ${cell.id}, seed ${seed}: goes on from step ${what}`, { event: 'resumed', cell: cell.id, seed, step: what });
    else this.say(`${this.name} ${cell.id}, seed ${seed}: begins again, what was kept of it cannot be used: ${what}`, { event: 'restarted', cell: cell.id, seed, why: what });
  }

  point({ cell, seed }: Run, share: number, point: Point, { seconds }: KeptRun): void {
    const whole = seconds / share, rest = whole - seconds, all = rest + (this.left - 1) * mean([...this.took, whole]);
    const measured = `${point.loss === undefined ? '' : `, held out ${point.loss.toFixed(4)}`}${point.accuracy === undefined ? '' : `   accuracy ${(100 * point.accuracy).toFixed(2)} %`}`;
    this.say(`${this.name} ${cell.id}, seed ${seed}: ${Math.round(100 * share)} %   step ${point.step}   loss ${point.trainLoss.toFixed(4)}${measured}   ${duration(rest)} left, ${duration(all)} of all`,
      { event: 'point', cell: cell.id, seed, share, ...point, secondsLeft: rest, secondsLeftOfAll: all });
  }

  done({ cell, seed }: Run, { found, seconds }: Result): void {
    this.left--;
    this.took.push(seconds);
    this.say(`${this.name} ${cell.id}, seed ${seed}: ${found.failed === undefined ? 'done' : `ended by itself: ${found.failed}`} in ${duration(seconds)}; ${this.left} of the runs left`,
      { event: 'done', cell: cell.id, seed, failed: found.failed ?? null, seconds, runsLeft: this.left });
  }
}

const at = (found: unknown, path: string): unknown => path.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], found);

/** The first metric of every cell: mean, deviation, number of seeds. */
function summary({ cells, metrics: [{ path, title, as }] }: Experiment, results: readonly Result[]): string {
  const factor = as === 'percent' ? 100 : as === 'megabytes' ? 1e-6 : 1;
  return table([['', title, ''], ...cells.flatMap(({ id, label }) => {
    const values = results.filter((result) => result.cell === id).map(({ found }) => at(found, path)).filter((value) => typeof value === 'number').map((value) => value * factor);
    const spread = deviation(values);
    return values.length === 0 ? [] : [[label, `${mean(values).toFixed(as === 'percent' ? 2 : 4)}${spread === undefined ? '' : ` ± ${spread.toFixed(as === 'percent' ? 2 : 4)}`}`, `n = ${values.length}`]];
  })]);
}

export async function experiment(name: string | undefined, values: ExperimentValues): Promise<number> {
  if (values.list === true) return list(values.json === true);
  if (name === undefined) throw new UsageError(`the name of an experiment is missing, expected one of ${NAMES}`, LIST_HINT);
  const found = findExperiment(name), chosen = found.experiment, { scale = 1, threads = 1 } = values, seeds = parseSeeds(values.seeds ?? SEEDS);
  const cells = chooseCells(chosen, values.cells === undefined ? found.cells : words(values.cells));
  if (!(scale > 0 && scale <= 1)) throw new UsageError(`--scale is ${scale}, expected more than 0 and at most 1`);
  if (values.data === undefined && chosen.data !== 'none') throw new UsageError(`--data is missing, expected ${DATA[chosen.data]}`, chosen.dataWords.replaceAll('**', ''));
  const opened = await chosen.open(values.data ?? '', scale), folder = folderOf(values.out ?? OUT, chosen.name, scale);
  const runs = seeds.flatMap((seed) => cells.map((cell) => ({ cell, seed })));
  for (const { cell, seed } of runs) readResult(folder, cell.id, seed, opened.options(cell, seed), opened.dataSha256); // refused before anything runs
  prepareDirectory(folder);
  goOnWithoutOutput(`the runs go on, their results are in ${quote(folder)}`);
  const dataName = values.data === undefined ? null : basename(resolve(values.data));
  return await makeRuns({ chosen, opened, folder, runs, scale, threads, isJson: values.json === true, dataName });
}

interface Making {
  chosen: Experiment; opened: Opened; folder: string; runs: readonly Run[];
  scale: number; threads: number; isJson: boolean; dataName: string | null;
}

/** Makes the runs that are not there yet; after Ctrl-C the one that is going on is kept. Returns the exit code. */
async function makeRuns({ chosen, opened, folder, runs, scale, threads, isJson, dataName }: Making): Promise<number> {
  const interrupts = new Interrupts(), teller = new Teller(chosen.name, isJson, runs.length), results: Result[] = [];
  try {
    for (const run of runs) {
      const { cell, seed } = run, options = opened.options(cell, seed), made = (): Result | undefined => readResult(folder, cell.id, seed, options, opened.dataSha256);
      const release = made() === undefined ? claim(folder, cell.id, seed) : undefined;
      if (typeof release === 'number') {
        teller.skipped(run, `left to process ${release}, which runs it`);
        continue;
      }
      try {
        const before = made(); // also after a claim: another process may have ended it just before
        if (before !== undefined) {
          results.push(before);
          teller.skipped(run, 'kept, made before with the same options');
          continue;
        }
        const where = environment(threads), kept = new KeptRun(folder, cell.id, seed, { options, dataSha256: opened.dataSha256, libraryVersion: version, commit: where.commit },
          (what) => teller.keptPart(run, what));
        const point = (share: number, one: Point): void => teller.point(run, share, one, kept);
        const found = await opened.run(cell, seed, threads, { point, isInterrupted: () => interrupts.exitCode !== undefined, kept });
        if (found === undefined) {
          if (!isJson) print(`interrupted in ${cell.id}, seed ${seed}, ${kept.step === undefined ? 'which is lost' : `kept at step ${kept.step}`}; the same command goes on`);
          return interrupts.exitCode ?? 1;
        }
        const result: Result = {
          experiment: chosen.name, cell: cell.id, label: cell.label, seed, scale, options, data: { name: dataName, sha256: opened.dataSha256 },
          found, libraryVersion: version, environment: where, seconds: kept.seconds,
        };
        writeResult(folder, result);
        kept.remove();
        results.push(result);
        teller.done(run, result);
      } finally {
        release?.();
      }
    }
    if (!isJson) print(`\n${summary(chosen, results)}\n\nresults in ${folder}`);
    return 0;
  } finally {
    interrupts.release();
  }
}

// npm run experiment: makes the runs behind a table or a figure of docs/results.md, one JSON file
// each.

import { basename, resolve } from 'node:path';
import type { Command } from 'commander';
import { as, number, quote, wholeNumber } from '../../src/cli/argv.ts';
import { prepareDirectory } from '../../src/cli/atomic.ts';
import { table } from '../../src/cli/format.ts';
import { UsageError } from '../../src/cli/library.ts';
import { goOnWithoutOutput } from '../../src/cli/output.ts';
import { newCommand } from '../../src/cli/program.ts';
import { print, printJson } from '../../src/cli/reporters.ts';
import type { Cell, Experiment } from './experiment.ts';
import { EXPERIMENTS, FIGURES, findExperiment, LIST_HINT, NAMES } from './list.ts';
import { makeRuns } from './making.ts';
import { folderOf, readResult } from './store.ts';

/** What --data is the path of. */
const DATA = {
  images: 'a directory of images',
  text: 'a text file',
  pairs: 'a file of pairs',
  sets: 'a directory of data sets',
};
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

/** The command; `finish` receives its exit code. */
export function createExperiment(finish: (code: number) => void): Command {
  return newCommand('npm run experiment --')
    .description('make the runs behind a table or figure of docs/results.md')
    .argument('[NAME]', 'which one; --list says what there is')
    .option('-d, --data <path>', 'directory or text file, as the experiment needs')
    .option('-o, --out <dir>', `results: DIR/NAME/CELL-SEED.json (${OUT})`)
    .option('--seeds <list>', `one run a cell and seed (${SEEDS})`)
    .option('--cells <list>', 'only these cells (all)')
    .option(
      '--scale <x>',
      'shorten the budget for a trial, into a folder of its own (1)',
      as(number('--scale')),
    )
    .option(
      '-j, --threads <n>',
      'same bits; two processes of one thread are faster (1)',
      as(wholeNumber('--threads', 1, 64)),
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
  const opened = await chosen.open(values.data ?? '', scale, cells);
  const folder = folderOf(values.out ?? OUT, chosen.name, scale);
  const runs = seeds.flatMap((seed) => cells.map((cell) => ({ cell, seed })));
  // refused before anything runs
  for (const { cell, seed } of runs)
    readResult(folder, cell.id, seed, opened.options(cell, seed), opened.dataSha256(cell));
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

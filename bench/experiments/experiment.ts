// What an experiment is: data that say which runs are made and what of them goes on the page
// (docs/results.md), and a way to make one run.

import type { CheckedOptions, Trainer } from '../../src/cli/library.ts';
import { type Settings, settingsOf } from '../../src/cli/settings.ts';

/** What tells the cells of an experiment apart; everything else is equal for all. */
export type CellOptions = Partial<
  Pick<
    Settings,
    | 'reversible'
    | 'gammaShift'
    | 'momentum'
    | 'randomMomentum'
    | 'dropout'
    | 'stochasticDepth'
    | 'fractionBits'
    | 'operands'
  >
>;

export interface Cell {
  /** In file names and after --cells: small letters, digits, hyphens. */
  id: string;
  label: string;
  options: CellOptions;
  /** What the paper has for it, as a column of the table. */
  paper?: string;
  /** Shown and held to a bar, but no rival of the reference: the same in other numbers. */
  isAside?: boolean;
  /** Command that makes its runs, if it is not this one: another program, held against ours. */
  madeBy?: string;
}

/** A column of the table. */
export interface Metric {
  /** Where it is in `found` of a result: 'final.accuracy'. */
  path: string;
  title: string;
  as: 'percent' | 'nats' | 'bleu' | 'megabytes' | 'milliseconds' | 'ratio' | 'count';
  /** Which way is better, where one is. */
  better?: 'higher' | 'lower';
}

/** Lines over a list of points that each result has, mean and deviation over seeds. */
export interface Chart {
  /** In docs/. */
  file: string;
  title: string;
  /** Where the list is in `found`, and the fields of its points; the second of `y` is dashed. */
  points: 'curve' | 'gammas';
  x: string;
  y: string[];
  as: Metric['as'];
  xTitle: string;
}

/** What must be reached: `cell`'s mean of a metric. */
export interface Bar {
  cell: string;
  path: string;
  atLeast?: number;
  atMost?: number;
  /** The bound is in units of this cell's mean. */
  of?: string;
}

/** A set of data of a grid. `from`: its runs are those of another experiment, which has one set;
 *  its cells are the rules by other names. */
export interface GridSet {
  id: string;
  label: string;
  about: string;
  from?: { experiment: string; cells: Record<string, string> };
}

/** Where cells differ in their data too: a cell SET-RULE for each set of data and each rule. */
export interface Grid {
  sets: readonly GridSet[];
  rules: readonly { id: string; label: string }[];
  /** The rule that the others are held against, on the same set and with the same seed. */
  against: string;
  /** In docs/, instead of `charts`. */
  chart: { file: string; title: string; xTitle: string };
}

/** What is said of an experiment without running it; all of it plain JSON. */
export interface Description {
  name: string;
  title: string;
  /** What of the paper it answers to. */
  paper: string;
  /** Where the numbers of the paper come from, if a cell has one. */
  paperSource?: string;
  /** How sizes differ from the paper's. */
  sizes: string;
  /** What --data is the path of; 'none': nothing to read. */
  data: 'images' | 'text' | 'pairs' | 'sets' | 'none';
  /** Which data, in words. */
  dataWords: string;
  /** Equal for all cells. */
  budget: string;
  cells: readonly Cell[];
  /** The cell that the others are compared with. */
  reference: string;
  /** The first one decides which cell is best. */
  metrics: readonly Metric[];
  charts: readonly Chart[];
  bars: readonly Bar[];
  grid?: Grid;
}

/** Held-out data at one step. */
export interface Point {
  step: number;
  /** Mean over the steps since the point before. */
  trainLoss: number;
  /** Of held-out data; undefined where nothing is learnt. */
  loss?: number;
  accuracy?: number;
  bleu?: number;
}

/** What a run found: plain JSON. `failed`: it ended by itself, as when numbers leave their range.
 */
export type Found = Record<string, unknown> & { failed?: string };

/** What a run has measured so far. */
export interface Notes {
  curve: Point[];
  /** Training losses since the last point. */
  losses: number[];
  /** Milliseconds of each step. */
  times: number[];
}

/** Where a run is kept while it is not complete (kept.ts). */
export interface Kept {
  /** Brings the trainer to where the kept part ended; undefined if there is none that can be gone
   *  on with. */
  restore(trainer: Trainer<never>): Promise<Notes | undefined>;
  /** A save on the way may fail, the next one makes it good; the last one may not. */
  save(trainer: Trainer<never>, notes: Notes, isLast: boolean): Promise<void>;
}

/** What a run tells while it runs. */
export interface Watch {
  /** A validation was made: `share` of the run is done. */
  point(share: number, point: Point): void;
  isInterrupted(): boolean;
  kept: Kept;
}

/** An experiment with its data read. */
export interface Opened {
  /** SHA-256 of what was read for a cell; null where nothing is. */
  dataSha256(cell: Cell): string | null;
  /** Everything that decides what a run finds beside the data, defaults filled in: what a kept
   *  result must agree with. */
  options(cell: Cell, seed: number): object;
  /** Makes a run; undefined if interrupted. */
  run(cell: Cell, seed: number, threads: number, watch: Watch): Promise<Found | undefined>;
}

export interface Experiment extends Description {
  /** Reads the data of the cells to run. `scale` shortens the budget. Throws UsageError for data
   *  of another kind. */
  open(path: string, scale: number, cells: readonly Cell[]): Promise<Opened>;
}

/** A figure made from runs of another experiment: running it runs those. */
export interface Figure {
  name: string;
  title: string;
  paper: string;
  /** The experiment, and which of its cells. */
  of: string;
  cells: readonly string[];
  chart: Chart;
}

/** Options of a run that decide bits of its weights, as they are compared: not how fast it is.
 *  Results are older than int8: those of int16 do not say so. */
export function deciding(options: CheckedOptions<never>): object {
  const { threads: _, memoryLimit: __, operands, ...rest } = settingsOf(options);
  return operands === 'int16' ? rest : { ...rest, operands };
}

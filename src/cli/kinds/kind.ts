// What the commands need to know of a kind of model: its options, its data, its checkpoint's
// metadata, how it is made and judged. One file a kind; train, eval, inspect and plan know none of
// them.

import { type CheckedOptions, type Checkpoint, type Trainer, UsageError } from '../library.ts';
import type { RunValues } from '../options.ts';
import type { OptionRows } from '../rows.ts';
import type { ModelConfig, RunOptions } from '../settings.ts';
import type { Task } from '../tasks/task.ts';

/** The word after train and plan. */
export type KindName = 'gpt' | 'vit' | 'translate';

/** Data of a run, read. */
export interface RunData<Known> {
  /** SHA-256 of what was read. */
  sha256: string;
  known: Known;
  /** What there is, for people. */
  note: string;
}

/** A checkpoint with its metadata understood. `known`: what the model's numbers stand for. */
export interface SavedRun<Config = ModelConfig, Batch = never, Known = unknown>
  extends Omit<Checkpoint, 'options'> {
  options: RunOptions<Config, Batch>;
  directory: string;
  known: Known;
}

/** A saved run that another one goes on from: with the same data if their digest is there, else
 *  with others (--init). */
export type Basis<Config = ModelConfig, Batch = never, Known = unknown> = Omit<
  SavedRun<Config, Batch, Known>,
  'dataSha256'
> & { dataSha256?: string | undefined };

export interface EvalValues {
  text?: string;
  part?: 'all' | 'validation';
  data?: string;
  pairs?: string;
  source?: string;
  target?: string;
  bleuPairs?: number;
  gamma?: number;
  threads?: number;
  expect?: string;
  json?: boolean;
}

/** What `eval` says: fields of its JSON event, rows for people. */
export interface Evaluation {
  event: object;
  rows: [string, string][];
}

/** How an evaluation makes its trainer, once the data are known to fit, and says how far it is. */
export interface EvalTools<Batch> {
  restore(): Trainer<Batch>;
  progress(done: number, of: number): void;
}

export interface Kind<
  Config extends ModelConfig = ModelConfig,
  Batch = never,
  Known = unknown,
  Data extends RunData<Known> = RunData<Known>,
> {
  readonly name: KindName;
  /** The model's name in the library. */
  readonly modelName: string;
  /** What it is, for people. */
  readonly title: string;
  /** What the speed counts. */
  readonly unit: Task['unit'];
  /** The other command that uses a saved one. */
  readonly use: 'sample' | 'translate' | undefined;
  readonly rows: OptionRows;
  /** Throws UsageError if the options do not say where the data are. */
  checkGiven(values: RunValues): void;
  /** The library's options. Without data: with a shape that fits, so that everything else is
   *  checked. Throws UsageError naming flags. */
  options(values: RunValues, data?: Data): RunOptions<Config, Batch>;
  /** Reads the data of a new run, or those of one that goes on from a saved one. */
  read(values: RunValues, saved?: Basis<Config, Batch, Known>): Promise<Data>;
  /** The options that `plan` speaks of, and the line below its table. */
  planned(values: RunValues): Promise<{ options: RunOptions<Config, Batch>; note: string }>;
  /** Training steps on made-up data, to be timed: the same batch each time. */
  madeUp(trainer: Trainer<Batch>): Pick<Task, 'unit' | 'unitsPerStep'> & { step(): unknown };
  task(trainer: Trainer<Batch>, data: Data, values: RunValues): Task;
  /** Of what a batch consists. */
  batchNote(options: CheckedOptions<Batch>): string;
  /** The metadata of a checkpoint, and back: undefined if they are not such, or of another model.
   */
  toJson(known: Known): unknown;
  fromJson(value: unknown, config: Required<Config>): Known | undefined;
  /** `known` in a few words, with a name for it. */
  describe(known: Known): [string, string];
  /** Options of a run that the library does not know, by name. `values`: what is given now; an
   *  option that means the same has the same words. */
  settings(known: Known, config: Required<Config>, values?: RunValues): object;
  evaluate(
    run: SavedRun<Config, Batch, Known>,
    values: EvalValues,
    tools: EvalTools<Batch>,
  ): Promise<Evaluation>;
}

/** A resumed run goes on with the data that it began with. `what`: the data now, as errors name
 *  them. */
export function checkSameData(
  what: string,
  noun: string,
  sha256: string,
  saved: { dataSha256?: string | undefined } | undefined,
  hint: string,
): void {
  if (saved?.dataSha256 !== undefined && sha256 !== saved.dataSha256)
    throw new UsageError(
      `${what} has SHA-256 ${sha256}, expected ${saved.dataSha256}, the ${noun} that the run ` +
        'began with',
      hint,
    );
}

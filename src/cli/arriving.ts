// What retrograd import must know of a kind of model that arrives; import.ts knows none of them.

import fs from 'node:fs';
import { join } from 'node:path';
import { quote } from './argv.ts';
import { type FoundFile, readJsonFile } from './foreign.ts';
import type { KindName } from './kinds/kind.ts';
import { CheckpointError, type Imported, type Trainer } from './library.ts';

export interface ImportValues {
  out?: string;
  text?: string;
  data?: string;
  tokenizer?: string;
  config?: string;
  heads?: number;
  json?: boolean;
}

/** A model of a kind that arrives. */
export interface Arriving<Config, Batch> {
  readonly kind: KindName;
  readonly blocks: number;
  /** What it is calibrated on, for people. */
  readonly calibratedOn: string;
  /** What a checkpoint keeps beside the weights. */
  readonly known: unknown;
  /** What `train` is given to learn on. */
  readonly next: readonly string[];
  /** Calibrates and decides; `onBlock` is told of every block that was measured. */
  calibrated(onBlock: (done: number) => void): Promise<Imported<Config, Batch>>;
  /** Has a trainer judge what it was calibrated on. */
  evaluate(trainer: Trainer<Batch>): void;
}

/** Errors of the weights, with the path in front. */
export async function named<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    throw new CheckpointError(`${quote(path)}: ${error.message.split('. HINT: ')[0]}`, error.hint);
  }
}

/** A JSON file beside the weights, if there is one. */
export function beside({ directory }: FoundFile, name: string): unknown {
  const path = join(directory, name);
  return fs.existsSync(path) ? readJsonFile(path) : undefined;
}

// A run that is not complete, beside the results: a checkpoint, and in it what was measured so far.
// It is written at every validation and on Ctrl-C, so that a run goes on bit for bit after either,
// and a killed one loses the steps since its last validation. It is gone with the result.

import * as fs from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { writeAgain, writeAtomically } from '../../src/cli/atomic.ts';
import {
  CheckpointError,
  decodeCheckpoint,
  encodeCheckpoint,
  MAX_CHECKPOINT_BYTES,
  type Trainer,
} from '../../src/cli/library.ts';
import { warn } from '../../src/cli/output.ts';
import { readBounded } from '../../src/cli/read.ts';
import { attempt, type NamedFile, type Rescue, saveSurely, wordsOf } from '../../src/cli/saving.ts';
import type { Kept, Notes } from './experiment.ts';
import { partialOf, plain } from './store.ts';

/** What a kept part must agree with to be gone on with: options, data, and the program, for another
 *  one may compute other bits. */
export interface Identity {
  options: object;
  dataSha256: string | null;
  libraryVersion: string;
  commit: string | undefined;
}

export class KeptRun implements Kept {
  /** Steps of the part that is on the disk; undefined: nothing was kept by this process. */
  step: number | undefined;
  /** Set if the last save could not be written where it belongs. */
  rescue: Rescue | undefined;
  private secondsBefore = 0;
  private readonly file: string;
  private readonly start = performance.now();

  /** `onFound` hears what became of a kept part: the step that the run goes on from, or why it
   *  begins again. */
  constructor(
    private readonly folder: string,
    cell: string,
    seed: number,
    private readonly identity: Identity,
    private readonly onFound: (what: number | string) => void,
  ) {
    this.file = partialOf(cell, seed);
  }

  /** Wall time of all parts. */
  get seconds(): number {
    return this.secondsBefore + (performance.now() - this.start) / 1000;
  }

  async restore(trainer: Trainer<never>): Promise<Notes | undefined> {
    const path = join(this.folder, this.file);
    if (!fs.existsSync(path)) return undefined;
    try {
      const { tensors, step, vocabulary } = await decodeCheckpoint(
        readBounded(path, MAX_CHECKPOINT_BYTES, true),
      );
      const { identity, seconds, totals, ...notes } = vocabulary as Notes & {
        identity: unknown;
        seconds: number;
        totals: typeof trainer.totals;
      };
      if (!isDeepStrictEqual(identity, plain(this.identity)))
        throw new CheckpointError('it is of other options, data or another version of the program');
      trainer.restore(tensors, step);
      Object.assign(trainer.totals, totals);
      this.secondsBefore = seconds;
      this.onFound(step);
      return notes;
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error;
      this.onFound(error.message.split('. HINT: ')[0]);
      return undefined;
    }
  }

  /** Writes a file of the run, in its folder if that can be. */
  write(file: NamedFile): Promise<Rescue | undefined> {
    return saveSurely([file], (name, bytes) => writeAgain(this.folder, name, bytes));
  }

  async save(trainer: Trainer<never>, notes: Notes, isLast: boolean): Promise<void> {
    const { identity, seconds } = this;
    const { options, totals, steps } = trainer;
    const vocabulary = { identity, seconds, totals, ...notes };
    const { dataSha256, libraryVersion } = identity;
    const tensors = trainer.tensors();
    const about = { vocabulary, dataSha256: dataSha256 ?? '', libraryVersion };
    const bytes = await encodeCheckpoint({ tensors, options, step: steps, ...about });
    const file = { file: this.file, bytes };
    if (isLast) {
      this.rescue = await this.write(file);
    } else {
      const error = await attempt(() => writeAtomically(this.folder, file.file, file.bytes));
      if (error !== undefined) {
        warn(`${wordsOf(error)}; the run goes on, the next save tries again`);
        return;
      }
    }
    this.step = steps;
  }

  remove(): void {
    fs.rmSync(join(this.folder, this.file), { force: true });
  }
}

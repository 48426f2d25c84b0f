// The life of a worker thread: it waits for its message, lays out the same model on the shared
// memory and serves jobs.

import { RetrogradError } from '../core/errors.ts';
import { attachWasmBackend } from '../kernels/wasm.ts';
import { Arena } from '../memory/arena.ts';
import type { AnyDefinition, Makers } from '../models/define.ts';
import { Run } from '../ops/run.ts';
import { type Result, serveJobs } from '../threads/jobs.ts';
import { Team } from '../threads/team.ts';
import { onFirstMessage } from '../threads/worker.ts';
import { controlOf, decodeJob, describe, numbersOf, runJob } from './job.ts';
import { optionsFromData } from './options-data.ts';
import { layout } from './plan.ts';

/** What a worker is told when it starts. */
export interface MemberMessage {
  memory: unknown;
  base: number;
  /** Of optionsToData. */
  options: object;
  rank: number;
  /** Where the layout ends. */
  end: number;
}

/** Serves models in a worker thread. A worker that lays a model out in another way comes from
 *  another version of the library or of the model: it fails to start, and the caller works alone.
 */
export function serveModels(definitions: readonly AnyDefinition[], makers: Makers): void {
  onFirstMessage(({ memory, base, options: data, rank, end }: MemberMessage) => {
    const options = optionsFromData(data, definitions, makers);
    const run = new Run(attachWasmBackend(memory));
    const arena = new Arena(base);
    const all = layout(arena, options, rank);
    if (arena.end !== end)
      throw new RetrogradError(
        'the thread module is of another version than the library or the model',
      );
    const control = controlOf(run, all, options);
    serveJobs(run.bytes.buffer, all.job, rank, (words, tick): Result => {
      run.team = new Team(control, rank, options.threads, tick);
      const { outcome, failure } = runJob(run, all, options, decodeJob(words));
      return {
        numbers: numbersOf(outcome),
        error: failure === undefined ? '' : describe(failure),
      };
    });
  });
}

// What a team does together in a training step: the jobs, run by every thread on its own part of one layout.

import { OverflowError, ReconstructionError, RetrogradError } from '../errors.ts';
import { Device } from '../kernels/device.ts';
import { type Result, Jobs, onFirstMessage } from '../kernels/pool.ts';
import { Team, TeamFailure, controlBytes } from '../kernels/team.ts';
import { attachWasmBackend } from '../kernels/wasm.ts';
import { Arena } from '../tensor/arena.ts';
import { LOCKS } from '../ops/locks.ts';
import type { UpdateReport } from './optimizer.ts';
import type { CheckedOptions } from './options.ts';
import { type Layout, layout } from './plan.ts';

/** The first argument of a job; the others: see runJob. */
export const JOB = { clear: 0, accumulate: 1, evaluate: 2, update: 3 } as const;

/** A member's part of a job's numbers, in the order of Result.numbers. */
export interface Outcome {
  loss: number;
  saturated: number;
  overflowed: number;
  checkedStates: number;
  mismatchedElements: number;
}

/** Runs one thread's part. args: job, count of sequences, first sample, step (low, high 21 bits). */
export function runJob(d: Device, { gpt, optimizer }: Layout, args: ArrayLike<number>, tokens: number): { outcome: Outcome; update?: UpdateReport; error?: unknown } {
  const { counts, team } = d, { reconstruction } = gpt.stack, step = args[3] + args[4] * 2 ** 31;
  counts.saturated = counts.overflowed = reconstruction.checkedStates = reconstruction.mismatchedElements = 0;
  let loss = 0, update: UpdateReport | undefined, error: unknown;
  try {
    if (args[0] === JOB.clear) gpt.clearGradients(d);
    else if (args[0] === JOB.accumulate) loss = gpt.accumulate(d, args[2], args[1], step);
    else if (args[0] === JOB.evaluate) loss = gpt.evaluate(d, args[1]);
    else update = optimizer.update(d, gpt.store, tokens, step);
  } catch (thrown) {
    error = thrown ?? new RetrogradError('unknown failure');
    team.fail();
  }
  return { outcome: { loss, ...counts, ...reconstruction }, update, error };
}

/** What a worker is told when it starts. */
export interface MemberMessage {
  memory: unknown;
  base: number;
  options: CheckedOptions;
  rank: number;
}

/** The whole life of a worker: waits for its message, lays out the same model on the shared memory, serves jobs. Only the package's own
 *  `dist/thread.js` calls it.
 *  @internal */
export function runMember(): void {
  onFirstMessage(({ memory, base, options, rank }: MemberMessage) => {
    const device = new Device(attachWasmBackend(memory)), all = layout(new Arena(base), options);
    const { model: { context }, batch, threads } = options;
    device.team = new Team(device.view(all.control, controlBytes(LOCKS) / 4), rank, threads);
    new Jobs(device.bytes.buffer, all.job).serve(rank, (args): Result => {
      device.team = new Team(device.view(all.control, controlBytes(LOCKS) / 4), rank, threads);
      const { outcome, error } = runJob(device, all, args, batch * context);
      const { loss, saturated, overflowed, checkedStates, mismatchedElements } = outcome;
      return { numbers: [loss, saturated, overflowed, checkedStates, mismatchedElements, 0], error: error === undefined ? '' : describe(error) };
    });
  });
}

/** The error of a step: the caller's own, or the one that a worker wrote down. A TeamFailure only tells that another has failed. */
export function stepError(own: unknown, others: readonly string[]): unknown {
  if (own !== undefined && !(own instanceof TeamFailure)) return own;
  const written = others.find((text) => text !== '' && !text.startsWith('TeamFailure'));
  return written === undefined ? own : revive(written);
}

const describe = (error: unknown): string => (error instanceof Error ? `${error.name}: ${error.message}` : String(error));

function revive(text: string): Error {
  const [, name, message] = /^(\w+): ([^]*)$/.exec(text) ?? [undefined, '', text];
  if (name === 'OverflowError') return new OverflowError(message);
  if (name === 'ReconstructionError') return new ReconstructionError(message);
  return new RetrogradError(message);
}

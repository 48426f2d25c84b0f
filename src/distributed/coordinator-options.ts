// How a run is divided, and what its coordinator tells of.

import { callback, fields, having, real, text, whole } from '../core/check.ts';
import type { CheckedOptions } from '../index.ts';
import { roundsOf } from '../optim/local-steps.ts';
import { CLOCK, type Clock } from './courier.ts';

/** What a coordinator tells of. */
export type CoordinatorEvent =
  | { readonly kind: 'joined' | 'left'; readonly worker: string; readonly reason?: string }
  /** A worker whose result is wrong: it is given nothing more. */
  | { readonly kind: 'wrong'; readonly worker: string; readonly step: number; readonly why: string }
  /** A part that is agreed upon, and by whom. */
  | {
      readonly kind: 'part';
      readonly step: number;
      readonly first: number;
      readonly count: number;
      readonly workers: readonly string[];
      readonly digest: string;
    };

/** How a run is divided. None of it changes a bit. */
export interface CoordinatorOptions {
  /** The run's name, as its workers have it. */
  run: string;
  /** Digest of the known answers of all kernels, which a worker's have to be too. */
  kernels: string;
  /** Parts of a step, 1..batch (2, or 1 for a batch of one). Those of a round are its shards. */
  parts?: number | undefined;
  /** Workers that have to agree on each part, 1..8 (1). */
  replicate?: number | undefined;
  /** Share of the parts that the coordinator computes again itself, 0..1 (0.01, or 0.1 where
   *  workers have to agree). */
  spotChecks?: number | undefined;
  /** Milliseconds after which a worker that does not answer is taken for lost (30,000 for each
   *  step of a part). */
  patience?: number | undefined;
  /** Hears what happens. What it throws ends the step. */
  onEvent?: ((event: CoordinatorEvent) => void) | undefined;
  /** Time (the runtime's). */
  clock?: Clock | undefined;
  /** Which parts are computed again: numbers 0..1 that no worker can foresee (the runtime's). */
  random?: (() => number) | undefined;
}

/** Options, all there. */
export type Checked = Required<{
  [K in keyof CoordinatorOptions]: NonNullable<CoordinatorOptions[K]>;
}>;

/** By the runtime's generator for secrets, where it has one. */
function draw(): number {
  const { crypto } = globalThis as { crypto?: Crypto };
  if (crypto === undefined) return Math.random();
  return crypto.getRandomValues(new Uint32Array(1))[0] / 2 ** 32;
}

/** Options with every default, for a run. Throws UsageError. */
export function checkOptions(options: CoordinatorOptions, run: CheckedOptions<never>): Checked {
  const { batch } = run;
  const { shards, steps } = roundsOf(run) ?? { shards: undefined, steps: 1 };
  const given = fields<CoordinatorOptions>('options', options, {
    run: undefined,
    kernels: undefined,
    parts: shards ?? Math.min(2, batch),
    replicate: 1,
    spotChecks: undefined,
    patience: 30_000 * steps,
    onEvent: () => undefined,
    clock: CLOCK,
    random: draw,
  });
  text('run', given.run);
  text('kernels', given.kernels);
  whole('parts', given.parts, shards ?? 1, shards ?? batch);
  const replicate = whole('replicate', given.replicate, 1, 8);
  const spotChecks = given.spotChecks ?? (replicate > 1 ? 0.1 : 0.01);
  real('spotChecks', spotChecks, 0, 1);
  whole('patience', given.patience, 1, 2 ** 31 - 1);
  callback('onEvent', given.onEvent);
  having('clock', given.clock, ['now', 'sleep']);
  callback('random', given.random);
  return { ...given, spotChecks };
}

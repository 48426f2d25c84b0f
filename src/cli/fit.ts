// Whether a run fits its memory, and if not, the micro-batch that does: it changes no bit.

import { asFlags } from './argv.ts';
import { mebibytes } from './format.ts';
import type { SomeKind } from './kinds/kinds.ts';
import { type CheckedOptions, type MemoryPlan, plan as planOf, UsageError } from './library.ts';
import { runNames } from './options.ts';
import { commandAgain } from './shell.ts';

export interface Fit {
  plan: MemoryPlan;
  isFitting: boolean;
  /** The largest smaller micro-batch that fits, and the bytes of a run with it. */
  smaller: { microBatch: number; total: number } | undefined;
}

/** The memory of a run, whatever it may use. Throws UsageError for options that are wrong. */
export function fitOf(kind: SomeKind, options: CheckedOptions<never>): Fit {
  const { batch, microBatch, memoryLimit } = options;
  const of = (count: number): MemoryPlan =>
    asFlags(runNames(kind.rows), () =>
      planOf({ ...options, microBatch: count, memoryLimit: Number.MAX_SAFE_INTEGER }),
    );
  const plan = of(microBatch);
  if (plan.total <= memoryLimit) return { plan, isFitting: true, smaller: undefined };
  for (let count = microBatch - 1; count >= 1; count--) {
    if (batch % count !== 0) continue;
    const { total } = of(count);
    if (total <= memoryLimit)
      return { plan, isFitting: false, smaller: { microBatch: count, total } };
  }
  return { plan, isFitting: false, smaller: undefined };
}

/** Throws UsageError, which names the micro-batch to use, if a run does not fit its memory. */
export function checkFit(
  { plan: { total }, isFitting, smaller }: Fit,
  { memoryLimit }: CheckedOptions<never>,
): void {
  if (isFitting) return;
  throw new UsageError(
    `the run needs ${total} bytes, ${memoryLimit} are allowed (${mebibytes(total)}, ` +
      `${mebibytes(memoryLimit)})`,
    smaller === undefined
      ? 'no micro-batch fits: use a smaller model or context'
      : `a micro-batch of ${smaller.microBatch} fits (${mebibytes(smaller.total)}), same bits: ` +
          `${commandAgain('--micro-batch', String(smaller.microBatch))}`,
  );
}

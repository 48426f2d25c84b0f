// retrograd plan: the memory of a training run, and its time if this machine was measured, without
// running it.

import { pathsOf } from './data-paths.ts';
import { estimate, readFigures, type StepFigures } from './estimate.ts';
import { checkFit, type Fit, fitOf } from './fit.ts';
import { bytes, count, duration, mebibytes, table } from './format.ts';
import type { SomeKind } from './kinds/kinds.ts';
import type { CheckedOptions } from './library.ts';
import type { RunValues } from './options.ts';
import { planEvent, print, printJson } from './reporters.ts';
import { operandsOf } from './settings.ts';

const MEANING: Record<string, string> = {
  weights: 'int32 master weights',
  gradients: 'exact int64 sums',
  optimizer: 'two int32 moments',
  states: 'kept of the forward pass',
  sideBits: 'one bit an activation a block',
  workspace: 'one block at a time',
};

function printTable({ plan }: Fit, note: string): void {
  const rows = Object.entries(plan.bytes).map(([purpose, size]) => [
    purpose === 'sideBits' ? 'side bits' : purpose,
    mebibytes(size),
    count(size),
    MEANING[purpose] ?? '',
  ]);
  print(
    table(
      [
        ['', '', 'bytes', ''],
        ...rows,
        ['all', mebibytes(plan.total), count(plan.total), 'with alignment'],
      ],
      [1, 2],
    ),
  );
  print(
    `\n${count(plan.parameters)} parameters, ${note}; storing the states would need ` +
      `${bytes(plan.storedStatesWouldBe)}`,
  );
}

/** How long the whole run takes. */
function timeOf(
  { plan }: Fit,
  options: CheckedOptions<never>,
  figures: StepFigures,
): { milliseconds: number; seconds: number } {
  const milliseconds = estimate(figures, options, plan.parameters);
  return { milliseconds, seconds: (milliseconds * options.steps) / 1000 };
}

export async function plan(kind: SomeKind, values: RunValues): Promise<number> {
  const figures =
    values.bench === undefined ? undefined : readFigures(values.bench, kind, values.operands);
  const { options, note } = await kind.planned(values);
  const fit = fitOf(kind, options);
  const { kernels } = operandsOf(options);
  const time = figures === undefined ? undefined : timeOf(fit, options, figures);
  if (values.json === true) {
    const unfit = {
      memoryLimit: options.memoryLimit,
      largestMicroBatch: fit.smaller?.microBatch ?? null,
    };
    const said =
      time === undefined ? {} : { stepMilliseconds: time.milliseconds, seconds: time.seconds };
    printJson({
      ...planEvent(fit.plan, { kernels, data: pathsOf(kind.rows.data, values) }),
      ...said,
      ...(fit.isFitting ? {} : unfit),
    });
  } else {
    printTable(fit, note);
    if (time !== undefined)
      print(
        `about ${duration(time.seconds)} for ${count(options.steps)} steps of ` +
          `${time.milliseconds.toFixed(0)} ms, by the figures of ${values.bench}`,
      );
  }
  checkFit(fit, options);
  return 0;
}

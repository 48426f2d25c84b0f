// The report at the end of a run: for people as text, for programs as the `done` event.

import { bytes, count, duration, percent, table } from './format.ts';
import type { RunHistory } from './loop.ts';
import type { Curve } from './plot/curves.ts';
import { textChart } from './plot/text.ts';
import { lastOf, settingsOf } from './settings.ts';
import { mean } from './statistics.ts';
import type { Task, Validation } from './tasks/task.ts';
import { hasColour, isPlainTerminal, terminalColumns } from './terminal.ts';

/** Training loss is the mean over the last so many steps. */
const TAIL = 100;
const CHART_COLUMNS = 78;
const CHART_ROWS = 11;

export interface RunSummary {
  task: Task;
  history: RunHistory;
  /** Undefined if the run was interrupted before it was known. */
  validation: Validation | undefined;
  weightsSha256: string;
}

const tail = (history: RunHistory): number[] => history.losses.slice(-TAIL);

const unitsPerSecond = ({ task, history }: RunSummary): number =>
  history.losses.length === 0
    ? 0
    : (history.losses.length * task.unitsPerStep * 1000) / history.milliseconds;
/** What the loss is a mean over. */
const lossUnit = ({ unit }: Pick<Task, 'unit'>): string =>
  unit === 'images' ? 'an image' : 'a token';

/** The last event of `train --json`. A number that there is not is null. */
export function doneEvent(summary: RunSummary): object {
  const {
    task: { trainer, unit },
    history,
    validation,
    weightsSha256,
  } = summary;
  const { checkedStates, mismatchedElements, saturated, overflowed } = trainer.totals;
  return {
    event: 'done',
    steps: trainer.steps,
    trainLoss: history.losses.length === 0 ? null : mean(tail(history)),
    validationLoss: validation?.loss ?? null,
    ...(validation?.accuracy === undefined ? {} : { validationAccuracy: validation.accuracy }),
    ...(validation?.bleu === undefined
      ? {}
      : { validationBleu: validation.bleu, bleuSignature: validation.bleuSignature }),
    parameters: trainer.parameters,
    [`${unit}PerSecond`]: unitsPerSecond(summary),
    weightsSha256,
    reconstruction: { checkedStates, mismatchedElements },
    saturated,
    overflowed,
    peakBytes: trainer.peakBytes,
  };
}

/** The loss curves in characters, as `plot` draws them. */
export function lossChart(
  { from, losses, validations }: RunHistory,
  columns: number,
  task: Pick<Task, 'unit'> = { unit: 'tokens' },
): string {
  const steps = losses.map((_, i) => from + i + 1);
  const run = '';
  const curves: Curve[] = [{ run, kind: 'training', steps, losses }];
  if (validations.length >= 2)
    curves.push({
      run,
      kind: 'validation',
      steps: validations.map(({ step }) => step),
      losses: validations.map(({ loss }) => loss),
    });
  const options = {
    columns: Math.min(CHART_COLUMNS, columns),
    rows: CHART_ROWS,
    hasColour: hasColour(),
    isPlain: isPlainTerminal(),
  };
  return textChart(`loss in nats ${lossUnit(task)}`, curves, options);
}

function reversalRow({
  task: {
    trainer: { options, totals },
  },
}: RunSummary): [string, string] {
  const { reversible } = settingsOf(options);
  if (reversible === 'none') return ['states', 'stored, not rebuilt (--reversible none)'];
  if (reversible === 'checkpointing')
    return ['states', 'recomputed from stored ones, not rebuilt (--reversible checkpointing)'];
  if (!options.verify) return ['states rebuilt', 'not checked (--no-verify)'];
  return [
    'states rebuilt',
    `${count(totals.checkedStates)} checked against the forward pass, ` +
      `${count(totals.mismatchedElements)} elements differed`,
  ];
}

/** The rows of the report: name and value. */
export function summaryRows(summary: RunSummary): [string, string][] {
  const {
    task: { trainer, unit },
    history,
    validation,
  } = summary;
  const { plan } = trainer;
  const kept = plan.bytes.states + plan.bytes.sideBits;
  const rows: [string, string][] = [];
  if (history.losses.length > 0)
    rows.push([
      'training loss',
      `${mean(tail(history)).toFixed(4)} (mean of the last ${tail(history).length} steps)`,
    ]);
  if (validation !== undefined)
    rows.push(['validation loss', `${validation.loss.toFixed(4)} (whole validation part)`]);
  if (validation?.accuracy !== undefined)
    rows.push(['accuracy', `${percent(validation.accuracy)} of the validation images`]);
  if (validation?.bleu !== undefined)
    rows.push(['BLEU', `${validation.bleu.toFixed(2)} (${validation.bleuSignature})`]);
  rows.push(['speed', `${count(unitsPerSecond(summary))} ${unit}/s`], reversalRow(summary));
  rows.push([
    'activation memory',
    `${bytes(kept)}; storing the states would need ${bytes(plan.storedStatesWouldBe)}`,
  ]);
  rows.push(['all memory', bytes(trainer.peakBytes)]);
  rows.push(['weights', count(trainer.parameters)]);
  return rows;
}

/** One value in so many of the stream is too few to move a loss. */
const FEW = 1e-5;

/** How many values were clamped, and, if they are enough to matter, why that is and what to do. */
export function clampedNote({
  task: { trainer },
  history,
}: Pick<RunSummary, 'task' | 'history'>): string {
  const { saturated } = trainer.totals;
  const { plan, options } = trainer;
  const steps = history.losses.length;
  if (saturated === 0) return '';
  const ofStep = (plan.storedStatesWouldBe / 4) * (options.batch / options.microBatch);
  const share = saturated / (steps * ofStep);
  const { peak } = lastOf(options.learningRate).last.options as { peak: number };
  const where = `in ${count(history.clampedSteps)} of ${count(steps)} steps`;
  if (share < FEW)
    return (
      `\n\n${count(saturated)} values were clamped to the range of their format, ${where}: too ` +
      'few to matter.'
    );
  return (
    `\n\nCLAMPED: ${count(saturated)} values were beyond the range of their format and were ` +
    `cut to it, ${where}: ` +
    'weights or gradients grew too large, and the model learns worse than it could. ' +
    `Train again with half the learning rate (--lr ${peak / 2}) ` +
    'or a longer --warmup; ' +
    '`saturated` in the log says in which steps.'
  );
}

/** The whole report of a run, in lines for a terminal of any width. */
export function humanReport(summary: RunSummary): string {
  const {
    task,
    task: { trainer },
    history,
  } = summary;
  const steps = history.losses.length;
  const all = trainer.steps > steps ? ` (${count(trainer.steps)} in all)` : '';
  const title = `${count(steps)} steps in ${duration(history.milliseconds / 1000)}${all}`;
  const chart =
    history.losses.length > 1 ? `\n${lossChart(history, terminalColumns(), task)}\n` : '';
  return (
    `\n${title}\n${chart}\n${table(summaryRows(summary))}${clampedNote(summary)}\n\nSHA-256 of ` +
    `the weights:\n${summary.weightsSha256}`
  );
}

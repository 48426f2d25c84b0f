// The report at the end of a run: for people as text, for programs as the `done` event.

import asciichart from 'asciichart';
import { bytes, count, duration, percent, table } from './format.ts';
import type { RunHistory } from './loop.ts';
import type { Task, Validation } from './tasks/task.ts';

/** Training loss is the mean over the last so many steps. */
const TAIL = 100;
const CHART_WIDTH = 64, CHART_HEIGHT = 10;

export interface RunSummary {
  task: Task;
  history: RunHistory;
  /** Undefined if the run was interrupted before it was known. */
  validation: Validation | undefined;
  weightsSha256: string;
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
const tail = (history: RunHistory): number[] => history.losses.slice(-TAIL);

const unitsPerSecond = ({ task, history }: RunSummary): number =>
  history.losses.length === 0 ? 0 : (history.losses.length * task.unitsPerStep * 1000) / history.milliseconds;
/** What the loss is a mean over. */
const lossUnit = ({ unit }: Pick<Task, 'unit'>): string => (unit === 'images' ? 'an image' : 'a token');

/** The last event of `train --json`. A number that there is not is null. */
export function doneEvent(summary: RunSummary): object {
  const { task: { trainer, unit }, history, validation, weightsSha256 } = summary;
  const { checkedStates, mismatchedElements, saturated, overflowed } = trainer.totals;
  return {
    event: 'done', steps: trainer.steps, trainLoss: history.losses.length === 0 ? null : mean(tail(history)), validationLoss: validation?.loss ?? null,
    ...(validation?.accuracy === undefined ? {} : { validationAccuracy: validation.accuracy }),
    ...(validation?.bleu === undefined ? {} : { validationBleu: validation.bleu, bleuSignature: validation.bleuSignature }),
    parameters: trainer.parameters, [`${unit}PerSecond`]: unitsPerSecond(summary), weightsSha256,
    reconstruction: { checkedStates, mismatchedElements }, saturated, overflowed, peakBytes: trainer.peakBytes,
  };
}

/** `width` means of neighbouring losses, or the losses themselves if there are fewer. */
function resample(losses: readonly number[], width: number): number[] {
  if (losses.length <= width) return [...losses];
  return Array.from({ length: width }, (_, i) => mean(losses.slice(Math.floor((i * losses.length) / width), Math.floor(((i + 1) * losses.length) / width))));
}

/** Validation losses between the steps at which they were taken, one for each column of the chart. The curve begins at the
 *  first training loss: before the first step no text is known better than another. */
function interpolate({ from, losses, validations }: RunHistory, width: number): number[] {
  const points = [{ step: from, loss: losses[0] }, ...validations];
  return Array.from({ length: width }, (_, i) => {
    const step = from + ((i + 1) * losses.length) / width;
    const after = points.findIndex((point) => point.step >= step);
    if (after < 0) return points[points.length - 1].loss;
    const a = points[Math.max(0, after - 1)], b = points[after];
    return a.loss + ((b.loss - a.loss) * (step - a.step)) / Math.max(1, b.step - a.step);
  });
}

/** The loss curve in characters. Two curves are told apart by colour, so the second is drawn only where there is colour. */
export function lossChart(history: RunHistory, hasColour: boolean, task: Pick<Task, 'unit'> = { unit: 'tokens' }): string {
  const training = resample(history.losses, CHART_WIDTH);
  const isDouble = hasColour && history.validations.length >= 2;
  const series = isDouble ? [interpolate(history, training.length), training] : [training];
  const format = (value: number): string => value.toFixed(2).padStart(7);
  const colors = hasColour ? (isDouble ? [asciichart.yellow, asciichart.blue] : [asciichart.blue]) : undefined;
  const chart = asciichart.plot(series, { height: CHART_HEIGHT, format, ...(colors === undefined ? {} : { colors }) }).replace(/ +$/gm, '');
  const first = String(history.from + 1), last = String(history.from + history.losses.length);
  const axis = `        ${first}${last.padStart(Math.max(training.length - first.length + 1, last.length + 1))}  step`;
  return `loss in nats ${lossUnit(task)}${isDouble ? ' (blue: training, yellow: validation)' : ''}\n${chart}\n${axis}`;
}

function reversalRow({ task: { trainer: { options, totals } } }: RunSummary): [string, string] {
  if (options.reversible === 'none') return ['states', 'stored, not rebuilt (--reversible none)'];
  if (options.reversible === 'checkpointing') return ['states', 'recomputed from stored ones, not rebuilt (--reversible checkpointing)'];
  if (!options.verify) return ['states rebuilt', 'not checked (--no-verify)'];
  return ['states rebuilt', `${count(totals.checkedStates)} checked against the forward pass, ${count(totals.mismatchedElements)} elements differed`];
}

/** The rows of the report: name and value. */
export function summaryRows(summary: RunSummary): [string, string][] {
  const { task: { trainer, unit }, history, validation, weightsSha256 } = summary;
  const { plan, totals } = trainer, kept = plan.bytes.states + plan.bytes.sideBits;
  const rows: [string, string][] = [];
  if (history.losses.length > 0) rows.push(['training loss', `${mean(tail(history)).toFixed(4)} (mean of the last ${tail(history).length} steps)`]);
  if (validation !== undefined) rows.push(['validation loss', `${validation.loss.toFixed(4)} (whole validation part)`]);
  if (validation?.accuracy !== undefined) rows.push(['accuracy', `${percent(validation.accuracy)} of the validation images`]);
  if (validation?.bleu !== undefined) rows.push(['BLEU', `${validation.bleu.toFixed(2)} (${validation.bleuSignature})`]);
  rows.push(['speed', `${count(unitsPerSecond(summary))} ${unit}/s`], reversalRow(summary));
  rows.push(['activation memory', `${bytes(kept)}; storing the states would need ${bytes(plan.storedStatesWouldBe)}`]);
  rows.push(['all memory', bytes(trainer.peakBytes)]);
  if (totals.saturated > 0) rows.push(['clamped', `${count(totals.saturated)} values to the range of their format`]);
  rows.push(['weights', `${count(trainer.parameters)}, SHA-256 ${weightsSha256}`]);
  return rows;
}

/** Whether standard output shows colours. */
export const hasColour = (): boolean => process.stdout.isTTY && process.env.NO_COLOR === undefined;

/** The whole report of a run. */
export function humanReport(summary: RunSummary): string {
  const { task, task: { trainer }, history } = summary;
  const title = `${count(history.losses.length)} steps in ${duration(history.milliseconds / 1000)}${trainer.steps > history.losses.length ? ` (${count(trainer.steps)} in all)` : ''}`;
  const chart = history.losses.length > 1 ? `\n${lossChart(history, hasColour(), task)}\n` : '';
  return `\n${title}\n${chart}\n${table(summaryRows(summary))}`;
}

// retrograd plot DIR...: the loss curves of runs, in the terminal, as SVG or as a table.

import * as fs from 'node:fs';
import { basename, dirname } from 'node:path';
import { oneLine, quote } from '../argv.ts';
import { replaceFile } from '../atomic.ts';
import { UsageError } from '../library.ts';
import type { LogEvent } from '../log.ts';
import { print, printJson, printWhole } from '../reporters.ts';
import { reason } from '../system-errors.ts';
import { hasColour, isPlainTerminal, terminalColumns } from '../terminal.ts';
import { type Curve, type CurveKind, curveOf, type History, readHistory } from './curves.ts';
import { svgChart } from './svg.ts';
import { textChart } from './text.ts';

const ROWS = 16;

export interface PlotValues {
  curve?: CurveKind | 'both';
  svg?: string;
  csv?: boolean;
  json?: boolean;
}

const COLUMNS = ['loss', 'validationLoss', 'gradientNorm', 'learningRate', 'milliseconds'];
/** A cell as RFC 4180 has it. */
const cell = (value: unknown): string => {
  const text = value === undefined || value === null ? '' : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

/** A row a step: what its event has, and the validation loss where there is one. */
function printCsv(histories: readonly History[]): void {
  printWhole(['run', 'step', ...COLUMNS].join(','));
  for (const { run, steps, validations } of histories) {
    const judged = new Map(validations.map(({ step, loss }) => [step, loss]));
    for (const event of steps) {
      const row: LogEvent = { ...event, validationLoss: judged.get(event.step) };
      printWhole([run, event.step, ...COLUMNS.map((name) => row[name])].map(cell).join(','));
    }
  }
}

/** Writes a chart. A file that is no chart is not replaced. Throws UsageError. */
function writeSvg(path: string, chart: string): void {
  try {
    const before = fs.existsSync(path) ? fs.readFileSync(path).subarray(0, 4).toString() : '<svg';
    if (before !== '<svg')
      throw new UsageError(
        `--svg ${quote(path)} is a file that is no SVG, expected a new file`,
        'choose another name',
      );
    const isOther = fs.lstatSync(path, { throwIfNoEntry: false })?.isFile() === false;
    if (isOther)
      fs.writeFileSync(path, chart); // a link, or a device as /dev/stdout
    else replaceFile(dirname(path), basename(path), [Buffer.from(chart)]);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(
      `--svg ${quote(path)} ${reason(error)}, expected a file that can be written`,
      'choose another name',
    );
  }
}

function unitOf(histories: readonly History[]): string {
  const units = new Set(histories.map(({ unit }) => unit));
  const [unit] = units;
  return units.size === 1 && unit !== undefined ? `nats ${unit}` : 'nats';
}

/** One run shows both of its curves; of several, that which was asked for. */
function curvesOf(histories: readonly History[], which: PlotValues['curve']): Curve[] {
  const asked = which ?? (histories.length === 1 ? 'both' : 'training');
  const kinds: CurveKind[] = asked === 'both' ? ['training', 'validation'] : [asked];
  const curves = histories.flatMap((history) =>
    kinds.flatMap((kind) => curveOf(history, kind) ?? []),
  );
  if (curves.length > 0) return curves;
  throw new UsageError(
    `--curve is ${asked}, but no run has two validations or more, expected another curve`,
    '--curve training',
  );
}

/** Returns the exit code. */
export function plot(paths: readonly string[], values: PlotValues): number {
  const histories = paths.map(readHistory);
  if (values.csv === true) {
    printCsv(histories);
    return 0;
  }
  const curves = curvesOf(histories, values.curve);
  const unit = unitOf(histories);
  if (values.json === true) for (const curve of curves) printJson({ event: 'curve', ...curve });
  if (values.svg !== undefined) {
    const runs = [...new Set(curves.map(({ run }) => run))];
    writeSvg(
      values.svg,
      svgChart(
        runs.length === 1 ? `Loss of ${runs[0]}` : `Loss of ${runs.length} runs`,
        unit,
        curves,
      ),
    );
    if (values.json !== true) print(`${oneLine(values.svg)} written`);
  } else if (values.json !== true) {
    const named = curves.map((curve) => ({ ...curve, run: oneLine(curve.run) }));
    const title = `loss in ${unit}${histories.length === 1 ? ` of ${named[0].run}` : ''}`;
    printWhole(
      textChart(title, named, {
        columns: terminalColumns(),
        rows: ROWS,
        hasColour: hasColour(),
        isPlain: isPlainTerminal(),
      }),
    );
  }
  return 0;
}

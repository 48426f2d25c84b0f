// What a run shows while it runs: JSON lines, a bar on a terminal, or about twenty plain lines
// anywhere else.

import progress, { type SingleBar } from 'cli-progress';
import type { Beginning, DataPaths } from './data-paths.ts';
import { count, duration, percent } from './format.ts';
import type { MemoryPlan, StepReport } from './library.ts';
import type { RunLog } from './log.ts';
import { warn, write } from './output.ts';
import { printableJson } from './printable.ts';
import type { Task, Validation } from './tasks/task.ts';
import { breakText, isLively, terminalColumns } from './terminal.ts';

/** What does not change during a run. */
export interface RunShape {
  /** Steps done before, and steps at which this run ends. */
  from: number;
  to: number;
  /** What the speed counts. */
  unit: Task['unit'];
  unitsPerStep: number;
}

/** What a run begins with beside its plan. */
export interface RunStart {
  /** How products are computed, and why so. */
  kernels: string;
  /** Where the data are. */
  data?: DataPaths | undefined;
  /** Where the weights are from. */
  init?: Beginning | undefined;
}

/** Receives the events of a run, in order. */
export interface Reporter {
  plan(plan: MemoryPlan, start: RunStart): void;
  step(report: StepReport, milliseconds: number): void;
  /** Windows, images or pairs judged so far. */
  validating(done: number, of: number): void;
  validation(step: number, found: Validation): void;
  /** A line for people. */
  note(line: string): void;
  /** A line on standard error that is no failure. */
  warning(line: string): void;
  /** Leaves the terminal as it was, whatever happened. */
  close(): void;
}

/** Lines as they are: what is to be pasted or drawn. */
export const printWhole = (lines: string): void => write(`${lines}\n`);
/** Lines for people: on a terminal broken between words. */
export const print = (lines: string): void =>
  printWhole(process.stdout.isTTY ? breakText(lines, terminalColumns()) : lines);
export const printJson = (event: object): void => printWhole(printableJson(event));
export const planEvent = (plan: MemoryPlan, { kernels, data, init }: RunStart): object => ({
  event: 'plan',
  ...plan,
  kernels,
  ...(data === undefined ? {} : { data }),
  ...(init === undefined ? {} : { init }),
});
const stepEvent = (report: StepReport, milliseconds: number): object => ({
  event: 'step',
  ...report,
  milliseconds: Math.round(milliseconds * 1000) / 1000,
});
const validationEvent = (step: number, found: Validation): object => ({
  event: 'validation',
  step,
  ...found,
});

export function jsonReporter(): Reporter {
  const nothing = (): void => undefined;
  return {
    plan: (plan, start) => printJson(planEvent(plan, start)),
    step: (report, milliseconds) => printJson(stepEvent(report, milliseconds)),
    validation: (step, found) => printJson(validationEvent(step, found)),
    validating: nothing,
    note: nothing,
    warning: warn,
    close: nothing,
  };
}

/** A reporter whose events are logged too. */
export const logged = (reporter: Reporter, log: RunLog): Reporter => ({
  ...reporter,
  plan(plan, start) {
    log.add(planEvent(plan, start));
    reporter.plan(plan, start);
  },
  step(report, milliseconds) {
    log.add(stepEvent(report, milliseconds));
    reporter.step(report, milliseconds);
  },
  validation(step, found) {
    log.add(validationEvent(step, found));
    reporter.validation(step, found);
  },
});

/** A validation in words. */
const inWords = ({ loss, accuracy, bleu, share }: Validation): string =>
  [
    `validation loss ${loss.toFixed(4)}`,
    share === undefined ? '' : ' (a sample)',
    accuracy === undefined ? '' : `   accuracy ${percent(accuracy)}`,
    bleu === undefined ? '' : `   BLEU ${bleu.toFixed(2)}`,
  ].join('');

/** Units a second and time left, from the mean time of a step; the last thirty or so count most, as
 *  the first ones are slow. */
class Pace {
  private perStep = 0;
  constructor(private readonly shape: RunShape) {}

  after(step: number, milliseconds: number): { rate: string; left: string } {
    this.perStep += (milliseconds - this.perStep) / Math.min(30, step - this.shape.from);
    return {
      rate: count((this.shape.unitsPerStep * 1000) / this.perStep),
      left: duration(((this.shape.to - step) * this.perStep) / 1000),
    };
  }
}

/** Lines that a plain log shows of a run. */
const LINES = 20;

export function lineReporter(shape: RunShape): Reporter {
  const pace = new Pace(shape);
  const linesUntil = (step: number): number =>
    Math.floor(((step - shape.from) * LINES) / (shape.to - shape.from));
  const nothing = (): void => undefined;
  const place = (step: number): string =>
    `step ${String(step).padStart(String(shape.to).length)} of ${shape.to}`;
  return {
    plan: nothing,
    validating: nothing,
    close: nothing,
    note: print,
    warning: warn,
    step({ step, loss }, milliseconds) {
      const { rate, left } = pace.after(step, milliseconds);
      const isShown = step === shape.from + 1 || linesUntil(step) > linesUntil(step - 1);
      if (isShown)
        print(`${place(step)}   loss ${loss.toFixed(4)}   ${rate} ${shape.unit}/s   ${left} left`);
    },
    validation: (step, found) => print(`${place(step)}   ${inWords(found)}`),
  };
}

/** Bars are drawn so often a second. */
const FRAMES = 8;
const BAR = { least: 8, most: 28 };

/** `name [====    ] rest`, cut at whole parts of `rest` to fit the terminal. */
export function barLine(
  name: string,
  share: number,
  rest: readonly string[],
  columns: number,
): string {
  const fixed = name.length + ' []'.length;
  let shown = rest.length;
  const width = (): number =>
    rest.slice(0, shown).reduce((sum, part) => sum + 2 + part.length, fixed);
  while (shown > 1 && width() + BAR.least >= columns) shown--;
  const room = Math.max(0, Math.min(BAR.most, columns - 1 - width()));
  const full = Math.round(share * room);
  return [`${name} [${'='.repeat(full)}${' '.repeat(room - full)}]`, ...rest.slice(0, shown)].join(
    '  ',
  );
}

/** A line that is drawn again and again, and is gone when it is closed. */
export class Bar {
  private readonly bar: SingleBar;
  constructor(line: (done: number, of: number) => string, of: number, done: number) {
    const format = (_: unknown, { value, total }: { value: number; total: number }): string =>
      line(value, total);
    this.bar = new progress.SingleBar({
      format,
      stream: process.stdout,
      fps: FRAMES,
      clearOnComplete: true,
    });
    this.bar.start(of, done);
  }

  update(done: number): void {
    this.bar.update(done);
  }

  close(): void {
    this.bar.stop();
  }
}

export function barReporter(shape: RunShape): Reporter {
  const pace = new Pace(shape);
  let training: Bar | undefined;
  let validating: Bar | undefined;
  let words: string[] = [];
  const close = (): void => {
    training?.close();
    validating?.close();
    training = validating = undefined;
  };
  const trainingLine = (done: number): string =>
    barLine('training', done / shape.to, [`${done}/${shape.to}`, ...words], terminalColumns());
  const what = shape.unit === 'tokens' ? 'windows' : shape.unit;
  const validatingLine = (done: number, of: number): string =>
    barLine('validating', done / of, [`${done}/${of} ${what}`], terminalColumns());
  return {
    plan: () => undefined,
    step({ step, loss }, milliseconds) {
      const { rate, left } = pace.after(step, milliseconds);
      words = [`loss ${loss.toFixed(3)}`, `${left} left`, `${rate} ${shape.unit}/s`];
      training ??= new Bar(trainingLine, shape.to, step);
      training.update(step);
    },
    validating(done, of) {
      training?.close();
      training = undefined;
      validating ??= new Bar(validatingLine, of, done);
      validating.update(done);
    },
    validation(step, found) {
      close();
      print(`step ${step}: ${inWords(found)}`);
    },
    note(line) {
      close();
      print(line);
    },
    warning(line) {
      close();
      warn(line);
    },
    close,
  };
}

export function chooseReporter(isJson: boolean, shape: RunShape): Reporter {
  if (isJson) return jsonReporter();
  return isLively() ? barReporter(shape) : lineReporter(shape);
}

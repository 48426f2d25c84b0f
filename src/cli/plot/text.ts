// Curves in characters. Every curve has a mark of its own, so they are told apart without colour.

import { shownLength } from '../terminal.ts';
import { type Curve, labelOf, rangesOf, thin } from './curves.ts';

const MARKS = ['*', 'o', '+', 'x', '#', '@', '$', '~'];
/** Where curves meet. */
const SEVERAL = '%';
/** ANSI colours, in the order of marks. */
const COLOURS = [34, 33, 32, 35, 36, 31, 34, 33];
const LABEL_WIDTH = 7;

export interface TextOptions {
  /** Columns of the terminal, and rows of the drawing. */
  columns: number;
  rows: number;
  hasColour: boolean;
  /** No character beyond ASCII. */
  isPlain: boolean;
}

/** Whose mark is where: the number of a curve, SEVERAL's is -1; undefined: nothing. */
function draw(curves: readonly Curve[], width: number, height: number): (number | undefined)[][] {
  const {
    steps: [first, last],
    losses: [low, high],
  } = rangesOf(curves);
  const cells = Array.from({ length: height }, () =>
    new Array<number | undefined>(width).fill(undefined),
  );
  const rowOf = (loss: number): number => Math.round(((high - loss) / (high - low)) * (height - 1));
  curves.forEach((curve, which) => {
    let before: number | undefined;
    const put = (column: number, loss: number): void => {
      const to = rowOf(loss);
      const from = before === undefined ? to : before + Math.sign(to - before);
      for (let row = Math.min(from, to); row <= Math.max(from, to); row++) {
        const there = cells[row][column];
        cells[row][column] = there === undefined || there === which ? which : -1;
      }
      before = to;
    };
    const columns = curve.steps.map((step) =>
      Math.round(((step - first) / (last - first)) * (width - 1)),
    );
    columns.forEach((column, i) => {
      for (let between = (columns[i - 1] ?? column) + 1; between < column; between++) {
        const share = (between - columns[i - 1]) / (column - columns[i - 1]);
        put(between, curve.losses[i - 1] + share * (curve.losses[i] - curve.losses[i - 1]));
      }
      put(column, curve.losses[i]);
    });
  });
  return cells;
}

/** A chart: title, drawing with the losses at its left and the steps below, what the marks mean. */
export function textChart(title: string, curves: readonly Curve[], options: TextOptions): string {
  const { columns, rows, hasColour, isPlain } = options;
  const width = Math.max(8, columns - LABEL_WIDTH - 2);
  const thinned = curves.map((curve) => thin(curve, width));
  const {
    losses: [low, high],
  } = rangesOf(thinned);
  const cells = draw(thinned, width, rows);
  const marked = (which: number): string => {
    const mark = which < 0 ? SEVERAL : MARKS[which % MARKS.length];
    return hasColour && which >= 0
      ? `\u001b[${COLOURS[which % COLOURS.length]}m${mark}\u001b[0m`
      : mark;
  };
  const lines = cells.map((row, i) => {
    const loss = high - ((high - low) * i) / (rows - 1);
    const end = width - [...row].reverse().findIndex((cell) => cell !== undefined);
    const drawing = row
      .slice(0, end > width ? 0 : end)
      .map((cell) => (cell === undefined ? ' ' : marked(cell)))
      .join('');
    return `${loss.toFixed(2).padStart(LABEL_WIDTH)} ${isPlain ? '|' : '┤'}${drawing}`;
  });
  const {
    steps: [first, last],
  } = rangesOf(curves);
  const ends = [first, last].map((step) => String(Math.round(step)));
  const room = Math.max(1, width - ends[0].length - ends[1].length - '  step'.length);
  const axis = `${' '.repeat(LABEL_WIDTH + 2)}${ends[0]}${' '.repeat(room)}${ends[1]}  step`;
  const areCrossed = cells.some((row) => row.includes(-1));
  const legend = curves.map((curve, i) => `${marked(i)} ${labelOf(curve, curves)}`);
  return [
    title,
    ...lines,
    axis,
    ...(curves.length > 1
      ? wrap([...legend, ...(areCrossed ? [`${SEVERAL} several`] : [])], columns)
      : []),
  ].join('\n');
}

/** Items side by side, as many a line as fit. */
function wrap(items: readonly string[], columns: number): string[] {
  const lines: string[] = [];
  for (const item of items) {
    const last = lines.at(-1);
    const joined = `${last}   ${item}`;
    if (last !== undefined && shownLength(joined) <= columns) lines[lines.length - 1] = joined;
    else lines.push(`  ${item}`);
  }
  return lines;
}

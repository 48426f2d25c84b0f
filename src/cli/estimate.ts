// The time of a training step from figures that `bench --json` measured on this machine: those of
// the same model are exact, those of another one are scaled by the multiply-accumulates of a step.

import { quote } from './argv.ts';
import { readTextFile } from './files.ts';
import type { SomeKind } from './kinds/kinds.ts';
import { type CheckedOptions, UsageError } from './library.ts';
import { settingsOf } from './settings.ts';
import { commandLine, shellWord } from './shell.ts';

/** What `bench` says of a step. */
export interface StepFigures {
  milliseconds: number;
  parameters: number;
  batch: number;
  reversible: string;
  /** Format of the products' operands (int16). */
  operands?: string;
  model: Record<string, number>;
}

/** The figures in what `bench --json` printed, of steps with such operands. Throws UsageError. */
export function readFigures(path: string, kind: SomeKind, operands = 'int16'): StepFigures {
  const lines = new TextDecoder().decode(readTextFile(path)).split('\n');
  const steps = lines.flatMap((line) => {
    try {
      const event = JSON.parse(line) as StepFigures & { event?: unknown };
      return event.event === 'step' &&
        event.milliseconds > 0 &&
        event.parameters > 0 &&
        event.batch > 0
        ? [event]
        : [];
    } catch {
      return [];
    }
  });
  const found = steps.find(
    ({ model, operands: measured = 'int16' }) =>
      ((model?.kind ?? 'gpt') as unknown) === kind.modelName && measured === operands,
  );
  if (found !== undefined) return found;
  const words = operands === 'int16' ? [] : ['--operands', operands];
  const bench = ['bench', kind.name, ...words];
  throw new UsageError(
    `--bench ${quote(path)} has no step of ${kind.title}, expected what ${bench.join(' ')} ` +
      '--json printed',
    `make it: ${commandLine(...bench, '--json')} > ${shellWord(path)}`,
  );
}

/** Rows that a sample has in the stack. */
const rowsOf = ({ context, width, height, patch }: Record<string, number>): number =>
  context ?? (width * height) / patch ** 2 + 1;

/** Multiply-accumulates of a step, up to a factor: every weight and two products of attention a
 *  row, forward, twice backward, and once more where blocks are computed again. */
function work(
  model: Record<string, number>,
  batch: number,
  parameters: number,
  reversible: string,
): number {
  const rows = rowsOf(model);
  const passes = reversible === 'none' ? 3 : 4;
  return batch * rows * (parameters + 2 * model.layers * rows * model.channels) * passes;
}

/** Milliseconds of a step of a run. */
export function estimate(
  figures: StepFigures,
  options: CheckedOptions<never>,
  parameters: number,
): number {
  const { model, batch, reversible } = settingsOf(options);
  const now = work(model as Record<string, number>, batch, parameters, reversible);
  return (
    (figures.milliseconds * now) /
    work(figures.model, figures.batch, figures.parameters, figures.reversible)
  );
}

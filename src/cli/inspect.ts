// retrograd inspect DIR: what a checkpoint holds, without making the model.

import { checkpointPath } from './files.ts';
import { count, table } from './format.ts';
import { isWeight, type NamedTensor, hex, sha256, toLittleEndian } from './library.ts';
import { print, printJson } from './reporters.ts';
import type { SavedRun } from './kinds/kind.ts';
import type { SomeKind } from './kinds/kinds.ts';
import { openAny } from './run.ts';

/** A tensor's line: format as Qm.n (sign not counted), range of its values. */
function describe({ name, shape, data, fraction }: NamedTensor): { name: string; shape: readonly number[]; format: string; min: number; max: number } {
  let low = Infinity, high = -Infinity;
  for (const raw of data) {
    if (raw < low) low = raw;
    if (raw > high) high = raw;
  }
  return { name, shape, format: `int32 Q${31 - fraction}.${fraction}`, min: low * 2 ** -fraction, max: high * 2 ** -fraction };
}

/** The same digest as a trainer's weightsSha256: every weight's little-endian bytes in table order. */
export function weightsSha256(tensors: readonly NamedTensor[]): string {
  return hex(sha256(tensors.filter(isWeight).map(({ data }) => toLittleEndian(data))));
}

function rows(kind: SomeKind, run: SavedRun, parameters: number, digest: string): [string, string][] {
  const { model, ...options } = run.options;
  const words = (values: object): string => Object.entries(values).map(([name, value]) => `${name} ${String(value)}`).join(', ');
  return [
    ['checkpoint', checkpointPath(run.directory)],
    ['step', `${run.step} of ${run.options.steps}`],
    ['parameters', count(parameters)],
    ['weights', `SHA-256 ${digest}`],
    [kind.name === 'gpt' ? 'text' : 'data', `SHA-256 ${run.dataSha256}`],
    kind.describe(run.known),
    ['model', words(model)],
    ['options', words(options)],
    ['written by', `retrograd ${run.libraryVersion}`],
  ];
}

export async function inspect(directory: string, { json }: { json?: boolean }): Promise<number> {
  const { kind, run } = await openAny(directory);
  const parameters = run.tensors.filter(isWeight).reduce((sum, { data }) => sum + data.length, 0);
  const digest = weightsSha256(run.tensors), tensors = run.tensors.map(describe);
  if (json === true) {
    const { step, options, dataSha256, libraryVersion, vocabulary } = run;
    printJson({ event: 'checkpoint', step, parameters, weightsSha256: digest, dataSha256, vocabulary, options, libraryVersion, tensors });
    return 0;
  }
  print(table(rows(kind, run, parameters, digest)));
  const value = (x: number): string => x.toPrecision(4);
  print(`\n${table([['tensor', 'shape', 'format', 'min', 'max'], ...tensors.map((t) => [t.name, t.shape.join(' x '), t.format, value(t.min), value(t.max)])], [3, 4])}`);
  return 0;
}

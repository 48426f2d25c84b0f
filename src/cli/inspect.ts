// retrograd inspect DIR: what a checkpoint holds, without making the model.

import { createHash } from 'node:crypto';
import { endianness } from 'node:os';
import { oneLine } from './argv.ts';
import { checkpointPath } from './files.ts';
import { count, table } from './format.ts';
import { formatsPage } from './formats.ts';
import type { SavedRun } from './kinds/kind.ts';
import type { SomeKind } from './kinds/kinds.ts';
import { type ImportedFormats, isWeight, type NamedTensor } from './library.ts';
import { print, printJson, printWhole } from './reporters.ts';
import { openAny } from './run.ts';
import { settingsOf } from './settings.ts';
import { breakText, terminalColumns } from './terminal.ts';

/** A tensor's line: format as Qm.n (sign not counted), range of its values. */
function describe({ name, shape, data, fraction }: NamedTensor): {
  name: string;
  shape: readonly number[];
  format: string;
  min: number;
  max: number;
} {
  let low = Infinity;
  let high = -Infinity;
  for (const raw of data) {
    if (raw < low) low = raw;
    if (raw > high) high = raw;
  }
  return {
    name,
    shape,
    format: `int32 Q${31 - fraction}.${fraction}`,
    min: low * 2 ** -fraction,
    max: high * 2 ** -fraction,
  };
}

function littleEndian({ buffer, byteOffset, byteLength }: Int32Array): Uint8Array {
  const bytes = Buffer.from(buffer, byteOffset, byteLength);
  return endianness() === 'LE' ? bytes : Buffer.from(bytes).swap32();
}

/** The same digest as a trainer's weightsSha256: every weight's little-endian bytes in table order.
 */
export function weightsSha256(tensors: readonly NamedTensor[]): string {
  const hash = createHash('sha256');
  for (const { data } of tensors.filter(isWeight)) hash.update(littleEndian(data));
  return hash.digest('hex');
}

/** Rows of a page; a digest has a line of its own. */
function rows(kind: SomeKind, run: SavedRun, parameters: number): [string, string][] {
  const { model, ...options } = settingsOf(run.options);
  const words = (values: object): string =>
    Object.entries(values)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name} ${String(value)}`)
      .join(', ');
  return [
    ['checkpoint', oneLine(checkpointPath(run.directory))],
    ['step', `${run.step} of ${run.options.steps}`],
    ['kind', kind.title],
    ['parameters', parametersOf(run, parameters)],
    kind.describe(run.known),
    ['model', words(model)],
    ['options', words(options)],
    ['written by', `retrograd ${run.libraryVersion}`],
  ];
}

/** How many there are, and how many of them learn. */
function parametersOf({ options, tensors }: SavedRun, all: number): string {
  const { freeze = options.model.config.adapter } = options;
  if (freeze === undefined) return count(all);
  const trained = tensors.filter((one) => isWeight(one) && !freeze.fits(one.name));
  return `${count(all)}, ${count(sizeOf(trained))} of them trained`;
}

const sizeOf = (tensors: readonly NamedTensor[]): number =>
  tensors.reduce((sum, { data }) => sum + data.length, 0);

const importedOf = ({ options }: SavedRun): { formats?: ImportedFormats; layers: number } =>
  options.model.config as never;

function page(kind: SomeKind, run: SavedRun, parameters: number, digest: string): string {
  const fields = breakText(
    table(rows(kind, run, parameters)),
    Math.min(PAGE_COLUMNS, terminalColumns()),
  );
  const data = kind.name === 'gpt' ? 'text' : 'data';
  const init = run.initSha256;
  const { formats, layers } = importedOf(run);
  const shown = formats === undefined ? '' : `\n\n${formatsPage(formats, layers)}`;
  return (
    `${fields}${shown}\n\nSHA-256 of the weights:\n${digest}\nSHA-256 of the ${data} it was ` +
    `trained on:\n${run.dataSha256}` +
    (init === undefined ? '' : `\nSHA-256 of the weights it began with:\n${init}`)
  );
}

const PAGE_COLUMNS = 100;

export async function inspect(
  directory: string,
  { json, tensors: isLong }: { json?: boolean; tensors?: boolean },
): Promise<number> {
  const { kind, run } = await openAny(directory);
  const parameters = sizeOf(run.tensors.filter(isWeight));
  const digest = weightsSha256(run.tensors);
  const tensors = run.tensors.map(describe);
  if (json === true) {
    const { step, dataSha256, initSha256, libraryVersion, vocabulary } = run;
    printJson({
      event: 'checkpoint',
      step,
      parameters,
      weightsSha256: digest,
      dataSha256,
      initSha256,
      vocabulary,
      options: settingsOf(run.options),
      formats: importedOf(run).formats,
      libraryVersion,
      tensors,
    });
    return 0;
  }
  print(page(kind, run, parameters, digest));
  if (isLong !== true) {
    print(`\n${tensors.length} tensors; --tensors lists them`);
    return 0;
  }
  const value = (x: number): string => x.toPrecision(4);
  const lines = tensors.map((t) => [
    oneLine(t.name),
    t.shape.join(' x '),
    t.format,
    value(t.min),
    value(t.max),
  ]);
  printWhole(`\n${table([['tensor', 'shape', 'format', 'min', 'max'], ...lines], [3, 4])}`);
  return 0;
}

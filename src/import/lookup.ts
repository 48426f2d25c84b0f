// Looking at a source's names and shapes, and at a configuration: what all models do alike.

import { CheckpointError, UsageError } from '../core/errors.ts';
import type { TensorSource } from './pieces.ts';
import type { ExportRecord } from './record.ts';

/** A tensor as its source names it. */
export interface Named {
  readonly name: string;
  readonly shape: readonly number[];
}

/** What is looked up while a source is read. */
export interface Lookup {
  readonly source: TensorSource;
  readonly config: Record<string, unknown>;
  /** Their tensors by the name without a prefix. */
  readonly table: ReadonlyMap<string, Named>;
  /** Their name of one of our paths. */
  named(path: string): string;
  /** What an export of this library says of itself. */
  readonly record: ExportRecord | undefined;
}

/** The first few of some names. */
export const listed = (names: readonly string[]): string =>
  names
    .slice(0, 4)
    .map((name) => JSON.stringify(name))
    .join(', ') + (names.length > 4 ? ` and ${names.length - 4} more` : '');

/** A number of a configuration under any of its names. */
export function numberOf(
  config: Record<string, unknown>,
  keys: readonly string[],
): number | undefined {
  for (const key of keys) {
    const value = config[key];
    if (value === undefined || value === null) continue;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    throw new UsageError(`${key} of the configuration is ${JSON.stringify(value)}, not a number`);
  }
  return undefined;
}

/** The largest epsilon that is held to the next power of four: 1e-5 times 4^2, times 2. */
const MOST_EPSILON = 3.2e-4;

/** Epsilon of the layer norms under any of its names. Throws UsageError for one that cannot be. */
export function epsilonOf(
  config: Record<string, unknown>,
  keys: readonly string[],
  usual: number,
): number {
  const epsilon = numberOf(config, keys) ?? usual;
  if (epsilon >= 0 && epsilon <= MOST_EPSILON) return epsilon;
  throw new UsageError(
    `the configuration's ${keys[0]} is ${epsilon}, expected 0 to ${MOST_EPSILON}`,
    'usual ones are 1e-5 and 1e-12',
  );
}

/** Throws UsageError unless a configuration's numbers, under their names, are those of the shape.
 */
export function checkTold<Key extends string>(
  config: Record<string, unknown>,
  names: Readonly<Record<Key, readonly string[]>>,
  shape: { readonly [K in NoInfer<Key>]: unknown },
): void {
  for (const key of Object.keys(names) as Key[]) {
    const told = numberOf(config, names[key]);
    if (told !== undefined && told !== shape[key])
      throw new UsageError(
        `the configuration's ${names[key][0]} is ${told}, the tensors' is ${shape[key]}`,
      );
  }
}

/** Number of attention heads. `name`: what the program calls it. */
export function headsOf({ record, config }: Lookup, name: string): number {
  const keys = [name, 'n_head', 'num_attention_heads', 'heads'];
  const heads = numberOf({ ...record?.config, ...config }, keys);
  if (heads !== undefined) return heads;
  throw new UsageError(
    `the configuration has no ${name}`,
    `give config.json, or { ${name} }: tensors do not tell the number of heads`,
  );
}

/** Their tensors by the name without prefix, but for those that are ignored. */
export function tableOf(
  source: TensorSource,
  prefix: RegExp,
  isIgnored: (name: string) => boolean,
): Map<string, Named> {
  const table = new Map<string, Named>();
  for (const { name, shape } of source.tensors) {
    const short = name.replace(prefix, '');
    if (isIgnored(short)) continue;
    if (table.has(short))
      throw new CheckpointError(`tensors ${listed([table.get(short)?.name ?? '', name])} are one`);
    table.set(short, { name, shape });
  }
  return table;
}

/** The shape of a tensor, by its name there. Throws CheckpointError if it is missing. */
export function shapeOf(table: Lookup['table'], name: string, hint?: string): readonly number[] {
  const found = table.get(name);
  if (found !== undefined) return found.shape;
  throw new CheckpointError(
    `tensor ${JSON.stringify(name)} is missing`,
    hint ?? `the source has ${listed([...table.keys()])}`,
  );
}

/** Throws CheckpointError unless a tensor has its shape. `isPadded`: it may have more rows. */
export function checkShape(
  table: Lookup['table'],
  name: string,
  expected: readonly number[],
  isPadded = false,
): void {
  const has = shapeOf(table, name);
  const rest = isPadded && has[0] > expected[0] ? [has[0], ...expected.slice(1)] : expected;
  if (has.join() === rest.join()) return;
  throw new CheckpointError(
    `tensor ${JSON.stringify(name)} has shape [${has.join(', ')}], expected ` +
      `[${expected.join(', ')}]`,
  );
}

/** Throws CheckpointError for tensors that are not `known`, by their names without prefix. */
export function refuseUnknown(
  table: Lookup['table'],
  isKnown: (name: string) => boolean,
  what: string,
  hint: string,
): void {
  const unknown = [...table].filter(([name]) => !isKnown(name)).map(([, { name }]) => name);
  if (unknown.length === 0) return;
  const noun = unknown.length === 1 ? 'tensor' : 'tensors';
  throw new CheckpointError(`no ${what} has ${noun} ${listed(unknown)}`, hint);
}

/** Whether a tensor has a number other than 0. */
export async function hasNumbers(source: TensorSource, name: string): Promise<boolean> {
  for await (const { values } of source.pieces(name))
    if (values.some((value) => value !== 0)) return true;
  return false;
}

/** Whether some biases are the model's, of which these are there. An export of a model without has
 *  zeros for them, and its record says so. */
export async function hasBiases(
  { source, table }: Lookup,
  names: readonly string[],
  isRecorded: boolean | undefined,
): Promise<boolean> {
  if (isRecorded !== false) return names.length > 0;
  for (const name of names) if (await hasNumbers(source, table.get(name)?.name ?? '')) return true;
  return false;
}

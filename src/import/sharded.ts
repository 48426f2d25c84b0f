// A model in several safetensors files, and the index that says which tensor is in which.

import { CheckpointError } from '../core/errors.ts';
import type { ByteSource } from './bytes.ts';
import type { TensorSource } from './pieces.ts';
import { openSafetensors } from './safetensors.ts';

/** Most files of a model. */
const MAX_FILES = 1024;
/** A name that stays in its folder. */
const FILE = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;

const bad = (reason: string): CheckpointError =>
  new CheckpointError(`not an index of safetensors files: ${reason}`);

/** The table of an index: file by tensor. */
function weightMap(index: unknown): Map<string, string> {
  let value = index;
  try {
    if (typeof index === 'string') value = JSON.parse(index);
  } catch {
    throw bad('it is not JSON');
  }
  const { weight_map: map } = Object(value);
  if (typeof map !== 'object' || map === null || Array.isArray(map))
    throw bad('it has no weight_map');
  const entries = Object.entries(map as Record<string, unknown>);
  for (const [name, file] of entries)
    if (typeof file !== 'string' || !FILE.test(file))
      throw bad(`the file of ${JSON.stringify(name)} is ${JSON.stringify(file)}`);
  return new Map(entries as [string, string][]);
}

/** A model in several files: `index` is model.safetensors.index.json, as text or parsed; `open`
 *  gives a file of its folder. Throws CheckpointError for an index and files that do not agree.
 *  @example
 *  const model = gpt({ vocabulary: 4, layers: 1, channels: 8, heads: 2, context: 4 });
 *  const file = exportFloat32(Trainer.create({ model, batch: 1, steps: 1 }).tensors(), '1.0.0');
 *  const open = () => ({ size: file.length, read: (at, n) => file.slice(at, at + n) });
 *  const one = await openSafetensors(open());
 *  const names = one.tensors.map(({ name }) => [name, 'model-00001-of-00001.safetensors']);
 *  const source = await openSharded({ weight_map: Object.fromEntries(names) }, open);
 *  console.log(source.tensors.length === names.length); // true
 */
export async function openSharded(
  index: unknown,
  open: (file: string) => ByteSource | Promise<ByteSource>,
): Promise<TensorSource> {
  const map = weightMap(index);
  const files = [...new Set(map.values())];
  if (files.length > MAX_FILES) throw bad(`it names ${files.length} files, at most ${MAX_FILES}`);
  const parts = new Map<string, TensorSource>();
  for (const file of files) parts.set(file, await openSafetensors(await open(file)));
  const tensors = [...parts].flatMap(([file, part]) =>
    part.tensors.map((tensor) => {
      if (map.get(tensor.name) === file) return tensor;
      throw bad(`${file} has tensor ${JSON.stringify(tensor.name)}, which it does not place there`);
    }),
  );
  const found = new Set(tensors.map(({ name }) => name));
  for (const [name, file] of map)
    if (!found.has(name)) throw bad(`${file} has no tensor ${JSON.stringify(name)}`);
  return {
    metadata: Object.assign({}, ...[...parts.values()].map(({ metadata }) => metadata)),
    tensors,
    pieces(name, first, count) {
      const part = parts.get(map.get(name) ?? '');
      if (part === undefined)
        throw new CheckpointError(`tensor ${JSON.stringify(name)} is in none of the files`);
      return part.pieces(name, first, count);
    },
  };
}

// The weights alone under their own names, as `train --export-float32` writes them.

import { fields, text } from '../core/check.ts';
import type { ExportedFile } from './file.ts';
import { safetensorsFile } from './safetensors.ts';
import { type ExportSource, Source } from './source.ts';
import { weights } from './values.ts';

/** What is written beside the weights. */
export interface SafetensorsOptions {
  /** The version of the library that goes into the metadata (''). */
  libraryVersion?: string | undefined;
}

/** The weights of any model as float32 under their own names, in the order of forward: byte for
 *  byte the file of `exportFloat32`, but in pieces. docs/weights.md says what each is.
 *  @example
 *  const model = gpt({ vocabulary: 4, layers: 1, channels: 8, heads: 2, context: 4 });
 *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
 *  const file = exportSafetensors(trainer, { libraryVersion: '0.1.0' });
 *  console.log(file.size, exportFloat32(trainer.tensors(), '0.1.0').length); // 4176 4176
 */
export function exportSafetensors(
  given: ExportSource,
  options: SafetensorsOptions = {},
): ExportedFile {
  const source = new Source(given);
  const { libraryVersion } = fields<SafetensorsOptions>('options', options, { libraryVersion: '' });
  const library = text('libraryVersion', libraryVersion);
  const tensors = source.weights.map((tensor) => ({
    name: tensor.name,
    shape: tensor.shape,
    values: weights(tensor),
  }));
  return safetensorsFile(tensors, { format: 'retrograd-weights', library });
}

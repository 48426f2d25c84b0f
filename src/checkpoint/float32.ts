// The weights as other programs want them: a safetensors file of float32, without the optimizer.
// Every value is the master weight rounded to the nearest float32 (ties to even). A copy for use
// elsewhere; training never reads it back.

import { list, real, text } from '../core/check.ts';
import { isWeight, type NamedTensor, readTensor } from '../train/tensors.ts';
import { toLittleEndian } from './bytes.ts';
import { encodeSafetensors } from './safetensors.ts';

/** The weights among `tensors` as a safetensors file of float32, each the nearest one (ties to
 *  even), without the optimizer: for other programs; nothing here reads it back.
 *  @example
 *  const model = gpt({ vocabulary: 4, layers: 1, channels: 8, heads: 2, context: 4 });
 *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
 *  const file = exportFloat32(trainer.tensors(), '0.1.0');
 *  console.log(file.length, trainer.parameters * 4); // 4176 3424
 */
export function exportFloat32(
  tensors: readonly NamedTensor[],
  libraryVersion: string,
): Uint8Array<ArrayBuffer> {
  return encodeSafetensors({
    metadata: { format: 'retrograd-weights', library: text('libraryVersion', libraryVersion) },
    tensors: list('tensors', tensors, readTensor)
      .filter(isWeight)
      .map(({ name, shape, data, fraction }) => {
        const unit = 2 ** -real('fraction', fraction, 0, 64);
        const bytes = toLittleEndian(Float32Array.from(data, (raw) => raw * unit));
        return { name, dtype: 'F32' as const, shape, bytes };
      }),
  });
}

// Safetensors files of other programs, read by (offset, length): the header at once, tensors piece
// by piece.

import { asByteSource, type ByteSource, readBytes } from './bytes.ts';
import { foreign, MAX_HEADER_BYTES, readHeader } from './header.ts';
import { sourceOf, type TensorSource } from './pieces.ts';

/** Bytes of the header's length. */
const PREFIX_BYTES = 8;

/** A safetensors file of another program, of which only the header is read. F32, F16 and BF16 are
 *  read; other tensors are listed. Throws CheckpointError with the reason for whatever is not such
 *  a file.
 *  @example
 *  const model = gpt({ vocabulary: 4, layers: 1, channels: 8, heads: 2, context: 4 });
 *  const file = exportFloat32(Trainer.create({ model, batch: 1, steps: 1 }).tensors(), '1.0.0');
 *  const read = (offset, length) => file.slice(offset, offset + length); // of a Blob, say
 *  const source = await openSafetensors({ size: file.length, read });
 *  console.log(source.tensors[0]); // { name: 'token.weight', dtype: 'F32', shape: [ 4, 8 ] }
 *  for await (const { values } of source.pieces('norm.gain')) console.log(values[0]); // 1
 */
export async function openSafetensors(given: ByteSource): Promise<TensorSource> {
  const source = asByteSource('the source', given);
  if (source.size < PREFIX_BYTES)
    throw foreign(`it has ${source.size} bytes, its header's length alone needs ${PREFIX_BYTES}`);
  const prefix = await readBytes(source, 0, PREFIX_BYTES);
  const view = new DataView(prefix.buffer, prefix.byteOffset, PREFIX_BYTES);
  const length = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  if (length < 2 || length > MAX_HEADER_BYTES)
    throw foreign(`its header's length is ${length}, expected 2 to ${MAX_HEADER_BYTES}`);
  const header = await readBytes(source, PREFIX_BYTES, length);
  if (header[0] !== 0x7b) throw foreign('its header does not begin with {');
  const start = PREFIX_BYTES + length;
  const { metadata, tensors } = readHeader(header, source.size - start);
  return sourceOf(source, start, tensors, metadata);
}

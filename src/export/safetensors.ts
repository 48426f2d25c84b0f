// A safetensors file of float32, piece by piece.

import { safetensorsHeader } from '../index.ts';
import { ExportedFile } from './file.ts';
import { elements, type OutTensor, piecesOf } from './values.ts';

export function safetensorsFile(
  tensors: readonly OutTensor[],
  metadata: Readonly<Record<string, string>>,
): ExportedFile {
  const entries = tensors.map(({ name, shape }) => ({ name, dtype: 'F32' as const, shape }));
  const header = safetensorsHeader(entries, metadata);
  const size = tensors.reduce((sum, { shape }) => sum + 4 * elements(shape), header.length);
  return new ExportedFile(size, function* pieces() {
    yield header;
    for (const { values } of tensors) yield* piecesOf(values);
  });
}

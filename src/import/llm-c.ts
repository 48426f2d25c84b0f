// GPT-2 as llm.c keeps it (train_gpt2.py, write_model): 256 int32 of which 8 say what it is, then
// the tensors of one kind of all layers, one kind after the other. Matrices are [out, in]; the
// token embedding has rows that no token has, up to a multiple of 128.

import { CheckpointError } from '../core/errors.ts';
import { asByteSource, type ByteSource, readBytes } from './bytes.ts';
import type { TensorEntry } from './header.ts';
import { ELEMENT_BYTES } from './numbers.ts';
import { sourceOf, type TensorSource } from './pieces.ts';

const MAGIC = 20240326;
const HEADER_BYTES = 1024;
/** Type of the numbers by version. */
const TYPES: Readonly<Record<number, string>> = { 3: 'F32', 5: 'BF16' };

/** Shape of a model in the words of nanoGPT. */
export interface LlmCConfig {
  /** T: longest sequence. */
  block_size: number;
  /** V: tokens. */
  vocab_size: number;
  /** L: blocks. */
  n_layer: number;
  /** H: attention heads. */
  n_head: number;
  /** C: channels. */
  n_embd: number;
}

const bad = (reason: string): CheckpointError =>
  new CheckpointError(`not a model of llm.c: ${reason}`);

/** Kinds of tensors in the order of the file, with their shapes. */
function kindsOf(config: LlmCConfig, padded: number): [string, number[], boolean][] {
  const { block_size: T, n_embd: C } = config;
  const each: [string, number[]][] = [
    ['ln_1.weight', [C]],
    ['ln_1.bias', [C]],
    ['attn.c_attn.weight', [3 * C, C]],
    ['attn.c_attn.bias', [3 * C]],
    ['attn.c_proj.weight', [C, C]],
    ['attn.c_proj.bias', [C]],
    ['ln_2.weight', [C]],
    ['ln_2.bias', [C]],
    ['mlp.c_fc.weight', [4 * C, C]],
    ['mlp.c_fc.bias', [4 * C]],
    ['mlp.c_proj.weight', [C, 4 * C]],
    ['mlp.c_proj.bias', [C]],
  ];
  return [
    ['wte.weight', [padded, C], false],
    ['wpe.weight', [T, C], false],
    ...each.map(([name, shape]): [string, number[], boolean] => [name, shape, true]),
    ['ln_f.weight', [C], false],
    ['ln_f.bias', [C], false],
  ];
}

function entriesOf(config: LlmCConfig, padded: number, dtype: string): TensorEntry[] {
  const entries: TensorEntry[] = [];
  let begin = 0;
  for (const [name, shape, isOfLayer] of kindsOf(config, padded)) {
    const bytes = shape.reduce((a, b) => a * b, ELEMENT_BYTES[dtype]);
    for (let layer = 0; layer < (isOfLayer ? config.n_layer : 1); layer++) {
      const full = isOfLayer ? `h.${layer}.${name}` : name;
      entries.push({ name: full, dtype, shape, begin, end: begin + bytes });
      begin += bytes;
    }
  }
  return entries;
}

/** A model of llm.c (a .bin file of version 3, float32, or 5, bfloat16): its tensors under
 *  nanoGPT's names, and its configuration; both are what `importGpt2` takes. Throws CheckpointError
 *  with the reason for what is none.
 *  @example
 *  const words = new Int32Array(256 + 472); // all weights are 0
 *  words.set([20240326, 3, 2, 5, 1, 1, 4, 128]); // T 2, V 5, L 1, H 1, C 4
 *  const file = new Uint8Array(4 * (256 + 128 * 4 + 2 * 4 + 12 * 16 + 13 * 4 + 8));
 *  file.set(new Uint8Array(words.buffer).subarray(0, 1024));
 *  const read = (offset, length) => file.slice(offset, offset + length);
 *  const { source, config } = await openLlmC({ size: file.length, read });
 *  console.log(config.vocab_size, source.tensors[0].shape); // 5 [ 128, 4 ]
 */
export async function openLlmC(
  given: ByteSource,
): Promise<{ source: TensorSource; config: LlmCConfig }> {
  const bytes = asByteSource('the source', given);
  if (bytes.size < HEADER_BYTES)
    throw bad(`it has ${bytes.size} bytes, its header ${HEADER_BYTES}`);
  const header = await readBytes(bytes, 0, HEADER_BYTES);
  const view = new DataView(header.buffer, header.byteOffset, HEADER_BYTES);
  const word = (i: number): number => view.getInt32(4 * i, true);
  if (word(0) !== MAGIC) throw bad(`it begins with ${word(0)}, expected ${MAGIC}`);
  const dtype = TYPES[word(1)];
  if (dtype === undefined)
    throw bad(`its version is ${word(1)}, expected 3 (float32) or 5 (bfloat16)`);
  const names = ['block_size', 'vocab_size', 'n_layer', 'n_head', 'n_embd', 'padded rows'];
  const [block_size, vocab_size, n_layer, n_head, n_embd, padded] = names.map((name, i) => {
    const value = word(2 + i);
    if (value < 1 || value > 2 ** 20) throw bad(`its ${name} is ${value}`);
    return value;
  });
  if (padded < vocab_size) throw bad(`it has ${padded} rows for ${vocab_size} tokens`);
  if (n_layer > 1024) throw bad(`it has ${n_layer} layers, at most 1024`);
  const config = { block_size, vocab_size, n_layer, n_head, n_embd };
  const entries = entriesOf(config, padded, dtype);
  const expected = HEADER_BYTES + (entries.at(-1)?.end ?? 0);
  if (bytes.size !== expected) throw bad(`it has ${bytes.size} bytes, expected ${expected}`);
  return { source: sourceOf(bytes, HEADER_BYTES, entries, {}), config };
}

// A GPT as one GGUF file (github.com/ggml-org/ggml, docs/gguf.md), for llama.cpp and what is made
// of it. The matrices are ours as they are, [out, in]; every bias is there, since llama.cpp wants
// them.

import { fields, text, whole } from '../core/check.ts';
import { ExportedFile } from './file.ts';
import { ggufTokens } from './gguf-tokens.ts';
import { GgufWriter } from './gguf-writer.ts';
import { gptConfig, mlpWidth } from './gpt2.ts';
import { refuseModel, vocabularyOf } from './model.ts';
import { Naming } from './naming.ts';
import { type ExportSource, Source } from './source.ts';
import type { Tokens } from './tokens.ts';
import { elements, type OutTensor, piecesOf } from './values.ts';
import type { ExportVocabulary } from './vocabulary.ts';

/** What an export needs to know beside the weights. */
export interface GgufOptions {
  /** What the tokens stand for (what the checkpoint has). */
  vocabulary?: ExportVocabulary | undefined;
  /** The model's name in the file ('retrograd-gpt'). */
  name?: string | undefined;
  /** The token at which programs stop (that of the vocabulary; of a vocabulary of characters beyond
   *  ASCII its last one, as llama.cpp stops at one in any case; otherwise none). */
  end?: number | undefined;
}

/** Tensor data begin at multiples of it. */
const ALIGNMENT = 32;
/** ggml's type F32. */
const F32 = 0;

const padded = (size: number): number => Math.ceil(size / ALIGNMENT) * ALIGNMENT;

function tensorsOf(source: Source): OutTensor[] {
  const config = gptConfig(source);
  const { vocabulary: V, context: T, channels: C, layers, tied } = config;
  const M = mlpWidth(config);
  const naming = new Naming(source);
  const block = (k: number): OutTensor[] => [
    ...naming.norm(`blk.${k}.attn_norm`, `block.${k}.norm1`, C),
    ...naming.linear(`blk.${k}.attn_qkv`, `block.${k}.qkv`, 3 * C, C),
    ...naming.linear(`blk.${k}.attn_output`, `block.${k}.projection`, C, C),
    ...naming.norm(`blk.${k}.ffn_norm`, `block.${k}.norm2`, C),
    ...naming.linear(`blk.${k}.ffn_up`, `block.${k}.up`, M, C),
    ...naming.linear(`blk.${k}.ffn_down`, `block.${k}.down`, C, M),
  ];
  return [
    naming.tensor('token_embd.weight', 'token.weight', [V, C]),
    naming.tensor('position_embd.weight', 'position.weight', [T, C]),
    ...Array.from({ length: layers }, (_, k) => block(k)).flat(),
    ...naming.norm('output_norm', 'norm', C),
    ...(tied ? [] : [naming.tensor('output.weight', 'head.weight', [V, C])]),
  ];
}

function writeKeys(to: GgufWriter, source: Source, tokens: Tokens, given: Named): void {
  const config = gptConfig(source);
  to.text('general.architecture', 'gpt2');
  to.text('general.type', 'model');
  to.text('general.name', given.name);
  to.u32('general.file_type', F32);
  to.text('retrograd.weights_sha256', source.sha256());
  to.u32('gpt2.context_length', config.context);
  to.u32('gpt2.embedding_length', config.channels);
  to.u32('gpt2.feed_forward_length', mlpWidth(config));
  to.u32('gpt2.block_count', config.layers);
  to.u32('gpt2.attention.head_count', config.heads);
  to.f32('gpt2.attention.layer_norm_epsilon', source.epsilon);
  const { model, pre, texts, types, merges, end } = ggufTokens(tokens, given.end);
  to.text('tokenizer.ggml.model', model);
  if (pre !== undefined) to.text('tokenizer.ggml.pre', pre);
  to.texts('tokenizer.ggml.tokens', texts);
  to.i32s('tokenizer.ggml.token_type', types);
  if (merges !== undefined) to.texts('tokenizer.ggml.merges', merges);
  if (end !== undefined) {
    to.u32('tokenizer.ggml.bos_token_id', end);
    to.u32('tokenizer.ggml.eos_token_id', end);
  }
  to.flag('tokenizer.ggml.add_bos_token', false);
  to.flag('tokenizer.ggml.add_space_prefix', false);
}

interface Named {
  readonly name: string;
  readonly end: number | undefined;
}

/** A GPT as a GGUF file of float32, for llama.cpp, wllama, ollama and LM Studio: the weights, the
 *  vocabulary and its merges in one file, which no converter has to know. Throws UsageError for
 *  another model, for one whose update rule makes it another network at inference, and for a
 *  vocabulary of another size.
 *  @example
 *  const model = gpt({ vocabulary: 256, layers: 1, channels: 8, heads: 2, context: 4 });
 *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
 *  const file = exportGguf(trainer, { vocabulary: Vocabulary.bytes(), name: 'tiny' });
 *  console.log(new TextDecoder().decode(file.bytes().subarray(0, 4))); // GGUF
 */
export function exportGguf(given: ExportSource, options: GgufOptions = {}): ExportedFile {
  const source = new Source(given);
  const known = { vocabulary: undefined, name: 'retrograd-gpt', end: undefined };
  const { vocabulary, name, end } = fields<GgufOptions>('options', options, known);
  if (source.model !== 'gpt') refuseModel(source, 'gpt');
  source.checkRule();
  const size = gptConfig(source).vocabulary;
  if (end !== undefined) whole('end', end, 0, size - 1);
  const tokens = vocabularyOf(source, vocabulary, size);
  return fileOf(source, tokens, { name: text('name', name), end });
}

function fileOf(source: Source, tokens: Tokens, given: Named): ExportedFile {
  const tensors = tensorsOf(source);
  const keys = new GgufWriter();
  writeKeys(keys, source, tokens, given);
  const head = new GgufWriter();
  head.begin(tensors.length, keys);
  let end = 0;
  for (const { name, shape } of tensors) {
    head.tensor(name, [...shape].reverse(), F32, end);
    end += padded(4 * elements(shape));
  }
  const start = head.padded(ALIGNMENT);
  return new ExportedFile(start.length + end, function* pieces() {
    yield start;
    for (const { values } of tensors) {
      yield* piecesOf(values);
      yield new Uint8Array(padded(4 * values.size) - 4 * values.size);
    }
  });
}

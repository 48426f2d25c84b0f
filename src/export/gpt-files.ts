// A GPT in the files of two programs that train GPT-2: nanoGPT's names in safetensors, and llm.c's
// model file. Matrices are [out, in] there as here.

import { UsageError } from '../core/errors.ts';
import { ExportedFile } from './file.ts';
import { gpt2Tensors, gptConfig, mlpWidth } from './gpt2.ts';
import { modelFile } from './hf.ts';
import { refuseModel } from './model.ts';
import { Naming } from './naming.ts';
import { type ExportSource, Source } from './source.ts';
import { filled, piecesOf, type Values, weights } from './values.ts';

function gptOf(given: ExportSource): Source {
  const source = new Source(given);
  if (source.model !== 'gpt') refuseModel(source, 'gpt');
  source.checkRule();
  if (source.epsilon === 1e-5) return source;
  throw new UsageError(
    `its layer norms have epsilon ${source.epsilon}, which these programs have not, expected 1e-5`,
    'exportHf (--to hf) takes it',
  );
}

/** A GPT under the names of nanoGPT (model.py), as a safetensors file: what `load_state_dict` of a
 *  model of the same shape takes. Biases that the model has not are zeros, as with `bias=True`.
 *  Throws UsageError for another model and for one whose update rule makes it another network.
 *  @example
 *  const model = gpt({ vocabulary: 4, layers: 1, channels: 8, heads: 2, context: 4 });
 *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
 *  const text = new TextDecoder().decode(exportNanoGpt(trainer).bytes());
 *  console.log(text.includes('"transformer.h.0.attn.c_attn.weight"')); // true
 */
export function exportNanoGpt(given: ExportSource): ExportedFile {
  const source = gptOf(given);
  const { vocabulary: V, channels: C, tied } = gptConfig(source);
  const head = new Naming(source).tensor('lm_head.weight', 'token.weight', [V, C]);
  const tensors = [...gpt2Tensors(source, 'linear'), ...(tied ? [head] : [])];
  return modelFile(source, tensors);
}

/** What starts a model file of llm.c, its version of float32, the 32-bit words of its header. */
const MAGIC = 20240326;
const FLOAT32 = 3;
const HEADER_WORDS = 256;
/** The vocabulary is filled up to a multiple of it. */
const VOCABULARY_MULTIPLE = 128;

/** A GPT as a model file of llm.c (train_gpt2.py, version 3: float32): header, embeddings filled up
 *  to a multiple of 128 tokens, then each kind of parameter of all blocks. Throws UsageError for
 *  another model, for an MLP that is not four times as wide and for a head of its own, which llm.c
 *  has not.
 *  @example
 *  const model = gpt({ vocabulary: 4, layers: 1, channels: 8, heads: 2, context: 4 });
 *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
 *  console.log(new DataView(exportLlmC(trainer).bytes().buffer).getInt32(0, true)); // 20240326
 */
export function exportLlmC(given: ExportSource): ExportedFile {
  const source = gptOf(given);
  const { vocabulary: V, context, channels: C, layers, heads, mlpRatio, tied } = gptConfig(source);
  if (!tied || mlpRatio !== 4)
    throw new UsageError(
      `the model has ${tied ? `an MLP of ${mlpRatio} times its channels` : 'a head of its own'}, ` +
        'which llm.c has not, expected a tied head and 4 times',
      'exportHf (--to hf) takes it',
    );
  const padded = Math.ceil(V / VOCABULARY_MULTIPLE) * VOCABULARY_MULTIPLE;
  const header = new Uint8Array(4 * HEADER_WORDS);
  const view = new DataView(header.buffer);
  [MAGIC, FLOAT32, context, V, layers, heads, C, padded].forEach((word, i) => {
    view.setInt32(4 * i, word, true);
  });
  const values = llmCValues(source, padded);
  const size = values.reduce((sum, one) => sum + 4 * one.size, header.length);
  return new ExportedFile(size, function* pieces() {
    yield header;
    for (const one of values) yield* piecesOf(one);
  });
}

/** All numbers in the file's order. */
function llmCValues(source: Source, padded: number): Values[] {
  const config = gptConfig(source);
  const { vocabulary: V, context: T, channels: C, layers } = config;
  const M = mlpWidth(config);
  const gain = (name: string): Values => weights(source.weight(`${name}.gain`, C));
  const matrix = (name: string, rows: number, columns: number): Values =>
    weights(source.weight(`${name}.weight`, rows, columns));
  const bias = (name: string, size: number): Values => source.bias(`${name}.bias`, size);
  const parts: ((block: string) => Values)[] = [
    (block) => gain(`${block}.norm1`),
    (block) => bias(`${block}.norm1`, C),
    (block) => matrix(`${block}.qkv`, 3 * C, C),
    (block) => bias(`${block}.qkv`, 3 * C),
    (block) => matrix(`${block}.projection`, C, C),
    (block) => bias(`${block}.projection`, C),
    (block) => gain(`${block}.norm2`),
    (block) => bias(`${block}.norm2`, C),
    (block) => matrix(`${block}.up`, M, C),
    (block) => bias(`${block}.up`, M),
    (block) => matrix(`${block}.down`, C, M),
    (block) => bias(`${block}.down`, C),
  ];
  const blocks = Array.from({ length: layers }, (_, k) => `block.${k}`);
  return [
    matrix('token', V, C),
    filled((padded - V) * C),
    matrix('position', T, C),
    ...parts.flatMap((part) => blocks.map(part)),
    gain('norm'),
    bias('norm', C),
  ];
}

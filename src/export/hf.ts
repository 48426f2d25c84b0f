// A model as the directory that Hugging Face's libraries load: weights, configuration, tokenizer,
// README.

import { fields, text } from '../core/check.ts';
import { cardOf } from './card.ts';
import { type ExportedFile, jsonFile, textFile } from './file.ts';
import { gpt2Config, gpt2Tensors, gptConfig } from './gpt2.ts';
import { refuseModel, vocabularyOf } from './model.ts';
import { recordOf } from './record.ts';
import { safetensorsFile } from './safetensors.ts';
import { type ExportSource, Source } from './source.ts';
import type { OutTensor } from './values.ts';
import type { ExportVocabulary, Tokens } from './vocabulary.ts';

/** What an export needs to know beside the weights. */
export interface HfOptions {
  /** What the tokens stand for (what the checkpoint has). */
  vocabulary?: ExportVocabulary | undefined;
  /** What the README calls the model ('retrograd-' and the kind of model). */
  name?: string | undefined;
}

/** Files of a directory by name. */
export type ExportedFiles = Record<string, ExportedFile>;

/** The file of weights, with the record by which the master weights are had again, unless they are
 *  not the model's integers. */
export const modelFile = (source: Source, tensors: readonly OutTensor[]): ExportedFile =>
  safetensorsFile(tensors, {
    format: 'pt',
    ...(source.isExact && { retrograd: recordOf(source) }),
  });

/** A model as the files of a directory that `from_pretrained` of Hugging Face's transformers loads
 *  as it is: a GPT as GPT2LMHeadModel. No number is changed but by rounding to float32, which the
 *  file says how to undo. Throws UsageError for a model of your own, for one whose update rule
 *  makes it another network at inference, and for a vocabulary of another size.
 *  @example
 *  const model = gpt({ vocabulary: 256, layers: 1, channels: 8, heads: 2, context: 4 });
 *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
 *  const files = exportHf(trainer, { vocabulary: Vocabulary.bytes() });
 *  // for (const [name, file] of Object.entries(files)) await writeFile(`out/${name}`, file);
 *  console.log(Object.keys(files).length, files['model.safetensors'].size > 12_000); // 6 true
 */
export function exportHf(given: ExportSource, options: HfOptions = {}): ExportedFiles {
  const source = new Source(given);
  const known = { vocabulary: undefined, name: `retrograd-${source.model}` };
  const { vocabulary, name } = fields<HfOptions>('options', options, known);
  const title = text('name', name);
  if (source.model === 'gpt') return gptFiles(source, vocabulary, title);
  return refuseModel(source, 'gpt');
}

function gptFiles(source: Source, vocabulary: unknown, name: string): ExportedFiles {
  source.checkRule();
  const { vocabulary: V, context } = gptConfig(source);
  const tokens = vocabularyOf(source, vocabulary, V);
  return {
    'config.json': jsonFile(gpt2Config(source, tokens.end)),
    'model.safetensors': modelFile(source, gpt2Tensors(source)),
    ...tokenizerFiles(tokens, context),
    'README.md': textFile(gptCard(source, name, 'transformers')),
  };
}

/** tokenizer.json, and how generation ends. Decoding gives the text as it was. */
export function tokenizerFiles({ json, end }: Tokens, context: number): ExportedFiles {
  const ends = { bos_token_id: end ?? null, eos_token_id: end ?? null };
  return {
    'tokenizer.json': jsonFile(json),
    'tokenizer_config.json': jsonFile({
      tokenizer_class: 'PreTrainedTokenizerFast',
      model_max_length: context,
      clean_up_tokenization_spaces: false,
    }),
    'generation_config.json': jsonFile({ ...ends, do_sample: true }),
  };
}

const PYTHON = `from transformers import AutoModelForCausalLM, AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained(".")
model = AutoModelForCausalLM.from_pretrained(".")
ids = tokenizer("The ", return_tensors="pt").input_ids
print(tokenizer.decode(model.generate(ids, max_new_tokens=100)[0]))`;
const JAVASCRIPT = `import { pipeline } from '@huggingface/transformers';
const generate = await pipeline('text-generation', 'path/of/this/directory');
const [{ generated_text: text }] = await generate('The ', { max_new_tokens: 100 });`;

/** README.md of a GPT. */
export const gptCard = (
  source: Source,
  name: string,
  library: 'transformers' | 'transformers.js',
): string =>
  cardOf(source, {
    name,
    library,
    title: 'A GPT-2',
    task: 'text-generation',
    tags: ['gpt2'],
    code: library === 'transformers' ? PYTHON : JAVASCRIPT,
  });

// A model as the directory that Hugging Face's libraries load: weights, configuration, tokenizer,
// README.

import { fields, text } from '../core/check.ts';
import {
  blenderbotJson,
  blenderbotTensors,
  translationEnds,
  translatorConfig,
} from './blenderbot.ts';
import { NAMES } from './byte-pairs.ts';
import { cardOf } from './card.ts';
import { type ExportedFile, jsonFile, textFile } from './file.ts';
import { gpt2Config, gpt2Tensors, gptConfig } from './gpt2.ts';
import { refuseModel, vocabularyOf } from './model.ts';
import { recordOf } from './record.ts';
import { safetensorsFile } from './safetensors.ts';
import { type ExportSource, Source } from './source.ts';
import type { Tokens } from './tokens.ts';
import type { OutTensor } from './values.ts';
import { labelsOf, vitConfig, vitJson, vitPreprocessor, vitTensors } from './vit.ts';
import type { ExportVocabulary } from './vocabulary.ts';

/** What an export needs to know beside the weights. */
export interface HfOptions {
  /** What the tokens stand for (what the checkpoint has). */
  vocabulary?: ExportVocabulary | undefined;
  /** What the README calls the model ('retrograd-' and the kind of model). */
  name?: string | undefined;
  /** Of a vision transformer: names of the classes (those of the checkpoint, or their numbers). */
  labels?: readonly string[] | undefined;
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
 *  as it is: a GPT as GPT2LMHeadModel, a vision transformer as ViTForImageClassification, a
 *  translator as BlenderbotForConditionalGeneration. No number is changed but by rounding to
 *  float32, which the file says how to undo. Throws UsageError for a model of your own, for one
 *  whose update rule makes it another network at inference, and for a vocabulary of another size.
 *  @example
 *  const model = gpt({ vocabulary: 256, layers: 1, channels: 8, heads: 2, context: 4 });
 *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
 *  const files = exportHf(trainer, { vocabulary: Vocabulary.bytes() });
 *  // for (const [name, file] of Object.entries(files)) await writeFile(`out/${name}`, file);
 *  console.log(Object.keys(files).length, files['model.safetensors'].size > 12_000); // 6 true
 */
export function exportHf(given: ExportSource, options: HfOptions = {}): ExportedFiles {
  const source = new Source(given);
  const known = {
    vocabulary: undefined,
    name: `retrograd-${source.model}`,
    labels: undefined,
  };
  const { vocabulary, name, labels } = fields<HfOptions>('options', options, known);
  text('name', name);
  const makers: Record<string, () => ExportedFiles> = {
    gpt: () => gptFiles(source, vocabulary, name),
    vit: () => vitFiles(source, labels, name),
    translator: () => translatorFiles(source, vocabulary, name),
  };
  const make = Object.hasOwn(makers, source.model) ? makers[source.model] : undefined;
  if (make === undefined) refuseModel(source, 'gpt, vit or translator');
  source.checkRule();
  return make();
}

function gptFiles(source: Source, vocabulary: unknown, name: string): ExportedFiles {
  const { vocabulary: V, context } = gptConfig(source);
  const tokens = vocabularyOf(source, vocabulary, V);
  return {
    'config.json': jsonFile(gpt2Config(source, tokens.end)),
    'model.safetensors': modelFile(source, gpt2Tensors(source, 'turned')),
    ...tokenizerFiles(tokens, context),
    'README.md': textFile(gptCard(source, name, 'transformers')),
  };
}

function vitFiles(source: Source, given: unknown, name: string): ExportedFiles {
  const labels = labelsOf(source, given, vitConfig(source).classes);
  const card = cardOf(source, {
    name,
    library: 'transformers',
    title: 'A vision transformer',
    task: 'image-classification',
    tags: ['vit'],
    code: PYTHON_VIT,
  });
  return {
    'config.json': jsonFile(vitJson(source, labels)),
    'model.safetensors': modelFile(source, vitTensors(source)),
    'preprocessor_config.json': jsonFile(vitPreprocessor(source)),
    'README.md': textFile(card),
  };
}

function translatorFiles(source: Source, vocabulary: unknown, name: string): ExportedFiles {
  const { vocabulary: V, context } = translatorConfig(source);
  const { json } = vocabularyOf(source, vocabulary, V);
  const [pad, begin, end, unknown] = NAMES;
  const names = { pad_token: pad, bos_token: begin, eos_token: end, unk_token: unknown };
  const card = cardOf(source, {
    name,
    library: 'transformers',
    title: 'A translator (the architecture is that of Blenderbot)',
    task: 'translation',
    tags: ['blenderbot'],
    code: PYTHON_TRANSLATOR,
  });
  return {
    'config.json': jsonFile(blenderbotJson(source)),
    'model.safetensors': modelFile(source, blenderbotTensors(source)),
    'tokenizer.json': jsonFile(json),
    'tokenizer_config.json': jsonFile({ ...tokenizerConfig(context), ...names }),
    'generation_config.json': jsonFile({ ...translationEnds, max_length: context }),
    'README.md': textFile(card),
  };
}

/** tokenizer.json, and how generation ends. Decoding gives the text as it was. */
export function tokenizerFiles({ json, end }: Tokens, context: number): ExportedFiles {
  const ends = { bos_token_id: end ?? null, eos_token_id: end ?? null };
  return {
    'tokenizer.json': jsonFile(json),
    'tokenizer_config.json': jsonFile(tokenizerConfig(context)),
    'generation_config.json': jsonFile({ ...ends, do_sample: true }),
  };
}

const tokenizerConfig = (context: number): object => ({
  tokenizer_class: 'PreTrainedTokenizerFast',
  model_max_length: context,
  clean_up_tokenization_spaces: false,
});

const PYTHON_VIT = `import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoModelForImageClassification
processor = AutoImageProcessor.from_pretrained(".")
model = AutoModelForImageClassification.from_pretrained(".")
logits = model(**processor(Image.open("image.png"), return_tensors="pt")).logits
print(model.config.id2label[int(logits.argmax())])`;
const PYTHON_TRANSLATOR = `from transformers import AutoModelForSeq2SeqLM, AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained(".")
model = AutoModelForSeq2SeqLM.from_pretrained(".")
ids = tokenizer("go on.", return_tensors="pt").input_ids
print(tokenizer.decode(model.generate(ids)[0], skip_special_tokens=True))`;
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

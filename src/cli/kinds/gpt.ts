// A GPT and the text that it learns.

import { asFlags, choice, number, wholeNumber } from '../argv.ts';
import { readTextFile } from '../files.ts';
import { count } from '../format.ts';
import {
  checkLength,
  type GptConfig,
  importedGpt as model,
  readText,
  sha256Hex,
  splitTokens,
  type TextBatch,
  type TextData,
  UsageError,
} from '../library.ts';
import { type RunValues, runNames, sharedOptions, stackOf } from '../options.ts';
import { type OptionRows, stackRows } from '../rows.ts';
import { configOf, optionsOf, type RunOptions } from '../settings.ts';
import { evaluateInSlices, gptTask } from '../tasks/gpt.ts';
import { learnedSize, tokenizerWord } from '../tokenizers.ts';
import {
  assumedSize,
  bytesOfTokens,
  checkOne,
  describeText,
  type GptKnown,
  knownJson,
  knownOf,
  type TextVocabulary,
  tokenizerOf,
  vocabularyOf,
  vocabularySize,
} from './gpt-known.ts';
import {
  type Basis,
  checkSameData,
  type EvalTools,
  type Evaluation,
  type EvalValues,
  type Kind,
  type RunData,
  type SavedRun,
} from './kind.ts';

export interface GptData extends RunData<GptKnown>, TextData<TextVocabulary> {}

type Options = RunOptions<GptConfig, TextBatch>;
export type GptRun = SavedRun<GptConfig, TextBatch, GptKnown>;

const DEFAULTS = {
  layers: 6,
  channels: 128,
  heads: 4,
  batch: 8,
  steps: 1000,
  learningRate: 0.001,
  warmup: 100,
};
const CONTEXT = 128;

const rows: OptionRows = {
  defaults: DEFAULTS,
  data: [['-t, --text <file>', 'UTF-8 text, split into 90 % training and 10 % validation']],
  model: [
    [
      '--vocabulary <kind>',
      'characters: of the text; bytes: any file (characters)',
      (flag) => choice(flag, 'characters', 'bytes'),
    ],
    [
      '--tokenizer <file>',
      'instead: a tokenizer.json of byte-level BPE, or a directory with one or with vocab.json ' +
        'and merges.txt; bpe:N: N tokens, learned from the training part of the text',
      tokenizerWord,
    ],
    ...stackRows(DEFAULTS, ['--context <n>', `T, tokens the model sees (${CONTEXT})`, number]),
    ['--untied', 'a head of its own instead of the token embedding'],
  ],
  free: [],
  plan: [
    [
      '--vocabulary-size <n>',
      'tokens, if no --text is given (256)',
      (flag) => wholeNumber(flag, 2, 65536),
    ],
  ],
};

function runOptions(values: RunValues, vocabulary: number): Options {
  const config = {
    vocabulary,
    ...stackOf(values, DEFAULTS),
    context: values.context ?? CONTEXT,
    tied: values.untied === true ? false : undefined,
    formats: values.formats,
  };
  return asFlags(runNames(rows), () =>
    optionsOf(model, {
      model: config,
      ...sharedOptions(values, DEFAULTS, values.steps ?? DEFAULTS.steps),
    }),
  );
}

async function read(
  values: RunValues,
  saved?: Basis<GptConfig, TextBatch, GptKnown>,
): Promise<GptData> {
  const path = values.text as string;
  const file = readTextFile(path);
  const sha256 = await sha256Hex(file);
  checkSameData(describeText(path), 'text', sha256, saved, 'give the same file');
  const context = saved?.options.model.config.context ?? values.context ?? CONTEXT;
  const data = readText(file, {
    context,
    vocabulary: saved?.known.vocabulary ?? vocabularyOf(values, file),
    what: describeText(path),
  });
  const learned = saved?.known.learned ?? learnedSize(values.tokenizer) ?? null;
  const note =
    `vocabulary ${data.vocabulary.size}, text of ${count(data.train.length)} + ` +
    `${count(data.validation.length)} tokens`;
  return { ...data, sha256, known: { vocabulary: data.vocabulary, learned }, note };
}

/** The training text is judged by its validation part unless all of it is asked for; any other text
 *  as a whole. */
async function evaluate(
  run: GptRun,
  values: EvalValues,
  { restore, progress }: EvalTools<TextBatch>,
): Promise<Evaluation> {
  if (values.text === undefined)
    throw new UsageError(
      '--text is missing, expected a text file to evaluate on',
      'for instance --text input.txt',
    );
  const file = readTextFile(values.text);
  const what = describeText(values.text);
  const { context } = run.options.model.config;
  const isTrainingText = (await sha256Hex(file)) === run.dataSha256;
  const part = values.part ?? (isTrainingText ? 'validation' : 'all');
  const all = run.known.vocabulary.encode(file, what);
  const tokens = part === 'all' ? all : splitTokens(all).validation;
  checkLength(tokens, context, part === 'all' ? what : `the validation part of ${what}`);
  const loss = (await evaluateInSlices(
    restore(),
    tokens,
    progress,
    undefined,
    values.gamma,
  )) as number;
  const judged = Math.floor((tokens.length - 1) / context) * context;
  const which = part === 'all' ? 'the whole text' : 'the validation part (last tenth)';
  const own = isTrainingText ? ' of the text it was trained on' : '';
  const bytes = bytesOfTokens(run.known.vocabulary, tokens.subarray(1, judged + 1));
  const bitsPerByte = (loss * judged) / Math.LN2 / bytes;
  return {
    event: { loss, bitsPerByte, part, tokens: judged, step: run.step, isTrainingText },
    rows: [
      ['loss', `${loss.toFixed(4)} nats a token`],
      [
        'per token',
        `${(loss / Math.LN2).toFixed(4)} bits, perplexity ${Math.exp(loss).toFixed(3)}`,
      ],
      [
        'per byte',
        `${bitsPerByte.toFixed(4)} bits: what different vocabularies can be compared by`,
      ],
      ['over', `${count(judged)} tokens: ${which}${own}`],
    ],
  };
}

export const gpt: Kind<GptConfig, TextBatch, GptKnown, GptData> = {
  name: 'gpt',
  modelName: model.modelName,
  title: 'a GPT',
  unit: 'tokens',
  use: 'sample',
  rows,
  read,
  evaluate,
  checkGiven(values) {
    const { text } = values;
    checkOne(values);
    if (text === undefined)
      throw new UsageError(
        '--text is missing, expected a text file to train on',
        'for instance --text input.txt',
      );
  },
  options: (values, data) => runOptions(values, data?.vocabulary.size ?? assumedSize(values)),
  async planned(values) {
    checkOne(values);
    const options = runOptions(values, vocabularySize(values));
    return { options, note: `vocabulary ${options.model.config.vocabulary}` };
  },
  madeUp(trainer) {
    const { context, vocabulary } = configOf<GptConfig>(trainer.options);
    const { batch } = trainer.options;
    const n = batch * context;
    const tokens = Int32Array.from({ length: n + 1 }, (_, i) => (i * i) % vocabulary);
    return {
      unit: 'tokens',
      unitsPerStep: n,
      step: () => trainer.step({ inputs: tokens.subarray(0, n), targets: tokens.subarray(1) }),
    };
  },
  task: (trainer, { train, validation }) => gptTask(trainer, { train, validation }),
  batchNote: (options) =>
    `batch ${options.batch} of ${configOf<GptConfig>(options).context} tokens`,
  toJson: knownJson,
  fromJson(value, { vocabulary }) {
    const known = knownOf(value);
    return known?.vocabulary.size === vocabulary ? known : undefined;
  },
  describe: ({ vocabulary: { kind, size } }) => [
    'vocabulary',
    `${size} ${kind === 'tokenizer' ? 'tokens of byte-level BPE' : kind}`,
  ],
  settings: (known, { tied }, values = {}) => ({
    vocabulary: known.vocabulary.kind,
    tokenizer: tokenizerOf(known, values.tokenizer),
    untied: !tied,
  }),
};

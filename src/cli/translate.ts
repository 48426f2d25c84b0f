// retrograd translate DIR: sentences in the other language, by a saved translator. The same on
// every machine.

import { quote } from './argv.ts';
import { readDataFile } from './files.ts';
import { translate as kind } from './kinds/translate.ts';
import { Generator, normaliseSentence, UsageError } from './library.ts';
import { printableLine } from './printable.ts';
import { print, printJson } from './reporters.ts';
import { openRun } from './run.ts';
import { encodeSource, translateTokens } from './tasks/translate.ts';

/** Most beginnings whose rows are kept: memory does not grow with the beam beyond it. */
const MOST_KEPT = 32;

export interface TranslateValues {
  text?: string;
  file?: string;
  beam?: number;
  json?: boolean;
}

/** The sentences to translate, with the name of each. */
function sentencesOf({ text, file }: TranslateValues): { what: string; sentence: string }[] {
  if ((text === undefined) === (file === undefined))
    throw new UsageError(
      `--text ${text === undefined ? 'and --file are missing' : 'and --file are given'}, ` +
        'expected one of them',
      'for instance --text "Go on."',
    );
  if (text !== undefined) return [{ what: '--text', sentence: normaliseSentence(text) }];
  return linesOf(file as string);
}

/** The lines of a file. */
function linesOf(file: string): { what: string; sentence: string }[] {
  const bytes = readDataFile(file, 'a file of sentences');
  let lines: string;
  try {
    lines = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UsageError(`file ${quote(file)} is not UTF-8, expected a sentence on each line`);
  }
  return lines
    .replace(/\n$/, '')
    .split('\n')
    .map((line, i) => ({
      what: `line ${i + 1} of ${quote(file)}`,
      sentence: normaliseSentence(line),
    }));
}

export async function translate(directory: string, values: TranslateValues): Promise<number> {
  const sentences = sentencesOf(values);
  const run = await openRun(directory, kind);
  const { known, options } = run;
  const { context } = options.model.config;
  const sources = sentences.map(({ what, sentence }) => {
    const source = encodeSource(sentence, known);
    if (sentence === '') throw new UsageError(`${what} is empty, expected a sentence`);
    if (source.length > context)
      throw new UsageError(
        `${what} has ${source.length} tokens with its end, expected at most ${context}`,
        'give shorter sentences',
      );
    return { sentence, source };
  });
  const { beam = 4 } = values;
  const generator = Generator.create(run, { sequences: Math.min(2 * beam, MOST_KEPT) });
  for (const { sentence, source } of sources) {
    const { tokens, score, ended } = translateTokens(generator, source, beam);
    const text = known.target.decode(tokens);
    if (values.json === true)
      printJson({ event: 'translation', source: sentence, text, beam, score, ended });
    else print(printableLine(text));
  }
  return 0;
}

// A GPT-2 that arrives, and the text and tokenizer that go with it.

import fs from 'node:fs';
import { join } from 'node:path';
import { oneLine, quote } from './argv.ts';
import { type Arriving, type ImportValues, named } from './arriving.ts';
import { readTextFile } from './files.ts';
import { type FoundFile, readJsonFile } from './foreign.ts';
import { describeText, type GptKnown, knownJson } from './kinds/gpt-known.ts';
import {
  type ImportedGptConfig,
  importGpt2,
  type TextBatch,
  UsageError,
  Vocabulary,
} from './library.ts';
import { readTokenizer } from './tokenizers.ts';

/** Sequences to calibrate with, and tokens of each. */
const SEQUENCES = 4;
const TOKENS = 128;
const BYTES = 256;

/** The characters or bytes of a tokenizer.json that this program exported: BPE without merges. */
function ownVocabulary(path: string): Vocabulary | undefined {
  const file = path.endsWith('.json') ? path : join(path, 'tokenizer.json');
  if (!fs.existsSync(file)) return undefined;
  const { model, pre_tokenizer: before, decoder } = Object(readJsonFile(file));
  const { vocab, merges } = Object(model);
  if (!Array.isArray(merges) || merges.length > 0) return undefined;
  const ids = Object.entries(Object(vocab) as Record<string, number>);
  if (Object(before).use_regex === false && ids.length === BYTES) return Vocabulary.bytes();
  if (Object(decoder).type !== 'Fuse') return undefined;
  const symbols = ids
    .sort(([, a], [, b]) => a - b)
    .map(([text]) => text)
    .join('');
  return Vocabulary.fromJson({ kind: 'characters', symbols });
}

/** What the tokens stand for: --tokenizer, what is beside the weights, or bytes. */
function knownOf(found: FoundFile, { tokenizer }: ImportValues, size: number): GptKnown {
  const has = (...names: string[]): boolean =>
    names.every((name) => fs.existsSync(join(found.directory, name)));
  const isBeside = has('tokenizer.json') || has('vocab.json', 'merges.txt');
  const path = tokenizer ?? (isBeside ? found.directory : undefined);
  if (path === undefined && size === BYTES)
    return { vocabulary: Vocabulary.bytes(), learned: null };
  if (path === undefined)
    throw new UsageError(
      `there is no tokenizer beside the weights, which have ${size} tokens`,
      'give --tokenizer tokenizer.json',
    );
  const vocabulary = ownVocabulary(path) ?? readTokenizer(path);
  if (vocabulary.size !== size)
    throw new UsageError(
      `tokenizer ${quote(path)} has ${vocabulary.size} tokens, the weights have ${size}`,
      'give the one that the model was trained with',
    );
  return { vocabulary, learned: null };
}

/** Sequences of the text, evenly spaced; without one, numbers that a formula gives. */
function calibrateWith(
  { text }: ImportValues,
  { vocabulary }: GptKnown,
  { vocab, context }: { vocab: number; context: number },
): Int32Array[] {
  const length = Math.min(TOKENS, context);
  if (text === undefined)
    return Array.from({ length: 2 }, (_, s) =>
      Int32Array.from({ length }, (_, t) => (s * 65537 + t * t * 31 + t * 7919) % vocab),
    );
  const tokens = vocabulary.encode(readTextFile(text), describeText(text));
  if (tokens.length === 0) throw new UsageError(`${describeText(text)} is empty`);
  const sequences = Math.min(SEQUENCES, Math.ceil(tokens.length / length));
  const step = Math.max(0, (tokens.length - length) / Math.max(1, sequences - 1));
  return Array.from({ length: sequences }, (_, s) => {
    const from = Math.floor(s * step);
    return tokens.slice(from, from + length);
  });
}

/** A GPT-2 of a file. */
export async function arrivingGpt2(
  path: string,
  found: FoundFile,
  config: object,
  values: ImportValues,
): Promise<Arriving<ImportedGptConfig, TextBatch>> {
  const { source } = found;
  if (values.data !== undefined)
    throw new UsageError('--data is of vision transformers, expected --text of a GPT-2');
  const { options: seen } = await named(path, () => importGpt2(source, config));
  const { vocabulary: vocab, context, layers } = seen.model.config;
  const known = knownOf(found, values, vocab);
  const sequences = calibrateWith(values, known, { vocab, context });
  return {
    kind: 'gpt',
    blocks: layers,
    calibratedOn: values.text === undefined ? 'numbers; better with --text' : oneLine(values.text),
    known: knownJson(known),
    next: ['--text', 'FILE'],
    calibrated: (onBlock) =>
      named(path, () => importGpt2(source, config, { calibrate: sequences, onBlock })),
    // each repeated until it fills the context: evaluations count what is clamped
    evaluate(trainer) {
      for (const sequence of sequences) {
        const tokenAt = (i: number): number => sequence[i % sequence.length];
        const inputs = Int32Array.from({ length: context }, (_, i) => tokenAt(i));
        const targets = Int32Array.from({ length: context }, (_, i) => tokenAt(i + 1));
        trainer.evaluate({ inputs, targets });
      }
    },
  };
}

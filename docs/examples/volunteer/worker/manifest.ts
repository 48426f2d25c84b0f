// What a run says of itself to its workers, of which nothing is trusted: its name is the digest of
// the first line of its receipt, which has its options and the digest of its text.

import type { TextBatch, Vocabulary } from 'retrograd';
import { checkTrainOptions, plan, RetrogradError, sha256Hex, type TrainOptions } from 'retrograd';
import { readReceipt, receiptOptions } from 'retrograd/receipt';
import type { Tokenizer } from 'retrograd/tokenizer';
import type { RunInfo } from '../protocol.ts';
import { vocabularyOf } from './vocabulary.ts';

/** Bytes a weight, as measured: the build puts them in (bench/results/distributed.json). */
declare const BYTES_A_WEIGHT: { whole: number; change: number; gradients: number };

/** Most bytes of a text: a tab holds four times as many of its tokens. */
const MOST_TEXT = 2 ** 28;

/** Digits of the digest that are a run's name. */
const NAME = 16;

/** A run of a GPT. */
export interface TextRun {
  readonly run: string;
  /** Digest of the answers of all kernels where it began. */
  readonly kernels: string;
  readonly options: TrainOptions<TextBatch>;
  readonly vocabulary: Vocabulary | Tokenizer;
  /** SHA-256 of the text, and its bytes. */
  readonly sha256: string;
  readonly bytes: number;
  readonly info: RunInfo;
}

interface Given {
  readonly manifest?: unknown;
  readonly kind?: unknown;
  readonly header?: unknown;
  readonly files?: unknown;
}

function parse(bytes: Uint8Array): Given {
  try {
    return Object(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return {};
  }
}

/** The one file that a GPT learns. */
function textOf(files: unknown): { sha256: string; bytes: number } | undefined {
  const [file, ...more] = Array.isArray(files) ? files : [];
  const { option, path, sha256, bytes } = Object(file);
  const isText = option === 'text' && path === '' && more.length === 0;
  const isBounded = Number.isSafeInteger(bytes) && bytes >= 0 && bytes <= MOST_TEXT;
  return isText && isBounded && typeof sha256 === 'string' ? { sha256, bytes } : undefined;
}

function infoOf(options: TrainOptions<TextBatch>, text: number): RunInfo {
  const { parameters } = plan(options);
  const { layers, channels, context } = Object(options.model.config);
  const { whole, change, gradients } = BYTES_A_WEIGHT;
  return {
    ...{ parameters, layers, channels, context, text, steps: options.steps },
    begin: Math.round(text + whole * parameters),
    eachStep: Math.round(change * parameters),
    eachPart: Math.round(gradients * parameters),
  };
}

/** A manifest from bytes that may be anything. Throws RetrogradError for what is none, and for a
 *  run that this page cannot work for. */
export async function readManifest(found: Uint8Array, run: string): Promise<TextRun> {
  const { manifest, kind, header: line, files } = parse(found);
  if (manifest !== 1 || typeof line !== 'string')
    throw new RetrogradError(`what the server has of the run ${run} is no manifest`);
  const file = new TextEncoder().encode(line);
  if ((await sha256Hex(file)).slice(0, NAME) !== run)
    throw new RetrogradError(`the manifest of the run ${run} is of another one`);
  const text = textOf(files);
  if (kind !== 'gpt' || text === undefined)
    throw new RetrogradError(
      `the run ${run} trains another kind of model (${String(kind).slice(0, 20)}), and this page ` +
        'works for GPTs that learn a text',
      'its other workers run: retrograd worker',
    );
  const { header } = readReceipt(file);
  const options = checkTrainOptions(receiptOptions(file)) as unknown as TrainOptions<TextBatch>;
  const vocabulary = vocabularyOf(header.vocabulary);
  const about = { run, kernels: header.kernels, options, vocabulary };
  if (header.data !== text.sha256 || vocabulary.size !== Object(options.model.config).vocabulary)
    throw new RetrogradError(`the manifest of the run ${run} does not fit its model and its text`);
  return { ...about, ...text, info: infoOf(options, text.bytes) };
}

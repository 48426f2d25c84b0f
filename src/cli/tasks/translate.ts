// Translation: pairs of sentences in shuffled epochs, judged by the loss on held-out pairs and, at
// the end, by BLEU of greedy translations.

import { setImmediate } from 'node:timers/promises';
import {
  type BeamResult,
  type BytePairs,
  beamSearch,
  corpusBleu,
  createPairBatch,
  fillPairBatch,
  Generator,
  type Pair,
  PairData,
  SPECIAL,
  type Trainer,
  type TranslatorBatch,
  type TranslatorConfig,
} from '../library.ts';
import { configOf } from '../settings.ts';
import { exactSum, spread, type Task, type Validation } from './task.ts';

/** Vocabularies of the two sides; may be one. */
export interface Vocabularies {
  source: BytePairs;
  target: BytePairs;
}

export interface TranslateTaskOptions {
  train: PairData;
  /** Held-out pairs, each of which fits. */
  validation: readonly Pair[];
  vocabularies: Vocabularies;
  /** Most held-out pairs to translate. */
  bleuPairs: number;
  /** gamma of inference of the loss (0); translations have 0. */
  gamma?: number;
}

/** Pairs judged between two looks at the event loop. */
const SLICE = 64;

/** Source tokens with their end. */
export const encodeSource = (text: string, { source }: Vocabularies): Int32Array =>
  Int32Array.from([...source.encode(text), SPECIAL.end]);

/** The most probable translation that a search finds. */
export function translateTokens(
  generator: Generator,
  source: Int32Array,
  beam: number,
): BeamResult {
  return beamSearch(generator.predictor(source), {
    beam,
    begin: SPECIAL.begin,
    end: SPECIAL.end,
    maxLength: generator.context,
  });
}

/** The pairs that are translated: `most`, evenly from first to last. */
export const judgedPairs = (items: readonly Pair[], most: number): Pair[] =>
  items.length <= most
    ? [...items]
    : Array.from({ length: most }, (_, i) => items[Math.floor((i * items.length) / most)]);

/** BLEU of greedy translations; undefined if interrupted. */
async function bleuOf(
  trainer: Trainer<TranslatorBatch>,
  judged: readonly Pair[],
  vocabularies: Vocabularies,
  progress: (done: number) => void,
  isInterrupted: () => boolean,
): Promise<Pick<Validation, 'bleu' | 'bleuSignature'> | undefined> {
  const translations: string[] = [];
  const generator = Generator.create(trainer);
  for (const { source } of judged) {
    if (isInterrupted()) return undefined;
    const { tokens } = translateTokens(generator, encodeSource(source, vocabularies), 1);
    translations.push(vocabularies.target.decode(tokens));
    progress(translations.length);
    await setImmediate();
  }
  const references = judged.map(({ target }) => target);
  const { score, signature } = corpusBleu(translations, references);
  return { bleu: score, bleuSignature: signature };
}

export function translateTask(
  trainer: Trainer<TranslatorBatch>,
  { train, validation, vocabularies, bleuPairs, gamma = 0 }: TranslateTaskOptions,
): Task {
  const { seed, batch, microBatch } = trainer.options;
  const { context } = configOf<TranslatorConfig>(trainer.options);
  const out = createPairBatch(batch, context);
  const { source, target } = vocabularies; // a run's vocabularies have more fields
  const held = PairData.encode(validation, { source, target, context });
  const judged = judgedPairs(validation, bleuPairs);
  const slice = microBatch * Math.ceil(SLICE / microBatch);
  const rows = createPairBatch(slice, context);
  /** The mean loss of some held-out pairs; undefined if interrupted. */
  async function lossOf(
    chosen: readonly number[],
    progress: (done: number) => void,
    isInterrupted: () => boolean,
  ): Promise<number | undefined> {
    const sum = { loss: 0, tokens: 0 };
    for (let first = 0; first < chosen.length; first += slice) {
      if (isInterrupted()) return undefined;
      const count = Math.min(slice, chosen.length - first);
      for (let row = 0; row < count; row++) held.copy(chosen[first + row], row, rows);
      const { loss, predictions } = trainer.evaluate(rows, { samples: count, gamma });
      sum.loss += exactSum(loss, predictions);
      sum.tokens += predictions;
      progress(first + count);
      await setImmediate();
    }
    return sum.loss / sum.tokens;
  }
  return {
    trainer,
    unit: 'pairs',
    unitsPerStep: batch,
    batch(step) {
      fillPairBatch(train, { seed, batch, step }, out);
      return out;
    },
    async validate(progress, isInterrupted = () => false, scope = 'all') {
      const chosen = spread(held.count, typeof scope === 'number' ? scope : Infinity);
      const isFinal = scope === 'final';
      const all = chosen.length + (isFinal ? judged.length : 0);
      const hears = (done: number): void => progress(done, all);
      const loss = await lossOf(chosen, hears, isInterrupted);
      if (loss === undefined) return undefined;
      if (chosen.length < held.count) return { loss, share: chosen.length / held.count };
      if (!isFinal || judged.length === 0) return { loss };
      const translated = (done: number): void => hears(chosen.length + done);
      const bleu = await bleuOf(trainer, judged, vocabularies, translated, isInterrupted);
      return bleu === undefined ? undefined : { loss, ...bleu };
    },
  };
}

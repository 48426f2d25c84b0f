// Corpus BLEU (Papineni, Roukos, Ward, Zhu 2002) exactly as sacreBLEU computes it by default (Post
// 2018): the tokenisation 13a of the WMT evaluations, cased, n-grams up to 4, exponential
// smoothing, one reference. A number to print and compare, which decides nothing: so the logarithms
// here are the runtime's, and its last bits may differ from machine to machine.

import { list, text } from '../core/check.ts';
import { UsageError } from '../core/errors.ts';

const ORDERS = 4;

/** What Python's str.split() and rstrip() take for space; \s of this language is another set. */
const SPACES = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/u;

/** Without the spaces at its end; a regular expression with $ would look at every run of spaces
 *  from each of its places. */
function withoutEnd(text: string): string {
  let end = text.length;
  while (end > 0 && SPACES.test(text[end - 1])) end--;
  return text.slice(0, end);
}

/** A corpus score. */
export interface BleuScore {
  /** BLEU, 0 .. 100. */
  score: number;
  /** n-gram precisions, n = 1 .. 4, in percent, smoothed. */
  precisions: [number, number, number, number];
  /** exp(1 - referenceLength / hypothesisLength) if the hypotheses are shorter, else 1. */
  brevityPenalty: number;
  /** Tokens of all hypotheses. */
  hypothesisLength: number;
  /** Tokens of all references. */
  referenceLength: number;
  /** How it was computed, in sacreBLEU's form: scores with the same signature can be compared. */
  signature: string;
}

/** The tokens of a segment, as sacreBLEU's tokenisation 13a (mteval-v13a.pl) makes them.
 *  @example
 *  console.log(tokenize13a('Say "1,000.5-", ok?').join(' ')); // Say " 1,000.5 - " , ok ?
 */
export function tokenize13a(segment: string): string[] {
  const text = withoutEnd(segment)
    .replaceAll('<skipped>', '')
    .replaceAll('-\n', '')
    .replaceAll('\n', ' ')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>');
  return ` ${text} `
    .replace(/[{-~[-` -&(-+:-@/]/gu, ' $& ')
    .replace(/([^0-9])([.,])/gu, '$1 $2 ') // period and comma unless after a digit
    .replace(/([.,])([^0-9])/gu, ' $1 $2') // period and comma unless before a digit
    .replace(/([0-9])(-)/gu, '$1 $2 ') // dash after a digit
    .split(SPACES)
    .filter((token) => token !== '');
}

/** How often each n-gram of some tokens occurs. */
function countNgrams(tokens: string[], n: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i + n <= tokens.length; i++) {
    const ngram = tokens.slice(i, i + n).join(' ');
    counts.set(ngram, (counts.get(ngram) ?? 0) + 1);
  }
  return counts;
}

/** BLEU from its sums over the corpus: matched and all n-grams of the hypotheses, and both lengths.
 *  @example
 *  console.log(bleuOfCounts([9, 7, 5, 3], [10, 8, 6, 4], 11, 11).score.toFixed(2)); // 83.76
 */
export function bleuOfCounts(
  correct: readonly number[],
  total: readonly number[],
  hypothesisLength: number,
  referenceLength: number,
): BleuScore {
  const precisions: [number, number, number, number] = [0, 0, 0, 0];
  const isShort = hypothesisLength < referenceLength;
  // exp(-Infinity) is 0 where there is no hypothesis
  const brevityPenalty = isShort ? Math.exp(1 - referenceLength / hypothesisLength) : 1;
  const signature = 'nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0';
  const rest = { precisions, brevityPenalty, hypothesisLength, referenceLength, signature };
  if (correct.every((count) => count === 0)) return { score: 0, ...rest };
  let smooth = 1;
  for (let n = 0; n < ORDERS && total[n] > 0; n++) {
    if (correct[n] === 0) smooth *= 2;
    precisions[n] = correct[n] === 0 ? 100 / (smooth * total[n]) : (100 * correct[n]) / total[n];
  }
  // -Infinity without any 4-gram: score 0
  const logarithms = precisions.reduce((sum, precision) => sum + Math.log(precision), 0);
  return { score: brevityPenalty * Math.exp(logarithms / ORDERS), ...rest };
}

/** BLEU of translations against one reference each, raw text both. Throws UsageError for lists that
 *  are empty or of different lengths.
 *  @example
 *  const { score, signature } = corpusBleu(['The cat sat on the mat.'], ['The cat sat on a mat.']);
 *  console.log(score.toFixed(2), signature);
 *  // 48.89 nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0
 */
export function corpusBleu(
  hypotheses: readonly string[],
  references: readonly string[],
): BleuScore {
  const translations = list('hypotheses', hypotheses, text);
  const expected = list('references', references, text);
  if (translations.length !== expected.length)
    throw new UsageError(
      `BLEU of ${translations.length} hypotheses and ${expected.length} references, expected ` +
        'one reference for each',
    );
  if (expected.length === 0) throw new UsageError('BLEU of no hypotheses, expected at least one');
  const correct = [0, 0, 0, 0];
  const total = [0, 0, 0, 0];
  let hypothesisLength = 0;
  let referenceLength = 0;
  translations.forEach((segment, i) => {
    const hypothesis = tokenize13a(segment);
    const reference = tokenize13a(expected[i]);
    hypothesisLength += hypothesis.length;
    referenceLength += reference.length;
    for (let n = 1; n <= ORDERS; n++) {
      const occurring = countNgrams(reference, n);
      for (const [ngram, count] of countNgrams(hypothesis, n)) {
        correct[n - 1] += Math.min(count, occurring.get(ngram) ?? 0);
        total[n - 1] += count;
      }
    }
  });
  return bleuOfCounts(correct, total, hypothesisLength, referenceLength);
}

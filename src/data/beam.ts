// Beam search: the most probable sequence that a model would write, looking at several beginnings
// at once. It chooses tokens, so it is the same on every machine: log probabilities are made with +
// - * / and comparisons in a fixed order, whose results IEEE 754 fixes to the last bit (Math.log
// and Math.exp are not fixed), and ties have an order too.

import { callback, choice, type Filled, fields, MAX_LENGTH, whole } from '../core/check.ts';
import { exponentialU32, readLogits } from './sampling.ts';

const LN_2 = 0.6931471805599453;
const SQRT_2 = 1.4142135623730951;
/** Terms of the series of the inverse hyperbolic tangent, |s| < 0.1716: the first one left out is
 *  below 2^-57 of the sum. */
const TERMS = 11;

/** ln x for x >= 1, within 2^-50 or so of the true value: x = 2^k m, m in [1 / sqrt 2, sqrt 2), ln
 *  m = 2 artanh((m - 1) / (m + 1)). */
export function logarithm(x: number): number {
  let m = x;
  let k = 0;
  for (; m >= SQRT_2; k++) m /= 2;
  const s = (m - 1) / (m + 1);
  const square = s * s;
  let sum = 0;
  for (let n = TERMS - 1; n >= 0; n--) sum = sum * square + 1 / (2 * n + 1);
  return k * LN_2 + 2 * s * sum;
}

/** Log probabilities of tokens from their logits as `readLogits` gives them; -Infinity (a forbidden
 *  token) stays. The sum of the exponentials is a sum of integers, so exact: the result is within
 *  2^-32 times the number of tokens of the true value, never above 0, and the same on every
 *  machine.
 *  @example
 *  const values = logSoftmax({ values: [1, 1, 1, 1], best: 0 });
 *  console.log(Array.from(values, (value) => value.toFixed(6)).join(' '));
 *  // -1.386294 -1.386294 -1.386294 -1.386294
 */
export function logSoftmax({ values, best }: ReturnType<typeof readLogits>): Float64Array {
  const largest = values[best];
  let sum = 0; // of at most 2^16 weights of at most 2^32: exact
  for (const logit of values) sum += exponentialU32(largest - logit);
  const log = logarithm(sum / 2 ** 32);
  return Float64Array.from(values, (logit) => logit - largest - log);
}

/** How far the search goes. */
export interface BeamOptions {
  /** Hypotheses kept at a time; 1 takes the most probable token each time. */
  beam: number;
  /** The token that every prefix begins with. */
  begin: number;
  /** The token that ends a sequence. */
  end: number;
  /** Most tokens of a sequence, its end included. */
  maxLength: number;
  /** 0: sequences compete by log probability, which favours short ones. 1 (default): by log
   *  probability / ((5 + tokens) / 6), the end being one of the tokens (Wu et al. 2016, with alpha
   *  = 1). */
  lengthPenalty?: number | undefined;
}

/** What the search found. */
export interface BeamResult {
  /** The tokens, without begin and end. */
  tokens: Int32Array<ArrayBuffer>;
  /** Log probability of the tokens, and of the end if it came. */
  score: number;
  /** Whether the end came within maxLength tokens; if not, no sequence in the beam ended. */
  ended: boolean;
}

/** A beginning, begin token first, and its log probability. */
interface Hypothesis {
  tokens: number[];
  score: number;
}

/** A hypothesis and one more token. */
interface Candidate {
  from: Hypothesis;
  /** Of `from` among the hypotheses. */
  place: number;
  token: number;
  logit: number;
  score: number;
}

/** The order of candidates, best first: the earlier hypothesis of two equals, and of its tokens the
 *  larger logit (rounding never reverses two tokens), then the smaller token, which comes first. */
function compare(a: Candidate, b: Candidate): number {
  return b.score - a.score || a.place - b.place || b.logit - a.logit;
}

/** The `width` best continuations, best first. Twice as many are gathered before they are sorted,
 *  so that the work for a candidate does not grow with the width. */
function bestCandidates(
  live: Hypothesis[],
  step: (prefix: Int32Array) => ArrayLike<number>,
  width: number,
): Candidate[] {
  const best: Candidate[] = [];
  let worst = -Infinity; // score that a candidate must reach
  const cut = (): void => {
    best.sort(compare).splice(width);
    if (best.length === width) worst = best[width - 1].score;
  };
  for (const [place, from] of live.entries()) {
    const logits = readLogits(step(Int32Array.from(from.tokens)));
    const logProbabilities = logSoftmax(logits);
    for (let token = 0; token < logProbabilities.length; token++) {
      const score = from.score + logProbabilities[token];
      if (score === -Infinity || score < worst) continue;
      best.push({ from, place, token, logit: logits.values[token], score });
      if (best.length >= 2 * width) cut();
    }
  }
  cut();
  return best;
}

function checkOptions(options: BeamOptions): Filled<BeamOptions> {
  const required = undefined;
  const given = fields('options', options, {
    beam: required,
    begin: required,
    end: required,
    maxLength: required,
    lengthPenalty: 1,
  });
  whole('begin', given.begin, 0, MAX_LENGTH);
  whole('end', given.end, 0, MAX_LENGTH);
  whole('beam', given.beam, 1, MAX_LENGTH);
  whole('maxLength', given.maxLength, 1, MAX_LENGTH);
  choice('lengthPenalty', given.lengthPenalty, [0, 1]);
  return given;
}

/** Searches the sequence that `step` finds most probable. `step` gets a prefix (begin and the
 *  tokens so far) and returns a logit (in nats) for every token that could follow. A sequence that
 *  ends keeps its place in the beam, the others share the rest; the best of those that ended wins,
 *  the earlier one of two equals. Throws UsageError for bad options and logits that are no numbers.
 *  @example
 *  const logits = { '1': [0, 0, -9, 1, 1.1], '1,3': [0, 0, 9, 0, 0], '1,4': [0, 0, 2, 2, 2] };
 *  const after = (prefix) => logits[prefix.join()] ?? [0, 0, 1, 0, 0];
 *  const search = (beam) => beamSearch(after, { beam, begin: 1, end: 2, maxLength: 4 });
 *  console.log(search(1).tokens.join(' '), search(2).tokens.join(' ')); // 4 3
 */
export function beamSearch(
  step: (prefix: Int32Array) => ArrayLike<number>,
  options: BeamOptions,
): BeamResult {
  const { beam, begin, end, maxLength, lengthPenalty } = checkOptions(options);
  callback('step', step);
  const rankOf = (score: number, length: number): number =>
    lengthPenalty === 0 ? score : (score * 6) / (5 + length);
  let live: Hypothesis[] = [{ tokens: [begin], score: 0 }];
  let winner: BeamResult | undefined;
  let winnerRank = -Infinity;
  for (let length = 1, width = beam; length <= maxLength && live.length > 0; length++) {
    const next: Hypothesis[] = [];
    for (const { from, token, score } of bestCandidates(live, step, width)) {
      if (token !== end) {
        next.push({ tokens: [...from.tokens, token], score });
        continue;
      }
      width--;
      if (winner !== undefined && rankOf(score, length) <= winnerRank) continue;
      winner = { tokens: Int32Array.from(from.tokens.slice(1)), score, ended: true };
      winnerRank = rankOf(score, length);
    }
    live = next;
    // Scores only fall, so the rest cannot win once its best would lose even at full length.
    if (winner !== undefined && live.length > 0 && rankOf(live[0].score, maxLength) <= winnerRank)
      break;
  }
  return (
    winner ?? {
      tokens: Int32Array.from(live[0].tokens.slice(1)),
      score: live[0].score,
      ended: false,
    }
  );
}

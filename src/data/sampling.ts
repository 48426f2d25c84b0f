// Choosing the next token from logits. Nothing here reaches a weight, yet a sample is the same on
// every machine: the exponential uses only + - * and floor, whose results IEEE 754 and the language
// fix to the last bit (Math.exp is not fixed), the weights are integers, and the draw is exact.

import { list, real, whole } from '../core/check.ts';
import { UsageError } from '../core/errors.ts';
import { PURPOSE, randomU32 } from '../core/random.ts';

/** 1 / ln 2 and ln 2 to double precision. */
const LOG2_E = 1.4426950408889634;
const LN_2 = 0.6931471805599453;
/** A token's weight is floor(2^32 exp(logit - largest logit)): the least likely one that can be
 *  drawn has probability 2^-32. */
const WEIGHT_BITS = 32;
/** Terms of the Taylor series of e^-r, r in [0, ln 2): the first one left out is below 2^-53. */
const TERMS = 18;

/** floor(2^32 e^-x) for x >= 0, by e^-x = 2^-k e^-r; within one step of the true value. */
export function exponentialU32(x: number): number {
  const k = Math.floor(x * LOG2_E);
  if (!(k < WEIGHT_BITS)) return 0;
  const r = x - k * LN_2;
  let sum = 1;
  for (let n = TERMS; n >= 1; n--) sum = 1 - (r * sum) / n;
  return Math.floor(sum * 2 ** (WEIGHT_BITS - k));
}

/** Most tokens that a model can have. */
const MAX_TOKENS = 65536;

/** A copy of the logits of 1 to 65,536 tokens, -Infinity for one that is forbidden, and the first
 *  token of the largest. */
export function readLogits(logits: ArrayLike<number>): { values: number[]; best: number } {
  const check = (name: string, value: unknown): number =>
    real(name, value, -Infinity, Number.MAX_VALUE);
  const values = list('logits', logits, check, 1, MAX_TOKENS);
  const best = values.reduce((most, value, token) => (value > values[most] ? token : most), 0);
  if (values[best] === -Infinity)
    throw new UsageError('every logit is -Infinity, expected a possible token');
  return { values, best };
}

/** Draws a token: probability proportional to exp(logit / temperature); temperature 0 takes the
 *  first largest logit. The draw is a function of (seed, index), index being the place of the token
 *  in the sample (uint32): the same on every machine. A logit of -Infinity forbids a token. Throws
 *  UsageError for logits that are no numbers, or all -Infinity, and for a temperature outside
 *  0..100.
 *  @example
 *  const logits = [0.5, 2, 1.5];
 *  console.log(chooseToken(logits, 0, 1, 0)); // 1
 *  const chosen = [0, 1, 2, 3, 4, 5, 6, 7].map((index) => chooseToken(logits, 1, 42, index));
 *  console.log(chosen.join(' ')); // 1 1 1 1 1 2 2 1
 */
export function chooseToken(
  logits: ArrayLike<number>,
  temperature: number,
  seed: number,
  index: number,
): number {
  const { values, best } = readLogits(logits);
  real('temperature', temperature, 0, 100);
  whole('seed', seed, 0, Number.MAX_SAFE_INTEGER);
  whole('index', index, 0, 2 ** 32 - 1);
  if (temperature === 0) return best;
  const weights = values.map((logit) => exponentialU32((values[best] - logit) / temperature));
  const total = weights.reduce((a, b) => a + b, 0); // at most 2^16 tokens * 2^32: exact
  const random = randomU32(seed, PURPOSE.sample, 0, 0, index);
  let left = Number((BigInt(random) * BigInt(total)) >> 32n); // 0 .. total - 1
  for (let token = 0; token < weights.length; token++) {
    if (left < weights[token]) return token;
    left -= weights[token];
  }
  return best; // unreachable: left < total
}

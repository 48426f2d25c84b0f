// Choosing a token from the raw logits of a model: integers only, so the same on every machine.
// Order of what is done: repetition penalty, temperature, top-k, top-p, min-p, draw, as in
// transformers. Tokens are ordered by logit, then by number, so there are no ties.

import { fields, real, whole } from '../core/check.ts';
import { PURPOSE, randomU32 } from '../core/random.ts';
import { DISTANCE_BITS, WEIGHT_BITS, weightOf } from './exponential.ts';

/** How a token is chosen. */
export interface SamplingOptions {
  /** What logits are divided by, 0 to 100; 0: always the most likely token (1). */
  temperature?: number | undefined;
  /** Only the most likely so many tokens; 0: all (0). */
  topK?: number | undefined;
  /** Only the fewest most likely tokens whose probabilities add up to it, 0 to 1 (1). */
  topP?: number | undefined;
  /** Only tokens whose probability is at least this share of the most likely one's, 0 to 1 (0). */
  minP?: number | undefined;
  /** What positive logits of tokens that were there are divided by, and negative ones multiplied
   *  with: 1 to 16 (1). */
  repetitionPenalty?: number | undefined;
  /** The draw is a function of it and of the token's place, 0 .. 2^53 - 1 (1). */
  seed?: number | undefined;
}

/** The defaults. */
export const SAMPLING = {
  temperature: 1,
  topK: 0,
  topP: 1,
  minP: 0,
  repetitionPenalty: 1,
  seed: 1,
};

/** A share as a fraction of 2^16. */
const SHARE = 2 ** 16;
/** Ids are below it. */
const IDS = 2 ** 16;
const LARGEST = 2 ** 31 - 1;

const clampInt32 = (value: number): number => Math.min(LARGEST, Math.max(-LARGEST - 1, value));

/** Swaps keys between two places until those up to the first returned are at least as large as
 *  those from the second on (Hoare). */
function part(keys: Float64Array, low: number, high: number): [number, number] {
  const pivot = keys[(low + high) >> 1];
  let i = low;
  let j = high;
  while (i <= j) {
    while (keys[i] > pivot) i++;
    while (keys[j] < pivot) j--;
    if (i > j) break;
    const key = keys[i];
    keys[i++] = keys[j];
    keys[j--] = key;
  }
  return [j, i];
}

/** Brings the largest `count` keys to the front, in no order. */
function select(keys: Float64Array, count: number): void {
  let low = 0;
  let high = keys.length - 1;
  while (low < high) {
    const [end, begin] = part(keys, low, high);
    if (count - 1 <= end) high = end;
    else if (count - 1 >= begin) low = begin;
    else return;
  }
}

/** A way to choose tokens. */
export class Sampler {
  private readonly options: Required<{ [K in keyof SamplingOptions]: number }>;
  private values = new Int32Array(0);
  private keys = new Float64Array(0);

  constructor(given: SamplingOptions) {
    const options = fields('options', given, SAMPLING);
    real('temperature', options.temperature, 0, 100);
    whole('topK', options.topK, 0, IDS);
    real('topP', options.topP, 0, 1);
    real('minP', options.minP, 0, 1);
    real('repetitionPenalty', options.repetitionPenalty, 1, 16);
    whole('seed', options.seed, 0, Number.MAX_SAFE_INTEGER);
    this.options = options;
  }

  /** The token at place `index` of a text, from int32 logits with `fraction` fraction bits. seen:
   *  tokens that were there. */
  choose(logits: Int32Array, fraction: number, seen: Iterable<number>, index: number): number {
    const { temperature, topK, topP, minP, seed } = this.options;
    const values = this.penalised(logits, seen);
    let best = 0;
    for (let id = 1; id < values.length; id++) if (values[id] > values[best]) best = id;
    if (temperature === 0 || topK === 1) return best;
    const weight = this.weights(values[best], fraction, temperature);
    const ids = this.kept(values, weight, topK, Math.round(topP * SHARE));
    const least = Math.round(minP * SHARE) * 2 ** (WEIGHT_BITS - 16);
    const pairs: { id: number; weight: number }[] = [];
    let total = 0; // at most 2^16 tokens * 2^30: exact
    for (const id of ids) {
      const of = weight(values[id]);
      if (of === 0 || of < least) continue;
      pairs.push({ id, weight: of });
      total += of;
    }
    const random = randomU32(seed, PURPOSE.sample, 0, 0, index);
    let left = Number((BigInt(random) * BigInt(total)) >> 32n); // 0 .. total - 1
    const found = pairs.find(({ weight: of }) => {
      left -= of;
      return left < 0;
    });
    return found?.id ?? best;
  }

  /** A copy of the logits with the penalty, which is a fraction of 2^16: quotients and products of
   *  at most 2^51, exactly. */
  private penalised(logits: Int32Array, seen: Iterable<number>): Int32Array {
    const factor = Math.round(this.options.repetitionPenalty * SHARE);
    if (factor === SHARE) return logits;
    if (this.values.length !== logits.length) this.values = new Int32Array(logits.length);
    const { values } = this;
    values.set(logits);
    for (const id of seen) {
      const value = logits[id];
      const changed =
        value > 0 ? Math.floor((value * SHARE) / factor) : Math.floor((value * factor) / SHARE);
      values[id] = clampInt32(changed);
    }
    return values;
  }

  /** The weight of a logit: distances from the largest, times log2(e) / temperature as a fraction
   *  of 21 bits, which a double multiplies exactly. */
  private weights(
    largest: number,
    fraction: number,
    temperature: number,
  ): (value: number) => number {
    let factor = Math.LOG2E / temperature;
    let shift = fraction - DISTANCE_BITS;
    for (; factor >= 2 ** 21; factor /= 2) shift--;
    for (; factor < 2 ** 20; factor *= 2) shift++;
    const scale = Math.floor(factor);
    const unit = 2 ** shift;
    const most = (WEIGHT_BITS + 1) * 2 ** DISTANCE_BITS;
    return (value) => weightOf(Math.min(most, Math.floor(((largest - value) * scale) / unit)));
  }

  /** The tokens that top-k and top-p leave, in the order of their numbers. */
  private kept(
    values: Int32Array,
    weight: (value: number) => number,
    topK: number,
    share: number,
  ): Iterable<number> {
    const n = values.length;
    const isAll = topK === 0 || topK >= n;
    if (isAll && share === SHARE) return values.keys();
    const ranked = this.ranked(values, isAll ? n : topK);
    const ids = share === SHARE ? ranked : this.nucleus(values, ranked, weight, share);
    return ids.sort();
  }

  /** The `count` best tokens, best first. */
  private ranked(values: Int32Array, count: number): Int32Array {
    const n = values.length;
    if (this.keys.length !== n) this.keys = new Float64Array(n);
    const { keys } = this;
    for (let id = 0; id < n; id++) keys[id] = values[id] * IDS + (IDS - 1 - id);
    if (count < n) select(keys, count);
    const best = keys.subarray(0, count).sort();
    return Int32Array.from(best, (_, i) => {
      const key = best[count - 1 - i];
      return IDS - 1 - (key - Math.floor(key / IDS) * IDS);
    });
  }

  /** Of ranked tokens the fewest whose weights are `share` of all of theirs: sums of at most 2^46,
   *  and share * total / 2^16 of its two halves, exactly. */
  private nucleus(
    values: Int32Array,
    ranked: Int32Array,
    weight: (value: number) => number,
    share: number,
  ): Int32Array {
    const weights = Float64Array.from(ranked, (id) => weight(values[id]));
    const total = weights.reduce((a, b) => a + b, 0);
    const high = Math.floor(total / SHARE);
    const wanted = share * high + Math.ceil((share * (total - high * SHARE)) / SHARE);
    let sum = 0;
    let count = 0;
    while (count < ranked.length && (count === 0 || sum < wanted)) sum += weights[count++];
    return ranked.slice(0, count);
  }
}

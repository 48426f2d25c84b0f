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
/** Tokens that are ranked at first: mostly enough for top-p. */
const FEW = 256;

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

/** Brings the largest `count` of `size` keys to the front, in no order. */
function select(keys: Float64Array, size: number, count: number): void {
  let low = 0;
  let high = size - 1;
  while (low < high) {
    const [end, begin] = part(keys, low, high);
    if (count - 1 <= end) high = end;
    else if (count - 1 >= begin) low = begin;
    else return;
  }
}

/** The weight of a logit: distances from the largest, times log2(e) / temperature as a fraction of
 *  21 bits, which a double multiplies exactly. A distance of 15 fraction bits and such a factor are
 *  off by ln(2) (2^-15 + 31 * 2^-20) < 2^-14 of the weight, which is one step too small at most. */
export function weightsOf(
  largest: number,
  fraction: number,
  temperature: number,
): (value: number) => number {
  let factor = Math.LOG2E / temperature;
  let shift = fraction - DISTANCE_BITS;
  for (; factor >= 2 ** 21; factor /= 2) shift--;
  for (; factor < 2 ** 20; factor *= 2) shift++;
  const scale = Math.floor(factor);
  const unit = 2 ** -shift;
  const most = (WEIGHT_BITS + 1) * 2 ** DISTANCE_BITS;
  return (value) => weightOf(Math.min(most, Math.floor((largest - value) * scale * unit)));
}

/** Probabilities of raw logits: integers over their sum. */
export function probabilitiesOf(logits: Int32Array, fraction: number): Float64Array {
  const weight = weightsOf(
    logits.reduce((a, b) => Math.max(a, b)),
    fraction,
    1,
  );
  const weights = Float64Array.from(logits, weight);
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((value) => value / total);
}

/** A way to choose tokens. */
export class Sampler {
  private readonly options: Required<{ [K in keyof SamplingOptions]: number }>;
  private values = new Int32Array(0);
  private keys = new Float64Array(0);
  private drawn = new Float64Array(0);
  private all = new Int32Array(0);

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
    const weight = weightsOf(values[best], fraction, temperature);
    const ids = this.kept(values, weight, topK, Math.round(topP * SHARE));
    const least = Math.round(minP * SHARE) * 2 ** (WEIGHT_BITS - 16);
    const random = randomU32(seed, PURPOSE.sample, 0, 0, index);
    return this.draw(
      ids,
      (id) => {
        const of = weight(values[id]);
        return of < least ? 0 : of;
      },
      random,
    );
  }

  /** Draws one of some tokens by their weights. */
  private draw(ids: Int32Array, weight: (id: number) => number, random: number): number {
    if (this.drawn.length < ids.length) this.drawn = new Float64Array(ids.length);
    const { drawn } = this;
    let total = 0; // at most 2^16 tokens * 2^30: exact
    for (let i = 0; i < ids.length; i++) {
      drawn[i] = weight(ids[i]);
      total += drawn[i];
    }
    let left = Number((BigInt(random) * BigInt(total)) >> 32n); // 0 .. total - 1
    let i = 0;
    for (; left >= drawn[i]; i++) left -= drawn[i];
    return ids[i];
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

  /** The tokens that top-k and top-p leave, in the order of their numbers. */
  private kept(
    values: Int32Array,
    weight: (value: number) => number,
    topK: number,
    share: number,
  ): Int32Array {
    const n = values.length;
    const most = topK === 0 ? n : Math.min(topK, n);
    if (share < SHARE) return this.nucleus(values, most, weight, share).sort();
    if (most < n) return this.ranked(values, most).sort();
    if (this.all.length !== n) this.all = Int32Array.from({ length: n }, (_, id) => id);
    return this.all;
  }

  /** The `count` best tokens, best first. Behind the best so far come those that may be better,
   *  until there is no more room: most tokens are looked at once. */
  private ranked(values: Int32Array, count: number): Int32Array {
    const room = 2 * count;
    if (this.keys.length < room) this.keys = new Float64Array(room);
    const { keys } = this;
    let size = 0;
    let least = -LARGEST - 1;
    const keep = (): void => {
      if (size > count) select(keys, size, count);
      size = Math.min(size, count);
    };
    for (let id = 0; id < values.length; id++) {
      if (values[id] < least) continue;
      keys[size++] = values[id] * IDS + (IDS - 1 - id);
      if (size < room) continue;
      keep();
      least = Math.floor(keys.subarray(0, count).reduce((a, b) => Math.min(a, b)) / IDS);
    }
    keep();
    const best = keys.subarray(0, count).sort();
    return Int32Array.from(best, (_, i) => {
      const key = best[count - 1 - i];
      return IDS - 1 - (key - Math.floor(key / IDS) * IDS);
    });
  }

  /** Of the `most` best tokens the fewest whose weights are `share` of all of theirs: sums of at
   *  most 2^46, and share * total / 2^16 of its two halves, exactly. Ranks more and more of them
   *  until there are enough. */
  private nucleus(
    values: Int32Array,
    most: number,
    weight: (value: number) => number,
    share: number,
  ): Int32Array {
    const isAll = most === values.length;
    let total = 0;
    for (const value of isAll ? values : this.ranked(values, most).map((id) => values[id]))
      total += weight(value);
    const high = Math.floor(total / SHARE);
    const wanted = share * high + Math.ceil((share * (total - high * SHARE)) / SHARE);
    for (let size = Math.min(FEW, most); ; size = Math.min(8 * size, most)) {
      const ranked = this.ranked(values, size);
      let sum = weight(values[ranked[0]]);
      let count = 1;
      while (count < size && sum < wanted) sum += weight(values[ranked[count++]]);
      if (sum >= wanted || size === most) return ranked.slice(0, count);
    }
  }
}

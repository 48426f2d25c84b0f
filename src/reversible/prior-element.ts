// One element's distribution, of the numbers of its prior: a discretised logistic or a mixture of
// several, over 4,096 bins around its mean, each of them a step of the state wide. Frequencies are
// whole, at least 1, and sum to 2^24.

import {
  BINS,
  cumulative,
  distance,
  exp2,
  inverseScale,
  logisticCdf,
  MAX_LOG_SCALE,
  MIN_LOG_SCALE,
  PRIOR_FRACTION,
  SCALE_START,
  TOTAL,
  tail,
} from '../ops/logistic.ts';
import type { Prior } from './flow.ts';

/** log2(e), 16 fraction bits. */
const LOG2E_Q16 = 94548;
/** Fraction bits of gradients, in bits a unit. */
export const PRIOR_GRADIENT_FRACTION = 20;

/** log2(e), Q20: what the width of a bin makes of the gradient where the bin has no probability. */
const FAR_SPREAD = 1512775;

const clamp = (a: number, low: number, high: number): number => Math.min(Math.max(a, low), high);

/** One component: a logistic. */
class Component {
  mean = 0;
  /** log2(e) / scale, 16 fraction bits. */
  inverse = 0;
  /** Whether the logarithm of the scale is within its range, so that it has a gradient. */
  isFree = true;
  /** Its share of the mixture, Q24. */
  weight = TOTAL;
  /** Of the bin at hand: its probability, Q24, and the gradient of its bits (Q20). */
  probability = 0;
  dMean = 0;
  dScale = 0;

  set(mean: number, logScale: number): void {
    const given = logScale + SCALE_START;
    const clamped = clamp(given, MIN_LOG_SCALE, MAX_LOG_SCALE);
    this.mean = mean;
    this.isFree = given === clamped;
    this.inverse = inverseScale(clamped);
  }

  /** The bin whose edges are at `low` and `low + step`, 16 fraction bits. */
  at(low: number, step: number): void {
    const { inverse, mean } = this;
    const [a, b] = [low - mean, low + step - mean];
    const [ta, tb] = [distance(a, inverse), distance(b, inverse)];
    const [tailA, tailB] = [tail(ta), tail(tb)];
    const cdfA = a < 0 ? tailA : TOTAL - tailA;
    const cdfB = b < 0 ? tailB : TOTAL - tailB;
    const outer = cdfA + cdfB - TOTAL; // 1 - F(a) - F(b), negative
    this.probability = cdfB - cdfA;
    this.dMean = -round((outer * inverse) / 2 ** 20);
    if (!this.isFree) this.dScale = 0;
    else this.dScale = this.slope(a + step / 2, outer, step, ta, tb);
  }

  /** Of the logarithm of the scale: x (F(a) + F(b) - 1), negative, and what the bin's width makes
   *  of it: (w / 2) (F'(a) + F'(b)) / (F(b) - F(a)), with x and w in units of the scale. Where both
   *  edges lie on one side, powers of two are divided out, so that it is exact far out. */
  private slope(middle: number, outer: number, step: number, ta: number, tb: number): number {
    const { inverse } = this;
    const x = Math.sign(middle) * distance(middle, inverse);
    const isOneSide = Math.abs(middle) * 2 >= step;
    const base = isOneSide ? Math.floor(Math.min(ta, tb) / 2 ** 22) * 2 ** 22 : 0;
    const near = scaledTail(ta, base);
    const far = scaledTail(tb, base);
    const bin = isOneSide ? Math.abs(near - far) : TOTAL - near - far;
    const slopes = slopeOf(near, tail(ta)) + slopeOf(far, tail(tb));
    // to Q20 from the Q32 of inverse * step, and half of it
    const width = Math.floor((inverse * slopes) / bin);
    const spread = bin > 0 ? Math.floor((width * step) / 2 ** 13) : FAR_SPREAD;
    return spread - round((outer * x) / 2 ** 26);
  }
}

const round = (a: number): number => Math.floor(a + 0.5);
/** A of t in Q24, times the 2^(base / 2^22) that is divided out. */
const scaledTail = (t: number, base: number): number =>
  Math.floor((exp2(t - base) * TOTAL) / (2 ** 28 + exp2(t)));
/** A (1 - A), of which the first factor is scaled. */
const slopeOf = (scaled: number, a: number): number => Math.floor((scaled * (TOTAL - a)) / TOTAL);

/** What an element of a flow is expected to be, one at a time, as whole frequencies of 4,096 bins
 *  around its mean. What a coder codes with.
 *  @example
 *  const element = new PriorElement({ first: 0, rows: 1, columns: 1, components: 1 }, 7);
 *  element.move(Int32Array.of(0, 0), 0, 0); // mean 0, scale e^-1.25
 *  console.log(element.frequency(0), element.frequency(-128)); // 114342 13135
 */
export class PriorElement {
  /** Kept by bundlers. @internal */
  static readonly name: string = 'PriorElement';
  /** Its mean, rounded to the grid: raw. */
  centre = 0;
  private readonly parts: readonly Component[];
  private readonly logits: number[];
  /** Of an element's value, of its step: 16 fraction bits. */
  private readonly step: number;

  constructor(
    private readonly prior: Prior,
    fraction: number,
  ) {
    const { components } = prior;
    this.parts = Array.from({ length: components }, () => new Component());
    this.logits = this.parts.map(() => 0);
    this.step = 2 ** (PRIOR_FRACTION - fraction);
  }

  /** Where number `kind` (0: logit, 1: mean, 2: logarithm of the scale) of component k lies among
   *  the numbers of the prior, for element i.
   *  @example
   *  const element = new PriorElement({ first: 0, rows: 1, columns: 1, components: 1 }, 7);
   *  element.move(Int32Array.of(2 ** 16, 0), 0, 0); // mean 1, which is 128 steps
   *  console.log(element.indexOf(0, 2, 0)); // 1
   */
  indexOf(i: number, kind: number, k: number): number {
    const { columns, components } = this.prior;
    const kinds = components > 1 ? 3 : 2;
    const row = Math.floor(i / columns);
    const block = (row * kinds + kind + kinds - 3) * components + k;
    return block * columns + (i % columns);
  }

  /** Moves to element i, of numbers that begin at index `at`.
   *  @example
   *  const element = new PriorElement({ first: 0, rows: 1, columns: 1, components: 1 }, 7);
   *  element.move(Int32Array.of(2 ** 16, 0), 0, 0); // mean 1, which is 128 steps
   *  console.log(element.centre); // 128
   */
  move(int32: Int32Array, at: number, i: number): void {
    const { parts, logits } = this;
    for (let k = 0; k < parts.length; k++) {
      if (parts.length > 1) logits[k] = int32[at + this.indexOf(i, 0, k)];
      parts[k].set(int32[at + this.indexOf(i, 1, k)], int32[at + this.indexOf(i, 2, k)]);
    }
    if (parts.length > 1) this.share();
    let mean = 0;
    for (const part of parts) mean += Math.floor((part.weight * part.mean) / TOTAL);
    this.centre = round(mean / this.step);
  }

  /** The softmax of the logits, whole and of sum 2^24: the largest gets what rounding leaves. */
  private share(): void {
    const { parts, logits } = this;
    let first = 0;
    for (let k = 1; k < parts.length; k++) if (logits[k] > logits[first]) first = k;
    let sum = 0;
    for (let k = 0; k < parts.length; k++) {
      const below = clamp(logits[first] - logits[k], 0, 2 ** 22);
      parts[k].weight = exp2(Math.floor((below * LOG2E_Q16) / 2 ** 10));
      sum += parts[k].weight;
    }
    let left = TOTAL;
    for (const part of parts) {
      part.weight = Math.floor((part.weight * TOTAL) / sum);
      left -= part.weight;
    }
    parts[first].weight += left;
  }

  /** The cumulative probability at a place, 16 fraction bits: Q24. */
  private cdf(place: number): number {
    const { parts } = this;
    if (parts.length === 1) return logisticCdf(place - parts[0].mean, parts[0].inverse);
    let sum = 0;
    for (const { weight, mean, inverse } of parts)
      sum += weight * logisticCdf(place - mean, inverse);
    return Math.floor(sum / TOTAL);
  }

  /** The lower edge of bin i, 16 fraction bits. */
  private edge(i: number): number {
    return (this.centre + i - BINS / 2) * this.step - this.step / 2;
  }

  /** The bin of a raw value: 0 .. 4095, or outside.
   *  @example
   *  const element = new PriorElement({ first: 0, rows: 1, columns: 1, components: 1 }, 7);
   *  element.move(Int32Array.of(2 ** 16, 0), 0, 0); // mean 1, which is 128 steps
   *  console.log(element.binOf(128)); // 2048
   */
  binOf(raw: number): number {
    return raw - this.centre + BINS / 2;
  }

  /** The raw value of a bin.
   *  @example
   *  const element = new PriorElement({ first: 0, rows: 1, columns: 1, components: 1 }, 7);
   *  element.move(Int32Array.of(2 ** 16, 0), 0, 0); // mean 1, which is 128 steps
   *  console.log(element.rawOf(2048)); // 128
   */
  rawOf(bin: number): number {
    return bin + this.centre - BINS / 2;
  }

  /** Frequencies of all bins before bin i: 0 .. 2^24.
   *  @example
   *  const element = new PriorElement({ first: 0, rows: 1, columns: 1, components: 1 }, 7);
   *  element.move(Int32Array.of(2 ** 16, 0), 0, 0); // mean 1, which is 128 steps
   *  console.log(element.start(0), element.start(4096)); // 0 16777216
   */
  start(i: number): number {
    return i <= 0 || i >= BINS ? cumulative(i, 0) : cumulative(i, this.cdf(this.edge(i)));
  }

  /** The frequency of a raw value: 1 to 2^24 - 4095; 1, too, for one outside of all bins.
   *  @example
   *  const element = new PriorElement({ first: 0, rows: 1, columns: 1, components: 1 }, 7);
   *  element.move(Int32Array.of(2 ** 16, 0), 0, 0); // mean 1, which is 128 steps
   *  console.log(element.frequency(128) > element.frequency(127)); // true
   */
  frequency(raw: number): number {
    const bin = this.binOf(raw);
    return bin < 0 || bin >= BINS ? 1 : this.start(bin + 1) - this.start(bin);
  }

  /** Writes the gradient of the bits of `raw` (20 fraction bits, of real units) into `d` from `at`
   *  on, as the numbers are; returns that of the value itself.
   *  @example
   *  const element = new PriorElement({ first: 0, rows: 1, columns: 1, components: 1 }, 7);
   *  element.move(Int32Array.of(2 ** 16, 0), 0, 0); // mean 1, which is 128 steps
   *  console.log(element.gradient(0, new Int32Array(2), 0, 0) < 0); // true
   */
  gradient(raw: number, d: Int32Array, at: number, i: number): number {
    const { parts, step } = this;
    const low = raw * step - step / 2;
    for (const part of parts) part.at(low, step);
    let dValue = 0;
    for (let k = 0; k < parts.length; k++) {
      const part = parts[k];
      const share = parts.length > 1 ? this.responsibility(k, low) : 2 ** 16;
      const dMean = round((part.dMean * share) / 2 ** 16);
      dValue -= dMean;
      d[at + this.indexOf(i, 1, k)] = dMean;
      d[at + this.indexOf(i, 2, k)] = round((part.dScale * share) / 2 ** 16);
      if (parts.length === 1) continue;
      const excess = part.weight - share * 2 ** 8; // Q24
      d[at + this.indexOf(i, 0, k)] = round((excess * LOG2E_Q16) / 2 ** 20);
    }
    return dValue;
  }

  /** weight * probability of a component as a share of their sum, Q16; where all are 0, the nearest
   *  component has it all. */
  private responsibility(k: number, low: number): number {
    const { parts } = this;
    let sum = 0;
    for (const { weight, probability } of parts) sum += weight * probability;
    if (sum === 0) return k === this.nearest(low) ? 2 ** 16 : 0;
    const product = parts[k].weight * parts[k].probability; // at most 2^48
    if (sum < 2 ** 32) return Math.floor((product * 2 ** 16) / sum);
    return Math.floor(product / Math.ceil(sum / 2 ** 16));
  }

  private nearest(low: number): number {
    const { parts } = this;
    const of = ({ mean, inverse }: Component): number => distance(low - mean, inverse);
    let best = 0;
    for (let k = 1; k < parts.length; k++) if (of(parts[k]) < of(parts[best])) best = k;
    return best;
  }
}

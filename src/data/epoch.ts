// The order of the images: every epoch sees each image once, in an order of its own, which is a
// function of (seed, epoch) only. So a resumed run, or one that counts its batches in another way,
// meets the same images at the same places.

import { refuse, whole } from '../core/check.ts';
import { PURPOSE, randomU32 } from '../core/random.ts';
import { scaleU32 } from './batch.ts';

/** Most items: their order takes 4 bytes each. */
const MAX_COUNT = 2 ** 24;
/** A batch can lie across the end of an epoch. */
const KEPT = 2;

/** The order of one epoch: a Fisher-Yates shuffle of 0 .. count - 1 from the top, place i drawing
 *  from 0 .. i. */
export function shuffled(seed: number, epoch: number, count: number): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = scaleU32(randomU32(seed, PURPOSE.shuffle, epoch, 0, i), i + 1);
    const item = order[i];
    order[i] = order[j];
    order[j] = item;
  }
  return order;
}

/** Which item stands at each place of a run: place = step * batch + sample, epoch = floor(place /
 *  count). Keeps the last two epochs' orders. Throws UsageError for a count outside 1 .. 2^24 and
 *  for a place that no run reaches.
 *  @example
 *  const order = new EpochOrder(1, 5);
 *  console.log([0, 1, 2, 3, 4].map((place) => order.at(place)).join(' ')); // 3 4 0 1 2
 *  console.log([5, 6, 7, 8, 9].map((place) => order.at(place)).join(' ')); // 1 3 4 0 2
 */
export class EpochOrder {
  /** Kept by bundlers. @internal */
  static readonly name = 'EpochOrder';
  private readonly orders: { epoch: number; order: Int32Array }[] = [];
  private readonly seed: number;
  private readonly count: number;

  /** seed: 0 .. 2^53 - 1. */
  constructor(seed: number, count: number) {
    this.seed = whole('seed', seed, 0, Number.MAX_SAFE_INTEGER);
    this.count = whole('count', count, 1, MAX_COUNT);
  }

  /** The item at a place: 0 .. count - 1.
   *  @example
   *  console.log(new EpochOrder(1, 5).at(7)); // 4
   */
  at(place: number): number {
    whole('place', place, 0, Number.MAX_SAFE_INTEGER);
    const epoch = Math.floor(place / this.count);
    if (epoch >= 2 ** 32) refuse('place', place, 'less than 2^32 epochs');
    let kept = this.orders.find((candidate) => candidate.epoch === epoch);
    if (kept === undefined) {
      kept = { epoch, order: shuffled(this.seed, epoch, this.count) };
      this.orders.unshift(kept);
      this.orders.length = Math.min(this.orders.length, KEPT);
    }
    return kept.order[place % this.count];
  }
}

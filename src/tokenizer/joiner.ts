// The tokens of one word: of all rules that apply somewhere, the one of the lowest rank is applied
// at its leftmost place, until none does. The places wait in a heap and the tokens are a linked
// list, so n bytes take n log n steps, whatever they are.

import type { PairTable } from './pair-table.ts';

/** Rules in the order of their ranks: `rank` of a pair, and the token that each rank makes. */
export interface Rules {
  readonly ranks: PairTable;
  readonly joined: ArrayLike<number>;
}

/** An entry of the heap is rank * PLACES + place, so that the least is the next. */
const PLACES = 2 ** 32;
const NONE = -1;

/** Joins the tokens of one word after the other; its memory grows with the longest. */
export class Joiner {
  /** The word: tokens, of which `length` count; the caller fills it, `join` leaves the result. */
  tokens = new Int32Array(64);
  length = 0;
  private next = new Int32Array(64);
  private before = new Int32Array(64);
  /** Rank of the pair that begins at a place, NONE if no rule applies. */
  private rankAt = new Int32Array(64);
  /** Every place is there once at first and twice more for every join: never more than 3 n. */
  private heap = new Float64Array(3 * 64);
  private waiting = 0;
  private readonly rules: Rules;

  constructor(rules: Rules) {
    this.rules = rules;
  }

  /** Begins a word of at most `most` tokens. */
  begin(most: number): void {
    this.length = 0;
    if (most <= this.tokens.length) return;
    const size = 2 * most;
    this.tokens = new Int32Array(size);
    this.next = new Int32Array(size);
    this.before = new Int32Array(size);
    this.rankAt = new Int32Array(size);
    this.heap = new Float64Array(3 * size);
  }

  /** Makes the word one token. */
  only(token: number): void {
    this.tokens[0] = token;
    this.length = 1;
  }

  /** Applies the rules to tokens[0 .. length - 1]. */
  join(): void {
    const { tokens, next, before, rankAt, length } = this;
    const { joined } = this.rules;
    this.waiting = 0;
    for (let place = 0; place < length; place++) {
      before[place] = place - 1;
      next[place] = place + 1 < length ? place + 1 : NONE;
      this.look(place);
    }
    while (this.waiting > 0) {
      const entry = this.pop();
      const place = entry % PLACES;
      const rank = (entry - place) / PLACES;
      if (rankAt[place] !== rank) continue; // what was there is joined already
      const gone = next[place];
      const after = next[gone];
      tokens[place] = joined[rank];
      tokens[gone] = rankAt[gone] = NONE;
      next[place] = after;
      if (after !== NONE) before[after] = place;
      this.look(place);
      if (before[place] !== NONE) this.look(before[place]);
    }
    this.collect();
  }

  /** Finds the rule of the pair that begins at a place. */
  private look(place: number): void {
    const { tokens, next, rankAt, rules } = this;
    const right = next[place];
    const rank = right === NONE ? NONE : rules.ranks.get(tokens[place], tokens[right]);
    rankAt[place] = rank;
    if (rank !== NONE) this.push(rank * PLACES + place);
  }

  /** The tokens that are left, side by side. */
  private collect(): void {
    const { tokens, next } = this;
    let count = 0;
    for (let place = this.length > 0 ? 0 : NONE; place !== NONE; place = next[place])
      tokens[count++] = tokens[place];
    this.length = count;
  }

  private push(entry: number): void {
    const { heap } = this;
    let at = this.waiting++;
    while (at > 0 && heap[(at - 1) >> 1] > entry) {
      heap[at] = heap[(at - 1) >> 1];
      at = (at - 1) >> 1;
    }
    heap[at] = entry;
  }

  private pop(): number {
    const { heap } = this;
    const top = heap[0];
    const length = --this.waiting;
    const entry = heap[length];
    let at = 0;
    for (let below = 1; below < length; below = 2 * at + 1) {
      if (below + 1 < length && heap[below + 1] < heap[below]) below++;
      if (heap[below] >= entry) break;
      heap[at] = heap[below];
      at = below;
    }
    heap[at] = entry;
    return top;
  }
}

// Byte-pair encoding learned (Sennrich, Haddow, Birch 2016): the pair of neighbouring tokens that
// is most frequent in the words of a text becomes a token, again and again. Of pairs that are as
// frequent the one of the lowest tokens is taken, the left one first, as Hugging Face's trainer
// does. All places of a pair hang in a list through the words, so a join costs what it changes,
// whatever the length of a word.

import { PairTable } from './pair-table.ts';

/** A word: its tokens are the bytes from `from` to `end` of all words' bytes. */
export interface Words {
  /** The tokens of all words, one behind the other. */
  readonly tokens: Int32Array;
  /** Where each word begins, and where the last one ends. */
  readonly starts: readonly number[];
  /** How often each stands in the text. */
  readonly counts: readonly number[];
}

/** Left and right token of a rule, and the token that it makes. */
export interface Rule {
  left: number;
  right: number;
  joined: number;
}

const NONE = -1;

/** All pairs of neighbours in all words, with their counts and places. */
export class PairCounts {
  private readonly tokens: Int32Array;
  private readonly next: Int32Array;
  private readonly before: Int32Array;
  /** The word that a place is in. */
  private readonly wordAt: Int32Array;
  /** The pair that begins at a place; the places of a pair are a list. */
  private readonly pairAt: Int32Array;
  private readonly nextPlace: Int32Array;
  private readonly placeBefore: Int32Array;
  private readonly weights: readonly number[];

  private readonly table = new PairTable();
  private readonly left: number[] = [];
  private readonly right: number[] = [];
  private readonly counts: number[] = [];
  private readonly first: number[] = [];
  private readonly last: number[] = [];

  /** A binary heap of pairs with the count that each had then: outdated if it is another now, but
   *  every pair also stands there with its own count or a larger one. */
  private readonly heap: { pair: number; count: number }[] = [];
  /** Pairs that grew in this join. */
  private grown = new Set<number>();

  constructor({ tokens, starts, counts }: Words) {
    const size = tokens.length;
    this.tokens = tokens;
    this.weights = counts;
    [this.next, this.before, this.wordAt, this.pairAt, this.nextPlace, this.placeBefore] =
      Array.from({ length: 6 }, () => new Int32Array(size).fill(NONE));
    counts.forEach((_, word) => {
      for (let place = starts[word]; place < starts[word + 1]; place++) {
        this.wordAt[place] = word;
        if (place > starts[word]) this.before[place] = place - 1;
        if (place + 1 < starts[word + 1]) this.next[place] = place + 1;
      }
    });
    for (let place = 0; place < size; place++) this.link(place);
    this.pushGrown();
  }

  /** The most frequent pair, of several the lowest; undefined if none occurs `least` times. */
  best(least: number): { left: number; right: number } | undefined {
    while (this.heap.length > 0) {
      const { pair, count } = this.pop();
      const now = this.counts[pair];
      if (now < least) continue;
      if (now === count) return { left: this.left[pair], right: this.right[pair] };
      this.push({ pair, count: now });
    }
    return undefined;
  }

  /** Makes left, right one token wherever they stand side by side, from left to right. */
  join({ left, right, joined }: Rule): void {
    const { tokens, next } = this;
    for (const place of this.placesOf(this.table.get(left, right))) {
      // of three equal tokens the middle one may have gone
      const isThere = tokens[place] === left && next[place] !== NONE;
      if (isThere && tokens[next[place]] === right) this.joinAt(place, joined);
    }
    this.pushGrown();
  }

  /** Makes the tokens at a place and behind it one. */
  private joinAt(place: number, joined: number): void {
    const { tokens, next, before } = this;
    const [gone, neighbour] = [next[place], before[place]];
    if (neighbour !== NONE) this.unlink(neighbour);
    this.unlink(place);
    this.unlink(gone);
    tokens[place] = joined;
    tokens[gone] = NONE;
    next[place] = next[gone];
    if (next[gone] !== NONE) before[next[gone]] = place;
    if (neighbour !== NONE) this.link(neighbour);
    this.link(place);
  }

  /** The places of a pair, ascending. They come in order, but for a token that two rules make. */
  private placesOf(pair: number): Int32Array {
    const places: number[] = [];
    for (let place = this.first[pair]; place !== NONE; place = this.nextPlace[place])
      places.push(place);
    return Int32Array.from(places).sort();
  }

  /** Counts the pair that begins at a place. */
  private link(place: number): void {
    const { tokens, next, table, counts, first, last } = this;
    if (next[place] === NONE) return;
    const [left, right] = [tokens[place], tokens[next[place]]];
    let pair = table.get(left, right);
    if (pair < 0) {
      pair = counts.length;
      table.set(left, right, pair);
      this.left.push(left);
      this.right.push(right);
      counts.push(0);
      first.push(NONE);
      last.push(NONE);
    }
    this.pairAt[place] = pair;
    this.placeBefore[place] = last[pair];
    this.nextPlace[place] = NONE;
    if (last[pair] === NONE) first[pair] = place;
    else this.nextPlace[last[pair]] = place;
    last[pair] = place;
    counts[pair] += this.weights[this.wordAt[place]];
    this.grown.add(pair);
  }

  /** Counts the pair that begins at a place no more. */
  private unlink(place: number): void {
    const { pairAt, nextPlace, placeBefore, first, last } = this;
    const pair = pairAt[place];
    if (pair === NONE) return;
    const [earlier, later] = [placeBefore[place], nextPlace[place]];
    if (earlier === NONE) first[pair] = later;
    else nextPlace[earlier] = later;
    if (later === NONE) last[pair] = earlier;
    else placeBefore[later] = earlier;
    pairAt[place] = NONE;
    this.counts[pair] -= this.weights[this.wordAt[place]];
  }

  private pushGrown(): void {
    for (const pair of this.grown) this.push({ pair, count: this.counts[pair] });
    this.grown = new Set();
  }

  /** Whether a is taken before b. */
  private isAbove(a: { pair: number; count: number }, b: { pair: number; count: number }): boolean {
    if (a.count !== b.count) return a.count > b.count;
    const { left, right } = this;
    const lefts = left[a.pair] - left[b.pair];
    return lefts === 0 ? right[a.pair] < right[b.pair] : lefts < 0;
  }

  private push(entry: { pair: number; count: number }): void {
    const { heap } = this;
    let at = heap.length;
    for (; at > 0; at = (at - 1) >> 1) {
      const above = heap[(at - 1) >> 1];
      if (!this.isAbove(entry, above)) break;
      heap[at] = above;
    }
    heap[at] = entry;
  }

  private pop(): { pair: number; count: number } {
    const { heap } = this;
    const top = heap[0];
    const entry = heap.pop() as { pair: number; count: number };
    const { length } = heap;
    if (length === 0) return top;
    let at = 0;
    for (let below = 1; below < length; below = 2 * at + 1) {
      if (below + 1 < length && this.isAbove(heap[below + 1], heap[below])) below++;
      if (!this.isAbove(heap[below], entry)) break;
      heap[at] = heap[below];
      at = below;
    }
    heap[at] = entry;
    return top;
  }
}

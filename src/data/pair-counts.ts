// How often pairs of neighbouring tokens occur in the words from which byte pairs are learned.

/** Most tokens a model can have: a token id is stored in 16 bits. So left * MAX_TOKENS + right is
 *  one number for a pair. */
export const MAX_TOKENS = 65536;

/** The order of two texts by code points; UTF-16 units alone would put U+10000.. before U+E000...
 */
export function comparePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const isSurrogateX = x >= 0xd800 && x < 0xe000;
    const isSurrogateY = y >= 0xd800 && y < 0xe000;
    return isSurrogateX === isSurrogateY ? x - y : Number(isSurrogateX) - Number(isSurrogateY);
  }
  return a.length - b.length;
}

/** `tokens` with every `left`, `right` made `joined`, from left to right. */
export function merge(tokens: number[], left: number, right: number, joined: number): number[] {
  const out: number[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const isPair = tokens[i] === left && tokens[i + 1] === right;
    out.push(isPair ? joined : tokens[i]);
    if (isPair) i++;
  }
  return out;
}

/** How often each pair of neighbours occurs and in which words, as the words change; the most
 *  frequent one is on top of a heap. */
export class PairCounts {
  private readonly counts = new Map<number, number>();
  /** The words in which a pair occurs or once occurred. */
  private readonly places = new Map<number, number[]>();
  /** A binary heap of [count, pair]. A count may be outdated, but every pair also stands there with
   *  its own count or a larger one. */
  private readonly heap: [number, number][] = [];
  private readonly words: { tokens: number[]; count: number }[];
  private readonly texts: readonly string[];

  /** words: their tokens and how often each stands in the sentences; texts: of the tokens, growing
   *  with them. */
  constructor(words: { tokens: number[]; count: number }[], texts: readonly string[]) {
    this.words = words;
    this.texts = texts;
    words.forEach((_, word) => {
      this.count(word, 1);
    });
    for (const [pair, count] of this.counts) this.push([count, pair]);
  }

  /** The most frequent pair, the smaller one of several; undefined if none occurs twice. */
  best(): number | undefined {
    for (;;) {
      if (this.heap.length === 0) return undefined;
      const [count, pair] = this.pop();
      const now = this.counts.get(pair) ?? 0;
      if (now === count && count >= 2) return pair;
      if (now >= 2 && now < count) this.push([now, pair]);
    }
  }

  /** Makes every left, right of every word one token. */
  join(left: number, right: number, joined: number): void {
    const grown = new Set<number>();
    const pair = left * MAX_TOKENS + right;
    for (const word of this.places.get(pair) ?? []) {
      const tokens = merge(this.words[word].tokens, left, right, joined);
      if (tokens.length === this.words[word].tokens.length) continue; // it occurred there once
      this.count(word, -1);
      this.words[word].tokens = tokens;
      this.count(word, 1, { joined, grown });
    }
    this.places.delete(pair);
    for (const key of grown) this.push([this.counts.get(key) ?? 0, key]);
  }

  /** Adds (sign 1) or takes away (sign -1) the pairs of a word. After a join only pairs with the
   *  joined token are new to it: the others' places and counts are known already. */
  private count(word: number, sign: number, after?: { joined: number; grown: Set<number> }): void {
    const { tokens, count } = this.words[word];
    for (let i = 0; i + 1 < tokens.length; i++) {
      const pair = tokens[i] * MAX_TOKENS + tokens[i + 1];
      this.counts.set(pair, (this.counts.get(pair) ?? 0) + sign * count);
      const isKnown =
        after !== undefined && tokens[i] !== after.joined && tokens[i + 1] !== after.joined;
      if (sign < 0 || isKnown) continue;
      const places = this.places.get(pair);
      if (places === undefined) this.places.set(pair, [word]);
      else if (places[places.length - 1] !== word) places.push(word);
      after?.grown.add(pair);
    }
  }

  /** Whether a stands above b in the heap. */
  private isAbove([countA, a]: [number, number], [countB, b]: [number, number]): boolean {
    if (countA !== countB) return countA > countB;
    const left = comparePoints(
      this.texts[Math.floor(a / MAX_TOKENS)],
      this.texts[Math.floor(b / MAX_TOKENS)],
    );
    return (
      (left === 0 ? comparePoints(this.texts[a % MAX_TOKENS], this.texts[b % MAX_TOKENS]) : left) <
      0
    );
  }

  private push(entry: [number, number]): void {
    let at = this.heap.length;
    for (; at > 0; at = (at - 1) >> 1) {
      const above = this.heap[(at - 1) >> 1];
      if (!this.isAbove(entry, above)) break;
      this.heap[at] = above;
    }
    this.heap[at] = entry;
  }

  private pop(): [number, number] {
    const { heap } = this;
    const top = heap[0];
    const length = heap.length - 1;
    const entry = heap[length];
    heap.length = length;
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

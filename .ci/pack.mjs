// Bytes as a text of 64 characters, which gzip keeps at 6 bits each: src/kernels/unpack.ts undoes
// it and tells the format. What repeats and what does not is chosen for the fewest bits: a shortest
// path, whose prices are the probabilities that the last choice led to.

const FIRST = 61;
const BACKSLASH = 92;
const LEAST_RANGE = 2 ** 24;
const WINDOW = 2 ** 30;
const FIRST_DIVISOR = 2.3;
const MOST_SEEN = 58;
const EARLIER = 2 ** 16;
const DISTANT = 2 ** 17;
const SAME_DISTANCE = 1_200_000;
const NUMBERS = SAME_DISTANCE + 2;
const BITS = 32;
const CONTEXTS = 1_300_000;

const PASSES = 6;
const MOST_CANDIDATES = 3000;
const MOST_LENGTH = 2000;

/** Probabilities of ones by context, as the reader has them. */
export class Model {
  ones = new Float32Array(CONTEXTS).fill(0.5);
  seen = new Uint8Array(CONTEXTS);

  /** The odds of a zero: in several contexts the square root of their product. */
  odds(contexts) {
    let odds = 1;
    for (const context of contexts) odds *= 1 / this.ones[context] - 1;
    return contexts.length > 1 ? Math.sqrt(odds) : odds;
  }

  learn(contexts, value) {
    for (const context of contexts) {
      this.ones[context] += (value - this.ones[context]) / (FIRST_DIVISOR + this.seen[context]);
      if (this.seen[context] < MOST_SEEN) this.seen[context]++;
    }
  }

  /** Bits that a bit takes about. */
  price(value, ...contexts) {
    const one = Math.min(0.98, Math.max(0.02, 1 / (1 + this.odds(contexts))));
    return -Math.log2(value ? one : 1 - one);
  }
}

/** The range coder: keeps five digits back, into which a carry may still come. */
class Coder {
  model = new Model();
  digits = [];
  low = 0;
  range = LEAST_RANGE;

  put(value, ...contexts) {
    const split = 1 + Math.floor((this.range - 2) / (1 + this.model.odds(contexts)));
    if (!value) this.low += split;
    if (this.low >= WINDOW) this.carry();
    this.range = value ? split : this.range - split;
    for (; this.range < LEAST_RANGE; this.range *= 64) this.shift();
    this.model.learn(contexts, value);
  }

  carry() {
    this.low -= WINDOW;
    let at = this.digits.length - 1;
    while (this.digits[at] === 63) this.digits[at--] = 0;
    this.digits[at]++;
  }

  shift() {
    this.low *= 64;
    this.digits.push(Math.floor(this.low / WINDOW));
    this.low %= WINDOW;
  }

  /** All digits; the first one, before the point, is 0. */
  finish() {
    for (let i = 0; i < 5; i++) this.shift();
    return this.digits.slice(1);
  }
}

/** Calls visit(bit, context) for the bits of a number of 1 or more. */
function visitNumber(kind, value, visit) {
  const context = NUMBERS + 2 * BITS * kind;
  const digits = Math.floor(Math.log2(value));
  for (let i = 0; i < digits; i++) visit(1, context + i);
  visit(0, context + digits);
  for (let i = digits - 1; i >= 0; i--) visit((value >> i) & 1, context + BITS + i);
}

/** The contexts of what comes at a place, without the bits so far. */
function contextsAt(bytes, at, wasRepeat, last) {
  const before = bytes[at - 1] ?? 0;
  const earlier = bytes[at - 2] ?? 0;
  const distant = 16 * (last && bytes[at - last]) + 2 * (before >> 5) + wasRepeat;
  return [256 * before, EARLIER + 256 * earlier, DISTANT + 256 * distant];
}

const withNode = (contexts, node) => contexts.map((context) => context + node);

/** Calls visit(bit, ...contexts) for the bits of a single byte. */
function visitByte(contexts, byte, visit) {
  let node = 1;
  for (let i = 7; i >= 0; i--) {
    const value = (byte >> i) & 1;
    visit(value, ...withNode(contexts, node));
    node = 2 * node + value;
  }
}

/** Codes a way through the bytes: its moves are { length, distance }, distance 0 for a single byte.
 */
function encode(bytes, moves) {
  const coder = new Coder();
  const put = (value, ...contexts) => coder.put(value, ...contexts);
  let at = 0;
  let last = 0;
  let wasRepeat = 0;
  for (const { length, distance } of moves) {
    const contexts = contextsAt(bytes, at, wasRepeat, last);
    const sameDistance = SAME_DISTANCE + wasRepeat;
    wasRepeat = Number(distance > 0);
    put(wasRepeat, ...contexts);
    if (wasRepeat) {
      const isSame = Number(distance === last);
      put(isSame, sameDistance);
      visitNumber(isSame, length - 1, put);
      if (!isSame) visitNumber(Math.min(length, 4), distance, put);
      last = distance;
    } else visitByte(contexts, bytes[at], put);
    at += length;
  }
  return coder;
}

const matchLength = (bytes, at, distance) => {
  let length = 0;
  while (
    length < MOST_LENGTH &&
    at + length < bytes.length &&
    bytes[at + length - distance] === bytes[at + length]
  )
    length++;
  return length;
};

/** For each place the repetitions that begin there: the nearest of each greater length. */
function findRepetitions(bytes) {
  const places = new Map();
  return Array.from(bytes, (_, at) => {
    const key = 256 * bytes[at] + bytes[at + 1];
    const earlier = places.get(key) ?? [];
    const found = [];
    let longest = 1;
    for (const place of earlier.slice(-MOST_CANDIDATES).reverse()) {
      if (longest === MOST_LENGTH) break;
      const length = matchLength(bytes, at, at - place);
      if (length > longest) found.push({ length, distance: at - place });
      longest = Math.max(longest, length);
    }
    places.set(key, earlier);
    earlier.push(at);
    return found;
  });
}

/** Remembers what numbers cost. */
function numberPrices(model) {
  const known = new Map();
  return (kind, value) => {
    const key = 8 * value + kind;
    let price = known.get(key) ?? 0;
    if (price > 0) return price;
    visitNumber(kind, value, (bit, context) => {
      price += model.price(bit, context);
    });
    known.set(key, price);
    return price;
  };
}

/** The cheapest way, forward from place to place. */
function cheapestMoves(bytes, repetitions, model) {
  const ways = Array.from({ length: bytes.length + 1 }, () => ({ price: Infinity }));
  ways[0] = { price: 0, last: 0, wasRepeat: 0 };
  const numberPrice = numberPrices(model);
  const offer = (from, length, distance, price) => {
    const to = ways[from + length];
    if (price >= to.price) return;
    const last = distance || ways[from].last;
    Object.assign(to, { price, length, distance, last, wasRepeat: Number(distance > 0) });
  };
  for (let at = 0; at < bytes.length; at++) {
    const { price, last, wasRepeat } = ways[at];
    const contexts = contextsAt(bytes, at, wasRepeat, last);
    let single = price + model.price(0, ...contexts);
    visitByte(contexts, bytes[at], (bit, ...bitContexts) => {
      single += model.price(bit, ...bitContexts);
    });
    offer(at, 1, 0, single);
    const repeat = price + model.price(1, ...contexts);
    const same = repeat + model.price(1, SAME_DISTANCE + wasRepeat);
    const other = repeat + model.price(0, SAME_DISTANCE + wasRepeat);
    for (let length = last && matchLength(bytes, at, last); length > 1; length--) {
      offer(at, length, last, same + numberPrice(1, length - 1));
    }
    let shortest = 2;
    for (const { length: longest, distance } of repetitions[at]) {
      for (let length = shortest; length <= longest && distance !== last; length++) {
        const ahead = numberPrice(0, length - 1) + numberPrice(Math.min(length, 4), distance);
        offer(at, length, distance, other + ahead);
      }
      shortest = longest + 1;
    }
  }
  const moves = [];
  for (let at = bytes.length; at > 0; at -= ways[at].length) moves.push(ways[at]);
  return moves.reverse();
}

/** The text of the bytes: the shortest of the passes, as later ones may be longer. */
export function pack(bytes) {
  const repetitions = findRepetitions(bytes);
  const coders = [];
  let model = new Model();
  for (let pass = 0; pass < PASSES; pass++) {
    const coder = encode(bytes, cheapestMoves(bytes, repetitions, model));
    model = coder.model;
    coders.push(coder);
  }
  const [shortest] = coders.sort((a, b) => a.digits.length - b.digits.length);
  const codes = shortest
    .finish()
    .map((digit) => FIRST + digit + Number(FIRST + digit >= BACKSLASH));
  return String.fromCharCode(...codes);
}

// Bytes as a text of 64 characters, which gzip keeps at 6 bits each: src/kernels/unpack.ts undoes
// it and tells the format. What repeats and what does not is chosen for the fewest bits: a shortest
// path, whose prices are the probabilities that the last choice led to. For the kernels: 43 kB.

const FIRST = 62;
const BACKSLASH = 92;
const LEAST_RANGE = 2 ** 24;
const WINDOW = 2 ** 30;
const FIRST_DIVISOR = 1.3;
const LAST_DIVISOR = 60;
const REPEATS = 65536;
const SAME_DISTANCE = REPEATS + 64;
const NUMBERS = SAME_DISTANCE + 64;
const BITS = 32;
const EARLIER = 2 ** 17;

const PASSES = 6;
const MOST_CANDIDATES = 3000;
const MOST_LENGTH = 2000;

/** Probabilities of ones by context, as the reader has them. */
class Model {
  ones = new Float64Array(2 ** 18).fill(0.5);
  divisors = new Float64Array(2 ** 18).fill(FIRST_DIVISOR);

  /** The mean of what one or two contexts say, weighted by what they have seen: 0.1 kB. */
  one(contexts) {
    let sum = 0;
    let weights = 0;
    for (const context of contexts) {
      sum += this.ones[context] * this.divisors[context];
      weights += this.divisors[context];
    }
    return sum / weights;
  }

  learn(contexts, value) {
    for (const context of contexts) {
      this.divisors[context] = Math.min(this.divisors[context] + 1, LAST_DIVISOR);
      this.ones[context] += (value - this.ones[context]) / this.divisors[context];
    }
  }

  /** Bits that a bit takes about. */
  price(value, ...contexts) {
    const one = Math.min(0.98, Math.max(0.02, this.one(contexts)));
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
    const split = 1 + Math.floor((this.range - 2) * this.model.one(contexts));
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

/** Calls visit(bit, context, context) for the bits of the byte at a place. */
function visitByte(bytes, at, visit) {
  const byte = bytes[at];
  const before = at && bytes[at - 1];
  const earlier = bytes[at - 2] ?? 0;
  let node = 1;
  for (let i = 7; i >= 0; i--) {
    const value = (byte >> i) & 1;
    visit(value, 256 * before + node, EARLIER + 256 * earlier + node);
    node = 2 * node + value;
  }
}

const situationAt = (bytes, at, wasRepeat) => BITS * wasRepeat + ((at && bytes[at - 1]) >> 3);

/** Codes a way through the bytes: its moves are { length, distance }, distance 0 for a single byte.
 */
function encode(bytes, moves) {
  const coder = new Coder();
  const put = (value, ...contexts) => coder.put(value, ...contexts);
  let at = 0;
  let last = 0;
  let wasRepeat = 0;
  for (const { length, distance } of moves) {
    const situation = situationAt(bytes, at, wasRepeat);
    wasRepeat = Number(distance > 0);
    put(wasRepeat, REPEATS + situation);
    if (wasRepeat) {
      const isSame = Number(distance === last);
      put(isSame, SAME_DISTANCE + situation);
      visitNumber(isSame, length - 1, put);
      if (!isSame) visitNumber(Math.min(length, 4), distance, put);
      last = distance;
    } else visitByte(bytes, at, put);
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
    const situation = situationAt(bytes, at, wasRepeat);
    let single = price + model.price(0, REPEATS + situation);
    visitByte(bytes, at, (bit, ...contexts) => {
      single += model.price(bit, ...contexts);
    });
    offer(at, 1, 0, single);
    const repeat = price + model.price(1, REPEATS + situation);
    const same = repeat + model.price(1, SAME_DISTANCE + situation);
    const other = repeat + model.price(0, SAME_DISTANCE + situation);
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

/** The text of the bytes. */
export function pack(bytes) {
  const repetitions = findRepetitions(bytes);
  let coder = new Coder();
  for (let pass = 0; pass < PASSES; pass++) {
    coder = encode(bytes, cheapestMoves(bytes, repetitions, coder.model));
  }
  const codes = coder.finish().map((digit) => FIRST + digit + Number(FIRST + digit >= BACKSLASH));
  return String.fromCharCode(...codes);
}

// Bytes from the text that .ci/pack.mjs makes of them: repetitions (LZ77) and single bytes, each
// bit coded with the probability that it had so far in its context or, in several, with the square
// root of the product of the odds that it had in each (a range coder of base 64).
// Only + - * / and square roots, which are exactly rounded: the same on every engine.

/** The digits 0 to 63 are the characters from here on, without the backslash: `=`, which code has
 *  often, and no quote. */
const FIRST = 61;
const BACKSLASH = 92;
const LEAST_RANGE = 2 ** 24;
/** A bit in its context changes the probability by 1/2.3 of what it missed at first, 1/60.3 later:
 *  it gets near 0 and 1 and reaches neither. */
const FIRST_DIVISOR = 2.3;
const MOST_SEEN = 58;
/** Contexts. What comes next (a bit: a repetition?) and then a single byte's bits: each with the
 *  bits so far by the byte before, by the one before that, and by the byte at the last distance
 *  with three bits of the byte before and what came last. Whether a distance is the last one.
 *  Numbers. */
const EARLIER = 2 ** 16;
const DISTANT = 2 ** 17;
const SAME_DISTANCE = 1_200_000;
const NUMBERS = SAME_DISTANCE + 2;
const BITS = 32;
const CONTEXTS = 1_300_000;

/** Returns what reads a bit in its contexts from a text. */
function bitReader(text: string): (...contexts: number[]) => number {
  const ones = new Float32Array(CONTEXTS).fill(0.5);
  const seen = new Uint8Array(CONTEXTS);
  let read = 0;
  let range = 1;
  let code = 0;
  return (...contexts) => {
    for (; range < LEAST_RANGE; range *= 64) {
      const character = text.charCodeAt(read++);
      code = code * 64 + character - FIRST - Number(character > BACKSLASH);
    }
    let odds = 1;
    for (const context of contexts) odds *= 1 / ones[context] - 1;
    if (contexts.length > 1) odds = Math.sqrt(odds);
    const split = 1 + (((range - 2) / (1 + odds)) | 0);
    const value = Number(code < split);
    range = value ? split : range - split;
    code -= value ? 0 : split;
    for (const context of contexts) {
      ones[context] += (value - ones[context]) / (FIRST_DIVISOR + seen[context]);
      if (seen[context] < MOST_SEEN) seen[context]++;
    }
    return value;
  };
}

/** The `size` bytes that were packed. Nothing is checked: the text is part of the bundle. */
export function unpack(text: string, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  const bit = bitReader(text);
  /** 1 or more: as many ones as it has binary digits after the first, a zero, these digits. */
  const number = (kind: number): number => {
    const context = NUMBERS + 2 * BITS * kind;
    let digits = 0;
    while (bit(context + digits)) digits++;
    let value = 1;
    while (digits-- > 0) value = 2 * value + bit(context + BITS + digits);
    return value;
  };
  let distance = 0;
  let wasRepeat = 0;
  for (let at = 0; at < size; ) {
    const before = bytes[at - 1] ?? 0;
    const earlier = bytes[at - 2] ?? 0;
    const distant = 16 * bytes[at - distance] + 2 * (before >> 5) + wasRepeat;
    const next = (node: number): number =>
      bit(256 * before + node, EARLIER + 256 * earlier + node, DISTANT + 256 * distant + node);
    const sameDistance = SAME_DISTANCE + wasRepeat;
    wasRepeat = next(0);
    if (wasRepeat) {
      const isSame = bit(sameDistance);
      let length = number(isSame) + 1;
      if (!isSame) distance = number(Math.min(length, 4));
      while (length-- > 0) bytes[at] = bytes[at++ - distance];
    } else {
      let byte = 1;
      while (byte < 256) byte = 2 * byte + next(byte);
      bytes[at++] = byte;
    }
  }
  return bytes;
}

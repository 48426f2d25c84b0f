// Bytes from the text that .ci/pack.mjs makes of them: repetitions (LZ77) and single bytes, each
// bit coded with the probability that it had so far in its context, or the mean of those in two,
// weighted by how much was seen there (a range coder of base 64).
// Only + - * / and whole numbers: the same on every engine.

/** The digits 0 to 63 are the characters from here on, without the backslash. */
const FIRST = 62;
const BACKSLASH = 92;
const LEAST_RANGE = 2 ** 24;
/** A bit in its context changes the probability by 1/2.3 of what it missed at first, 1/60 later. */
const FIRST_DIVISOR = 1.3;
const LAST_DIVISOR = 60;
/** Contexts: a byte's bits by the byte before and the bits so far; then what comes, and numbers; a
 *  byte's bits again, by the byte before the last one. */
const REPEATS = 65536;
const SAME_DISTANCE = REPEATS + 64;
const NUMBERS = SAME_DISTANCE + 64;
const BITS = 32;
const EARLIER = 2 ** 17;

/** The `size` bytes that were packed. Nothing is checked: the text is part of the bundle. */
export function unpack(text: string, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  const ones = new Float64Array(2 ** 18).fill(0.5);
  const divisors = new Float64Array(2 ** 18).fill(FIRST_DIVISOR);
  let read = 0;
  let range = 1;
  let code = 0;
  const bit = (...contexts: number[]): number => {
    for (; range < LEAST_RANGE; range *= 64) {
      const character = text.charCodeAt(read++);
      code = code * 64 + character - FIRST - Number(character > BACKSLASH);
    }
    let sum = 0;
    let weights = 0;
    for (const context of contexts) {
      sum += ones[context] * divisors[context];
      weights += divisors[context];
    }
    const split = 1 + (((range - 2) * (sum / weights)) | 0);
    const value = Number(code < split);
    range = value ? split : range - split;
    code -= value ? 0 : split;
    for (const context of contexts) {
      divisors[context] = Math.min(divisors[context] + 1, LAST_DIVISOR);
      ones[context] += (value - ones[context]) / divisors[context];
    }
    return value;
  };
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
    const before = at && bytes[at - 1];
    const situation = BITS * wasRepeat + (before >> 3);
    wasRepeat = bit(REPEATS + situation);
    if (wasRepeat) {
      const isSame = bit(SAME_DISTANCE + situation);
      let length = number(isSame) + 1;
      if (!isSame) distance = number(Math.min(length, 4));
      while (length-- > 0) bytes[at] = bytes[at++ - distance];
    } else {
      const earlier = EARLIER + 256 * (bytes[at - 2] ?? 0);
      let byte = 1;
      while (byte < 256) byte = 2 * byte + bit(256 * before + byte, earlier + byte);
      bytes[at++] = byte;
    }
  }
  return bytes;
}

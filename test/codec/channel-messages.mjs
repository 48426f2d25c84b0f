// Messages of a channel that both of its ends can make.

const WORDS = 'the quick brown fox jumps over a lazy dog and then some more of it'.split(' ');

/** Message n: a few words, or bytes, as a function of its number. */
export function message(n) {
  const length = (n * 7919) % 9;
  const words = Array.from({ length }, (_, i) => WORDS[(n * 31 + i * i * 7) % WORDS.length]);
  if (n % 29 === 0) return Uint8Array.from({ length: 20 }, (_, i) => (n * 89 + i * i * 41) & 255);
  return new TextEncoder().encode(words.join(' '));
}

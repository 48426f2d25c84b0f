// Strings to try tokenizers on: a function of their number. All code points, bytes as Latin-1,
// emoji and what joins them, halves of surrogate pairs, long runs of white space, contractions,
// numbers, code, and words of natural languages.

import { philox4x32 } from '../../src/core/random.ts';

/** Whole numbers below a bound, one after the other. */
export type Draw = (below: number) => number;

/** The draws of one string. */
export function drawing(seed: number, number: number): Draw {
  let at = 0;
  let words: ArrayLike<number> = [];
  return (below) => {
    if (at % 4 === 0) words = philox4x32(at, number, 0, 0, seed, 0);
    return Math.floor((words[at++ % 4] / 2 ** 32) * below);
  };
}

const PIECES = [
  ' ',
  '  ',
  '\n',
  '\r\n',
  '\t',
  '\u00a0',
  '\u2003',
  '\u3000',
  "'s",
  "'ll",
  "'re",
  "'",
  "'S",
  'the',
  ' The',
  ' of',
  'ing',
  'caf\u00e9',
  'stra\u00dfe',
  '\u043f\u0440\u0438\u0432\u0435\u0442',
  '\u4e2d\u6587',
  '\u0928\u092e\u0938\u094d\u0924\u0947',
  '\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35',
  '1',
  '2026',
  '\u00bd',
  '\u0664\u0662',
  '\u2167',
  '.',
  ',',
  ',,',
  '...',
  '!?',
  '-',
  '_',
  '{',
  '}',
  '();',
  ' == ',
  '#',
  '# ',
  '//',
  '<|endoftext|>',
  '\u{1f600}',
  '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}',
  '\u{1f44d}\u{1f3fd}',
  '\u2764\ufe0f',
  '\u{1f1eb}\u{1f1f7}',
  '\u0301',
  '\u200b',
  '\ufffd',
  '\ud83d',
  '\ude00',
  '\0',
  '\x7f',
  '\u{20000}',
  '\u{1d7d8}',
  '\u{10ffff}',
];
const LETTERS = 'etaoinshrdlucmfwypvbgkjqxz';
const SENTENCE =
  "It's what I've always said: we'll see, they'd go, I'm here - don't you think? " +
  "def f(x):\n    return x ** 2  # 3.14e-10\n\n\tif (a['b'] != 0) { console.log(`${a}`); }\n";

const piece = (draw: Draw): string => PIECES[draw(PIECES.length)];
const repeated = (count: number, one: () => string): string =>
  Array.from({ length: count }, one).join('');

const KINDS: ((draw: Draw) => string)[] = [
  (draw) => repeated(draw(24), () => piece(draw)),
  (draw) => repeated(draw(16), () => String.fromCharCode(draw(256))),
  (draw) => repeated(draw(12), () => String.fromCodePoint(draw(0x110000))),
  (draw) => repeated(draw(12), () => String.fromCharCode(draw(0x10000))),
  (draw) => repeated(draw(10), () => String.fromCharCode(0xd800 + draw(0x800))),
  (draw) => piece(draw) + [' ', '\n', '\t', '\u00a0'][draw(4)].repeat(draw(80)) + piece(draw),
  (draw) => repeated(draw(30), () => [' ', '\n', '\t', '\r', '\u3000', 'a'][draw(6)]),
  (draw) => repeated(draw(60), () => LETTERS[Math.floor((draw(26) * draw(27)) / 27)]),
  (draw) => piece(draw).repeat(draw(40)),
  (draw) => repeated(draw(20), () => '0123456789.,-e+ '[draw(16)]),
  (draw) => SENTENCE.slice(draw(SENTENCE.length)).slice(0, draw(100)),
  (draw) => repeated(draw(8), () => String.fromCodePoint(0x1f300 + draw(0x400)) + piece(draw)),
];

/** String `number` of those of a seed. */
export function fuzzString(seed: number, number: number): string {
  const draw = drawing(seed, number);
  const one = KINDS[draw(KINDS.length)](draw);
  return draw(4) === 0 ? one + KINDS[draw(KINDS.length)](draw) : one;
}

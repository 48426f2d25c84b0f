// No reader's time may grow faster than its input. Each case has a size at which a quadratic reader
// takes minutes; the bound is far above what a linear one takes on a slow machine that is busy.

import { expect, test } from 'vitest';
import { RetrogradError, UsageError } from '../../src/core/errors.ts';
import { beamSearch } from '../../src/data/beam.ts';
import { corpusBleu, tokenize13a } from '../../src/data/bleu.ts';
import { BytePairs } from '../../src/data/bpe.ts';
import { readDigits } from '../../src/data/digits.ts';
import { normaliseSentence, readPairs, splitPairs } from '../../src/data/pairs.ts';
import { readText } from '../../src/data/text.ts';
import { Vocabulary } from '../../src/data/vocabulary.ts';

const SECONDS = 8;
const N = 2 ** 20;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const times = (count: number, make: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => make(i)).join('');
/** Words of letters without an order. */
const noise = (i: number): string =>
  Math.imul(i, 2654435761).toString(36) + (i % 7 === 0 ? ' ' : '');

const CASES: [string, () => unknown][] = [
  ['tokenize13a of spaces', () => tokenize13a(`${' '.repeat(N)}x`)],
  ['tokenize13a of every sign', () => tokenize13a(times(N / 8, () => 'a.,-1 \n'))],
  ['corpusBleu of spaces', () => corpusBleu([`${' '.repeat(N)}x`], [`x${'\u3000'.repeat(N)}x`])],
  ['corpusBleu of one word', () => corpusBleu(['a '.repeat(N / 4)], ['a '.repeat(N / 4)])],
  ['normaliseSentence of spaces', () => normaliseSentence(`${' \t'.repeat(N)}x`)],
  [
    'normaliseSentence of marks',
    () => normaliseSentence(`a${'\u0301'.repeat(N)}${'\u0323'.repeat(N)}`),
  ],
  [
    'normaliseSentence of few marks',
    () => normaliseSentence(times(N / 64, () => `a${'\u0301\u0323'.repeat(30)}`)),
  ],
  ['readPairs of one line', () => readPairs(bytes(`${'a '.repeat(N)}\tb\nc\td\n`))],
  ['readPairs of tabs', () => readPairs(bytes(`a\t${'\t'.repeat(N)}\nc\td\n`))],
  [
    'readPairs of short lines',
    () => splitPairs(readPairs(bytes(times(N / 4, (i) => `${i}\tb\n`))).pairs),
  ],
  ['readText', () => readText(bytes(times(N / 4, noise)), { context: 8 })],
  [
    'Vocabulary.fromJson',
    () => Vocabulary.fromJson({ kind: 'characters', symbols: 'ab'.repeat(N) }),
  ],
  ['learn one long word', () => BytePairs.learn(['a'.repeat(N)], 300)],
  ['learn short words', () => BytePairs.learn([times(N / 16, noise)], 500)],
  [
    'learn long words',
    () => BytePairs.learn([times(N / 16, (i) => Math.imul(i, 2654435761).toString(36))], 500),
  ],
  ['learn marks and halves', () => BytePairs.learn(['\ud800'.repeat(N)], 300)],
  [
    'encode',
    () => BytePairs.learn(['aaaa', 'abab abab'], 12).encode(times(N, (i) => 'ab '[i % 3])),
  ],
  ['encode one word', () => BytePairs.learn(['aaaa', 'aaab'], 12).encode('a'.repeat(N))],
  [
    'BytePairs.fromJson',
    () =>
      BytePairs.fromJson({
        kind: 'byte-pairs',
        symbols: 'ab',
        merges: Array(N).fill(4) as number[],
      }),
  ],
  ['readDigits of commas', () => readDigits(bytes(','.repeat(N)), 'digits')],
  ['readDigits of lines', () => readDigits(bytes('\n'.repeat(N)), 'digits')],
  [
    'beamSearch, every token better than the one before',
    () => {
      const logits = Float64Array.from({ length: 2 ** 16 }, (_, i) => i / 2 ** 16);
      return beamSearch(() => logits, { beam: 2 ** 15, begin: 1, end: 2 ** 16 - 1, maxLength: 1 });
    },
  ],
];

test.each(CASES)('%s', (_, run) => {
  const before = process.cpuUsage();
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(RetrogradError);
  }
  const { user, system } = process.cpuUsage(before); // of the processor: others may be at work
  expect((user + system) / 1e6).toBeLessThan(SECONDS);
});

test('more than 64 combining marks in a row are refused, 64 are not', () => {
  expect(normaliseSentence(`a${'\u0301'.repeat(64)}`)).toBe(`\u00e1${'\u0301'.repeat(63)}`);
  expect(() => normaliseSentence(`a${'\u0301'.repeat(65)}`)).toThrow(UsageError);
});

test('a vocabulary has no halves of surrogate pairs: it would come back as another', () => {
  expect(Vocabulary.fromJson({ kind: 'characters', symbols: 'a\ud83d' })).toBeUndefined();
  expect(Vocabulary.fromJson({ kind: 'characters', symbols: 'a\u{1f600}' })?.size).toBe(2);
});

// The same NFC in every runtime: nothing else than characters of Unicode 15.0 is asked of the
// runtime's tables, and what those become is what the runtime says of a whole text.

import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { composed } from '../../src/data/normal-form.ts';
import { NORMALISED } from '../../src/data/normal-table.ts';
import { normaliseSentence } from '../../src/data/pairs.ts';

/** First and last code points of the table. */
function ranges(): [number, number][] {
  let end = 0;
  return NORMALISED.split(' ').map((word) => {
    const [gap, more] = word.split('.').map((digits) => parseInt(digits, 36));
    const from = end + gap;
    end = from + more;
    return [from, end];
  });
}
const TABLE = ranges();
const isInTable = (point: number): boolean =>
  TABLE.some(([from, to]) => point >= from && point <= to);
const text = (...points: number[]): string => String.fromCodePoint(...points);
afterEach(() => {
  vi.restoreAllMocks();
});

describe('the table', () => {
  test('has ranges in order, without the halves of surrogate pairs', () => {
    expect(TABLE.length).toBe(198);
    expect(TABLE.every(([from, to], i) => from <= to && from > (TABLE[i - 1]?.[1] ?? -1))).toBe(
      true,
    );
    expect([0xd800, 0xdfff, 0x10ffff, 0x378].some(isInTable)).toBe(false);
  });
  // Assigned after 15.0, and normalised since: a Garay mark, a Tulu-Tigalari vowel, a Kirat Rai
  // vowel.
  test('has none of the characters that a later version normalises', () => {
    for (const point of [0x10d69, 0x113c5, 0x113c7, 0x16d68, 0x16d69, 0x1612f, 0x897, 0x1ae6])
      expect(isInTable(point), point.toString(16)).toBe(false);
  });
});

test('what is in the table becomes what the runtime makes of a whole text', () => {
  const seed = 15;
  const known = fc.constantFrom(...TABLE).chain(([from, to]) => fc.integer({ min: from, max: to }));
  const common = fc.constantFrom(
    0x20,
    0x41,
    0x65,
    0x301,
    0x327,
    0x1100,
    0x1161,
    0x11a8,
    0x4e00,
    0x1f600,
  );
  const points = fc.array(fc.oneof(known, common), { maxLength: 20 });
  fc.assert(
    fc.property(points, (some) => {
      expect(composed(text(...some))).toBe(text(...some).normalize('NFC'));
    }),
    { seed, numRuns: 5000 },
  );
});

test('every single character of the table, between others', () => {
  for (const [from, to] of TABLE)
    for (let point = from; point <= to; point++) {
      const sentence = `e${text(point)}\u0327\u0301a`;
      if (composed(sentence) !== sentence.normalize('NFC')) expect.fail(point.toString(16));
    }
});

test('the runtime is asked about nothing else', () => {
  const asked: string[] = [];
  const real = String.prototype.normalize;
  vi.spyOn(String.prototype, 'normalize').mockImplementation(function (
    this: string,
    form?: string,
  ) {
    asked.push(this);
    return real.call(this, form);
  });
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (some) => {
      composed(some);
    }),
    { seed: 16, numRuns: 20_000 },
  );
  expect(asked.length).toBeGreaterThan(1000);
  expect(asked.every((run) => Array.from(run).every((c) => isInTable(c.codePointAt(0) ?? 0)))).toBe(
    true,
  );
});

test('characters of later versions stay where they are, and what is around them too', () => {
  const vowels = text(0x113c2, 0x113c2);
  const mark = text(0x10d69);
  for (const later of [vowels, `${mark}\u0334`, `e${mark}\u0301`])
    expect(composed(later)).toBe(later);
  expect(composed(`e\u0301${vowels}e\u0301`)).toBe(`\u00e9${vowels}\u00e9`);
  expect(composed('\ud800e\u0301\udc00')).toBe('\ud800\u00e9\udc00');
});

// The digest of the plain NFC of a runtime with Unicode 15.0 (Node 20.5.0). With other versions
// the plain one has other digests: b0bd67b9ec46f98b with 17.0 (Node 20.20.2), 3eec05c38c256ba1
// with 16.0 (Node 24.4.0).
test('every code point, between others, becomes what Unicode 15.0 makes of it', () => {
  const hash = createHash('sha256');
  for (let point = 0; point <= 0x10ffff; point++) {
    const c = text(point);
    const other = text((point * 7919) % 0x110000);
    hash.update(composed(`e${c}\u0327${c}\u0301a${c}${other}`));
  }
  expect(hash.digest('hex').slice(0, 16)).toBe('c337a9c8313a7415');
});

test('known answers, and as part of the one spelling of a sentence', () => {
  expect(normaliseSentence('  Va\u00a0e\u0301te\u0301 !\t')).toBe('Va \u00e9t\u00e9 !');
  expect(composed('\u1112\u1161\u11ab\u1100\u1173\u11af')).toBe('\ud55c\uae00');
  expect(composed('q\u0307\u0323')).toBe('q\u0323\u0307');
  expect(composed('\u212b \ufb01')).toBe('\u00c5 \ufb01');
});

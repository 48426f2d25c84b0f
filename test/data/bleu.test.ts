import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/core/errors.ts';
import { bleuOfCounts, corpusBleu, tokenize13a } from '../../src/data/bleu.ts';

/** Segments and their tokens, printed by sacreBLEU 2.6.0's Tokenizer13a. */
const TOKENS: [string, string][] = [
  ['Hello, world!', 'Hello , world !'],
  ['It costs 1,000.50 dollars, i.e. a lot.', 'It costs 1,000.50 dollars , i . e . a lot .'],
  ['a 10-20 split, end-to-end', 'a 10 - 20 split , end-to-end'],
  ['&quot;R&amp;D&quot; &lt;b&gt; &amp;lt; <skipped>x', '" R & D " < b > < x'],
  ['Va\u00a0! Où\u202fça\u3000?', 'Va ! Où ça ?'],
  ['line-\nbreak and\nanother  ', 'linebreak and another'],
  [
    "C'est l'été : « oui » (non) [50%] a/b c_d ~e^f",
    "C'est l'été : « oui » ( non ) [ 50 % ] a / b c _ d ~ e ^ f",
  ],
  ['3.14.15, .5 5. ,7 8,', '3.14.15 , . 5 5 . , 7 8 ,'],
  ['x\ufeffy a\u001cb\u0085c', 'x\ufeffy a b c'],
  ['', ''],
  ['😀,é.漢', '😀 , é . 漢'],
  ['...-5--', '. . . -5 - -'],
];

const THREE = ['The dog bit the man.', "It wasn't surprising.", 'The man had just bitten him.'];
const FIRST = ['The dog bit the man.', 'It was not unexpected.', 'The man bit him first.'];
const SECOND = ['The dog had bit the man.', 'No one was surprised.', 'The man had bitten the dog.'];

/** Hypotheses, references, score, precisions, brevity penalty and both lengths, printed by
 *  sacreBLEU 2.6.0 (BLEU().corpus_score). */
const SCORES: [string[], string[], number, number[], number, number, number][] = [
  [
    THREE,
    FIRST,
    45.06750632106114,
    [70.58823529411765, 42.857142857142854, 36.36363636363637, 37.5],
    1,
    17,
    17,
  ],
  [
    THREE,
    SECOND,
    28.330553664429278,
    [70.58823529411765, 42.857142857142854, 27.272727272727273, 12.5],
    0.8890097654027757,
    17,
    19,
  ],
  [['', '', ''], FIRST, 0, [0, 0, 0, 0], 0, 0, 17],
  [
    ['this is a fest'],
    ['this is a test'],
    59.460355750136046,
    [75, 66.66666666666667, 50, 50],
    1,
    4,
    4,
  ],
  [['a test'], ['a test'], 0, [100, 100, 0, 0], 1, 2, 2],
  [
    ['Je ne sais pas exactement quand je reviens.', "Elle lui conseilla l'hôpital.", 'Va !'],
    [
      'Je ne sais pas exactement quand je serai de retour.',
      "Elle lui conseilla de se rendre à l'hôpital.",
      'Va !',
    ],
    46.87344397339411,
    [93.75, 76.92307692307692, 60, 50],
    0.6872892787909722,
    16,
    22,
  ],
  [
    ['the the the the the the the'],
    ['the cat is on the mat'],
    7.809849842300637,
    [28.571428571428573, 8.333333333333334, 5, 3.125],
    1,
    7,
    6,
  ],
  [['word'], [''], 0, [0, 0, 0, 0], 1, 1, 0],
  [
    ['a b c d e f g h'],
    ['a b x c d y e f'],
    19.130147081392227,
    [75, 42.857142857142854, 8.333333333333334, 5],
    1,
    8,
    8,
  ],
];

describe('tokenize13a', () => {
  test.each(TOKENS)('%j', (segment, tokens) => {
    expect(tokenize13a(segment).join(' ')).toBe(tokens);
  });

  test('takes any text, loses no character but spaces, and its tokens have none', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom(..."aé07.,-'(😀 \u00a0"),
          maxLength: 40,
        }),
        (text) => {
          const tokens = tokenize13a(text);
          for (const token of tokens) expect(token).toMatch(/^[^ \u00a0]+$/);
          expect(tokens.join('')).toBe(text.replace(/[ \u00a0]/g, ''));
        },
      ),
      { seed: 71, numRuns: 1000 },
    );
  });
});

describe('corpusBleu', () => {
  test.each(SCORES)(
    "is sacreBLEU's for %j",
    (hypotheses, references, score, precisions, ...[
      brevity,
      hypothesisLength,
      referenceLength,
    ]) => {
      const found = corpusBleu(hypotheses, references);
      expect(found.score).toBeCloseTo(score, 9);
      found.precisions.forEach((precision, n) => {
        expect(precision).toBeCloseTo(precisions[n], 9);
      });
      expect(found.brevityPenalty).toBeCloseTo(brevity, 12);
      expect([found.hypothesisLength, found.referenceLength]).toEqual([
        hypothesisLength,
        referenceLength,
      ]);
      expect(found.signature).toBe('nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0');
    },
  );

  test(
    "gives the answers in the tests of sacreBLEU's repository that have one reference and " +
      'these settings',
    () => {
      // test/test_sentence_bleu.py: issue 98, tolerance 1e-3; issue 141
      const score = corpusBleu(
        ['Producția de zahăr primă va fi exprimată în ceea ce privește zahărul alb;'],
        ['producţia de zahăr brut se exprimă în zahăr alb;'],
      ).score;
      expect(Math.abs(score - 8.493)).toBeLessThan(1e-3);
      expect(corpusBleu(['this is a cat'], ['okay thanks']).score).toBe(0);
      // test/test_bleu.py, tolerance 1e-8 of 1: test_raw_bleu_cases, test_case_statistics,
      // test_case_scoring
      expect(corpusBleu(['this is a test', 'another test'], ['ref1', 'ref2']).score).toBe(0);
      expect(corpusBleu(['this is a test'], ['this is a test']).score).toBeCloseTo(100, 8);
      const { precisions } = corpusBleu(
        ['am I am a character sequence'],
        ['I am a symbol string sequence a a'],
      ); // 4/6, 2/5, 1/4, 0/3
      [66.666666667, 40, 25, 16.666666667].forEach((precision, n) => {
        expect(precisions[n]).toBeCloseTo(precision, 8);
      });
      expect(
        Math.abs(bleuOfCounts([9, 7, 5, 3], [10, 8, 6, 4], 11, 11).score / 100 - 0.8375922397),
      ).toBeLessThan(1e-8);
      // test_case_degenerate_stats
      expect(bleuOfCounts([0, 0, 0, 0], [10, 11, 12, 0], 14, 10).score).toBe(0);
      expect(bleuOfCounts([0, 0, 0, 0], [0, 0, 0, 0], 0, 0).score).toBe(0);
    },
  );

  test(
    'is 0 .. 100, 100 for equal texts of four tokens, and does not depend on the order of the ' +
      'segments',
    () => {
      const segment = fc
        .array(fc.constantFrom('the', 'cat', 'sat', 'on', 'a', 'mat', '.', '3.5'), {
          minLength: 4,
          maxLength: 12,
        })
        .map((words) => words.join(' '));
      fc.assert(
        fc.property(
          fc.array(fc.tuple(segment, segment), { minLength: 1, maxLength: 6 }),
          (pairs) => {
            const [hypotheses, references] = [pairs.map(([h]) => h), pairs.map(([, r]) => r)];
            const { score } = corpusBleu(hypotheses, references);
            expect(score).toBeGreaterThanOrEqual(0);
            expect(score).toBeLessThanOrEqual(100 + 1e-9);
            expect(corpusBleu([...hypotheses].reverse(), [...references].reverse()).score).toBe(
              score,
            );
            expect(corpusBleu(references, references).score).toBeCloseTo(100, 9);
          },
        ),
        { seed: 72, numRuns: 300 },
      );
    },
  );

  test('lists of different lengths and empty ones are refused', () => {
    expect(() => corpusBleu(['a', 'b'], ['a'])).toThrow(
      new UsageError('BLEU of 2 hypotheses and 1 references, expected one reference for each'),
    );
    expect(() => corpusBleu([], [])).toThrow(/^BLEU of no hypotheses, expected at least one$/);
  });
});

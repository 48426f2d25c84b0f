import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { philox4x32 } from '../../src/core/random.ts';
import { BytePairs, type BytePairsJson, SPECIAL } from '../../src/data/bpe.ts';
import { pattern } from '../helpers/pattern.ts';

const characters = fc.constantFrom(
  'a',
  'a',
  'b',
  'b',
  'c',
  'é',
  ',',
  '.',
  '-',
  ' ',
  ' ',
  '7',
  '漢',
  '\uffe6',
  '😀',
  '▁',
  '\n',
);
const text = fc.string({ unit: characters, maxLength: 24 });
const texts = fc
  .array(text, { minLength: 1, maxLength: 12 })
  .filter((list) => list.some((one) => one !== ''));

/** The smallest size that these texts can have: 4, the space, and their characters. */
const smallest = (list: string[]): number =>
  4 + new Set([' ', ...list.flatMap((one) => Array.from(one))]).size;
const byPoints = (a: string, b: string): number => {
  const [x, y] = [a, b].map((one) =>
    Array.from(one, (character) => character.codePointAt(0)!.toString(16).padStart(6, '0')).join(
      '',
    ),
  );
  if (x < y) return -1;
  return x > y ? 1 : 0;
};

/** The rules as pairs of texts. */
function rulesOf({ symbols, merges }: BytePairsJson): string[][] {
  const all = ['', '', '', '', ...symbols];
  const rules: string[][] = [];
  for (let i = 0; i < merges.length; i += 2) {
    const [left, right] = [all[merges[i]], all[merges[i + 1]]];
    rules.push([left, right]);
    if (!all.includes(left + right)) all.push(left + right);
  }
  return rules;
}

/** The plain way to learn: all pairs of all words counted anew for every rule. Words are cut as the
 *  header of bpe.ts says. */
function plainRules(list: string[], size: number): string[][] {
  const mark = /[\n,.-]/;
  const rules: string[][] = [];
  const known = new Set([' ', ...list.flatMap((one) => Array.from(one))]);
  let words = list.flatMap((one) =>
    one === ''
      ? []
      : Array.from(` ${one}`).reduce<string[][]>((cut, character) => {
          const last = cut[cut.length - 1]?.[cut[cut.length - 1].length - 1];
          const isNew =
            last === undefined ||
            character === ' ' ||
            (last !== ' ' && mark.test(last) !== mark.test(character));
          if (isNew) cut.push([character]);
          else cut[cut.length - 1].push(character);
          return cut;
        }, []),
  );
  while (4 + known.size < size) {
    const counts = new Map<string, { pair: string[]; count: number }>();
    for (const word of words)
      for (let i = 0; i + 1 < word.length; i++) {
        const entry = counts.get(`${word[i]}|${word[i + 1]}`) ?? {
          pair: [word[i], word[i + 1]],
          count: 0,
        };
        entry.count++;
        counts.set(`${word[i]}|${word[i + 1]}`, entry);
      }
    const [best] = [...counts.values()].sort(
      (a, b) =>
        b.count - a.count || byPoints(a.pair[0], b.pair[0]) || byPoints(a.pair[1], b.pair[1]),
    );
    if (best === undefined || best.count < 2) break;
    const [left, right] = best.pair;
    if (!rules.some(([l, r]) => l === left && r === right)) rules.push(best.pair);
    known.add(left + right);
    words = words.map((word) => {
      const out: string[] = [];
      for (let i = 0; i < word.length; i++)
        out.push(word[i] === left && word[i + 1] === right ? word[i] + word[++i] : word[i]);
      return out;
    });
  }
  return rules;
}

describe('BytePairs', () => {
  test('the example of the paper: low, lower, newest, widest give es, est, then lo, low', () => {
    const words = [
      ['low', 5],
      ['lower', 2],
      ['newest', 6],
      ['widest', 3],
    ] as const; // there (section 3.2) a word has a mark at its end, here a space before it
    const pairs = BytePairs.learn(
      words.flatMap(([word, count]) => Array<string>(count).fill(word)),
      20,
    );
    expect(pairs.toJson().symbols).toBe(' deilnorstw');
    expect(
      rulesOf(pairs.toJson())
        .slice(0, 4)
        .map((rule) => rule.join('+')),
    ).toEqual(['e+s', 'es+t', ' +l', ' l+o']); // 9, 9, then 7: the smaller
    expect(pairs.size).toBe(20);
  });

  test('ties go to the pair that is smaller by code points, not by UTF-16 units', () => {
    expect(rulesOf(BytePairs.learn(['x\uffe6', 'x\uffe6', 'x😀', 'x😀'], 9).toJson())).toEqual([
      [' ', 'x'],
    ]);
    expect(rulesOf(BytePairs.learn(['\uffe6x', '\uffe6x', '😀x', '😀x'], 9).toJson())).toEqual([
      [' ', '\uffe6'],
    ]);
  });

  test('the rules are those of the plain way', () => {
    fc.assert(
      fc.property(texts, fc.nat(20), (list, more) => {
        const size = smallest(list) + more;
        expect(rulesOf(BytePairs.learn(list, size).toJson())).toEqual(plainRules(list, size));
      }),
      { seed: 81, numRuns: 500 },
    );
  });

  test(
    'decode(encode(text)) = text for any text of known characters, through JSON too; special ' +
      'tokens are no text',
    () => {
      fc.assert(
        fc.property(texts, fc.nat(40), text, (list, more, other) => {
          const pairs = BytePairs.learn([...list, other], smallest([...list, other]) + more);
          const again = BytePairs.fromJson(JSON.parse(JSON.stringify(pairs.toJson())))!;
          expect([again.toJson(), again.size]).toEqual([pairs.toJson(), pairs.size]);
          for (const one of [
            ...list,
            other,
            `${other} ${list[0]}`,
            other + list[0],
            `  ${other} `,
          ]) {
            const tokens = pairs.encode(one);
            for (const token of tokens) expect(token >= 4 && token < pairs.size).toBe(true);
            expect(pairs.decode(tokens)).toBe(one);
            expect(
              pairs.decode([
                SPECIAL.begin,
                ...tokens,
                SPECIAL.end,
                SPECIAL.padding,
                SPECIAL.padding,
              ]),
            ).toBe(one);
            expect(again.encode(one)).toEqual(tokens);
            expect(pairs.encode(one)).toEqual(tokens); // from the cache
          }
        }),
        { seed: 82, numRuns: 400 },
      );
    },
  );

  test(
    'learning is a function of how often each word occurs: the order of the sentences does not ' +
      'matter',
    () => {
      fc.assert(
        fc.property(texts, fc.nat(20), (list, more) => {
          const size = smallest(list) + more;
          expect(BytePairs.learn([...list].reverse(), size).toJson()).toEqual(
            BytePairs.learn(list, size).toJson(),
          );
        }),
        { seed: 83, numRuns: 200 },
      );
    },
  );

  test('an unknown character is token 3 and decodes to U+FFFD, whatever stands beside it', () => {
    const pairs = BytePairs.learn(['abab abab', 'ab'], 12);
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', 'b', ' ', 'z', '😀', '\ud800') }),
        (value) => {
          const tokens = pairs.encode(value);
          const well = value.replace(/\p{Cs}|z|😀/gu, '\uFFFD');
          expect(pairs.decode(tokens)).toBe(well);
          expect(tokens.filter((token) => token === SPECIAL.unknown)).toHaveLength(
            Array.from(well.matchAll(/\uFFFD/g)).length,
          );
        },
      ),
      { seed: 84, numRuns: 300 },
    );
    expect(pairs.encode('')).toHaveLength(0);
    expect(pairs.decode([])).toBe('');
  });

  test('no token crosses a space, a change from letters to punctuation, or 64 characters', () => {
    const pairs = BytePairs.learn(
      Array<string>(3).fill(`l'été, dit-on... ${'a'.repeat(200)}`),
      400,
    );
    const all = Array.from({ length: pairs.size - 4 }, (_, i) =>
      pairs.decode([pairs.encode(' ')[0], i + 4]),
    );
    for (const one of all) expect(one).toMatch(/^ ?([^ ',.-]{1,64}|[',.-]+)?$/);
    expect(all).toContain('été');
    expect(all).toContain('...');
  });

  test('stops when no pair occurs twice', () => {
    expect(BytePairs.learn(['ab', 'cd'], 1000).toJson()).toEqual({
      kind: 'byte-pairs',
      symbols: ' abcd',
      merges: [],
    });
    expect(BytePairs.learn(['aaaa', 'aaab'], 8).toJson()).toEqual({
      kind: 'byte-pairs',
      symbols: ' ab',
      merges: [5, 5],
    });
  });

  test('20,000 made-up sentences: the rules that a plain program in another language gave', () => {
    const sentences = Array.from({ length: 20_000 }, (_, i) => {
      const random = [...philox4x32(i, 0, 0, 0, 7, 0), ...philox4x32(i, 1, 0, 0, 7, 0)];
      return random.map((value) => (value % 4000).toString(36).replaceAll('9', '-')).join(' ');
    });
    const pairs = BytePairs.learn(sentences, 1000);
    const { merges } = pairs.toJson();
    expect(pairs.size).toBe(1000);
    expect(
      rulesOf(pairs.toJson())
        .slice(0, 6)
        .map((rule) => rule.join('+')),
    ).toEqual([' +2', ' +1', ' +3', ' +f', ' +l', ' +t']);
    expect(merges.reduce((sum, token) => (Math.imul(sum, 31) + token) >>> 0, 0)).toBe(1505001371);
  });

  test('sizes and texts that cannot be are refused', () => {
    for (const size of [4, 0, -1, 7.5, NaN, 65537])
      expect(() => BytePairs.learn(['ab'], size)).toThrow(
        /^the vocabulary's size is .*, expected a whole number from 5 to 65536$/,
      );
    expect(() => BytePairs.learn(['abc'], 7)).toThrow(
      pattern(
        /^the vocabulary's size is 7, expected at least 8 \(4 characters and 4 special /,
        /tokens\)\. HINT: choose a larger vocabulary/,
      ),
    );
    for (const none of [[], ['', '']])
      expect(() => BytePairs.learn(none, 10)).toThrow(
        /^there is no text to learn a vocabulary from, expected at least one sentence$/,
      );
    expect(() => BytePairs.learn(['a\ud800b'], 10)).toThrow(/half of a surrogate pair/);
  });

  test('JSON that is not such a vocabulary gives undefined', () => {
    const good = { kind: 'byte-pairs', symbols: ' ab', merges: [5, 6, 4, 7] };
    expect(BytePairs.fromJson(good)?.size).toBe(9);
    const doubling = Array.from({ length: 60_000 }, (_, i) => [
      i === 0 ? 4 : 4 + i,
      i === 0 ? 4 : 4 + i,
    ]).flat();
    for (const value of [
      null,
      undefined,
      1,
      'byte-pairs',
      [],
      {},
      { ...good, kind: 'bytes' },
      { ...good, symbols: '' },
      { ...good, symbols: 'ba' },
      { ...good, symbols: 'aa' },
      { ...good, symbols: 7 },
      { ...good, symbols: '\ud800' },
      { ...good, merges: undefined },
      { ...good, merges: 'ab' },
      { ...good, merges: [5] },
      { ...good, merges: [5, 7] },
      { ...good, merges: [3, 5] },
      { ...good, merges: [5, -1] },
      { ...good, merges: [5, 5.5] },
      { ...good, merges: [5, '6'] },
      { ...good, merges: [5, 6, 5, 6] },
      { ...good, merges: [5, null] },
      { kind: 'byte-pairs', symbols: 'a', merges: doubling },
    ])
      expect(BytePairs.fromJson(value), JSON.stringify(value)?.slice(0, 80)).toBeUndefined();
  });

  test('any JSON value is a vocabulary that works or undefined', () => {
    const token = fc.oneof(
      { weight: 30, arbitrary: fc.integer({ min: 4, max: 12 }) },
      fc.anything(),
    );
    const symbols = fc.oneof(fc.constantFrom(' ab', 'abc', ' '), fc.string({ unit: 'binary' }));
    const value = fc.record({ kind: fc.constant('byte-pairs'), symbols, merges: fc.array(token) });
    let accepted = 0;
    fc.assert(
      fc.property(fc.oneof({ weight: 9, arbitrary: value }, fc.anything()), text, (json, one) => {
        const pairs = BytePairs.fromJson(json);
        if (pairs === undefined) return;
        accepted++;
        expect(pairs.toJson()).toEqual(json);
        const tokens = pairs.encode(one);
        expect(tokens.every((found) => found >= 3 && found < pairs.size)).toBe(true);
        if (!tokens.includes(3)) expect(pairs.decode(tokens)).toBe(one);
      }),
      { seed: 85, numRuns: 5000 },
    );
    expect(accepted).toBeGreaterThan(50);
  });
});

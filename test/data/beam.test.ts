import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/core/errors.ts';
import { philox4x32 } from '../../src/core/random.ts';
import { type BeamOptions, beamSearch, logarithm, logSoftmax } from '../../src/data/beam.ts';
import { readLogits } from '../../src/data/sampling.ts';

const BEGIN = 1;
const END = 2;

/** Logits of a made-up model: a function of (seed, prefix), multiples of 1 / grain in -range ..
 *  range, so that a small grain makes ties. */
const model =
  (seed: number, vocabulary: number, range = 4, grain = 1024) =>
  (prefix: Int32Array): Float64Array => {
    const hash = prefix.reduce((sum, token) => (Math.imul(sum, 1000003) + token + 1) >>> 0, 0);
    return Float64Array.from(
      { length: vocabulary },
      (_, token) =>
        Math.floor(
          ((philox4x32(token, hash, 0, 0, seed, 0)[0] / 2 ** 32) * 2 - 1) * range * grain,
        ) / grain,
    );
  };

type Step = (prefix: Int32Array) => Float64Array;
const rank = (score: number, length: number, penalty: number): number =>
  penalty === 0 ? score : (score * 6) / (5 + length);

/** The most probable of all sequences that end within maxLength tokens. */
function exhaustive(
  step: Step,
  vocabulary: number,
  maxLength: number,
  penalty: number,
): { tokens: number[]; score: number; rank: number } {
  let best = { tokens: [] as number[], score: -Infinity, rank: -Infinity };
  const visit = (prefix: number[], score: number): void => {
    const logs = logSoftmax(readLogits(step(Int32Array.from(prefix))));
    const ended = score + logs[END];
    const value = rank(ended, prefix.length, penalty);
    if (value > best.rank) best = { tokens: prefix.slice(1), score: ended, rank: value };
    if (prefix.length < maxLength)
      for (let token = 0; token < vocabulary; token++)
        if (token !== END) visit([...prefix, token], score + logs[token]);
  };
  visit([BEGIN], 0);
  return best;
}

/** Beam search the plain way: all candidates sorted, nothing stopped early. */
function plain(
  step: Step,
  { beam, maxLength, lengthPenalty = 1 }: BeamOptions,
): { tokens: number[]; score: number; ended: boolean } {
  let live = [{ tokens: [BEGIN], score: 0 }];
  const done: { tokens: number[]; score: number; rank: number }[] = [];
  for (let length = 1; length <= maxLength && live.length > 0; length++) {
    const candidates = live.flatMap(({ tokens, score }, from) => {
      const logits = step(Int32Array.from(tokens));
      const logs = logSoftmax(readLogits(logits));
      return Array.from(logs, (log, token) => ({
        tokens,
        from,
        token,
        logit: logits[token],
        score: score + log,
      })).filter((candidate) => candidate.score > -Infinity);
    });
    candidates.sort(
      (a, b) => b.score - a.score || a.from - b.from || b.logit - a.logit || a.token - b.token,
    );
    const kept = candidates.slice(0, beam - done.length);
    live = kept
      .filter(({ token }) => token !== END)
      .map(({ tokens, token, score }) => ({ tokens: [...tokens, token], score }));
    for (const { tokens, token, score } of kept)
      if (token === END)
        done.push({ tokens: tokens.slice(1), score, rank: rank(score, length, lengthPenalty) });
  }
  const winner = done.reduce<(typeof done)[0] | undefined>(
    (best, one) => (best === undefined || one.rank > best.rank ? one : best),
    undefined,
  );
  return winner === undefined
    ? { tokens: live[0].tokens.slice(1), score: live[0].score, ended: false }
    : { tokens: winner.tokens, score: winner.score, ended: true };
}

/** The first largest logit each time. */
function argmaxChain(step: Step, maxLength: number): number[] {
  const tokens = [BEGIN];
  while (tokens.length <= maxLength) {
    const logits = step(Int32Array.from(tokens));
    const token = logits.indexOf(Math.max(...logits));
    if (token === END) break;
    tokens.push(token);
  }
  return tokens.slice(1);
}

describe('logarithm and logSoftmax', () => {
  test('within 2^-50, relative above e, of Math.log for 1 .. 2^16 and powers of 2', () => {
    let worst = 0;
    for (let i = 0; i <= 200_000; i++) {
      const x = 1 + (i * i) / 610_000;
      worst = Math.max(worst, Math.abs(logarithm(x) - Math.log(x)) / Math.max(1, Math.log(x)));
    }
    expect(worst).toBeLessThan(2 ** -50);
    for (let k = 0; k < 50; k++)
      expect(Math.abs(logarithm(2 ** k) - k * Math.LN2)).toBeLessThan(1e-13);
    expect(logarithm(1)).toBe(0);
  });

  test(
    'is within 2^-32 a token of the true value, never positive, and its exponentials add up to ' +
      '1',
    () => {
      fc.assert(
        fc.property(
          fc.array(fc.double({ min: -40, max: 40, noNaN: true }), { minLength: 1, maxLength: 50 }),
          (logits) => {
            const found = logSoftmax(readLogits(logits));
            const largest = Math.max(...logits);
            const log =
              largest + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - largest), 0));
            found.forEach((value, token) => {
              expect(Math.abs(value - (logits[token] - log))).toBeLessThan(
                logits.length * 2 ** -32 + 1e-13,
              );
              expect(value).toBeLessThanOrEqual(0);
            });
            expect(found.reduce((sum, value) => sum + Math.exp(value), 0)).toBeCloseTo(1, 7);
          },
        ),
        { seed: 91, numRuns: 1000 },
      );
    },
  );

  test(
    'the bits that the same operations have in another language; a forbidden token stays ' +
      'forbidden',
    () => {
      expect(Array.from(logSoftmax(readLogits([0.5, -1.25, 3, -Infinity])))).toEqual([
        -2.5919857804383204,
        -4.34198578043832,
        -0.09198578043832052,
        -Infinity,
      ]);
      for (const [logits, message] of [
        [[0, NaN], /^logits\[1\] is NaN, expected a number from -Infinity to 1\.79/],
        [[Infinity], /^logits\[0\] is Infinity/],
        [[-Infinity, -Infinity], /^every logit is -Infinity, expected a possible token$/],
        [[], /^the length of logits is 0/],
      ] as const)
        expect(() => readLogits(logits)).toThrow(message);
    },
  );
});

describe('beamSearch', () => {
  const seeds = fc.nat();
  const size = fc.integer({ min: 3, max: 4 });
  const penalty = fc.constantFrom(0, 1);

  test('with room for every sequence it finds the best of all', () => {
    fc.assert(
      fc.property(
        seeds,
        size,
        fc.integer({ min: 1, max: 4 }),
        penalty,
        (seed, vocabulary, maxLength, lengthPenalty) => {
          const step = model(seed, vocabulary);
          const found = beamSearch(step, {
            beam: 4 ** 5,
            begin: BEGIN,
            end: END,
            maxLength,
            lengthPenalty,
          });
          const best = exhaustive(step, vocabulary, maxLength, lengthPenalty);
          expect(found.ended).toBe(true);
          expect(rank(found.score, found.tokens.length + 1, lengthPenalty)).toBe(best.rank);
          if (lengthPenalty === 0)
            // no ties at this grain
            expect([Array.from(found.tokens), found.score]).toEqual([best.tokens, best.score]);
        },
      ),
      { seed: 92, numRuns: 300 },
    );
  });

  test('is the plain search for every width, with and without ties', () => {
    const shape = fc.record({
      vocabulary: fc.integer({ min: 3, max: 7 }),
      maxLength: fc.integer({ min: 1, max: 8 }),
      beam: fc.integer({ min: 1, max: 6 }),
    });
    fc.assert(
      fc.property(
        seeds,
        shape,
        penalty,
        fc.constantFrom(1, 1024),
        (seed, { vocabulary, maxLength, beam }, lengthPenalty, grain) => {
          const step = model(seed, vocabulary, 2, grain);
          const options = { beam, begin: BEGIN, end: END, maxLength, lengthPenalty };
          const { tokens, ...rest } = beamSearch(step, options);
          expect({ tokens: Array.from(tokens), ...rest }).toEqual(plain(step, options));
          expect(beamSearch(step, options)).toEqual({ tokens, ...rest });
        },
      ),
      { seed: 93, numRuns: 1000 },
    );
  });

  test('beam 1 is the chain of the first largest logits', () => {
    fc.assert(
      fc.property(
        seeds,
        fc.integer({ min: 3, max: 12 }),
        fc.integer({ min: 1, max: 20 }),
        fc.constantFrom(1, 1024),
        (seed, vocabulary, maxLength, grain) => {
          const step = model(seed, vocabulary, 3, grain);
          const { tokens, ended } = beamSearch(step, {
            beam: 1,
            begin: BEGIN,
            end: END,
            maxLength,
          });
          expect(Array.from(tokens)).toEqual(argmaxChain(step, maxLength));
          expect(ended).toBe(tokens.length < maxLength);
        },
      ),
      { seed: 94, numRuns: 500 },
    );
    // rounding makes two log probabilities equal
    const close = (): Float64Array => Float64Array.of(0, 1, -50, 1 + 2 ** -52);
    expect(beamSearch(close, { beam: 1, begin: BEGIN, end: END, maxLength: 1 }).tokens).toEqual(
      Int32Array.of(3),
    );
  });

  test('ties: the earlier hypothesis, then the smaller token', () => {
    const flat = (): Float64Array => new Float64Array(4);
    const options = { begin: BEGIN, end: END, maxLength: 3, lengthPenalty: 0 };
    // the end, token 2, is never among the first two
    expect(beamSearch(flat, { ...options, beam: 2 }).tokens).toEqual(Int32Array.of(0, 0, 0));
    expect(beamSearch(flat, { ...options, beam: 3 }).tokens).toEqual(Int32Array.of());
  });

  test('a wider beam finds what greed hides, and the penalty prefers the longer of two', () => {
    const table: Record<string, number[]> = {
      1: [0, 0, -9, 1, 1.1],
      '1,3': [0, 0, 9, 0, 0],
      '1,4': [0, 0, 2, 2, 2],
    };
    const search = (beam: number): BeamOptions => ({ beam, begin: BEGIN, end: END, maxLength: 4 });
    const step = (prefix: Int32Array): number[] => table[prefix.join()] ?? [0, 0, 1, 0, 0];
    expect(Array.from(beamSearch(step, search(1)).tokens)).toEqual([4]);
    expect(Array.from(beamSearch(step, search(2)).tokens)).toEqual([3]);
    const length = (prefix: Int32Array): number[] =>
      prefix.length === 1 ? [-99, -99, 0.1, 0] : [-99, -99, 3, -99];
    expect(beamSearch(length, { ...search(2), lengthPenalty: 0 }).tokens).toHaveLength(0);
    expect(beamSearch(length, { ...search(2), lengthPenalty: 1 }).tokens).toHaveLength(1);
  });

  test(
    'a sequence without end says so; a forbidden token is never taken; a prefix begins with ' +
      'begin',
    () => {
      const step = (prefix: Int32Array): Float64Array => {
        expect(prefix[0]).toBe(BEGIN);
        return Float64Array.of(-Infinity, 0, -Infinity, 1);
      };
      expect(beamSearch(step, { beam: 9, begin: BEGIN, end: END, maxLength: 3 })).toMatchObject({
        tokens: Int32Array.of(3, 3, 3),
        ended: false,
      });
    },
  );

  test('bad options and logits are refused', () => {
    const good = { beam: 2, begin: BEGIN, end: END, maxLength: 3 };
    const flat = (): Float64Array => new Float64Array(4);
    for (const beam of [0, -1, 1.5, NaN])
      expect(() => beamSearch(flat, { ...good, beam })).toThrow(
        /^beam is .*, expected a whole number from 1 to/,
      );
    for (const maxLength of [0, 2.5, NaN])
      expect(() => beamSearch(flat, { ...good, maxLength })).toThrow(
        /^maxLength is .*, expected a whole number from 1 to/,
      );
    for (const lengthPenalty of [0.6, 2, -1, NaN])
      expect(() => beamSearch(flat, { ...good, lengthPenalty })).toThrow(
        /^lengthPenalty is .*, expected 0 or 1$/,
      );
    for (const token of [-1, 0.5, NaN])
      for (const name of ['begin', 'end'])
        expect(() => beamSearch(flat, { ...good, [name]: token })).toThrow(
          new RegExp(`^${name} is .*, expected a whole number from 0 to`),
        );
    expect(() => beamSearch(() => Float64Array.of(0, NaN), good)).toThrow(UsageError);
  });
});

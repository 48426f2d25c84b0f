// Token and position embedding, forward and backward.
import { describe, expect } from 'vitest';
import { WEIGHT_LIMIT } from '../../src/memory/formats.ts';
import { inout, input, output } from '../helpers/calls.ts';
import { int32s, int64s, KINDS, Source } from '../helpers/data.ts';
import { equal } from '../helpers/suite.ts';

const COLUMNS = [1, 2, 3, 4, 5, 7, 8, 9, 16, 17];
const TOKENS = 6;
const exactHalfUp = (a: bigint, s: number): bigint =>
  s > 0 ? (a + 2n ** BigInt(s - 1)) >> BigInt(s) : a * 2n ** BigInt(-s);
/** Rows that use a token twice in a row, all of them, and only the last. */
function idsOf(rows: number, seed: number): Int32Array {
  const source = new Source(seed);
  return Int32Array.from({ length: rows }, (_, r) => {
    if (seed % 3 === 0) return TOKENS - 1;
    return r === 1 ? 0 : source.between(0, TOKENS - 1);
  });
}

describe('embedding', () => {
  equal(
    'embedding_forward_i32 rounds token + position to l = 6..14 fraction bits, for 5 x 10 sizes',
    9 * 5 * 10,
    (check) => {
      for (let l = 6; l <= 14; l++)
        for (const rows of [0, 1, 2, 5, 9])
          for (const columns of COLUMNS) {
            const seed = l * 1000 + rows * 100 + columns;
            const kind = KINDS[seed % KINDS.length];
            const ids = input(idsOf(rows, seed));
            const token = input(int32s(seed, TOKENS * columns, kind, WEIGHT_LIMIT));
            const position = input(int32s(seed + 1, rows * columns, kind, WEIGHT_LIMIT));
            const out = output(new Int32Array(rows * columns));
            const expected = Array.from({ length: rows * columns }, (_, i) =>
              Number(
                exactHalfUp(
                  BigInt(token.data[ids.data[Math.floor(i / columns)] * columns + (i % columns)]) +
                    BigInt(position.data[i]),
                  24 - l,
                ),
              ),
            );
            expect([
              ...check({
                kernel: 'embedding_forward_i32',
                args: [ids, token, position, out, rows, columns, l],
              }).of(out),
            ]).toEqual(expected);
          }
    },
  );

  equal(
    'embedding_backward_i32i64 adds every row to its token and position, for every shift -31..31',
    63 * 5 * 3,
    (check) => {
      for (let shift = -31; shift <= 31; shift++)
        for (const rows of [0, 1, 2, 5, 9])
          for (const columns of [1, 7, 16]) {
            const seed = (shift + 31) * 1000 + rows * 100 + columns;
            const ids = input(idsOf(rows, seed));
            const dx = input(
              int32s(seed, rows * columns, KINDS[seed % KINDS.length], 2 ** 31 - 1, -(2 ** 31)),
            );
            const dToken = inout(int64s(seed + 1, TOKENS * columns, 'random', 58));
            const dPosition = inout(int64s(seed + 2, rows * columns, 'random', 62));
            const expectedToken = dToken.data.slice();
            const expectedPosition = dPosition.data.slice();
            dx.data.forEach((v, i) => {
              expectedToken[ids.data[Math.floor(i / columns)] * columns + (i % columns)] +=
                exactHalfUp(BigInt(v), -shift);
              expectedPosition[i] += exactHalfUp(BigInt(v), -shift);
            });
            const outcome = check({
              kernel: 'embedding_backward_i32i64',
              args: [ids, dx, dToken, dPosition, rows, columns, shift],
            });
            expect(outcome.of(dToken)).toEqual(expectedToken);
            expect(outcome.of(dPosition)).toEqual(expectedPosition);
          }
    },
  );

  equal('embedding_backward_i32i64 leaves out what has the address 0', 2 * 3 * 3 * 3, (check) => {
    for (const shift of [-3, 0, 5])
      for (const rows of [0, 1, 5])
        for (const columns of [1, 7, 16]) {
          const ids = input(idsOf(rows, rows + columns));
          const dx = input(int32s(columns, rows * columns, 'random', 2 ** 31 - 1));
          const tokens = inout(int64s(1, TOKENS * columns, 'random', 58));
          const positions = inout(int64s(2, rows * columns, 'random', 58));
          const expectedTokens = tokens.data.slice();
          const expectedPositions = positions.data.slice();
          dx.data.forEach((v, i) => {
            const value = exactHalfUp(BigInt(v), -shift);
            expectedTokens[ids.data[Math.floor(i / columns)] * columns + (i % columns)] += value;
            expectedPositions[i] += value;
          });
          const kernel = 'embedding_backward_i32i64';
          const one = check({ kernel, args: [ids, dx, tokens, 0, rows, columns, shift] });
          expect(one.of(tokens)).toEqual(expectedTokens);
          const other = check({ kernel, args: [0, dx, 0, positions, rows, columns, shift] });
          expect(other.of(positions)).toEqual(expectedPositions);
        }
  });
});

// docs/examples/kernel, the worked example of how to add a kernel: compiled as the library's own
// kernels are, it is held to what is demanded of them. Equal on three back ends at the edges of
// vectors, nothing read or written beyond its ranges, exact at the corner of its bound, refused by
// its name one beyond; and a fault is found.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compile } from '../../docs/examples/kernel/compile.mjs';
import { SUM_ABS_MAX, type SumAbs } from '../../docs/examples/kernel/contract.ts';
import { sumAbsReference } from '../../docs/examples/kernel/reference.ts';
import type { Backend } from '../../src/kernels/kernels.ts';
import { createReferenceBackend } from '../../src/kernels/reference/index.ts';
import { createWasmBackend } from '../../src/kernels/wasm.ts';
import { type Block, type Call, Equality, input, run } from '../helpers/calls.ts';
import { int16s, KINDS } from '../helpers/data.ts';
import { pattern } from '../helpers/pattern.ts';

const root = join(import.meta.dirname, '../..');
const PAGES = 8;

/** A call of the example's kernel for what knows the library's calls. */
const callOf = (a: Block, n = a.data.length): Call =>
  ({ kernel: 'sum_abs_i16i32', args: [a, n] }) as unknown as Call;

let backends: (Backend & { kernels: SumAbs })[];
beforeAll(async () => {
  const reference = createReferenceBackend(PAGES * 65_536);
  const kernels = { ...reference.kernels, ...sumAbsReference(reference.memory) };
  const built = async (build: 'release' | 'checked') => {
    const bytes = await compile('docs/examples/kernel/assembly.ts', build);
    return createWasmBackend({ build, pages: PAGES, bytes });
  };
  backends = [
    { ...reference, kernels },
    await built('release'),
    await built('checked'),
  ] as typeof backends;
});
afterAll(() => {
  backends = [];
});

describe('sum_abs_i16i32', () => {
  test('is equal on 3 back ends for 45 sizes x 7 kinds, guard bytes around', () => {
    const equality = new Equality(backends);
    const sizes = [...Array(41).keys(), 127, 128, 129, 1000];
    for (const n of sizes)
      for (const kind of KINDS) {
        const a = int16s(n, n, kind);
        const exact = a.reduce((sum, value) => sum + BigInt(Math.abs(value)), 0n);
        expect(equality.check(callOf(input(a))).result, `${n} ${kind}`).toBe(Number(exact));
      }
    equality.finish(45 * 7);
  });

  test('is exact at the corner of its bound, and no int32 holds one more', () => {
    const most = input(new Int16Array(SUM_ABS_MAX).fill(-(2 ** 15)));
    expect(new Equality(backends).check(callOf(most)).result).toBe(2 ** 31 - 2 ** 15);
    expect((SUM_ABS_MAX + 1) * 2 ** 15).toBeGreaterThan(2 ** 31 - 1);
  });

  test('is refused by its name beyond the bound, by the checked build', () => {
    const [, , checked] = backends;
    for (const n of [SUM_ABS_MAX + 1, -1])
      expect(() => run(checked, callOf(input(new Int16Array(SUM_ABS_MAX + 1)), n), 0)).toThrow(
        'sum_abs_i16i32: n in 0..65535',
      );
  });

  test('that forgets the last elements is found', () => {
    const [reference, release] = backends;
    const { sum_abs_i16i32: sum } = release.kernels;
    const faulty = {
      ...release,
      kernels: { ...release.kernels, sum_abs_i16i32: (a: number, n: number) => sum(a, n & -8) },
    };
    const equality = new Equality([reference, faulty]);
    equality.check(callOf(input(int16s(1, 16, 'random'))));
    const found = pattern(
      /^sum_abs_i16i32\(in\[17\], 17\): release differs from reference: /,
      /returned \d+, expected \d+$/,
    );
    expect(() => equality.check(callOf(input(int16s(1, 17, 'random'))))).toThrow(found);
  });
});

test('the page on how to add a kernel leads to every file of the example', () => {
  const page = readFileSync(join(root, 'docs/architecture.md'), 'utf8');
  for (const name of ['contract.ts', 'reference.ts', 'assembly.ts'])
    expect(page).toContain(`](examples/kernel/${name})`);
  expect(page).toContain('](../test/kernels/example.test.ts)');
});

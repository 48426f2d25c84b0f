// The constants of both sides are what their generators make, and the tables are close to what they
// stand for.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { renderFormats } from '../helpers/make-formats.mjs';
import { gap, gapSlope, makeTables, renderTables } from '../helpers/make-tables.mjs';

const file = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

it('regenerating gives assembly/tables.ts and src/kernels/reference/tables.ts to the byte', () => {
  const { assembly, reference } = renderTables();
  expect(file('assembly/tables.ts')).toBe(assembly);
  expect(file('src/kernels/reference/tables.ts')).toBe(reference);
});

it('regenerating gives assembly/formats.ts to the byte', async () => {
  expect(file('assembly/formats.ts')).toBe(await renderFormats());
});

it('the low and high bytes of assembly/tables.ts are the 128 coefficients of the reference', () => {
  const text = file('assembly/tables.ts');
  const { GELU_GAP_Q17, GELU_SLOPE_Q15 } = makeTables();
  const bytes =
    text.match(/GELU_GAP: usize = memory\.data<i8>\(\[([^\]]*)\]/)?.[1].split(',') ?? [];
  let count = 0;
  for (const [power, row] of [...GELU_GAP_Q17, ...GELU_SLOPE_Q15].entries())
    for (const [segment, value] of row.entries()) {
      const low = Number(bytes[power * 32 + segment]) & 0xff;
      const high = Number(bytes[power * 32 + 16 + segment]);
      expect(high * 256 + low).toBe(value + 0); // + 0: the fit may round to -0
      count++;
    }
  expect(count).toBe(128);
});

it(
  'each of the 16 segments begins at the value of its function: within 8 steps of 2^-17 and ' +
    '2^-15',
  () => {
    const { GELU_GAP_Q17, GELU_SLOPE_Q15 } = makeTables();
    for (let segment = 0; segment < 16; segment++) {
      const a = (segment * 5) / 16;
      expect(Math.abs(GELU_GAP_Q17[0][segment] - gap(a) * 2 ** 17)).toBeLessThan(8);
      expect(Math.abs(GELU_SLOPE_Q15[0][segment] - gapSlope(a) * 2 ** 15)).toBeLessThan(8);
    }
  },
);

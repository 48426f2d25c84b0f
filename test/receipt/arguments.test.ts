// The arguments of kernels are what the published cases have in their places.

import { expect, test } from 'vitest';
import { ARGUMENTS } from '../../src/receipt/arguments.ts';
import type { KernelCase } from '../../src/verify/cases.ts';
import { kernels } from '../../src/verify/published/conformance.json';

const LETTERS = { uint8: 'b', int16: 'h', int32: 'w', int64: 'l' };

function letterOf(argument: KernelCase['args'][number] | undefined): string {
  if (typeof argument !== 'object') return '.';
  const letter = LETTERS[argument.type];
  return argument.output === true ? letter.toUpperCase() : letter;
}

/** Of some cases of a kernel: an argument that is 0 in one may be an address in another. */
function found(cases: readonly KernelCase[]): string {
  const [{ args }] = cases;
  const all = args.map((_, i) => cases.map((one) => letterOf(one.args[i])));
  return all.map((letters) => letters.find((letter) => letter !== '.') ?? '.').join('');
}

test('the table of arguments is that of the published cases', () => {
  const published = Object.entries(kernels as unknown as Record<string, { cases: KernelCase[] }>);
  expect(ARGUMENTS).toEqual(
    Object.fromEntries(published.map(([name, { cases }]) => [name, found(cases)])),
  );
});

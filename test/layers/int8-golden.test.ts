// The run with 8 bit operands that every runtime of the conformance matrix repeats: one digest, by
// every build and back end that there is here.

import { expect, test } from 'vitest';
import { gpt, int8, Trainer } from '../../src/index.ts';
import { INT8_BUILDS } from '../../src/kernels/int8.ts';
import { chooseInt8 } from '../../src/kernels/int8-wasm.ts';
import { createReferenceBackend } from '../../src/kernels/reference/index.ts';
import { int8Run } from '../conformance/int8.js';
import golden from '../golden/int8.json';
import { sizedBackend } from '../helpers/backends.ts';
import { takesRelaxed, withReference } from '../helpers/int8.ts';

const library = { Trainer, gpt, int8 };
const builds = chooseInt8().hasRelaxed ? INT8_BUILDS : (['baseline'] as const);

test('every build can be had where the runtime takes the module with relaxed instructions', () => {
  expect(chooseInt8().hasRelaxed).toBe(takesRelaxed);
});

test.each(builds)('the published digest by the %s build', async (build) => {
  const { digest, kernels } = await int8Run(library, { build });
  expect(digest).toBe(golden.digest);
  expect(kernels).toBe(`int8 ${build}: as asked for`);
});

test('the published digest by the build that this runtime is given, which is said', async () => {
  const { digest, kernels } = await int8Run(library);
  expect(digest).toBe(golden.digest);
  expect(kernels).toBe(`int8 ${chooseInt8().build}: ${chooseInt8().why}`);
});

test('the published digest by the reference and by the kernels with assertions', async () => {
  const makers = [
    (bytes: number) => withReference(createReferenceBackend(bytes)),
    (bytes: number) => sizedBackend('checked', bytes),
  ];
  for (const makeBackend of makers) {
    const { digest } = await int8Run(library, { build: 'baseline' }, { makeBackend });
    expect(digest).toBe(golden.digest);
  }
});

test('other operands, other weights: with int8 on less than all it is another digest', async () => {
  const { digest } = await int8Run(library, { on: ['qkv', 'up', 'down'] });
  expect(digest).not.toBe(golden.digest);
});

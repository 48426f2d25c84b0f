// The receipt of the run that every runtime of the conformance matrix repeats: one digest, whatever
// computes the run.

import { expect, test } from 'vitest';
import * as library from '../../src/index.ts';
import * as receipts from '../../src/receipt/index.ts';
import { referenceOn } from '../../src/receipt/kernels.ts';
import { receiptDigest } from '../conformance/receipt.js';
import golden from '../golden/receipt.json';
import { sizedBackend } from '../helpers/backends.ts';

test.each([
  ['one thread', {}],
  ['two threads', { threads: 2 }],
  ['micro-batches of 1', { microBatch: 1 }],
  ['stored activations', { keep: 'activations' }],
] as const)('the published digest with %s', async (_, options) => {
  expect(await receiptDigest(library, receipts, options)).toBe(golden.digest);
});

test.each([
  ['the reference', (bytes: number) => referenceOn(bytes)],
  ['the kernels with assertions', (bytes: number) => sizedBackend('checked', bytes)],
])('the published digest by %s', async (_, makeBackend) => {
  expect(await receiptDigest(library, receipts, {}, { makeBackend })).toBe(golden.digest);
});

test('another seed, another digest', async () => {
  expect(await receiptDigest(library, receipts, { seed: 6 })).not.toBe(golden.digest);
});

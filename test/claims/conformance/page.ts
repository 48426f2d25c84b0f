// What docs/conformance.md gives as data: its tables, and the generator with its constants.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { uint32 } from './arithmetic.ts';

const root = join(import.meta.dirname, '../../..');
export const page = readFileSync(join(root, 'docs/conformance.md'), 'utf8');

/** The rows of a table of the page. */
const table = (name: string): bigint[][] =>
  new RegExp(`^${name} \\(.*\\)\\n([^\`]*)\`\`\``, 'm')
    .exec(page)![1]
    .trim()
    .split('\n')
    .map((row) => row.split(' ').map(BigInt));
export const [EXP2] = table('EXP2_Q30');
export const GAP = table('GELU_GAP_Q17');
export const SLOPE = table('GELU_SLOPE_Q15');
const [M0, M1, W0, W1] = ['P = ', 'Q = ', 'k0 = \\(k0 \\+ ', 'k1 = \\(k1 \\+ '].map((before) =>
  BigInt(new RegExp(`${before}(0x[0-9a-f]{8})`).exec(page)![1]),
);

export function philox(counter: bigint[], key: bigint[]): bigint[] {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const P = M0 * c0;
    const Q = M1 * c2;
    [c0, c1, c2, c3] = [(Q >> 32n) ^ c1 ^ k0, uint32(Q), (P >> 32n) ^ c3 ^ k1, uint32(P)];
    k0 = uint32(k0 + W0);
    k1 = uint32(k1 + W1);
  }
  return [c0, c1, c2, c3];
}

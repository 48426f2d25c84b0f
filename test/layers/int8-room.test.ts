// A matrix whose largest sums are at their bound: the copy of the weights leaves room for what
// rounding to 8 bits adds, so that no product of the largest operands leaves int32, either way.

import { expect, test } from 'vitest';
import { createWasmBackend } from '../../src/index.ts';
import { Int8Matrix } from '../../src/layers/int8-matrix.ts';
import { Arena } from '../../src/memory/arena.ts';
import { MASTER_FRACTION, OPERAND_L1_MAX, OPERAND_MAX } from '../../src/memory/formats.ts';
import { Planner } from '../../src/memory/planner.ts';
import { Tensor } from '../../src/memory/tensor.ts';
import { Run } from '../../src/ops/run.ts';

/** Sums of K of the largest operands times weights that are all `steps` 2^-11, with W and W^T. */
function sumsOf(K: number, steps: number): number[] {
  const run = new Run(createWasmBackend({ pages: 48 }));
  const layout = { rank: 0, threads: 1, sequences: 1, fraction: 9 };
  const at = Planner.create(new Arena(run.backend.base), layout);
  const shape = { out: K, into: K, rows: 1, name: '', deviation: 0, bias: false };
  const matrix = new Int8Matrix(at, shape, 'baseline');
  const x = new Tensor({ kind: 'operand', rows: 1, columns: K });
  Object.assign(x, { at: at.own(2 * K), rows: 1, fraction: 8 });
  const [y, dx, dy] = [at.own(4 * K), at.own(4 * K), at.own(2 * K)];
  const [weight] = at.finish([]);
  run.view(weight.master, K * K).fill(steps * 2 ** (MASTER_FRACTION - 11));
  for (const operand of [x.at, dy]) run.int16.fill(OPERAND_MAX, operand / 2, operand / 2 + K);
  matrix.prepare(run, x, { copy: true, forward: true, backward: true });
  matrix.multiply(run, x, y);
  Object.assign(run, { pass: { seed: 1, step: 0 }, sample: 0, block: 0 });
  matrix.backward(run, { at: dy, exponent: -8 }, x, { at: dx, exponent: 0 });
  return [...run.view(y, K), ...run.view(dx, K)];
}

test('positive weights give positive sums, however they are rounded', () => {
  let largest = 0;
  for (const K of [129, 160, 200, 255]) {
    const most = Math.floor(OPERAND_L1_MAX / K); // with that every sum of the copy is at its bound
    for (let steps = most - 150; steps <= Math.min(most, OPERAND_MAX); steps++) {
      const sums = sumsOf(K, steps);
      expect(Math.min(...sums), `${K} weights of ${steps}`).toBeGreaterThan(0);
      largest = Math.max(largest, ...sums);
    }
  }
  expect(largest).toBeGreaterThan(0.98 * 2 ** 31); // the bound was near
});

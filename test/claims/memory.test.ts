// README: activation memory does not grow with depth. The plan is held against real runs: what they
// touch of their memory.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { TextBatch, Trainer } from '../../src/index.ts';
import type { Backend } from '../../src/kernels/kernels.ts';
import { createWasmBackend } from '../../src/kernels/wasm.ts';
import { createGpt, type FlatOptions, planGpt } from '../helpers/flat.ts';
import { continueTraining, smallOptions } from '../helpers/runs.ts';

type GptTrainer = Trainer<TextBatch>;
const UNTOUCHED = 0xa5a5a5a5 | 0;
const DEPTHS = [2, 8, 64];

const options = (
  layers: number,
  gammaShift = 1,
  reversible: 'bdia' | 'none' = 'bdia',
): FlatOptions =>
  smallOptions({
    batch: 4,
    gammaShift,
    reversible,
    model: { layers, channels: 32, heads: 2, context: 24 },
  });

/** Trains two steps on a memory that is filled with a pattern first. */
function observe(run: FlatOptions): {
  trainer: GptTrainer;
  base: number;
  touchedBytes: number;
  isBeyondUntouched: boolean;
  isMemoryFixed: boolean;
} {
  let backend!: Backend;
  const trainer = createGpt(run, (bytes) => {
    backend = createWasmBackend({ pages: Math.ceil(bytes / 65536) });
    new Int32Array(backend.memory.buffer, backend.base).fill(UNTOUCHED);
    return backend;
  });
  const size = backend.memory.buffer.byteLength;
  continueTraining(trainer, 2);
  const inside = new Int32Array(
    backend.memory.buffer,
    backend.base,
    (trainer.peakBytes - backend.base) / 4,
  );
  const beyond = new Int32Array(backend.memory.buffer, trainer.peakBytes);
  return {
    trainer,
    base: backend.base,
    touchedBytes: 4 * inside.reduce((sum, word) => sum + (word === UNTOUCHED ? 0 : 1), 0),
    isBeyondUntouched: beyond.every((word) => word === UNTOUCHED),
    isMemoryFixed: backend.memory.buffer.byteLength === size,
  };
}

describe('memory', () => {
  test(
    `states have the same bytes in the plan at depth ${DEPTHS.join(', ')}, workspace grows by ` +
      'less than 100 bytes a layer; side bits are (L - 1) B T C m / 8 bytes',
    () => {
      for (const gammaShift of [1, 2, 3])
        for (const layers of DEPTHS) {
          const { bytes } = planGpt(options(layers, gammaShift));
          const first = planGpt(options(DEPTHS[0], gammaShift)).bytes;
          expect(bytes.states).toBe(first.states);
          // the optimizer's sums, 12 bytes a tensor
          expect(bytes.workspace - first.workspace).toBeLessThanOrEqual(100 * (layers - DEPTHS[0]));
          expect(bytes.sideBits).toBe(((layers - 1) * 4 * 24 * 32 * gammaShift) / 8);
        }
    },
  );

  test(
    'real steps use the planned memory and not a byte more, at depth 2, 8 and 64, reversible ' +
      'and stored',
    () => {
      for (const reversible of ['bdia', 'none'] as const)
        for (const layers of DEPTHS) {
          const { trainer, base, touchedBytes, isBeyondUntouched, isMemoryFixed } = observe(
            options(layers, 1, reversible),
          );
          expect(trainer.peakBytes - base).toBe(trainer.plan.total);
          expect({ isBeyondUntouched, isMemoryFixed }).toEqual({
            isBeyondUntouched: true,
            isMemoryFixed: true,
          });
          expect(touchedBytes).toBeLessThanOrEqual(trainer.plan.total);
          expect(touchedBytes).toBeGreaterThan(0.7 * trainer.plan.total);
        }
    },
  );

  test(
    'between depth 2 and 64, what real steps touch grows by 20 bytes a parameter, the side ' +
      'bits and the planned workspace, to the byte',
    () => {
      const shallow = observe(options(2));
      const deep = observe(options(64));
      const growth = (of: (trainer: GptTrainer) => number): number =>
        of(deep.trainer) - of(shallow.trainer);
      const planned =
        20 * growth((t) => t.parameters) +
        growth((t) => t.plan.bytes.sideBits) +
        growth((t) => t.plan.bytes.workspace);
      expect(deep.touchedBytes - shallow.touchedBytes).toBe(planned);
    },
  );

  test('after the first step, 3 steps at depth 64 allocate 0 bytes of array buffers', () => {
    const run = options(64);
    const trainer = createGpt(run);
    const n = run.batch * run.model.context;
    const inputs = Int32Array.from({ length: n }, (_, i) => i % 29);
    const targets = Int32Array.from({ length: n }, (_, i) => (i * 7) % 29);
    trainer.step({ inputs, targets });
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 3; i++) trainer.step({ inputs, targets });
    // a collection may have freed older ones
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThanOrEqual(0);
  });

  test('the memory table of the README is what the library plans', () => {
    const { rows, batch, vocabulary, channels, heads, context } = JSON.parse(
      readFileSync(new URL('../../bench/results/memory.json', import.meta.url), 'utf8'),
    );
    expect(rows.length).toBeGreaterThanOrEqual(6);
    for (const row of rows)
      for (const reversible of ['bdia', 'none'] as const)
        expect(row[reversible]).toEqual(
          planGpt({
            model: { vocabulary, channels, heads, context, layers: row.layers },
            batch,
            steps: 1,
            reversible,
          }),
        );
  });
});

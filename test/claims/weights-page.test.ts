// docs/weights.md says how to use the weights elsewhere. Its code, which knows nothing of the
// engine, gives the engine's logits.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exportFloat32 } from '../../src/index.ts';
import { createGpt } from '../helpers/flat.ts';

interface Page {
  load(path: string): Record<string, Float32Array>;
  logits(weights: Record<string, Float32Array>, heads: number, ids: number[]): number[];
}

const text = readFileSync(join(import.meta.dirname, '../../docs/weights.md'), 'utf8');
let page: Page;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'retrograd-weights-'));
  writeFileSync(join(folder, 'weights.mjs'), /```js\n([\s\S]*?)```/.exec(text)![1]);
  page = (await import(/* @vite-ignore */ pathToFileURL(join(folder, 'weights.mjs')).href)) as Page;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const BOUND = Number(/largest difference allowed is ([\d.]+)/.exec(text)![1]);
const V = 13;
const T = 12;

test.each([
  ['as by default', {}, 'bdia'],
  ['with biases', { bias: true }, 'bdia'],
  ['with a head of its own', { tied: false }, 'none'],
  ['with one wide head', { heads: 1 }, 'checkpointing'],
  ['with eight heads and a narrow MLP', { heads: 8, mlpRatio: 2 }, 'bdia'],
  ['with four layers', { layers: 4 }, 'bdia'],
] as const)('the code of the page gives the logits of a model %s', (_, more, reversible) => {
  const model = { vocabulary: V, layers: 2, channels: 32, heads: 4, context: T, ...more };
  const trainer = createGpt({
    model,
    batch: 4,
    steps: 60,
    learningRate: 0.005,
    warmup: 5,
    reversible,
  });
  for (let step = 0; step < 60; step++) {
    const tokens = Int32Array.from(
      { length: 4 * T + 1 },
      (__, i) => ((i + step) * (i % 3 === 0 ? 5 : 7)) % V,
    );
    trainer.step({ inputs: tokens.subarray(0, 4 * T), targets: tokens.subarray(1) });
  }
  const path = join(folder, 'weights.f32.safetensors');
  writeFileSync(path, exportFloat32(trainer.tensors(), '0'));
  const weights = page.load(path);
  for (const length of [1, 2, 7, T]) {
    const ids = Array.from({ length }, (__, i) => (i * i * 3 + length) % V);
    const ours = trainer.predict(Int32Array.from(ids));
    const theirs = page.logits(weights, model.heads, ids);
    const worst = Math.max(...theirs.map((value, i) => Math.abs(value - ours[i])));
    expect(theirs).toHaveLength(V);
    // so that the bound says something
    expect(Math.max(...theirs) - Math.min(...theirs)).toBeGreaterThan(30 * BOUND);
    expect(worst, `${length} tokens`).toBeLessThan(BOUND);
  }
});

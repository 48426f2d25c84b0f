// A small vision transformer and a small translator, and batches that they can learn.

import type { TrainOptions, TranslatorBatch, TranslatorConfig, VitConfig } from '../../src/all.ts';
import { randomU32 } from '../../src/core/random.ts';

export const vit: VitConfig = { kind: 'vit', width: 8, height: 12, colours: 3, classes: 5, patch: 4, layers: 3, channels: 32, heads: 4 };
export const translator: TranslatorConfig = { kind: 'translator', vocabulary: 30, layers: 3, channels: 32, heads: 4, context: 9 };
export const vitOptions = (more: Partial<TrainOptions<VitConfig>> = {}): TrainOptions<VitConfig> => ({ model: vit, batch: 4, steps: 50, ...more });
export const pairOptions = (more: Partial<TrainOptions<TranslatorConfig>> = {}): TrainOptions<TranslatorConfig> => ({ model: translator, batch: 4, steps: 50, ...more });

/** Images of which the upper part is brighter for higher classes, and their classes. */
export function images(step: number, batch: number): { pixels: Uint8Array; labels: Int32Array } {
  const labels = Int32Array.from({ length: batch }, (_, s) => randomU32(3, 0, step, s, 9) % 5);
  const pixels = Uint8Array.from({ length: batch * 288 }, (_, i) => Math.min(255, (i % 288 < 100 ? 40 * labels[Math.floor(i / 288)] : 60) + (randomU32(4, 0, step, 0, i) & 63)));
  return { pixels, labels };
}

/** Pairs whose target is the source backward. */
export function pairs(step: number, batch: number): TranslatorBatch {
  const T = translator.context, rows = (): Int32Array => new Int32Array(batch * T);
  const out = { source: rows(), sourceLengths: new Int32Array(batch), input: rows(), target: rows(), targetLengths: new Int32Array(batch) };
  for (let s = 0; s < batch; s++) {
    const n = 1 + (randomU32(step, 0, 1, s, 99) % (T - 1)), words = Int32Array.from({ length: n }, (_, i) => 4 + (randomU32(step, 0, 2, s, i) % 26));
    out.source.set([...words, 2], s * T);
    out.input.set([1, ...words.slice().reverse()], s * T);
    out.target.set([...words.slice().reverse(), 2], s * T);
    out.sourceLengths[s] = out.targetLengths[s] = n + 1;
  }
  return out;
}

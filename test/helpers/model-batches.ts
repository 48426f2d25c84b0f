// A small vision transformer and a small translator, and batches that they can learn.

import { randomU32 } from '../../src/core/random.ts';
import {
  type ImageBatch,
  Trainer,
  type TranslatorBatch,
  type TranslatorConfig,
  translator,
  type VitConfig,
  vit,
} from '../../src/index.ts';
import type { TestOptions } from '../../src/train/engine.ts';
import { type FlatOptions, optionsOf } from './flat.ts';

export const VIT: VitConfig = {
  width: 8,
  height: 12,
  colours: 3,
  classes: 5,
  patch: 4,
  layers: 3,
  channels: 32,
  heads: 4,
};
export const TRANSLATOR: TranslatorConfig = {
  vocabulary: 30,
  layers: 3,
  channels: 32,
  heads: 4,
  context: 9,
};

type Flat<Config> = FlatOptions<Config>;

export const vitOptions = (more: Partial<Flat<VitConfig>> = {}): Flat<VitConfig> => ({
  model: VIT,
  batch: 4,
  steps: 50,
  ...more,
});
export const pairOptions = (
  more: Partial<Flat<TranslatorConfig>> = {},
): Flat<TranslatorConfig> => ({
  model: TRANSLATOR,
  batch: 4,
  steps: 50,
  ...more,
});

export const createVit = (flat: Flat<VitConfig>, test: TestOptions = {}): Trainer<ImageBatch> =>
  Trainer.forTests(optionsOf(flat, vit), test);
export const createTranslator = (
  flat: Flat<TranslatorConfig>,
  test: TestOptions = {},
): Trainer<TranslatorBatch> => Trainer.forTests(optionsOf(flat, translator), test);

/** Images of which the upper part is brighter for higher classes, and their classes. */
export function images(step: number, batch: number): ImageBatch {
  const labelOf = (s: number): number => randomU32(3, 0, step, s, 9) % 5;
  const labels = Int32Array.from({ length: batch }, (_, s) => labelOf(s));
  const pixel = (i: number): number => {
    const base = i % 288 < 100 ? 40 * labels[Math.floor(i / 288)] : 60;
    return Math.min(255, base + (randomU32(4, 0, step, 0, i) & 63));
  };
  return { images: Uint8Array.from({ length: batch * 288 }, (_, i) => pixel(i)), labels };
}

/** Pairs whose target is the source backward. */
export function pairs(step: number, batch: number): TranslatorBatch {
  const T = TRANSLATOR.context;
  const rows = (): Int32Array => new Int32Array(batch * T);
  const out = {
    source: rows(),
    sourceLengths: new Int32Array(batch),
    input: rows(),
    target: rows(),
    targetLengths: new Int32Array(batch),
  };
  for (let s = 0; s < batch; s++) {
    const n = 1 + (randomU32(step, 0, 1, s, 99) % (T - 1));
    const word = (i: number): number => 4 + (randomU32(step, 0, 2, s, i) % 26);
    const words = Int32Array.from({ length: n }, (_, i) => word(i));
    out.source.set([...words, 2], s * T);
    out.input.set([1, ...words.slice().reverse()], s * T);
    out.target.set([...words.slice().reverse(), 2], s * T);
    out.sourceLengths[s] = n + 1;
    out.targetLengths[s] = n + 1;
  }
  return out;
}

// Parts of a model of text that trains in a moment.

import {
  attention,
  embedding,
  gelu,
  type Layer,
  layerNorm,
  linear,
  plain,
  reversible,
  type StackLayer,
  sublayer,
  type UpdateRule,
} from '../../src/index.ts';

export interface Batch {
  inputs: Int32Array;
  targets: Int32Array;
}

export const V = 11;
export const T = 6;
export const C = 8;
export const text = (step: number, samples: number): Batch => ({
  inputs: Int32Array.from({ length: samples * T }, (_, i) => (i * 3 + step) % V),
  targets: Int32Array.from({ length: samples * T }, (_, i) => (i * 3 + step + 3) % V),
});

export const block = [
  sublayer(layerNorm(), attention({ heads: 2, causal: true })),
  sublayer(
    layerNorm({ name: 'norm2' }),
    linear(16, { name: 'up' }),
    gelu(),
    linear(C, { name: 'down' }),
  ),
];
export const stack = (rule: UpdateRule = plain(), depth = 2): StackLayer =>
  reversible({ depth, rule, block });
export const embed = (): Layer => embedding({ vocabulary: V, channels: C });

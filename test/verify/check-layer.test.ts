// checkLayer and checkRule pass what the library brings, and find seeded faults.

import { describe, expect, test } from 'vitest';
import {
  type Layer,
  type Planned,
  type UpdateRule,
  attention,
  bdia,
  classToken,
  coupling,
  embedding,
  gelu,
  layerNorm,
  leapfrog,
  linear,
  meanPool,
  momentum,
  plain,
  positions,
  relu,
  row,
  sequential,
} from '../../src/index.ts';
import { checkLayer } from '../../src/verify/check-layer.ts';
import { checkRule } from '../../src/verify/check-rule.ts';

const operand = { kind: 'operand', rows: 5, columns: 12 } as const;
const state = { kind: 'state', rows: 5, columns: 12 } as const;
const branch = { kind: 'branch', rows: 5, columns: 12 } as const;
const fine = { kind: 'fine', rows: 5, columns: 12 } as const;
const ids = { kind: 'ids', rows: 5, columns: 1 } as const;

const LAYERS: Record<string, [Layer, { input: Parameters<typeof checkLayer>[1]['input']; wanted?: 'operand' | 'branch' | 'sums' | 'fine' | 'state' }]> = {
  linear: [linear(7), { input: operand }],
  'linear, operand': [linear(7), { input: operand, wanted: 'operand' }],
  'linear, fine': [linear(7), { input: operand, wanted: 'fine' }],
  'linear, sums': [linear(7), { input: operand, wanted: 'sums' }],
  'linear with bias': [linear(7, { bias: true }), { input: operand, wanted: 'operand' }],
  'layer norm': [layerNorm({ bias: true }), { input: state }],
  'layer norm of a branch': [layerNorm(), { input: branch }],
  gelu: [gelu(), { input: fine }],
  relu: [relu(), { input: operand }],
  attention: [attention({ heads: 3 }), { input: operand }],
  'causal attention with biases': [attention({ heads: 2, causal: true, bias: true }), { input: operand }],
  embedding: [embedding({ vocabulary: 3, channels: 8 }), { input: ids }],
  'class token': [classToken(), { input: branch }],
  positions: [positions(), { input: state }],
  row: [row(2), { input: state }],
  'mean pool': [meanPool(), { input: state }],
  sequential: [sequential(layerNorm(), linear(20, { name: 'up' }), gelu(), linear(12, { name: 'down' })), { input: state }],
};

describe('checkLayer', () => {
  test.each(Object.keys(LAYERS))('%s passes', (name) => {
    const [layer, check] = LAYERS[name];
    const { cosines } = checkLayer(layer, check);
    console.log(name, JSON.stringify(cosines));
    for (const cosine of Object.values(cosines)) expect(cosine).toBeGreaterThanOrEqual(0.999);
  });
});

const RULES: Record<string, UpdateRule> = {
  bdia: bdia(),
  'bdia, m = 3': bdia({ gammaShift: 3 }),
  plain: plain(),
  leapfrog: leapfrog(),
  coupling: coupling(),
  momentum: momentum(),
  'random momentum': momentum({ beta: 0.5, isRandom: true }),
};

describe('checkRule', () => {
  test.each(Object.keys(RULES))('%s passes', (name) => {
    console.log(name, checkRule(RULES[name]));
  });
});
void (undefined as unknown as Planned);

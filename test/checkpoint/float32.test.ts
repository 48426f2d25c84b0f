import { describe, expect, test } from 'vitest';
import { exportFloat32 } from '../../src/checkpoint/float32.ts';
import { decodeSafetensors } from '../../src/checkpoint/safetensors.ts';
import { sampleCheckpoint } from './sample.ts';

describe('exportFloat32', () => {
  test('holds every weight as the nearest float32, and no optimizer state', () => {
    const { tensors } = sampleCheckpoint();
    const { tensors: exported, metadata } = decodeSafetensors(exportFloat32(tensors, '0.1.0'));
    const weights = tensors.filter(({ name }) => !name.startsWith('optimizer.'));
    expect(metadata).toEqual({ format: 'retrograd-weights', library: '0.1.0' });
    expect(exported.map(({ name, dtype, shape }) => ({ name, dtype, shape }))).toEqual(
      weights.map(({ name, shape }) => ({ name, dtype: 'F32', shape })),
    );
    for (const [i, { bytes }] of exported.entries()) {
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      for (const [k, raw] of weights[i].data.entries())
        expect(view.getFloat32(4 * k, true)).toBe(Math.fround(raw / 2 ** 24));
    }
  });

  test('rounds ties to even: 2^24 + 1 and 2^24 + 3 raw steps become 1 and 1 + 2^-22', () => {
    const tensors = [
      {
        name: 'w',
        shape: [3],
        fraction: 24,
        data: Int32Array.of(2 ** 24 + 1, 2 ** 24 + 3, -(2 ** 31)),
      },
    ];
    const { bytes } = decodeSafetensors(exportFloat32(tensors, '')).tensors[0];
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    expect([0, 4, 8].map((at) => view.getFloat32(at, true))).toEqual([1, 1 + 2 ** -22, -128]);
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeSafetensors,
  encodeSafetensors,
  type RawTensor,
} from '../../src/checkpoint/safetensors.ts';
import { CheckpointError } from '../../src/core/errors.ts';
import { rawFile } from './sample.ts';

const refusal = (file: Uint8Array): string => {
  try {
    decodeSafetensors(file);
  } catch (error) {
    expect(error).toBeInstanceOf(CheckpointError);
    return (error as Error).message;
  }
  return 'accepted';
};

const tensor = fc
  .record({
    dtype: fc.constantFrom('I32' as const, 'F32' as const),
    shape: fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 4 }),
    fill: fc.nat(255),
  })
  .map(({ dtype, shape, fill }) => ({
    dtype,
    shape,
    bytes: new Uint8Array(4 * shape.reduce((a, b) => a * b, 1)).fill(fill),
  }));
const name = fc
  .stringMatching(/^[A-Za-z_][A-Za-z0-9_.-]{0,12}$/)
  .filter((value) => value !== '__metadata__');
const container = fc.record({
  tensors: fc
    .uniqueArray(fc.tuple(name, tensor), { selector: ([key]) => key, maxLength: 6 })
    .map((list) => list.map(([key, value]): RawTensor => ({ name: key, ...value }))),
  metadata: fc
    .dictionary(name, fc.string({ unit: 'binary' }), { maxKeys: 5 })
    .map((entries) => ({ ...entries })),
});

describe('safetensors', () => {
  test('decode(encode(x)) = x for 1,000 random containers', () => {
    fc.assert(
      fc.property(container, (value) => {
        expect(decodeSafetensors(encodeSafetensors(value))).toEqual(value);
      }),
      { seed: 11, numRuns: 1000 },
    );
  });

  test(
    'the file is what the format says: length, padded JSON header, data in order from a ' +
      'multiple of 8',
    () => {
      const file = encodeSafetensors({
        metadata: { a: 'b' },
        tensors: [
          {
            name: 'x',
            dtype: 'I32',
            shape: [2],
            bytes: Uint8Array.of(1, 0, 0, 0, 255, 255, 255, 255),
          },
          { name: 'y', dtype: 'F32', shape: [], bytes: Uint8Array.of(0, 0, 128, 63) },
        ],
      });
      const length = Number(new DataView(file.buffer).getBigUint64(0, true));
      expect(length % 8).toBe(0);
      expect(new TextDecoder().decode(file.subarray(8, 8 + length)).trimEnd()).toBe(
        '{"__metadata__":{"a":"b"},"x":{"dtype":"I32","shape":[2],' +
          '"data_offsets":[0,8]},"y":{"dtype":"F32","shape":[],"data_offsets":[8,12]}}',
      );
      expect(Array.from(file.subarray(8 + length))).toEqual([
        1, 0, 0, 0, 255, 255, 255, 255, 0, 0, 128, 63,
      ]);
      const view = new DataView(file.buffer, 8 + length);
      expect([view.getInt32(0, true), view.getInt32(4, true), view.getFloat32(8, true)]).toEqual([
        1, -1, 1,
      ]);
    },
  );

  test(
    'a file cut at any byte is refused as truncated, with the bytes there and the bytes ' +
      'expected',
    () => {
      const file = encodeSafetensors({
        metadata: { a: 'b' },
        tensors: [{ name: 'x', dtype: 'I32', shape: [3], bytes: new Uint8Array(12) }],
      });
      expect(refusal(file.subarray(0, 0))).toBe('the file is empty');
      for (let n = 1; n < file.length; n++)
        expect(refusal(file.subarray(0, n))).toMatch(
          new RegExp(`^truncated at ${n} of (at least )?\\d+ bytes$`),
        );
      expect(refusal(file.subarray(0, file.length - 1))).toBe(
        `truncated at ${file.length - 1} of ${file.length} bytes`,
      );
      expect(refusal(Uint8Array.of(...file, 0))).toMatch(/something was appended/);
    },
  );

  test('files of another kind are called so', () => {
    expect(refusal(new TextEncoder().encode('hello, this is a text and not a checkpoint'))).toMatch(
      /^not a safetensors file: its header length is \d+, expected 2 to 16777216$/,
    );
    expect(refusal(rawFile('[1]'))).toMatch(/not begin with \{/);
    expect(refusal(rawFile('{"a":'))).toMatch(/not JSON/);
    expect(refusal(rawFile('{"a":"\\ud8"}'))).toMatch(/not JSON/);
    expect(refusal(Uint8Array.of(...rawFile('{"    "}').fill(0xff, 9, 12)))).toMatch(/not JSON/);
  });

  const entry = (change: object): string =>
    JSON.stringify({ x: { dtype: 'I32', shape: [2], data_offsets: [0, 8], ...change } });
  const hostile: [string, string, RegExp][] = [
    ['a header longer than the file', '', /^truncated at 9 of at least \d+ bytes$/],
    [
      'a key twice',
      '{"x":{"dtype":"I32","shape":[2],"data_offsets":[0,8]},"x":{"dtype":"I32",' +
        '"shape":[2],"data_offsets":[0,8]}}',
      /every key once/,
    ],
    ['metadata twice', '{"__metadata__":{"a":"1"},"__metadata__":{"a":"2"}}', /every key once/],
    ['spaces inside', '{ "__metadata__":{}}', /compact JSON/],
    ['metadata that is not strings', '{"__metadata__":{"a":1}}', /not a table of strings/],
    ['metadata that is a list', '{"__metadata__":["a"]}', /not a table of strings/],
    ['an entry that is null', '{"x":null}', /not an object/],
    ['an unknown dtype', entry({ dtype: 'I16' }), /has dtype "I16", expected I32 or F32/],
    ['a negative size', entry({ shape: [-2] }), /no valid shape/],
    ['a fraction of a size', entry({ shape: [1.5] }), /no valid shape/],
    [
      'a size beyond 2^53',
      '{"x":{"dtype":"I32","shape":[10000000000000000000],"data_offsets":[0,8]}}',
      /no valid shape/,
    ],
    [
      'sizes whose product overflows',
      entry({ shape: [2 ** 52, 2 ** 52, 2 ** 52] }),
      /its shape needs/,
    ],
    ['a thousand sizes', entry({ shape: new Array(1000).fill(1) }), /no valid shape/],
    ['a shape that is a string', entry({ shape: '2' }), /no valid shape/],
    ['offsets that are too few', entry({ data_offsets: [0] }), /no valid data_offsets/],
    ['offsets that run backward', entry({ data_offsets: [8, 0] }), /begins at 8, expected 0/],
    ['a gap', entry({ data_offsets: [4, 12] }), /begins at 4, expected 0/],
    [
      'an end that does not fit the shape',
      entry({ data_offsets: [0, 12] }),
      /has 12 bytes, its shape needs 8/,
    ],
    [
      'an overlap',
      '{"x":{"dtype":"I32","shape":[2],"data_offsets":[0,8]},"y":{"dtype":"I32",' +
        '"shape":[2],"data_offsets":[0,8]}}',
      /"y" begins at 0, expected 8/,
    ],
    [
      'a tensor far larger than the file',
      '{"x":{"dtype":"I32","shape":[1000000000000],"data_offsets":[0,4000000000000]}}',
      /^truncated at \d+ of 4\d+ bytes$/,
    ],
  ];
  test.each(hostile)('%s is refused', (_, header, reason) => {
    const file =
      header === ''
        ? Uint8Array.of(200, 0, 0, 0, 0, 0, 0, 0, 0x7b)
        : rawFile(header, new Uint8Array(8));
    expect(refusal(file)).toMatch(reason);
  });

  test('__proto__ and constructor as names touch no prototype', () => {
    const file = rawFile(
      '{"__metadata__":{"__proto__":"polluted","constructor":"c"},' +
        '"__proto__":{"dtype":"I32","shape":[0],"data_offsets":[0,0]}}',
    );
    const { tensors, metadata } = decodeSafetensors(file);
    expect(tensors.map((t) => t.name)).toEqual(['__proto__']);
    expect(Object.getOwnPropertyNames(metadata)).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(metadata)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  test('random headers are refused with a CheckpointError or are valid, nothing else', () => {
    const header = fc.oneof(
      fc.json({ maxDepth: 4 }).map((text) => `{"x":${text}}`),
      fc.string({ unit: 'binary', maxLength: 60 }).map((text) => `{${text}`),
      fc
        .record({
          dtype: fc.constantFrom('I32', 'F32', 'X'),
          shape: fc.array(fc.oneof(fc.integer(), fc.double()), { maxLength: 3 }),
          data_offsets: fc.array(fc.oneof(fc.nat(20), fc.double()), { maxLength: 3 }),
        })
        .map((value) => JSON.stringify({ x: value })),
    );
    let refused = 0;
    fc.assert(
      fc.property(header, fc.uint8Array({ maxLength: 16 }), (text, data) => {
        if (refusal(rawFile(text, data)) !== 'accepted') refused++;
      }),
      { seed: 12, numRuns: 3000 },
    );
    expect(refused).toBeGreaterThan(2500);
  });

  test('a writer refuses names that would not come back, and bytes that do not fit', () => {
    const write =
      (...names: string[]) =>
      () =>
        encodeSafetensors({
          metadata: {},
          tensors: names.map((key) => ({
            name: key,
            dtype: 'I32',
            shape: [1],
            bytes: new Uint8Array(4),
          })),
        });
    for (const bad of ['', '1', '__metadata__', 'a b', 'é'])
      expect(write(bad), bad).toThrow(CheckpointError);
    expect(write('a', 'a')).toThrow(/is taken/);
    expect(() =>
      encodeSafetensors({
        metadata: {},
        tensors: [{ name: 'x', dtype: 'I32', shape: [2], bytes: new Uint8Array(4) }],
      }),
    ).toThrow(/has 4 bytes, its shape \[2\] needs 8/);
  });
});

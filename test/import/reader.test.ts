// Safetensors files of other programs: types, orders, spacings, shards; what is refused, and how.

import { describe, expect, test } from 'vitest';
import { CheckpointError } from '../../src/core/errors.ts';
import { float16 } from '../../src/import/numbers.ts';
import { openSafetensors } from '../../src/import/safetensors.ts';
import { openSharded } from '../../src/import/sharded.ts';
import {
  bytesOf,
  type FileOptions,
  type Plain,
  safetensorsFile,
  sourceOf,
  withHeader,
} from '../helpers/foreign-files.ts';

const TENSORS: Plain[] = [
  { name: 'a.weight', shape: [2, 3], values: [0.5, -1, 2, 0, 1.5, -0.25] },
  { name: 'b', shape: [4], values: [1, 2, 3, 4] },
  { name: 'empty', shape: [0, 7], values: [] },
  { name: 'scalar', shape: [], values: [-8] },
];
const open = (file: Uint8Array) => openSafetensors(sourceOf(file));

async function valuesOf(file: Uint8Array): Promise<Record<string, number[]>> {
  const source = await open(file);
  const all: Record<string, number[]> = {};
  for (const { name } of source.tensors) {
    all[name] = [];
    for await (const { values } of source.pieces(name)) all[name].push(...values);
  }
  return all;
}

/** What it throws, in one line. */
async function refusal(file: Uint8Array, name?: string): Promise<string> {
  try {
    const source = await open(file);
    for await (const _ of source.pieces(name ?? source.tensors[0].name));
  } catch (error) {
    expect(error).toBeInstanceOf(CheckpointError);
    return (error as Error).message;
  }
  return 'nothing';
}

const entry = (begin: number, end: number, shape: number[], dtype = 'F32') => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});
const headerOf = (table: object, bytes = 0) =>
  withHeader(JSON.stringify(table), new Uint8Array(bytes));

describe('openSafetensors', () => {
  const expected = Object.fromEntries(
    TENSORS.map(({ name, values }) => [name, [...(values as number[])]]),
  );

  test.each<[string, FileOptions]>([
    ['F32', {}],
    ['F16', { dtype: 'F16' }],
    ['BF16', { dtype: 'BF16' }],
    ['a header with spaces and newlines', { spacing: 2 }],
    ['entries in another order than bytes', { isReversed: true }],
    ['metadata', { metadata: { format: 'pt' } }],
  ])('reads the same numbers of %s', async (_, options) => {
    expect(await valuesOf(safetensorsFile(TENSORS, options))).toEqual(expected);
  });

  test('65,536 float16s are the numbers that their three fields say', () => {
    const wrong = Array.from({ length: 65536 }, (_, bits) => bits).filter((bits) => {
      const [sign, exponent, mantissa] = [bits >> 15, (bits >> 10) & 31, bits & 1023];
      let size = 2 ** (exponent - 15) * (1 + mantissa / 1024);
      if (exponent === 0) size = (2 ** -14 * mantissa) / 1024;
      if (exponent === 31) size = mantissa === 0 ? Infinity : NaN;
      return !Object.is(float16(bits), sign === 1 && !Number.isNaN(size) ? -size : size);
    });
    expect(wrong).toEqual([]);
  });

  test('reads the header, then what is asked for, in pieces of 2^20 numbers', async () => {
    const size = 2 ** 20 + 3;
    const values = Float64Array.from({ length: size }, (_, i) => i % 1000);
    const bytes = sourceOf(safetensorsFile([{ name: 'x', shape: [size], values }]));
    const source = await openSafetensors(bytes);
    expect(bytes.reads.length).toBe(2);
    const firsts: number[] = [];
    for await (const { first, values: part } of source.pieces('x')) {
      firsts.push(first);
      expect(part[part.length - 1]).toBe((first + part.length - 1) % 1000);
    }
    expect(firsts).toEqual([0, 2 ** 20]);
    for await (const piece of source.pieces('x', 5, 2)) expect([...piece.values]).toEqual([5, 6]);
    expect(bytes.reads.slice(2).map(({ length }) => length)).toEqual([2 ** 22, 12, 8]);
  });

  test('lists types that it does not read, and says so when they are asked for', async () => {
    const file = headerOf({ mask: entry(0, 4, [4], 'BOOL'), q: entry(4, 12, [2], 'I32') }, 12);
    expect((await open(file)).tensors.map(({ dtype }) => dtype)).toEqual(['BOOL', 'I32']);
    expect(await refusal(file, 'mask')).toBe(
      'tensor "mask" has type BOOL, expected F32, F16, BF16',
    );
    expect(await refusal(file, 'q')).toMatch(/HINT: a checkpoint of retrograd is read by/);
  });

  test.each([
    ['NaN', NaN],
    ['Infinity', Infinity],
    ['-Infinity', -Infinity],
  ])('refuses %s by name and place', async (word, value) => {
    const values = new Float32Array(10).fill(1);
    values[7] = value;
    const file = safetensorsFile([{ name: 'h.0.x', shape: [10], values }]);
    expect(await refusal(file)).toMatch(`tensor "h.0.x" has ${word} at 7, expected finite numbers`);
  });

  test.each<[string, () => Uint8Array, RegExp]>([
    ['an empty file', () => new Uint8Array(0), /0 bytes/],
    ['seven bytes', () => new Uint8Array(7), /7 bytes/],
    ['a header of 0 bytes', () => withHeader(''), /length is 0, expected 2 to 100000000/],
    ['a header of 2^63 bytes', () => new Uint8Array(8).fill(255), /length is 18446744073709552000/],
    ['a header beyond 100 MB', () => Uint8Array.of(1, 225, 245, 5, 0, 0, 0, 0, 123), /100000001/],
    ['a header that ends early', () => withHeader('{}').subarray(0, 9), /truncated at 9 of at/],
    ['a header that is a list', () => withHeader('[]'), /does not begin with \{/],
    ['no JSON', () => withHeader('{"a":'), /is not JSON/],
    ['no UTF-8', () => withHeader('{"a":1}').fill(255, 10, 11), /is not JSON/],
    ['too many levels', () => withHeader(`{"a":${'['.repeat(99)}`), /more than 8 levels/],
    ['a name twice', () => withHeader('{"a":1,"\\u0061" :2}'), /has "a" twice/],
    ['a field twice', () => withHeader('{"a":{"dtype":"F32","dtype":"I8"}}'), /has "dtype" twice/],
    ['no entry', () => headerOf({ a: 5 }), /tensor "a" is not an object/],
    ['an unknown type', () => headerOf({ a: entry(0, 4, [1], 'F4') }, 4), /has dtype "\\"F4\\""/],
    ['a shape of halves', () => headerOf({ a: entry(0, 4, [0.5]) }, 4), /no valid shape/],
    ['nine axes', () => headerOf({ a: entry(0, 4, Array(9).fill(1)) }, 4), /no valid shape/],
    ['negative offsets', () => headerOf({ a: entry(-4, 0, [1]) }), /no valid data_offsets/],
    ['bytes unlike its shape', () => headerOf({ a: entry(0, 8, [1]) }, 8), /8 bytes, its shape 4/],
    [
      'a hole',
      () => headerOf({ a: entry(0, 4, [1]), b: entry(8, 12, [1]) }, 12),
      /"b" begins at 8/,
    ],
    [
      'an overlap',
      () => headerOf({ a: entry(0, 8, [2]), b: entry(4, 8, [1]) }, 8),
      /"b" begins at 4/,
    ],
    ['too few bytes', () => headerOf({ a: entry(0, 8, [2]) }, 4), /4 bytes of tensors, .* of 8/],
    ['too many bytes', () => headerOf({ a: entry(0, 8, [2]) }, 9), /1 bytes after its last tensor/],
    [
      'a shape beyond every file',
      () => headerOf({ a: entry(0, 4, [2 ** 40, 2 ** 40]) }, 4),
      /its shape/,
    ],
    ['metadata of numbers', () => headerOf({ __metadata__: { a: 1 } }), /not a table of strings/],
  ])('refuses %s with the reason', async (_, file, expected) => {
    expect(await refusal(file())).toMatch(expected);
  });

  test('a tensor named __proto__ is one like any other', async () => {
    const file = withHeader(
      '{"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
      bytesOf([3]),
    );
    expect(Object.entries(await valuesOf(file))).toEqual([]);
    const source = await open(file);
    expect(source.tensors).toEqual([{ name: '__proto__', dtype: 'F32', shape: [1] }]);
    for await (const { values } of source.pieces('__proto__')) expect(values[0]).toBe(3);
  });

  test('a source that is none, and one that gives too little, are told apart', async () => {
    const file = safetensorsFile(TENSORS);
    await expect(openSafetensors(file as never)).rejects.toThrow(
      /the source is not \{ size, read \}. HINT: of a file/,
    );
    const short = { size: file.length, read: () => new Uint8Array(3) };
    await expect(openSafetensors(short)).rejects.toThrow('reading 8 bytes at 0 gave 3');
  });
});

describe('openSharded', () => {
  const files: Record<string, Uint8Array> = {
    'model-1.safetensors': safetensorsFile(TENSORS.slice(0, 2)),
    'model-2.safetensors': safetensorsFile(TENSORS.slice(2), { dtype: 'BF16' }),
  };
  const map = {
    'a.weight': 'model-1.safetensors',
    b: 'model-1.safetensors',
    empty: 'model-2.safetensors',
    scalar: 'model-2.safetensors',
  };
  const openFile = (name: string) => sourceOf(files[name]);

  test('gives the tensors of all files, each from its own', async () => {
    const source = await openSharded(JSON.stringify({ weight_map: map }), openFile);
    expect(source.tensors.map(({ name }) => name)).toEqual(Object.keys(map));
    for await (const { values } of source.pieces('scalar')) expect([...values]).toEqual([-8]);
  });

  test.each<[string, unknown, RegExp]>([
    ['text that is no JSON', '{', /it is not JSON/],
    ['no weight_map', {}, /it has no weight_map/],
    ['a path out of the folder', { weight_map: { b: '../x' } }, /the file of "b" is "\.\.\/x"/],
    [
      'a tensor in another file',
      { weight_map: { ...map, b: 'model-2.safetensors' } },
      /"b", which it/,
    ],
    [
      'a tensor in no file',
      { weight_map: { ...map, c: 'model-1.safetensors' } },
      /has no tensor "c"/,
    ],
  ])('refuses an index with %s', async (_, index, expected) => {
    await expect(openSharded(index, openFile)).rejects.toThrow(expected);
  });
});

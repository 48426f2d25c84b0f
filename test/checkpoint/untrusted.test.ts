// Checkpoints that were made to do harm, with a digest that fits, and values that must not reach a
// run.

import { describe, expect, test } from 'vitest';
import { DIGEST_OFFSET } from '../../src/checkpoint/checkpoint.ts';
import { decodeSafetensors, encodeSafetensors } from '../../src/checkpoint/safetensors.ts';
import { sha256Hex } from '../../src/core/digest.ts';
import { CheckpointError, RetrogradError } from '../../src/core/errors.ts';
import { decodeCheckpoint, encodeCheckpoint, Trainer } from '../../src/index.ts';
import { MOMENT_LIMIT, WEIGHT_LIMIT } from '../../src/memory/formats.ts';
import type { NamedTensor } from '../../src/train/tensors.ts';
import { asData, rawFile, sampleCheckpoint, sampleFile } from './sample.ts';
import { make } from './small-run.ts';

const errorOf = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => new Error('accepted'),
    (error: Error) => error,
  );

async function withDigest(file: Uint8Array): Promise<Uint8Array> {
  const zeroed = file.slice().fill(0x30, DIGEST_OFFSET, DIGEST_OFFSET + 64);
  zeroed.set(new TextEncoder().encode(await sha256Hex(zeroed)), DIGEST_OFFSET);
  return zeroed;
}

/** The sample with one number of one tensor changed. */
async function withNumber(name: string, value: number): Promise<Uint8Array> {
  const { tensors, metadata } = decodeSafetensors(await sampleFile());
  const { bytes } = tensors.find((tensor) => tensor.name === name)!;
  new DataView(bytes.buffer, bytes.byteOffset).setInt32(bytes.length - 4, value, true);
  return withDigest(encodeSafetensors({ tensors, metadata }));
}

/** Every kind of tensor with the last number that a run can have and the first that it cannot. */
const CORNERS = [
  ['norm.gain', WEIGHT_LIMIT, WEIGHT_LIMIT + 1],
  ['norm.gain', -WEIGHT_LIMIT, -WEIGHT_LIMIT - 1],
  ['optimizer.m.norm.gain', MOMENT_LIMIT, MOMENT_LIMIT + 1],
  ['optimizer.m.norm.gain', -MOMENT_LIMIT, -MOMENT_LIMIT - 1],
  ['optimizer.r.norm.gain', MOMENT_LIMIT, MOMENT_LIMIT + 1],
  ['optimizer.r.norm.gain', 0, -1],
  ['norm.gain', 0, -(2 ** 31)],
  ['optimizer.m.norm.gain', 0, -(2 ** 31)],
] as const;

describe('numbers that no run can have', () => {
  test.each(CORNERS)('%s: %d is read, %d is not', async (name, good, bad) => {
    const file = await withNumber(name, good);
    const { options, tensors, step } = await decodeCheckpoint(file);
    expect(await errorOf(decodeCheckpoint(await withNumber(name, bad)))).toBeInstanceOf(
      CheckpointError,
    );
    const trainer = Trainer.create(options);
    trainer.restore(tensors, step);
    const before = await trainer.weightsSha256();
    const changed = tensors.map((t) => ({ ...t, data: t.data.slice() }));
    const { data } = changed.find((tensor) => tensor.name === name)!;
    data[0] = bad;
    expect(() => trainer.restore(changed, step)).toThrow(CheckpointError);
    expect(await trainer.weightsSha256()).toBe(before);
    const value = { ...sampleCheckpoint(), tensors: changed };
    expect(await errorOf(encodeCheckpoint(value))).toBeInstanceOf(CheckpointError);
  });
});

describe('restore', () => {
  test('copies its own views before it writes: two tensors exchanged are exchanged', async () => {
    const [a, b] = [make(), make()];
    const exchange = (list: NamedTensor[]): NamedTensor[] => {
      const named = new Map([
        ['block.0.norm1.gain', 'block.0.norm2.gain'],
        ['block.0.norm2.gain', 'block.0.norm1.gain'],
      ]);
      return list.map((tensor) => ({ ...tensor, name: named.get(tensor.name) ?? tensor.name }));
    };
    for (const trainer of [a, b])
      trainer
        .tensors()
        .find(({ name }) => name === 'block.0.norm1.gain')!
        .data.fill(7);
    a.restore(exchange(a.tensors()), 0);
    b.restore(
      exchange(b.tensors()).map((t) => ({ ...t, data: t.data.slice() })),
      0,
    );
    expect(await a.weightsSha256()).toBe(await b.weightsSha256());
    expect(a.tensors().find(({ name }) => name === 'block.0.norm2.gain')!.data[0]).toBe(7);
    expect(a.tensors().find(({ name }) => name === 'block.0.norm1.gain')!.data[0]).toBe(2 ** 24);
  });

  const wrong: [string, (tensors: NamedTensor[]) => unknown][] = [
    ['a name twice', (tensors) => [...tensors, tensors[0]]],
    ['a tensor more', (tensors) => [...tensors, { ...tensors[0], name: 'more' }]],
    ['a tensor less', (tensors) => tensors.slice(1)],
    [
      'a plain array',
      (tensors) => [{ ...tensors[0], data: Array.from(tensors[0].data) }, ...tensors.slice(1)],
    ],
    [
      'floats',
      (tensors) => [
        { ...tensors[0], data: new Float32Array(tensors[0].data) },
        ...tensors.slice(1),
      ],
    ],
    [
      'unsigned numbers',
      (tensors) => [{ ...tensors[0], data: new Uint32Array(tensors[0].data) }, ...tensors.slice(1)],
    ],
    [
      'detached memory',
      (tensors) => {
        const data = tensors[0].data.slice();
        structuredClone(data, { transfer: [data.buffer] });
        return [{ ...tensors[0], data }, ...tensors.slice(1)];
      },
    ],
    ['no list', () => 7],
    ['nothing', () => undefined],
    ['a list of nothing', () => [undefined]],
  ];
  test.each(wrong)('refuses %s and changes nothing', async (_, change) => {
    const trainer = make();
    const before = await trainer.weightsSha256();
    expect(() => trainer.restore(change(make({ seed: 2 }).tensors()) as NamedTensor[], 0)).toThrow(
      RetrogradError,
    );
    expect(await trainer.weightsSha256()).toBe(before);
  });

  test.each([-1, 1.5, NaN, 2 ** 31, '1'])('refuses step %s', (step) => {
    const trainer = make();
    expect(() => trainer.restore(trainer.tensors(), step as number)).toThrow(CheckpointError);
  });

  test('takes shared memory, and tensors in any order', async () => {
    const from = make({ seed: 2 });
    const to = make();
    to.restore(
      from
        .tensors()
        .reverse()
        .map((tensor) => {
          const data = new Int32Array(new SharedArrayBuffer(tensor.data.byteLength));
          data.set(tensor.data);
          return { ...tensor, data };
        }),
      3,
    );
    expect(await to.weightsSha256()).toBe(await from.weightsSha256());
  });
});

describe('decodeCheckpoint', () => {
  test('has its own copy: what becomes of the buffer afterwards changes nothing', async () => {
    const file = await sampleFile();
    const pending = decodeCheckpoint(file);
    file.fill(7);
    expect(asData(await pending)).toEqual(asData(sampleCheckpoint()));
    const shared = new Uint8Array(new SharedArrayBuffer(file.length));
    shared.set(await sampleFile());
    const value = await decodeCheckpoint(shared);
    shared.fill(9);
    expect(asData(value)).toEqual(asData(sampleCheckpoint()));
  });

  test('takes a time linear in the header, whatever is in it', async () => {
    const fill = (n: number): string[] => [
      ' '.repeat(n),
      '\\n'.repeat(n / 2),
      '['.repeat(n),
      '"'.repeat(n),
      '\u00e9'.repeat(n / 2),
    ];
    const time = async (n: number): Promise<number[]> => {
      const times: number[] = [];
      for (const inner of fill(n)) {
        const file = rawFile(`{"a":"${inner}x"}`);
        const begun = performance.now();
        expect(await errorOf(decodeCheckpoint(file))).toBeInstanceOf(CheckpointError);
        times.push(performance.now() - begun);
      }
      return times;
    };
    await time(2 ** 18);
    // 20 minutes once
    for (const milliseconds of await time(2 ** 21)) expect(milliseconds).toBeLessThan(2000);
  });

  const HOSTILE: [string, string][] = [
    ['nested 5,000 deep', `{"a":${'['.repeat(5000)}${']'.repeat(5000)}}`],
    ['nested 5,000 deep in objects', `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`],
    ['nested 2 million deep', `{"a":${'['.repeat(2e6)}${']'.repeat(2e6)}}`],
    ['with 2 million values', `{"a":[${'1,'.repeat(2e6)}1]}`],
    ['with a negative zero', '{"a":{"dtype":"I32","shape":[-0],"data_offsets":[0,0]}}'],
    ['with a huge number', '{"a":{"dtype":"I32","shape":[1e999],"data_offsets":[0,0]}}'],
    [
      'with a number in another spelling',
      '{"a":{"dtype":"I32","shape":[1.0],"data_offsets":[0,4]}}',
    ],
    ['with a byte-order mark', '\ufeff{"a":{}}'],
    ['with NUL', '{"a\0":1}'],
    ['with line feeds behind it', '{"__metadata__":{}}\n\n\n\n\n'],
  ];
  test.each(HOSTILE)('refuses a header %s', async (_, header) => {
    const error = await errorOf(decodeCheckpoint(rawFile(header, new Uint8Array(4))));
    expect(error).toBeInstanceOf(CheckpointError);
    expect(error.message.length).toBeLessThan(2500);
  });

  const FIELDS: [string, Record<string, string>][] = [
    ['vocabulary nested deep', { vocabulary: `${'['.repeat(5000)}${']'.repeat(5000)}` }],
    [
      'options nested deep',
      { options: `{"model":{"name":${'['.repeat(5000)}${']'.repeat(5000)}}}` },
    ],
    ['a key twice in the options', { options: '{"batch":1,"batch":2}' }],
    ['a negative zero in the vocabulary', { vocabulary: '[-0]' }],
    ['a step of many digits', { step: '1'.repeat(1e6) }],
    ['a negative step', { step: '-1' }],
    ['a model of an endless name', { options: `{"model":{"name":"${'x'.repeat(1e6)}"}}` }],
  ];
  test.each(FIELDS)('refuses %s', async (_, change) => {
    const { tensors, metadata } = decodeSafetensors(await sampleFile());
    const file = await withDigest(
      encodeSafetensors({ tensors, metadata: { ...metadata, ...change } }),
    );
    const error = await errorOf(decodeCheckpoint(file));
    expect(error).toBeInstanceOf(CheckpointError);
    expect(error.message.length).toBeLessThan(2500);
  });

  test.each([
    'text',
    null,
    undefined,
    7,
    [],
    {},
    new ArrayBuffer(8),
    new Int32Array(8),
    new DataView(new ArrayBuffer(9)),
  ])('refuses %s as a file', async (file) => {
    expect(await errorOf(decodeCheckpoint(file as Uint8Array))).toBeInstanceOf(RetrogradError);
  });

  test('quotes no control sequences', async () => {
    // U+009B and U+202E may stand in JSON
    const header = '{"\u001b]0;owned\u0007\u009b31m\u202e":1}';
    const { message } = await errorOf(
      decodeCheckpoint(rawFile(header.replace(/[\u001b\u0007]/g, 'x'))),
    );
    expect(message).toContain('\\u009b31m\\u202e');
    const error = new RetrogradError('a\u001b[31mb\nc', 'd\u2066e');
    expect(error.message).toBe('a\\u001b[31mb\\nc. HINT: d\\u2066e');
    expect(error.hint).toBe('d\\u2066e');
  });
});

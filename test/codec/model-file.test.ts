// Model files: what is packed is unpacked within half a step, and what is no model is refused.

import { beforeAll, describe, expect, test } from 'vitest';
import { crc32c } from '../../src/codec/crc32c.ts';
import { CodecError, MessageModel, trainMessages } from '../../src/codec/index.ts';
import { packModel, unpackModel } from '../../src/codec/model-file.ts';
import { modelOf, weightShapes, weightsIn } from '../../src/codec/model-shape.ts';
import { sha256 } from '../../src/core/digest.ts';
import { isWeight, Trainer, UsageError } from '../../src/index.ts';
import { Draws } from './draws.ts';
import { bytesOf, SAMPLES, SMALL, smallFile } from './small-model.ts';

let file: Uint8Array<ArrayBuffer>;
beforeAll(async () => {
  file = await smallFile();
});

const refusal = (bytes: Uint8Array): string => {
  try {
    MessageModel.read(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(CodecError);
    return (error as CodecError).code;
  }
  return 'read';
};
/** With a digest that fits. */
function signed(bytes: Uint8Array): Uint8Array {
  const end = bytes.length - 32;
  bytes.set(sha256([bytes.subarray(0, end)]), end);
  return bytes;
}

test('CRC-32C of RFC 3720, appendix B.4', () => {
  const ascending = Uint8Array.from({ length: 32 }, (_, i) => i);
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43);
  expect(crc32c(ascending)).toBe(0x46dd794e);
  expect(crc32c(bytesOf('123456789'))).toBe(0xe3069283);
  expect(crc32c(ascending.subarray(9), crc32c(ascending.subarray(0, 9)))).toBe(0x46dd794e);
});

test.each([
  { layers: 1, channels: 8, heads: 1, context: 16 },
  { layers: 3, channels: 24, heads: 3, context: 40 },
])('the weights of $layers x $channels are the trainer’s', (shape) => {
  const trainer = Trainer.create({ model: modelOf(shape), batch: 1, steps: 1 });
  const own = trainer.tensors().filter(isWeight);
  expect(weightShapes(shape).map(({ name, rows, columns }) => [name, rows * columns])).toEqual(
    own.map(({ name, data }) => [name, data.length]),
  );
  expect(weightsIn(shape)).toBe(trainer.parameters);
});

test.each([6, 7, 8])('%i bits: each weight within half a step, each file the same', (bits) => {
  const shape = { layers: 2, channels: 16, heads: 2, context: 24 };
  const tensors = Trainer.create({ model: modelOf(shape), batch: 1, steps: 1 }).tensors();
  const draws = new Draws(bits);
  const weights = tensors.filter(isWeight);
  for (const { data } of weights) data.set(data.map((v) => v + draws.below(2 ** 20) - 2 ** 19));
  const beginning = Int32Array.of(256, 65, 66);
  const packed = packModel({ shape, bits, beginning, tensors });
  const read = unpackModel(packed);
  expect(read).toMatchObject({ shape, bits, beginning });
  const columnsOf = new Map(weightShapes(shape).map((each) => [each.name, each]));
  weights.forEach(({ name, data }, t) => {
    const { rows, columns } = columnsOf.get(name)!;
    for (let r = 0; r < rows; r++) {
      const row = data.subarray(r * columns, (r + 1) * columns);
      const most = row.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
      const step = Math.ceil(most / (2 ** ((rows === 1 ? 16 : bits) - 1) - 1));
      const off = row.map((v, c) => Math.abs(v - read.tensors[t].data[r * columns + c]));
      expect(off.reduce((a, b) => Math.max(a, b))).toBeLessThanOrEqual(step / 2);
    }
  });
  // what is on the grid stays there
  expect(packModel({ ...read })).toEqual(packed);
});

test('the same samples and options give the same file', async () => {
  const again = await trainMessages(SAMPLES, { ...SMALL, learningRate: 0.02 });
  expect(again).toEqual(file);
  const threads = await trainMessages(SAMPLES, { ...SMALL, learningRate: 0.02, threads: 2 });
  expect(threads).toEqual(file);
});

describe('files that are none', () => {
  test('other files, and no bytes', () => {
    expect(refusal(new Uint8Array(0))).toBe('foreign');
    expect(refusal(bytesOf('{"a":1}'.repeat(20)))).toBe('foreign');
  });

  test('a format that comes later, before anything else of it is looked at', () => {
    const later = file.slice();
    later[4] = 2;
    expect(refusal(later)).toBe('version');
  });

  test('cut anywhere', () => {
    for (let length = 4; length < 46; length++)
      expect(refusal(file.subarray(0, length))).toBe('truncated');
    for (const length of [46, 1000, file.length - 1])
      expect(refusal(file.subarray(0, length))).toBe('damaged');
  });

  test('with more behind it, and with any byte changed', () => {
    expect(refusal(Uint8Array.of(...file, 0))).toBe('damaged');
    const draws = new Draws(1);
    for (let n = 0; n < 200; n++) {
      const changed = file.slice();
      changed[5 + draws.below(file.length - 5)] ^= 1 << draws.below(8);
      expect(refusal(changed)).toBe('damaged');
    }
  });

  test('300 forged ones whose digest fits: refused, or a model', () => {
    const draws = new Draws(2);
    const found: Record<string, number> = {};
    for (let n = 0; n < 300; n++) {
      const forged = file.slice();
      const [from, to] = n % 2 === 0 ? [5, 14] : [14, file.length - 32];
      forged[from + draws.below(to - from)] = draws.below(256);
      const code = refusal(signed(forged));
      found[code] = (found[code] ?? 0) + 1;
    }
    console.log(JSON.stringify(found));
    expect(found.damaged).toBeGreaterThan(50);
  });

  test('a shape that claims a gigabyte', () => {
    const forged = file.slice();
    forged.set([16, 8, 8, 0, 2, 0, 8], 5);
    expect(refusal(signed(forged))).toBe('damaged');
  });
});

test('training refuses what it cannot use', async () => {
  const few = [bytesOf('abc')];
  await expect(trainMessages([], SMALL)).rejects.toThrow(UsageError);
  await expect(trainMessages(few, SMALL)).rejects.toThrow(/expected more than 32/);
  await expect(trainMessages(['abc' as never], SMALL)).rejects.toThrow(UsageError);
  await expect(trainMessages(SAMPLES, { ...SMALL, bits: 5 })).rejects.toThrow(UsageError);
  await expect(trainMessages(SAMPLES, { ...SMALL, heads: 3 })).rejects.toThrow(UsageError);
});

test('training tells its steps, and ends when its signal says so', async () => {
  const seen: number[] = [];
  const stop = new AbortController();
  const onStep = (step: number, bits: number) => {
    seen.push(step);
    expect(bits).toBeGreaterThan(0);
    if (step === 3) stop.abort(new Error('enough'));
  };
  const { signal } = stop;
  await expect(trainMessages(SAMPLES, { ...SMALL, onStep, signal })).rejects.toThrow('enough');
  expect(seen).toEqual([1, 2, 3]);
});

import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  CHECKPOINT_VERSION,
  type Checkpoint,
  DIGEST_OFFSET,
  decodeCheckpoint,
  encodeCheckpoint,
} from '../../src/checkpoint/checkpoint.ts';
import { decodeSafetensors, encodeSafetensors } from '../../src/checkpoint/safetensors.ts';
import { CheckpointError } from '../../src/core/errors.ts';
import { WEIGHT_LIMIT } from '../../src/memory/formats.ts';
import { optionsToData } from '../../src/train/options-data.ts';
import { runsAll } from '../helpers/all.ts';
import { asData, rawFile, sampleCheckpoint, sampleFile } from './sample.ts';

const refusal = async (file: Uint8Array): Promise<string> => {
  try {
    await decodeCheckpoint(file);
    return 'accepted';
  } catch (error) {
    expect(error).toBeInstanceOf(CheckpointError);
    return (error as Error).message;
  }
};

const zeroed = (file: Uint8Array): Uint8Array =>
  file.slice().fill(0x30, DIGEST_OFFSET, DIGEST_OFFSET + 64);
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** The file with changed metadata or tensors and a digest that fits: damage made on purpose. */
async function forged(
  metadata: Record<string, string>,
  keep: (name: string) => boolean = () => true,
): Promise<Uint8Array> {
  const { tensors, metadata: old } = decodeSafetensors(await sampleFile());
  const file = encodeSafetensors({
    metadata: { ...old, ...metadata, sha256: '0'.repeat(64) },
    tensors: tensors.filter((t) => keep(t.name)),
  });
  file.set(new TextEncoder().encode(sha256(file)), DIGEST_OFFSET);
  return file;
}

describe('checkpoint', () => {
  test('decode(encode(x)) = x, also from an odd byte offset', async () => {
    const checkpoint = sampleCheckpoint();
    const file = await encodeCheckpoint(checkpoint);
    expect(asData(await decodeCheckpoint(file))).toEqual(asData(checkpoint));
    const shifted = new Uint8Array(file.length + 3);
    shifted.set(file, 3);
    expect(asData(await decodeCheckpoint(shifted.subarray(3)))).toEqual(asData(checkpoint));
  });

  test('decode(encode(x)) = x for random vocabularies, metadata and extreme weights', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'binary' }),
        fc.string({ unit: 'binary' }),
        fc.nat(30),
        fc.array(fc.integer({ min: -WEIGHT_LIMIT, max: WEIGHT_LIMIT }), {
          minLength: 16,
          maxLength: 16,
        }),
        async (symbols, libraryVersion, step, values) => {
          const checkpoint: Checkpoint = sampleCheckpoint({
            vocabulary: { kind: 'characters', symbols },
            libraryVersion,
            step,
            ...(step % 2 === 0 ? {} : { initSha256: 'f0'.repeat(32) }),
          });
          checkpoint.tensors[0].data.set(values);
          expect(asData(await decodeCheckpoint(await encodeCheckpoint(checkpoint)))).toEqual(
            asData(checkpoint),
          );
        },
      ),
      { seed: 21, numRuns: 100 },
    );
  });

  test(
    'the same run gives the same bytes, and the first field is the SHA-256 of the file with ' +
      'that field zeroed',
    async () => {
      const file = await sampleFile();
      expect(await sampleFile()).toEqual(file);
      expect(new TextDecoder().decode(file.subarray(DIGEST_OFFSET, DIGEST_OFFSET + 64))).toBe(
        sha256(zeroed(file)),
      );
    },
  );

  test('a Buffer is read like any bytes and left alone, though its slice() is a view', async () => {
    const file = Buffer.from(await sampleFile());
    const before = sha256(file);
    expect(asData(await decodeCheckpoint(file))).toEqual(asData(sampleCheckpoint()));
    expect(sha256(file)).toBe(before);
  });

  test('the tensors it returns are copies: changing them leaves the file alone', async () => {
    const file = await sampleFile();
    const before = sha256(file);
    for (const { data } of (await decodeCheckpoint(file)).tensors) data.fill(0);
    expect(sha256(file)).toBe(before);
  });

  test('a file cut at every byte is refused as truncated', async () => {
    const file = await sampleFile();
    for (let n = 0; n < file.length; n++)
      expect(await refusal(file.subarray(0, n))).toMatch(
        n === 0 ? /^the file is empty$/ : /^truncated at \d+ of (at least )?\d+ bytes$/,
      );
  });

  test.runIf(runsAll)(
    'each flipped bit of the header and 2,000 of the data are refused',
    async () => {
      const file = await sampleFile();
      const headerEnd = 8 + Number(new DataView(file.buffer).getBigUint64(0, true));
      const bits = [...Array(8 * headerEnd).keys()];
      for (let i = 0; i < 2000; i++)
        bits.push(8 * headerEnd + ((i * 7919) % (8 * (file.length - headerEnd))));
      for (const bit of bits) {
        file[bit >> 3] ^= 1 << (bit & 7);
        expect(await refusal(file), `bit ${bit}`).not.toBe('accepted');
        file[bit >> 3] ^= 1 << (bit & 7);
      }
      expect(await refusal(file)).toBe('accepted');
    },
  );

  test('random damage is refused: bytes changed, removed, inserted or swapped', async () => {
    const file = await sampleFile();
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('change', 'remove', 'insert', 'zero'),
        fc.nat(file.length - 1),
        fc.uint8Array({ minLength: 1, maxLength: 40 }),
        async (kind, at, bytes) => {
          let damaged = file.slice();
          if (kind === 'change') damaged.set(bytes.subarray(0, file.length - at), at);
          if (kind === 'zero') damaged.fill(0, at, at + bytes.length);
          if (kind === 'remove')
            damaged = Uint8Array.of(...file.subarray(0, at), ...file.subarray(at + bytes.length));
          if (kind === 'insert')
            damaged = Uint8Array.of(...file.subarray(0, at), ...bytes, ...file.subarray(at));
          if (sha256(damaged) !== sha256(file)) expect(await refusal(damaged)).not.toBe('accepted');
        },
      ),
      { seed: 22, numRuns: 500 },
    );
  });

  test('damage to the data is called damage, with both digests', async () => {
    const file = await sampleFile();
    file[file.length - 1] ^= 1;
    expect(await refusal(file)).toMatch(
      /^damaged: its SHA-256 is [0-9a-f]{64}, written was [0-9a-f]{64}$/,
    );
  });

  test('other safetensors files and later versions are refused by name', async () => {
    const other = encodeSafetensors({ metadata: { format: 'pt' }, tensors: [] });
    expect(await refusal(other)).toBe('a safetensors file, but not a retrograd checkpoint');
    expect(await refusal(rawFile('{}'))).toBe('a safetensors file, but not a retrograd checkpoint');
    expect(
      await refusal(rawFile('{"__metadata__":{"format":"retrograd-checkpoint","version":"1"}}')),
    ).toBe('a safetensors file, but not a retrograd checkpoint');
    expect(
      await refusal(await forged({ version: String(CHECKPOINT_VERSION + 1), library: '9.0.0' })),
    ).toBe(
      `its format has version ${CHECKPOINT_VERSION + 1}, this library reads up to ` +
        `${CHECKPOINT_VERSION}. HINT: written by retrograd 9.0.0; update`,
    );
    expect(await refusal(await forged({ version: '0' }))).toMatch(/its version is "0"/);
  });

  test('a missing or reshaped tensor is named', async () => {
    expect(await refusal(await forged({}, (name) => name !== 'block.0.up.weight'))).toBe(
      'tensor block.0.up.weight is missing',
    );
    const wide = sampleCheckpoint();
    wide.tensors[1] = { ...wide.tensors[1], shape: [12], data: wide.tensors[1].data };
    await expect(encodeCheckpoint(wide)).rejects.toThrow(
      'tensor position.weight has shape [12], expected [3, 4]',
    );
    const more = sampleCheckpoint();
    more.tensors.push({ name: 'extra', shape: [1], data: new Int32Array(1), fraction: 24 });
    await expect(encodeCheckpoint(more)).rejects.toThrow(
      'tensor "extra" is not one of the model\'s',
    );
  });

  const options = JSON.stringify(optionsToData(sampleCheckpoint().options));
  const forgeries: [string, Record<string, string>, RegExp][] = [
    ['options that are not JSON', { options: '{' }, /^its field options is not JSON$/],
    ['options that are null', { options: 'null' }, /^its options cannot be used: /],
    ['options without a model', { options: '{}' }, /^its options cannot be used: /],
    [
      'a batch out of range',
      { options: options.replace('"batch":2', '"batch":-2') },
      /^its options cannot be used: batch is -2/,
    ],
    [
      'a number as text',
      { options: options.replace('"layers":1', '"layers":"1"') },
      /^its options cannot be used: layers is "1"/,
    ],
    [
      'a flag that is not true or false',
      { options: options.replace('"tied":true', '"tied":1') },
      /^its options cannot be used: tied is 1, expected true or false/,
    ],
    [
      'memory as text',
      { options: options.replace(/"memoryLimit":\d+/, '"memoryLimit":"all"') },
      /memoryLimit/,
    ],
    [
      'a step that no run reaches',
      { step: '2147483648' },
      /^its step is 2147483648, expected a whole number from 0 to 2147483647$/,
    ],
    ['a step that is not a number', { step: '1e1' }, /^its step is 1e1/],
    ['another seed', { seed: '8' }, /^its seed 8 is not the 7 of its options$/],
    ['a digest of the text that is none', { data: 'xyz' }, /data is not a SHA-256/],
    ['a vocabulary that is not JSON', { vocabulary: '' }, /^its field vocabulary is not JSON$/],
    [
      'fraction bits missing',
      { fractions: '{}' },
      /^tensor token\.weight has undefined fraction bits, expected 24$/,
    ],
    [
      'fraction bits null',
      { fractions: 'null' },
      /^tensor token\.weight has undefined fraction bits, expected 24$/,
    ],
    [
      'fraction bits by __proto__',
      { fractions: '{"__proto__":{"token.weight":24}}' },
      /^tensor token\.weight has undefined fraction bits/,
    ],
  ];
  test.each(forgeries)(
    'with a fitting digest, %s is still refused',
    async (_, metadata, reason) => {
      expect(await refusal(await forged(metadata))).toMatch(reason);
    },
  );

  test('each field of the metadata is needed', async () => {
    for (const field of ['library', 'step', 'seed', 'data', 'options', 'vocabulary', 'fractions']) {
      const { tensors, metadata } = decodeSafetensors(await sampleFile());
      delete metadata[field];
      const file = encodeSafetensors({
        metadata: { ...metadata, sha256: '0'.repeat(64) },
        tensors,
      });
      file.set(new TextEncoder().encode(sha256(file)), DIGEST_OFFSET);
      expect(await refusal(file)).toBe(`its field ${field} is missing`);
    }
  });
});

// SHA-256 against the standard's vectors and Node's, and the whole library without WebCrypto.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hex, sha256, sha256Hex } from '../../src/core/digest.ts';

const root = join(import.meta.dirname, '../..');
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const expected = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Messages of FIPS 180-4's examples and of NIST's SHAVS; digests as published. */
const VECTORS: [string, Uint8Array, string][] = [
  ['nothing', utf8(''), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ['abc', utf8('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  [
    'two blocks',
    utf8('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq'),
    '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
  ],
  [
    'a million times a',
    utf8('a'.repeat(1_000_000)),
    'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0',
  ],
  [
    'one byte',
    Uint8Array.of(0xd3),
    '28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1',
  ],
  [
    'two bytes',
    Uint8Array.of(0x11, 0xaf),
    '5ca7133fa735326081558ac312c620eeca9970d1e70a4b95533d956f072d1f98',
  ],
];

describe('SHA-256', () => {
  test.each(VECTORS)('known answer: %s', (_, bytes, digest) => {
    expect(hex(sha256([bytes]))).toBe(digest);
  });

  test('any length from 0 to 300 and around the buffer, like Node', () => {
    const around = [4032, 4040, 4096, 8192].flatMap((n) => [n - 1, n, n + 1]);
    const all = Uint8Array.from({ length: 100_000 }, (_, i) => (i * i) >> 3);
    for (const length of [...Array(301).keys(), ...around, all.length]) {
      const bytes = all.subarray(0, length);
      expect(hex(sha256([bytes])), `${length} bytes`).toBe(expected(bytes));
    }
  });

  test('of parts is of what they are together, shared memory too', () => {
    const parts = fc.array(fc.uint8Array({ maxLength: 9000, size: 'max' }), { maxLength: 6 });
    fc.assert(
      fc.property(parts, fc.boolean(), (given, isShared) => {
        const copy = (part: Uint8Array): Uint8Array => {
          const shared = new Uint8Array(new SharedArrayBuffer(part.length));
          shared.set(part);
          return shared;
        };
        expect(hex(sha256(isShared ? given.map(copy) : given))).toBe(
          expected(Buffer.concat(given)),
        );
      }),
      { numRuns: 100 },
    );
  });

  test('its constants are far from where an engine could round them otherwise', () => {
    const isPrime = (n: number): boolean => [...Array(n).keys()].slice(2).every((d) => n % d > 0);
    const primes = [...Array(312).keys()].slice(2).filter(isPrime);
    expect(primes.length).toBe(64);
    const distance = (root: number): number => {
      const last = (root * 2 ** 32) % 1;
      return Math.min(last, 1 - last) * 2 ** -32;
    };
    expect(Math.min(...primes.map((p) => distance(Math.cbrt(p))))).toBeGreaterThan(2 ** -38);
  });

  test('sha256Hex has read the bytes when it returns', async () => {
    const bytes = utf8('abc');
    const digest = sha256Hex(bytes);
    bytes.fill(0);
    expect(await digest).toBe(VECTORS[1][2]);
  });

  test('hex', () => expect(hex(Uint8Array.of(0, 9, 16, 255))).toBe('000910ff'));
});

/** What a page by plain http has: no crypto at all, the strictest case. */
const WITHOUT = `
delete globalThis.crypto;
if (globalThis.crypto !== undefined) throw new Error('there still is a crypto');
const library = await import('./dist/index.js');
const { Trainer, gpt, Vocabulary, decodeCheckpoint, encodeCheckpoint, sha256Hex } = library;
const model = { vocabulary: 256, layers: 1, channels: 8, heads: 2, context: 4 };
const trainer = Trainer.create({ model: gpt(model), batch: 1, steps: 10 });
trainer.step({ inputs: Int32Array.of(0, 1, 2, 3), targets: Int32Array.of(1, 2, 3, 0) });
const file = await encodeCheckpoint({
  tensors: trainer.tensors(), options: trainer.options, step: 1, libraryVersion: '0.1.0',
  vocabulary: Vocabulary.bytes().toJson(), dataSha256: await sha256Hex(new Uint8Array(0)),
});
const { tensors, options, step } = await decodeCheckpoint(file);
const again = Trainer.create(options);
again.restore(tensors, step);
const [before, after] = await Promise.all([trainer, again].map((one) => one.weightsSha256()));
console.log(before === after, before.length);
`;

test('without WebCrypto a run is digested, saved and read', () => {
  const words = ['--input-type=module', '-e', WITHOUT];
  const { stdout, stderr } = spawnSync(process.execPath, words, { cwd: root, encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(stdout).toBe('true 64\n');
});

test('a checkpoint is read from the bytes that were digested', async () => {
  const library = await import('../../src/index.ts');
  const { Trainer, gpt, Vocabulary, decodeCheckpoint, encodeCheckpoint } = library;
  const model = { vocabulary: 256, layers: 1, channels: 8, heads: 2, context: 4 };
  const trainer = Trainer.create({ model: gpt(model), batch: 1, steps: 10 });
  const file = await encodeCheckpoint({
    tensors: trainer.tensors(),
    options: trainer.options,
    step: 0,
    libraryVersion: '0.1.0',
    vocabulary: Vocabulary.bytes().toJson(),
    dataSha256: await sha256Hex(new Uint8Array(0)),
  });
  const decoding = decodeCheckpoint(file);
  file.fill(0xff);
  const { tensors } = await decoding;
  expect(tensors.map(({ data }) => data)).toEqual(trainer.tensors().map(({ data }) => data));
});

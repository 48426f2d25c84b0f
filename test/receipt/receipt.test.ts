// A receipt has one text for one run, however it is computed, and its reader takes no other.

import { createHash } from 'node:crypto';
import { describe, expect, test, vi } from 'vitest';
import { randomU32 } from '../../src/core/random.ts';
import { Trainer } from '../../src/index.ts';
import { audit, cutReceipt, ReceiptError, Recorder, readReceipt } from '../../src/receipt/index.ts';
import { batchOf, bytesOf, DATA, kept, optionsOf, receiptOf, recordTo } from './small-run.ts';

const plainly = await receiptOf();
const full = await receiptOf(optionsOf(), { full: true });

describe('a receipt', () => {
  test('says what a run began with and what each step did', async () => {
    const trainer = Trainer.create(optionsOf());
    const began = await trainer.weightsSha256();
    const { header, lines, torn } = readReceipt(bytesOf(plainly));
    expect(header).toMatchObject({ receipt: 1, data: DATA, vocabulary: null, every: 4 });
    expect(header.start).toMatchObject({ step: 0, imported: false, weights: began });
    expect(header.options).toMatchObject({ batch: 4, steps: 8, seed: 5 });
    expect([lines.length, torn]).toEqual([8, false]);
    expect(lines.map(({ state }) => state !== undefined)).toEqual(
      [1, 2, 3, 4, 5, 6, 7, 8].map((step) => step % 4 === 0),
    );
    for (const name of ['threads', 'microBatch', 'keep', 'verify', 'memoryLimit'])
      expect(header.options, name).not.toHaveProperty(name);
  });

  test.each([
    ['2 threads', optionsOf({ threads: 2 })],
    ['micro-batches of 1', optionsOf({ microBatch: 1 })],
    ['micro-batches of 2, 2 threads', optionsOf({ microBatch: 2, threads: 2 })],
    ['stored activations', optionsOf({ keep: 'activations' })],
    ['no checks', optionsOf({ verify: false })],
  ])('is the same text with %s', async (_, options) => {
    expect(await receiptOf(options)).toBe(plainly);
    expect(await receiptOf(options, { full: true })).toBe(full);
  });

  test('is the same text where the runtime has no WebCrypto', async () => {
    vi.stubGlobal('crypto', undefined);
    try {
      expect(await receiptOf()).toBe(plainly);
      expect(await receiptOf(optionsOf(), { full: true })).toBe(full);
    } finally {
      vi.unstubAllGlobals();
    }
  });

  test('is the same text with digests of another make', async () => {
    const sha256 = async (parts: readonly Uint8Array[]): Promise<string> =>
      createHash('sha256').update(Buffer.concat(parts)).digest('hex');
    expect(await receiptOf(optionsOf(), { full: true, sha256 })).toBe(full);
    const trainer = Trainer.create(optionsOf({ threads: 2 }));
    const step = () => trainer.step(batchOf(trainer));
    let bytes = 0;
    const counting = (parts: readonly Uint8Array[]): Promise<string> => {
      bytes += parts.reduce((sum, { length }) => sum + length, 0);
      return sha256(parts);
    };
    expect(await audit(trainer, step, bytesOf(plainly), { sha256: counting })).toBeUndefined();
    expect(bytes).toBeGreaterThan(8 * 12 * trainer.parameters); // a gradient and a weight a step
    trainer.close();
    const other = Trainer.create(optionsOf());
    const wrong = { sha256: () => Promise.resolve('0'.repeat(64)) };
    await expect(Recorder.resume(other, cutReceipt(bytesOf(plainly), 0), wrong)).rejects.toThrow(
      ReceiptError,
    );
  });

  test('goes on after any step', async () => {
    for (const text of [plainly, full]) {
      const trainer = Trainer.create(optionsOf());
      for (let step = 0; step < 8; step++) {
        const at = Trainer.create(optionsOf());
        at.restore(kept(trainer), trainer.steps);
        const begun = cutReceipt(bytesOf(text), step);
        const recorder = await Recorder.resume(at, begun);
        const rest = await recordTo(at, recorder, 8);
        expect(new TextDecoder().decode(begun) + rest, `${step}`).toBe(text);
        const one = await Recorder.resume(trainer, begun);
        await recordTo(trainer, one, step + 1);
      }
    }
  });

  test('does not go on with another state or run', async () => {
    const trainer = Trainer.create(optionsOf());
    const other = Trainer.create(optionsOf({ seed: 6 }));
    const start = cutReceipt(bytesOf(plainly), 0);
    await expect(Recorder.resume(trainer, bytesOf(plainly))).rejects.toThrow(
      'it ends at step 8, the run is at step 0',
    );
    await expect(Recorder.resume(other, start)).rejects.toThrow('with seed 5, the run has 6');
    trainer.tensors()[0].data[3] ^= 1;
    await expect(Recorder.resume(trainer, start)).rejects.toThrow('at step 0 it has weights');
    trainer.tensors()[0].data[3] ^= 1;
    const tensors = trainer.tensors();
    tensors[tensors.length - 1].data[0] ^= 1;
    await expect(Recorder.resume(trainer, start)).rejects.toThrow('another state of the optimizer');
  });

  test('takes every step once', async () => {
    const trainer = Trainer.create(optionsOf());
    const recorder = await Recorder.begin(trainer, { dataSha256: DATA });
    const report = { step: 1, loss: 1, predictions: 4 } as never;
    expect(() => recorder.record(report)).toThrow('the trainer is at step 0');
    await recordTo(trainer, recorder, 1);
    expect(() => recorder.record(report)).toThrow('is recorded after step 1');
  });
});

describe('the reader of receipts', () => {
  test('leaves out a line that a kill has torn', () => {
    const ends = readReceipt(bytesOf(plainly)).ends;
    for (let length = ends[2]; length < ends[3]; length++) {
      const { lines, torn } = readReceipt(bytesOf(plainly).subarray(0, length));
      expect([lines.length, torn]).toEqual([2, length > ends[2]]);
    }
  });

  const [first, ...rest] = plainly.split('\n');
  const text = (...lines: string[]): string => [first, ...lines].join('\n');
  test.each<[string, string, string]>([
    ['an empty file', '', 'it has no whole line'],
    ['a text', 'hello\n', 'line 1 is not JSON'],
    ['other JSON', '{"a":1}\n', 'line 1 has no digest'],
    ['a lost line', text(...rest.slice(0, 2), ...rest.slice(3)), 'line 4 does not fit'],
    ['lines changed over', text(rest[0], rest[2], ...rest.slice(2)), 'line 3 does not'],
    ['a changed header', plainly.replace('"seed":5', '"seed":6'), 'line 1 does not fit'],
    ['a changed loss', plainly.replace(/"loss":(\d)/, '"loss":1$1'), 'line 2 does not fit'],
    ['a space', plainly.replace('"loss":', '"loss": '), 'line 2 is not compact JSON'],
  ])('refuses %s', (_, text, message) => {
    expect(() => readReceipt(bytesOf(text))).toThrow(ReceiptError);
    expect(() => readReceipt(bytesOf(text))).toThrow(message);
  });

  test('accepts none of 10,000 changed files as anything but what was written', () => {
    const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
    const files = [bytesOf(plainly), bytesOf(full.slice(0, full.indexOf('\n', 9000)))];
    const known = files.map((file) => readReceipt(file).seals);
    let accepted = 0;
    for (let i = 0; i < 10_000; i++) {
      const below = (n: number, k: number): number => randomU32(seed, 0, i, k, 0) % n;
      const chains = chainsOf(spoilt(files[i % 2], below));
      if (chains === undefined) continue;
      accepted++;
      expect(known[i % 2].slice(0, chains.length), `seed ${seed}, case ${i}`).toEqual(chains);
    }
    expect(accepted).toBeGreaterThan(100); // cut files, and changes of nothing
  });
});

/** A file with a bit, an end or a part changed. */
function spoilt(file: Uint8Array, below: (n: number, k: number) => number): Uint8Array {
  const at = below(file.length, 0);
  const change = below(4, 1);
  if (change === 0) return file.slice(0, at);
  const copy = file.slice();
  if (change === 1) copy[at] ^= 1 << below(8, 2);
  else if (change === 2) copy.copyWithin(at, at + 1 + below(200, 2));
  else copy.set(file.subarray(at, at + 1 + below(300, 2)), below(file.length - 600, 3));
  return copy;
}

/** What a reader makes of a file; undefined if it refuses it. */
function chainsOf(file: Uint8Array): readonly string[] | undefined {
  try {
    return readReceipt(file).seals;
  } catch (error) {
    if (error instanceof ReceiptError) return undefined;
    throw error;
  }
}

// What an audit names: the step, and what of it; of full receipts the tensor.

import { describe, expect, test } from 'vitest';
import { Trainer } from '../../src/index.ts';
import {
  audit,
  compareReceipts,
  cutReceipt,
  ReceiptError,
  Recorder,
  receiptOptions,
} from '../../src/receipt/index.ts';
import { randomTokens } from '../../src/verify/runs.ts';
import {
  batchOf,
  bytesOf,
  DATA,
  kept,
  optionsOf,
  receiptOf,
  recordTo,
  SHAPE,
} from './small-run.ts';

const plainly = bytesOf(await receiptOf());
const full = bytesOf(await receiptOf(optionsOf(), { full: true }));

/** Does a whole run again. */
function again(file: Uint8Array, options = optionsOf()) {
  const trainer = Trainer.create(options);
  return audit(trainer, () => trainer.step(batchOf(trainer)), file);
}

/** Flips a bit of a tensor after a step. */
const flip =
  (name: string, step: number, place = 3) =>
  (trainer: Trainer<never>): void => {
    if (trainer.steps !== step) return;
    for (const tensor of trainer.tensors()) if (tensor.name === name) tensor.data[place] ^= 1 << 9;
  };

describe('an audit', () => {
  test('of an honest run finds nothing, with any threads and micro-batches', async () => {
    for (const file of [plainly, full]) {
      expect(await again(file)).toBeUndefined();
      expect(await again(file, optionsOf({ microBatch: 2, keep: 'activations' }))).toBeUndefined();
    }
  });

  test('and a recorder refuse what they cannot use before they use it', async () => {
    const trainer = Trainer.create(optionsOf());
    const step = () => trainer.step(batchOf(trainer));
    const hears = { onStep: 1 as never };
    await expect(audit(trainer, step, plainly, hears)).rejects.toThrow('onStep is 1, expected');
    for (const vocabulary of [1n, () => 1])
      await expect(Recorder.begin(trainer, { dataSha256: DATA, vocabulary })).rejects.toThrow(
        'vocabulary cannot be read',
      );
    const recorder = await Recorder.begin(trainer, { dataSha256: DATA });
    const report = { ...step(), loss: NaN };
    expect(() => recorder.record(report)).toThrow('loss is NaN, expected a number');
  });

  test('may begin at any state that was kept, and end at any step', async () => {
    const trainer = Trainer.create(optionsOf());
    await recordTo(trainer, await Recorder.begin(trainer, { dataSha256: DATA }), 4);
    const other = Trainer.create(optionsOf());
    other.restore(kept(trainer), 4);
    const step = () => other.step(batchOf(other));
    expect(await audit(other, step, plainly, { until: 6 })).toBeUndefined();
    expect(other.steps).toBe(6);
    await expect(audit(other, step, plainly, { until: 9 })).rejects.toThrow('has 1 to 8');
    other.tensors()[0].data[0] ^= 1;
    expect(await audit(other, step, plainly)).toEqual({ step: 6, fields: ['weights'] });
  });

  test('names the step at which one bit of a weight was another', async () => {
    const name = 'block.1.up.weight';
    const short = await receiptOf(optionsOf(), {}, flip(name, 5));
    expect(await again(bytesOf(short))).toEqual({ step: 5, fields: ['weights'] });
    const long = await receiptOf(optionsOf(), { full: true }, flip(name, 5));
    const fields = ['weights', 'state'];
    expect(await again(bytesOf(long))).toEqual({ step: 5, fields, tensor: name });
    expect(compareReceipts(full, bytesOf(long))).toEqual({ step: 5, fields, tensor: name });
  });

  test('names the step at which one bit of a moment was another', async () => {
    const name = 'optimizer.r.block.0.qkv.weight';
    const long = await receiptOf(optionsOf(), { full: true }, flip(name, 3));
    expect(await again(bytesOf(long))).toEqual({ step: 3, fields: ['state'], tensor: name });
    const short = await receiptOf(optionsOf(), { every: 3 }, flip(name, 3));
    expect(await again(bytesOf(short))).toEqual({ step: 3, fields: ['state'] });
  });

  test('names the step with another batch: loss and gradients differ', async () => {
    const trainer = Trainer.create(optionsOf());
    const recorder = await Recorder.begin(trainer, { dataSha256: DATA, full: true });
    let text = recorder.header + (await recordTo(trainer, recorder, 2));
    text += await recorder.record(trainer.step(randomTokens(SHAPE, 4, 77)));
    text += await recordTo(trainer, recorder, 8);
    const found = await again(bytesOf(text));
    expect(found).toMatchObject({ step: 3, gradient: 'token.weight', tensor: 'token.weight' });
    expect(found?.fields).toEqual(['loss', 'gradients', 'weights', 'state']);
  });

  test('takes its options from the receipt, and refuses another run', async () => {
    const { seed, batch, steps } = receiptOptions(plainly);
    expect([seed, batch, steps]).toEqual([5, 4, 8]);
    await expect(again(plainly, optionsOf({ clip: 0.5 }))).rejects.toThrow(ReceiptError);
    expect(await again(plainly, optionsOf({ seed: 6 }))).toMatchObject({ step: 0 });
    const other = bytesOf(await receiptOf(optionsOf({ seed: 6 })));
    expect(() => compareReceipts(plainly, other)).toThrow('they have other options');
    expect(compareReceipts(plainly, cutReceipt(plainly, 5))).toBeUndefined();
  });
});

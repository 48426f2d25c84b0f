// Receipts of runs with rounds of local steps: a line a round, by which others can check them.

import { describe, expect, test } from 'vitest';
import { makeRound } from '../../src/distributed/index.ts';
import { localSteps, type StepReport, type TextBatch, Trainer } from '../../src/index.ts';
import { sealLine } from '../../src/receipt/format.ts';
import { audit, cutReceipt, Recorder, readReceipt } from '../../src/receipt/index.ts';
import { randomTokens } from '../../src/verify/runs.ts';
import { bytesOf, DATA, optionsOf, SHAPE } from './small-run.ts';

const H = 2;
const OPTIONS = optionsOf({ optimizer: localSteps({ shards: 2, steps: H }) });

const round = async (trainer: Trainer<TextBatch>): Promise<StepReport> =>
  (await makeRound(trainer, (step) => randomTokens(SHAPE, 4, step))) as StepReport;

/** A receipt; `change` may spoil the trainer after a round. */
async function receiptOf(
  about: object = {},
  change: (trainer: Trainer<TextBatch>) => void = () => undefined,
): Promise<string> {
  const trainer = Trainer.create(OPTIONS);
  const recorder = await Recorder.begin(trainer, { dataSha256: DATA, every: 4, ...about });
  let text = recorder.header;
  while (trainer.steps < OPTIONS.steps) {
    const report = await round(trainer);
    change(trainer);
    text += await recorder.record(report);
  }
  return text;
}

const good = await receiptOf();

describe('a receipt of rounds', () => {
  test('has a line a round, and says how many steps that is', async () => {
    const { header, lines } = readReceipt(bytesOf(good));
    expect(header.round).toBe(H);
    expect(lines.map(({ step }) => step)).toEqual([2, 4, 6, 8]);
    expect(lines.map(({ state }) => state !== undefined)).toEqual([false, true, false, true]);
    const trainer = Trainer.create(OPTIONS);
    const { loss, predictions } = await round(trainer);
    const { weights } = lines[0];
    expect(lines[0]).toMatchObject({ predictions, loss: Math.round(loss * predictions * 65536) });
    expect(weights).toBe(await trainer.weightsSha256());
  });

  test('says nothing of it where a round is a step; between states are whole rounds', async () => {
    const optimizer = localSteps({ shards: 2, steps: 1 });
    const one = await Recorder.begin(Trainer.create({ ...OPTIONS, optimizer }), {
      dataSha256: DATA,
    });
    expect(readReceipt(bytesOf(one.header)).header).not.toHaveProperty('round');
    const three = localSteps({ shards: 2, steps: 3 });
    const trainer = Trainer.create({ ...OPTIONS, steps: 9, optimizer: three });
    const { header } = await Recorder.begin(trainer, { dataSha256: DATA });
    expect(readReceipt(bytesOf(header)).header.every).toBe(102);
    const wrong = Recorder.begin(trainer, { dataSha256: DATA, every: 4 });
    await expect(wrong).rejects.toThrow('every is 4, expected a multiple of the 3 steps');
  });

  test.each([1, 0, -2, 1.5, '2'])('is not read with rounds of %s', (size) => {
    const { chain: _, ...header } = JSON.parse(good.slice(0, good.indexOf('\n')));
    const entries = Object.entries(header).map(([key, value]) => [
      key,
      key === 'round' ? size : value,
    ]);
    const { text } = sealLine('', Object.fromEntries(entries));
    expect(() => readReceipt(bytesOf(`${text}\n`))).toThrow('round of the first line is');
  });

  test('is not read with a line that is missing', () => {
    const lines = good.split('\n');
    expect(() => readReceipt(bytesOf([lines[0], ...lines.slice(2)].join('\n')))).toThrow('line 2');
  });

  test('is cut where a round ends, and nowhere else', () => {
    expect(readReceipt(cutReceipt(bytesOf(good), 4)).lines).toHaveLength(2);
    for (const step of [3, 10])
      expect(() => cutReceipt(bytesOf(good), step)).toThrow(`step ${step}`);
  });

  test('takes no step within a round', async () => {
    const trainer = Trainer.create(OPTIONS);
    const recorder = await Recorder.begin(trainer, { dataSha256: DATA });
    const report = trainer.step(randomTokens(SHAPE, 4, 0));
    expect(() => recorder.record(report)).toThrow('step 1 is recorded after step 0');
  });
});

describe('an audit of rounds', () => {
  const again = (text: string, options = {}) => {
    const trainer = Trainer.create(OPTIONS);
    return audit(trainer, () => round(trainer), bytesOf(text), options);
  };

  test('finds nothing in an honest run, whole or as far as a round', async () => {
    expect(await again(good)).toBe(undefined);
    expect(await again(good, { until: 4 })).toBe(undefined);
    await expect(again(good, { until: 3 })).rejects.toThrow('whole rounds of 2 steps');
  });

  test.each([
    ['weights', 'token.weight', ['weights', 'state']],
    ['the outer momentum', 'optimizer.velocity.token.weight', ['state']],
  ])('names the round after which %s were changed', async (_, name, fields) => {
    const text = await receiptOf({ full: true }, (trainer) => {
      const tensor = trainer.tensors().find((one) => one.name === name);
      if (trainer.steps === 4 && tensor) tensor.data[3] ^= 1;
    });
    expect(await again(text)).toMatchObject({ step: 4, fields, tensor: name });
  });
});

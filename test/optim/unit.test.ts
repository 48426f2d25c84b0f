// What `unit` of an optimizer says: threads leave a parameter whole, and no bit depends on them.

import { expect, test } from 'vitest';
import { gpt, sgd, Trainer } from '../../src/index.ts';
import { batchOf } from '../helpers/runs.ts';
import { centredBy } from './centred.mjs';

const create = (threads: number) =>
  Trainer.create({
    model: gpt({ vocabulary: 29, layers: 2, channels: 16, heads: 2, context: 12 }),
    batch: 4,
    steps: 10,
    optimizer: centredBy(sgd)(),
    threads,
    worker: new URL('./centred-thread.mjs', import.meta.url),
  });

async function digestOf(trainer: ReturnType<typeof create>): Promise<string> {
  while (trainer.steps < 4) trainer.step(batchOf(trainer));
  return trainer.weightsSha256();
}

test.each([2, 3])('%i threads: parameters of mean zero, the same bits', async (threads) => {
  const expected = await digestOf(create(1));
  const trainer = create(threads);
  await trainer.ready();
  expect([trainer.threads, await digestOf(trainer)]).toEqual([threads, expected]);
  trainer.close();
  for (const { name, data } of trainer.tensors()) {
    if (name.startsWith('optimizer.')) continue;
    const mean = data.reduce((a, b) => a + b, 0) / data.length;
    expect(mean, name).toBeGreaterThanOrEqual(0);
    expect(mean, name).toBeLessThan(1);
  }
});

// A contender: time from import to the end of the first training step, and then of the second, in a
// fresh process. Reading the task is outside the time; compiling, memory, copying the weights and
// encoding the tokens are within.

import { join } from 'node:path';
import { answerOnce, TFJS_FOLDER } from './contender.mjs';
import { readTask } from './task.mjs';

const ENGINES = {
  async retrograd({ model, batch, inputs, targets }) {
    const library = await import(join(import.meta.dirname, '../../dist/index.js'));
    const { Trainer, constant, gpt, plain } = library;
    const trainer = Trainer.create({
      model: gpt({ ...model, rule: plain() }),
      batch,
      steps: 1000,
      learningRate: constant(0.001, { warmup: 0 }),
    });
    const windows = { inputs: Int32Array.from(inputs), targets: Int32Array.from(targets) };
    return () => trainer.step(windows).loss;
  },
  async 'jax-js'(task) {
    const { createJaxGpt } = await import('./gpt-jax.mjs');
    const { step } = await createJaxGpt(task);
    return step;
  },
  async tfjs(task) {
    const [{ startTfjs }, { createTfjsGpt }] = [
      await import('./tfjs.mjs'),
      await import('./gpt-tfjs.mjs'),
    ];
    await startTfjs(TFJS_FOLDER);
    return createTfjsGpt(task).step;
  },
};

await answerOnce(async ({ engine, folder }) => {
  const task = readTask(folder);
  const start = performance.now();
  const step = await ENGINES[engine](task);
  const ready = performance.now();
  const loss = await step(1);
  const first = performance.now();
  await step(2);
  return { import: ready - start, first: first - start, second: performance.now() - first, loss };
});

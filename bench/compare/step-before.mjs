// A contender: training steps of the task by an older build of retrograd (bench/all.mjs --before),
// in a fresh process. It has int16 operands and names no option that came later.

import { answerOnce } from './contender.mjs';
import { readTask, timeSteps } from './task.mjs';

await answerOnce(async ({ library, folder, reversible, ...request }) => {
  const { Trainer, bdia, constant, gpt, plain } = await import(library);
  const { model, batch, adamw, inputs, targets } = readTask(folder);
  const trainer = Trainer.create({
    model: gpt({ ...model, rule: reversible === 'bdia' ? bdia() : plain() }),
    batch,
    threads: 1,
    steps: 1000,
    learningRate: constant(adamw.rate, { warmup: 0 }),
  });
  await trainer.ready();
  const tokens = { inputs: Int32Array.from(inputs), targets: Int32Array.from(targets) };
  const { times, losses } = await timeSteps(() => trainer.step(tokens).loss, request);
  const digest = await trainer.weightsSha256();
  trainer.close();
  return { times, losses, digest };
});

// A contender: training steps of the task in jax-js, in a fresh process. On one thread it is what
// Node gives; on more, with workers.mjs, which must be there before the engine is loaded.

import { answerOnce } from './contender.mjs';
import { heapBytes } from './heap.mjs';
import { readTask, timeSteps } from './task.mjs';
import { enableWorkers } from './workers.mjs';

await answerOnce(async ({ folder, threads = 1, ...request }) => {
  if (threads > 1) enableWorkers(threads);
  const { createJaxGpt } = await import('./gpt-jax.mjs');
  const { step } = await createJaxGpt(readTask(folder));
  const result = await timeSteps(step, request);
  return { ...result, heap: heapBytes(), processPeak: process.resourceUsage().maxRSS * 1024 };
});

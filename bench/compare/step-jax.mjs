// A contender: training steps of the task in jax-js, in a fresh process.

import { heapBytes } from './shims.mjs';
import { answerOnce } from './contender.mjs';
import { createJaxGpt } from './gpt-jax.mjs';
import { readTask, timeSteps } from './task.mjs';

await answerOnce(async ({ folder, warmup, steps }) => {
  const { step } = await createJaxGpt(readTask(folder)), result = await timeSteps(step, warmup, steps);
  return { ...result, heap: heapBytes(), processPeak: process.resourceUsage().maxRSS * 1024 };
});

// A contender: training steps of the task in tfjs on its WebAssembly backend, in a fresh process.

import { answerOnce, TFJS_FOLDER } from './contender.mjs';
import { createTfjsGpt } from './gpt-tfjs.mjs';
import { readTask, timeSteps } from './task.mjs';
import { startTfjs } from './tfjs.mjs';

await answerOnce(async ({ folder, ...request }) => {
  await startTfjs(TFJS_FOLDER);
  const { step } = createTfjsGpt(readTask(folder));
  const result = await timeSteps(step, request);
  return { ...result, processPeak: process.resourceUsage().maxRSS * 1024 };
});

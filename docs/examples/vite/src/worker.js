// The worker: trains in the background, on threads where it may, and tells the page how it goes.
// Vite makes files of their own of it and of the threads.
import { cosine, gpt, Trainer } from 'retrograd';

const text = 'she sells sea shells by the sea shore. '.repeat(60);
const tokens = Int32Array.from(new TextEncoder().encode(text)); // one token a byte
const windows = (at = 0) => tokens.subarray(at, at + 128); // 8 windows of 16 tokens
const model = gpt({ vocabulary: 128, layers: 4, channels: 32, heads: 4, context: 16 });
const learningRate = cosine(0.003, { warmup: 10 });
const breathe = () => new Promise((resolve) => setTimeout(resolve)); // messages arrive
let isStopped = false;

async function train(steps) {
  // threads need shared memory, which only an isolated page has; the weights are the same anyway
  const threads = crossOriginIsolated ? Math.min(8, navigator.hardwareConcurrency) : 1;
  const worker = () => new Worker(new URL('./thread.js', import.meta.url), { type: 'module' });
  const trainer = Trainer.create({ model, batch: 8, steps: 100, learningRate, threads, worker });
  await trainer.ready();
  for (let at = 0, told = 0; trainer.steps < steps && !isStopped; at += 20) {
    const { step, loss } = trainer.step({ inputs: windows(at), targets: windows(at + 1) });
    if (step % 25 === 0) postMessage({ line: `step ${step}: loss ${loss.toFixed(6)}` });
    const now = performance.now();
    if (now - told < 50 && step < steps) continue;
    told = now;
    postMessage({ step, steps, loss, threads: trainer.threads });
    await breathe();
  }
  const { checkedStates, mismatchedElements } = trainer.totals;
  postMessage({ line: `${checkedStates} states rebuilt, ${mismatchedElements} elements differ` });
  postMessage({ line: `weights: SHA-256 ${await trainer.weightsSha256()}`, isDone: true });
  trainer.close();
}

addEventListener('message', ({ data: { steps, stop = false } }) => {
  isStopped = stop;
  if (!stop) train(steps).catch(({ message }) => postMessage({ error: message }));
});

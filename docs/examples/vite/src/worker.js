// The worker: trains in the background and tells the page how it goes.
// Vite makes a file of its own of it.
import { GptTrainer } from 'retrograd';

const text = 'she sells sea shells by the sea shore. '.repeat(60);
const tokens = Int32Array.from(new TextEncoder().encode(text)); // one token a byte
const model = { vocabulary: 128, layers: 4, channels: 32, heads: 4, context: 16 };

addEventListener('message', async ({ data: { steps } }) => {
  const trainer = GptTrainer.create({
    model,
    batch: 8,
    steps: 100,
    learningRate: 0.003,
    warmup: 10,
  });
  for (let at = 0; trainer.steps < steps; at += 20) {
    const { step, loss } = trainer.trainStep(
      tokens.subarray(at, at + 128),
      tokens.subarray(at + 1, at + 129),
    );
    if (step % 25 === 0) postMessage({ line: `step ${step}: loss ${loss.toFixed(6)}` });
  }
  postMessage({
    line:
      `${trainer.totals.checkedStates} states rebuilt, ${trainer.totals.mismatchedElements} ` +
      'elements differ',
  });
  postMessage({ line: `weights: SHA-256 ${await trainer.weightsSha256()}`, isDone: true });
});

// The page of the Vite app: starts the worker, which Vite bundles, and shows what it says, with a
// bar and the time that is left.
import TrainingWorker from './worker.js?worker';

const at = (id) => document.getElementById(id);
const worker = new TrainingWorker();
const start = performance.now();

function showProgress({ step, steps, loss, threads }) {
  const left = (((performance.now() - start) / step) * (steps - step)) / 1000;
  at('progress').max = steps;
  at('progress').value = step;
  at('status').textContent =
    `step ${step} of ${steps}, loss ${loss.toFixed(3)}, ${left.toFixed(1)} s left, ` +
    `${threads} ${threads === 1 ? 'thread' : 'threads'}`;
}

worker.addEventListener('message', ({ data }) => {
  if (data.step !== undefined) showProgress(data);
  if (data.line !== undefined) at('log').textContent += `${data.line}\n`;
  if (data.error !== undefined) at('status').textContent = data.error;
  if (data.isDone) document.title = 'done';
});
worker.addEventListener('error', () => {
  at('status').textContent = 'The worker ended. Load the page again.';
});
at('stop').addEventListener('click', () => worker.postMessage({ stop: true }));
worker.postMessage({ steps: 100 });

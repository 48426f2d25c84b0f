// The page: starts the worker and shows what it says, with a bar and the time that is left. It
// stays responsive while the worker trains.
const at = (id) => document.getElementById(id);
const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
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

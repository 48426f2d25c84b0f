// The page: starts the worker and shows what it says. The page stays responsive while the worker
// trains.
const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
worker.addEventListener('message', ({ data: { line, isDone } }) => {
  document.querySelector('#log').textContent += `${line}\n`;
  if (isDone) document.title = 'done';
});
worker.postMessage({ steps: 100 });

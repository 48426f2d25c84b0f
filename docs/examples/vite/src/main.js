// The page of the Vite app: Vite bundles the worker that is named here.
import TrainingWorker from './worker.js?worker';

const worker = new TrainingWorker();
worker.addEventListener('message', ({ data: { line, isDone } }) => {
  document.querySelector('#log').textContent += `${line}\n`;
  if (isDone) document.title = 'done';
});
worker.postMessage({ steps: 100 });

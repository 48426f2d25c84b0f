// llama.cpp in WebAssembly (wllama) in Chromium: loads model.gguf and continues the prompt with the
// most likely tokens.

import { createReadStream, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { BROWSERS } from '../conformance/browser.mjs';
import { complaint, start, within } from '../conformance/execute.mjs';

const PAGE = `<!doctype html><script type="module">
const post = (answer) => fetch('/posted', { method: 'POST', body: JSON.stringify(answer) });
try {
  const { Wllama } = await import('/packages/@wllama/wllama/esm/index.js');
  const { models, length } = await (await fetch('/given')).json();
  const answers = [];
  for (const { name, prompt } of models) {
    const wllama = new Wllama({ default: '/packages/@wllama/wllama/esm/wasm/wllama.wasm' });
    const file = await (await fetch('/models/' + name + '/model.gguf')).blob();
    await wllama.loadModel([file], { n_ctx: 128, n_threads: 1, n_gpu_layers: 0, seed: 1 });
    const greedy = { max_tokens: length, temperature: 0, top_k: 1 };
    const answer = await wllama.createCompletion({ prompt, ...greedy });
    answers.push({ name, text: answer.choices[0].text, version: Wllama.getLibllamaVersion() });
    await wllama.exit();
  }
  await post({ answers });
} catch (error) {
  await post({ error: String(error?.stack ?? error) });
}
</script>`;
const TYPES = { '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm' };
const HEADERS = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cache-control': 'no-store',
};

function send(response, folder, path) {
  const file = join(folder, normalize(`/${decodeURIComponent(path)}`));
  if (!existsSync(file)) return response.writeHead(404, HEADERS).end();
  const type = TYPES[extname(file)] ?? 'application/octet-stream';
  response.writeHead(200, { ...HEADERS, 'content-type': type });
  return createReadStream(file).pipe(response);
}

/** A server of a page, the packages and the models: { origin, posted, close }. */
async function serve(folder, given, page) {
  let receive;
  const posted = new Promise((resolve) => {
    receive = resolve;
  });
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    const [, root, ...rest] = pathname.split('/');
    if (request.method === 'POST') {
      const parts = [];
      request.on('data', (part) => parts.push(part));
      request.on('end', () => {
        response.writeHead(204, HEADERS).end();
        receive(JSON.parse(Buffer.concat(parts).toString('utf8')));
      });
    } else if (root === 'packages')
      send(response, join(import.meta.dirname, 'node_modules'), rest.join('/'));
    else if (root === 'models') send(response, folder, rest.join('/'));
    else if (root === 'given') response.writeHead(200, HEADERS).end(JSON.stringify(given));
    else response.writeHead(200, { ...HEADERS, 'content-type': 'text/html' }).end(page);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { origin: `http://127.0.0.1:${server.address().port}`, posted, close };
}

/** What a page in Chromium posts. */
export async function askPage(program, folder, given, page) {
  const server = await serve(folder, given, page);
  const profile = mkdtempSync(join(tmpdir(), 'retrograd-browser-'));
  const command = BROWSERS.chromium(program, profile, `${server.origin}/`);
  const browser = start(command, { env: { HOME: profile, TMPDIR: profile } });
  const early = browser.ended.then((result) => {
    throw new Error(`the browser ended: ${complaint(result)}`);
  });
  early.catch(() => {});
  try {
    const { error, answers } = await within(300, Promise.race([server.posted, early]));
    if (error !== undefined) throw new Error(error);
    return answers;
  } finally {
    browser.stop();
    server.close();
    await browser.ended;
    rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

/** The greedy continuation of each model's prompt. */
export const askWllama = (program, folder, models, length) =>
  askPage(program, folder, { models, length }, PAGE);

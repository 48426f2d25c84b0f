// Pages in headless Chromium: of a server on this machine, of one by plain http under another name,
// and under a content security policy.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { installChromium } from '../conformance/runtimes.mjs';

const TYPES = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
};
/** Sends an element's text to the server when the page has set its title to 'done'. */
const tellOf = (tells) => `<script type=module>
  const timer = setInterval(() => {
    if (document.title !== 'done') return;
    clearInterval(timer);
    fetch('/told', { method: 'POST', body: document.querySelector('${tells}').textContent });
  }, 100);
</script>`;
const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--host-resolver-rules=MAP retrograd.test 127.0.0.1',
];
const PAGE_SECONDS = 120;

/** Serves `folder` on a port of its own; `tell` gets what a page posts, the text of `tells`. */
async function serve(folder, { headers, tells }, tell) {
  const server = createServer((request, response) => {
    const file = join(folder, new URL(request.url, 'http://localhost').pathname);
    if (request.method === 'POST') {
      request.setEncoding('utf8').on('data', tell);
      response.end();
    } else if (existsSync(file)) {
      const type = TYPES[extname(file)] ?? 'text/plain';
      const told = file.endsWith('.html') ? tellOf(tells) : '';
      response.writeHead(200, { 'content-type': type, ...headers }).end(readFileSync(file) + told);
    } else response.writeHead(404).end();
  });
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  return server;
}

/** What a page of `folder` tells: its element `tells` when its title is 'done', or what it posts.
 */
export async function inBrowser(folder, path, given = {}) {
  const { host = '127.0.0.1', headers = {}, tells = '#log' } = given;
  let tell;
  const told = new Promise((resolve) => {
    tell = resolve;
  });
  const server = await serve(folder, { headers, tells }, tell);
  try {
    return await browse(`http://${host}:${server.address().port}${path}`, told);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

/** Opens a page and waits for what it tells. */
export async function browse(url, told) {
  const [program] = [await installChromium()].flat();
  const profile = mkdtempSync(join(tmpdir(), 'retrograd-chromium-'));
  const words = [...FLAGS, `--user-data-dir=${profile}`, url];
  const browser = spawn(program, words, { stdio: 'ignore', detached: true });
  const late = new Promise((_, reject) => {
    const error = new Error(`the page was not done within ${PAGE_SECONDS} s`);
    setTimeout(reject, PAGE_SECONDS * 1000, error).unref();
  });
  try {
    return await Promise.race([told, late]);
  } finally {
    const ended = new Promise((end) => browser.on('close', end));
    process.kill(-browser.pid, 'SIGKILL'); // with its children, which write into the profile
    await ended;
    rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

/** Digests, saves and reads a run; posts what came of it. A policy may forbid inline scripts. */
const PAGE = `
const say = (text) => fetch('/told', { method: 'POST', body: text });
try {
  const library = await import('./node_modules/retrograd/dist/index.js');
  const { Trainer, Vocabulary, decodeCheckpoint, encodeCheckpoint, gpt, sha256Hex } = library;
  const model = gpt({ vocabulary: 256, layers: 1, channels: 8, heads: 2, context: 4 });
  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
  trainer.step({ inputs: Int32Array.of(0, 1, 2, 3), targets: Int32Array.of(1, 2, 3, 0) });
  const file = await encodeCheckpoint({
    tensors: trainer.tensors(), options: trainer.options, step: 1, libraryVersion: '0.1.0',
    vocabulary: Vocabulary.bytes().toJson(), dataSha256: await sha256Hex(new Uint8Array(0)),
  });
  const { tensors, options, step } = await decodeCheckpoint(file);
  const again = Trainer.create(options);
  again.restore(tensors, step);
  const isSame = await again.weightsSha256() === await trainer.weightsSha256();
  const context = isSecureContext ? 'secure' : 'not secure';
  say(context + ', ' + (isSame ? 'the same run' : 'another run'));
} catch (error) {
  say(error.name + ': ' + error.message);
}
`;

async function page(project, options, expected) {
  mkdirSync(project, { recursive: true });
  writeFileSync(join(project, 'page.js'), PAGE);
  const html = '<!doctype html><script type=module src=page.js></script>';
  writeFileSync(join(project, 'page.html'), html);
  const told = await inBrowser(project, '/page.html', options);
  if (!expected.test(told)) throw new Error(`the page says ${told}`);
}

const policy = (text) => ({ headers: { 'content-security-policy': text } });
const ALLOWED = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";
export const PAGES = {
  'page by plain http': (project) =>
    page(project, { host: 'retrograd.test' }, /^not secure, the same run$/),
  'page with a policy': async (project) => {
    await page(project, policy("default-src 'self'"), /^RetrogradError: .*wasm-unsafe-eval/);
    await page(project, policy(ALLOWED), /^secure, the same run$/);
  },
};

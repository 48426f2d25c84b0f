// Threads of anyone's model in pages, however they are bundled: as many as asked on a page that is
// isolated (COOP and COEP), in the page and in a worker of it that never idles; one and a note
// elsewhere; and no worker left after close().

import { spawn } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';
import { browse, inBrowser } from './pages.mjs';
import { root, run } from './project.mjs';

export const ISOLATED = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

/** Trains a model of the user's, by a worker that a bundler sees, and a built-in one; tells which
 *  threads worked, and how many workers are left. */
const TRAIN = `
import { gpt, Trainer } from 'retrograd';
import { options, table } from './regression.js';

let left = 0;
if (globalThis.Worker) {
  const Original = globalThis.Worker;
  globalThis.Worker = class extends Original {
    constructor(...given) {
      super(...given);
      left++;
    }
    terminate() {
      left--;
      super.terminate();
    }
  };
}
const start = () =>
  new Worker(new URL('./regression-thread.js', import.meta.url), { type: 'module' });
const config = { vocabulary: 8, layers: 1, channels: 8, heads: 2, context: 4 };
const inputs = Int32Array.from({ length: 16 }, (_, i) => i % 8);

async function train(given, batchOf) {
  const trainer = Trainer.create({ ...given, batch: 4, steps: 100 });
  await trainer.ready();
  const { threads, threadsNote } = trainer;
  while (trainer.steps < 5) trainer.step(batchOf(trainer.steps));
  trainer.close();
  return { threads, threadsNote, left, digest: await trainer.weightsSha256() };
}

export const all = async (threads) => ({
  own: await train({ ...options, threads, worker: start }, (step) => table(4, 1 + step)),
  builtin: await train({ model: gpt(config), threads }, () => ({ inputs, targets: inputs })),
});
`;

const FILES = {
  'train.js': TRAIN,
  'in-worker.js': `
import { all } from './train.js';
all(2).then(postMessage, (error) => postMessage({ error: String(error) }));
`,
  'main.js': `
import { all } from './train.js';
const page = await all(2).catch((error) => ({ error: String(error) }));
const worker = await new Promise((resolve) => {
  const one = new Worker(new URL('./in-worker.js', import.meta.url), { type: 'module' });
  one.onmessage = ({ data }) => resolve(data);
  one.onerror = ({ message }) => resolve({ error: message });
});
const tell = new URLSearchParams(location.search).get('tell') ?? '/told';
const body = JSON.stringify({ isolated: crossOriginIsolated, page, worker });
fetch(tell, { method: 'POST', body, mode: 'no-cors' });
`,
  'index.html': '<!doctype html><script type=module src=./main.js></script>\n',
};

/** The page and the example's model in a folder of the project. */
function appIn(project, name) {
  const folder = join(project, `threads-${name}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  for (const [file, text] of Object.entries(FILES)) writeFileSync(join(folder, file), text);
  for (const file of ['regression', 'regression-thread']) {
    const text = readFileSync(join(root, 'docs/examples/models', `${file}.ts`), 'utf8');
    const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
    const { outputText } = ts.transpileModule(text, { compilerOptions });
    writeFileSync(join(folder, `${file}.js`), outputText);
  }
  return folder;
}

/** What one thread of Node makes of it. */
function expectedOf(folder) {
  const url = pathToFileURL(join(folder, 'train.js')).href;
  const code = `const { all } = await import('${url}'); console.log(JSON.stringify(await all(1)));`;
  return JSON.parse(run(process.execPath, ['--input-type=module', '--eval', code]));
}

/** What is wrong with what a page told of a model, or ''. */
function fault(said, wanted, digest) {
  const { threads, threadsNote = '', left } = said ?? {};
  const hasNote = threadsNote !== '';
  if (threads !== wanted || hasNote !== (wanted === 1)) return `expected ${wanted} threads`;
  if (left !== 0) return 'workers are left';
  return said.digest === digest ? '' : 'another digest';
}

/** Throws unless the page told of the digests of `expected`, and of two threads each where it is
 *  isolated; `alone`: models that have one and a note even there. */
function check(text, expected, { isIsolated, alone = [] }) {
  const told = JSON.parse(text);
  const where = isIsolated ? 'isolated' : 'not isolated';
  if (told.isolated !== isIsolated) throw new Error(`the page is not as it should be: ${where}`);
  for (const place of ['page', 'worker']) {
    for (const model of ['own', 'builtin']) {
      const wanted = isIsolated && !alone.includes(model) ? 2 : 1;
      const wrong = fault(told[place][model], wanted, expected[model].digest);
      if (wrong !== '')
        throw new Error(`${where}, ${place}, ${model}: ${wrong}: ${JSON.stringify(told[place])}`);
    }
  }
}

/** The page of a folder, isolated and not. */
async function inPages(folder, expected, given = {}) {
  const isolated = await inBrowser(folder, '/index.html', { headers: ISOLATED });
  check(isolated, expected, { isIsolated: true, ...given });
  check(await inBrowser(folder, '/index.html'), expected, { isIsolated: false });
}

async function viteBuild(project) {
  const folder = appIn(project, 'vite');
  const config =
    "export default { base: './', worker: { format: 'es' }, build: { target: 'es2022' } };";
  writeFileSync(join(folder, 'vite.config.js'), config);
  const program = join(project, 'node_modules/vite/bin/vite.js');
  run(process.execPath, [program, 'build', '--logLevel', 'error'], { cwd: folder });
  await inPages(join(folder, 'dist'), expectedOf(folder));
}

/** A server that hears what a page posts. */
async function listener() {
  let tell;
  const told = new Promise((resolve) => {
    tell = resolve;
  });
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (part) => {
      text += part;
    });
    request.on('end', () => {
      response.end();
      if (request.method === 'POST') tell(text);
    });
  });
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  return { told, server, url: `http://127.0.0.1:${server.address().port}/told` };
}

/** Vite's page of a folder while it is developed. */
async function devPage(project, folder, config) {
  writeFileSync(join(folder, 'vite.config.js'), `export default ${JSON.stringify(config)};`);
  const program = join(project, 'node_modules/vite/bin/vite.js');
  const vite = spawn(process.execPath, [program], { cwd: folder, stdio: 'pipe' });
  const heard = await listener();
  try {
    await new Promise((resolve, reject) => {
      vite.stdout.on('data', (text) => /127\.0\.0\.1/.test(text) && resolve());
      vite.on('close', () => reject(new Error('vite ended')));
    });
    const page = `http://127.0.0.1:${config.server.port}/index.html`;
    return await browse(`${page}?tell=${encodeURIComponent(heard.url)}`, heard.told);
  } finally {
    vite.kill();
    heard.server.close();
    heard.server.closeAllConnections();
  }
}

/** Vite copies what packages have into a folder of its own, where the threads of built-in models
 *  do not find their module, unless the package is excluded from that. */
async function viteDev(project) {
  const folder = appIn(project, 'vite-dev');
  const expected = expectedOf(folder);
  const worker = { format: 'es' };
  const fs = { allow: [project] }; // where node_modules is
  const at = (port, headers) => ({ port, strictPort: true, host: '127.0.0.1', headers, fs });
  const usual = await devPage(project, folder, { worker, server: at(45173, ISOLATED) });
  check(usual, expected, { isIsolated: true, alone: ['builtin'] });
  const optimizeDeps = { exclude: ['retrograd'] };
  const excluded = { worker, optimizeDeps, server: at(45174, ISOLATED) };
  check(await devPage(project, folder, excluded), expected, { isIsolated: true });
  const open = await devPage(project, folder, { worker, server: at(45175, {}) });
  check(open, expected, { isIsolated: false });
}

async function webpack(project) {
  const folder = appIn(project, 'webpack');
  const from = pathToFileURL(join(project, 'node_modules/webpack/lib/index.js')).href;
  const script = `
import webpack from '${from}';
const output = { path: process.cwd() + '/out', filename: 'main.js' };
const options = { mode: 'production', entry: './main.js', context: process.cwd(), output };
const done = await new Promise((resolve, reject) =>
  webpack(options, (error, stats) => (error ? reject(error) : resolve(stats))));
if (done.hasErrors()) throw new Error(done.toString());
`;
  writeFileSync(join(folder, 'bundle.mjs'), script);
  run(process.execPath, ['bundle.mjs'], { cwd: folder });
  copyFileSync(join(folder, 'index.html'), join(folder, 'out/index.html'));
  await inPages(join(folder, 'out'), expectedOf(folder));
}

async function esbuild(project) {
  const folder = appIn(project, 'esbuild');
  const { build } = await import(
    pathToFileURL(join(project, 'node_modules/esbuild/lib/main.js')).href
  );
  const out = join(folder, 'out');
  const entryPoints = ['main', 'in-worker', 'regression-thread'].map((n) =>
    join(folder, `${n}.js`),
  );
  await build({ entryPoints, outdir: out, bundle: true, splitting: true, format: 'esm' });
  copyFileSync(join(folder, 'index.html'), join(out, 'index.html'));
  const expected = expectedOf(folder);
  await inPages(out, expected, { alone: ['builtin'] });
  // it stands alone: a copy beside the bundle is enough
  copyFileSync(join(project, 'node_modules/retrograd/dist/thread.js'), join(out, 'thread.js'));
  await inPages(out, expected);
}

/** Bare names are written as paths: import maps do not reach workers. */
async function unbundled(project) {
  const folder = appIn(project, 'unbundled');
  const expected = expectedOf(folder);
  cpSync(join(project, 'node_modules/retrograd/dist'), join(folder, 'dist'), { recursive: true });
  for (const file of ['train.js', 'regression.js', 'regression-thread.js']) {
    const text = readFileSync(join(folder, file), 'utf8')
      .replace(/'retrograd\/thread'/g, "'./dist/serve.js'")
      .replace(/'retrograd'/g, "'./dist/index.js'");
    writeFileSync(join(folder, file), text);
  }
  await inPages(folder, expected);
}

export const THREADS = {
  'threads, vite build': viteBuild,
  'threads, vite dev': viteDev,
  'threads, webpack': webpack,
  'threads, esbuild': esbuild,
  'threads, no bundler': unbundled,
};
export const THREADS_NEEDS = {
  'threads, vite build': ['vite'],
  'threads, vite dev': ['vite'],
  'threads, webpack': ['webpack'],
  'threads, esbuild': ['esbuild'],
};

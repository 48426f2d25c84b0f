// The package embedded in everything that docs/examples shows, and in other people's projects
// (hosts.mjs, pages.mjs): node test/package/embed.mjs [--only NAME,...] Packs a clean clone, makes
// a fresh project, installs runtimes and bundlers into build/embed, runs each example and demands
// the README's output (the Worker: the digest of its own training, across requests and a restart).
// What cannot be installed keeps its line, with the reason.

import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { HOST_NEEDS, TOOLS as HOST_TOOLS, HOSTS, packClone, same } from './hosts.mjs';
import { inBrowser, PAGES } from './pages.mjs';
import { createProject, npm, readmeExample, root, run } from './project.mjs';
import { ISOLATED, THREADS, THREADS_NEEDS } from './threads.mjs';

const home = join(root, 'build', 'embed');
const example = readmeExample();
/** Tools, pinned. */
const TOOLS = {
  deno: '2.9.6',
  bun: '1.4.5',
  miniflare: '4.20260730.0',
  vite: '7.3.8',
  rollup: '4.68.7',
  '@rollup/plugin-node-resolve': '16.0.3',
  webpack: '5.112.2',
  esbuild: '0.28.2',
  ...HOST_TOOLS,
};

/** What each way needs of them. */
const NEEDS = {
  deno: ['deno'],
  bun: ['bun'],
  cloudflare: ['miniflare', 'esbuild'],
  'bundled-worker': ['esbuild'],
  vite: ['vite'],
  ...HOST_NEEDS,
  ...THREADS_NEEDS,
  'rollup (bundler)': ['rollup', '@rollup/plugin-node-resolve'],
  'webpack (bundler)': ['webpack'],
};

const copy = (project, name) => {
  const to = join(project, name);
  cpSync(join(root, 'docs', 'examples', name), to, { recursive: true });
  return to;
};

/** Three requests, a restart of the runtime, a fourth: 40 steps in all, and their digest as Node
 *  computes it. */
async function worker(project) {
  const { Miniflare } = await import(
    pathToFileURL(join(project, 'node_modules/miniflare/dist/src/index.js')).href
  );
  const { build } = await import(
    pathToFileURL(join(project, 'node_modules/esbuild/lib/main.js')).href
  );
  const folder = copy(project, 'cloudflare');
  const out = join(folder, 'out');
  const keep = {
    name: 'wasm',
    setup: (b) => b.onResolve({ filter: /\.wasm$/ }, ({ path }) => ({ path, external: true })),
  };
  await build({
    entryPoints: [join(folder, 'worker.js')],
    outdir: out,
    bundle: true,
    format: 'esm',
    conditions: ['workerd'],
    plugins: [keep],
  }); // as wrangler does
  const modules = ['kernels.wasm', 'kernels-int8.wasm', 'kernels-image.wasm'];
  for (const name of modules)
    cpSync(join(project, 'node_modules/retrograd/dist', name), join(out, name));
  const options = {
    modules: [
      { type: 'ESModule', path: join(out, 'worker.js') },
      ...modules.map((name) => ({ type: 'CompiledWasm', path: join(out, name) })),
    ],
    modulesRoot: out,
    compatibilityDate: '2026-01-01',
    durableObjects: { TRAINING: { className: 'Training', useSQLite: true } },
    durableObjectsPersist: join(out, 'state'),
  };
  const request = async (mf, path, method) => {
    const response = await mf.dispatchFetch(`http://localhost${path}`, { method });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  let mf = new Miniflare(options);
  let answer;
  for (let i = 0; i < 3; i++) answer = await request(mf, '/train?steps=10', 'POST');
  await mf.dispose();
  mf = new Miniflare(options);
  answer = await request(mf, '/train?steps=10', 'POST');
  const refused = await mf.dispatchFetch('http://localhost/train?steps=1000', { method: 'POST' });
  await mf.dispose();
  if (refused.status !== 400) throw new Error('a request beyond the budget was not refused');
  const code = example.code.replace('trainer.steps < 100', 'trainer.steps < 40');
  writeFileSync(join(project, 'forty.mjs'), code);
  const expected = /SHA-256 ([0-9a-f]{64})/.exec(
    run(process.execPath, ['forty.mjs'], { cwd: project }),
  )[1];
  if (answer.step !== 40 || answer.weightsSha256 !== expected)
    throw new Error(`${JSON.stringify(answer)}, expected ${expected} at step 40`);
}

/** A bundle of the README's example, made by a script in the project, run by Node. */
function bundled(project, script) {
  writeFileSync(join(project, 'entry.js'), example.code);
  writeFileSync(join(project, 'bundle.mjs'), script);
  run(process.execPath, ['bundle.mjs'], { cwd: project });
  same(run(process.execPath, ['bundle-out/main.mjs'], { cwd: project }));
}

/** A page with a worker: the README's output on one thread, and on more where it is isolated, which
 *  the line beside its bar says. */
async function trainsInWorker(folder) {
  same(await inBrowser(folder, '/index.html'));
  same(await inBrowser(folder, '/index.html', { headers: ISOLATED }));
  for (const [headers, threads] of [
    [{}, /^1 thread$/],
    [ISOLATED, /^[2-8] threads$/],
  ]) {
    const told = await inBrowser(folder, '/index.html', { headers, tells: '#status' });
    const said = /^step 100 of 100, loss [\d.]+, 0\.0 s left, (.*)$/.exec(told)?.[1] ?? '';
    if (!threads.test(said)) throw new Error(`the page says ${told}, expected ${threads}`);
  }
}

const WAYS = {
  node: (project) => {
    same(run(process.execPath, [join(copy(project, 'node'), 'train.mjs')]));
  },
  deno: (project) => {
    same(
      run(
        join(project, 'node_modules/.bin/deno'),
        ['run', '-A', join(copy(project, 'deno'), 'train.ts')],
        { cwd: project },
      ),
    );
  },
  bun: (project) => {
    same(
      run(join(project, 'node_modules/.bin/bun'), [join(copy(project, 'bun'), 'train.ts')], {
        cwd: project,
      }),
    );
  },
  cloudflare: worker,
  browser: async (project) => {
    // the page's map says where the package is, three folders above
    copy(join(project, 'node_modules/retrograd/docs/examples'), 'browser');
    same(
      await inBrowser(join(project, 'node_modules/retrograd'), '/docs/examples/browser/index.html'),
    );
  },
  'bundled-worker': async (project) => {
    const folder = copy(project, 'bundled-worker');
    const { build } = await import(
      pathToFileURL(join(project, 'node_modules/esbuild/lib/main.js')).href
    );
    await build({
      entryPoints: ['main.js', 'worker.js', 'thread.js'].map((name) => join(folder, name)),
      outdir: join(folder, 'public'),
      bundle: true,
      format: 'esm',
    });
    cpSync(join(folder, 'index.html'), join(folder, 'public/index.html'));
    await trainsInWorker(join(folder, 'public'));
  },
  vite: async (project) => {
    const folder = copy(project, 'vite');
    run(
      process.execPath,
      [join(project, 'node_modules/vite/bin/vite.js'), 'build', '--logLevel', 'error'],
      { cwd: folder },
    );
    await trainsInWorker(join(folder, 'dist'));
  },
  'rollup (bundler)': (project) =>
    bundled(
      project,
      `import { rollup } from 'rollup';
import { nodeResolve } from '@rollup/plugin-node-resolve';
const bundle = await rollup({ input: 'entry.js', plugins: [nodeResolve()] });
await bundle.write({ dir: 'bundle-out', entryFileNames: 'main.mjs', format: 'es' });`,
    ),
  'webpack (bundler)': (project) =>
    bundled(
      project,
      `import webpack from 'webpack';
const options = {
  mode: 'production',
  target: 'node20',
  entry: './entry.js',
  experiments: { outputModule: true },
  context: process.cwd(),
  output: {
    path: process.cwd() + '/bundle-out',
    filename: 'main.mjs',
    module: true,
    library: { type: 'module' },
  },
};
const done = await new Promise((resolve, reject) =>
  webpack(options, (error, stats) => (error ? reject(error) : resolve(stats))));
if (done.hasErrors()) throw new Error(done.toString());`,
    ),
  ...HOSTS,
  ...PAGES,
  ...THREADS,
};

const { only } = parseArgs({ options: { only: { type: 'string' } } }).values;
const names = only?.split(',') ?? Object.keys(WAYS);
const unknown = names.filter((name) => !(name in WAYS));
if (unknown.length > 0) {
  console.error(
    `embed: ${unknown.join(', ')} is unknown, expected some of ${Object.keys(WAYS).join(', ')}`,
  );
  process.exit(2);
}
const fresh = join(home, 'project');
rmSync(home, { recursive: true, force: true });
mkdirSync(home, { recursive: true });
console.log('packing a clean clone'); // of what is committed
createProject(fresh, packClone(home));
const tools = [...new Set(names.flatMap((name) => NEEDS[name] ?? []))].map(
  (name) => `${name}@${TOOLS[name]}`,
);
if (tools.length > 0) {
  console.log(`installing ${tools.join(', ')}`);
  npm(['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error', ...tools], {
    cwd: fresh,
  }); // all at once: npm removes what a later call does not name
}
let failed = 0;
for (const name of names) {
  const started = performance.now();
  try {
    await WAYS[name](fresh);
    console.log(
      `${name.padEnd(22)} as it should, ${((performance.now() - started) / 1000).toFixed(1)} s`,
    );
  } catch (error) {
    failed++;
    console.log(`${name.padEnd(22)} FAILED: ${error.message.slice(0, 1500)}`);
  }
}
console.log(`${names.length - failed} of ${names.length} ways are as they should be`);
process.exit(failed === 0 ? 0 : 1);

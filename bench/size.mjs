// Part "size" of bench/all.mjs: what a page has to load to train this GPT (minified by esbuild,
// gzipped, WebAssembly included), and the time from import to the end of the first training step in
// fresh processes. Ours is README's example; a rival's bundle is its model and training step of
// bench/compare with what they import. Alone, prints the sizes: node bench/size.mjs

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { BATCH, MODEL } from './compare/part-step.mjs';
import { askFresh, reasonOf, summary } from './compare/turns.mjs';
import { pageSizes } from './page-size.mjs';
import { ROOT } from './stamp.mjs';

const COMPARE = join(import.meta.dirname, 'compare');
const modules = join(COMPARE, 'node_modules');
const measure = (bytes) => ({ bytes: bytes.length, gzipped: gzipSync(bytes, { level: 9 }).length });
const sum = (parts) => ({
  bytes: parts.reduce((n, part) => n + part.bytes, 0),
  gzipped: parts.reduce((n, part) => n + part.gzipped, 0),
});
const fileSize = (path) => ({ name: path.split('/').at(-1), ...measure(readFileSync(path)) });

/** README's example; what else is loaded when asked for. */
async function ours() {
  const { example, everything } = await pageSizes();
  const threads = { ...fileSize(join(ROOT, 'dist/thread.js')), name: 'for worker threads' };
  const most = { ...everything, name: 'with every model and update rule' };
  const parts = [{ ...example, name: 'code' }];
  return { engine: 'retrograd', trains: true, total: example, parts, later: threads, most };
}

/** Minified code that the entry loads at once, and what it may load later (other backends), which
 *  is not in the total. */
async function bundle(engine, trains, contents, wasm = [], alias = {}) {
  const { metafile, outputFiles } = await build({
    stdin: { contents, resolveDir: COMPARE, sourcefile: 'entry.mjs' },
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: 'esm',
    splitting: true,
    outdir: join(ROOT, 'build', 'size'),
    absWorkingDir: ROOT,
    platform: 'browser',
    target: 'es2022',
    external: ['node:*', 'fs', 'path', 'os', 'util', 'crypto', 'worker_threads', 'perf_hooks'],
    alias,
    logLevel: 'silent',
  });
  const outputs = new Map(
    Object.entries(metafile.outputs).map(([path, output]) => [
      path,
      { output, bytes: outputFiles.find((file) => file.path === join(ROOT, path)).contents },
    ]),
  );
  const atOnce = new Set();
  const visit = (path) => {
    if (atOnce.has(path)) return;
    atOnce.add(path);
    for (const { path: next, kind, external } of outputs.get(path).output.imports)
      if (kind === 'import-statement' && !external) visit(next);
  };
  visit([...outputs.keys()].find((path) => outputs.get(path).output.entryPoint !== undefined));
  const code = (paths, name) => ({
    name,
    ...sum(paths.map((path) => measure(outputs.get(path).bytes))),
  });
  const parts = [code([...atOnce], 'code'), ...wasm.map((file) => fileSize(join(modules, file)))];
  const later = [...outputs.keys()].filter((path) => !atOnce.has(path));
  return {
    engine,
    trains,
    total: sum(parts),
    parts,
    later: later.length > 0 ? code(later, 'other backends, loaded when needed') : undefined,
  };
}

async function sizes(log) {
  const rows = [await ours()];
  const attempt = async (engine, ...rest) => {
    try {
      rows.push(await bundle(engine, ...rest));
    } catch (error) {
      rows.push({
        engine,
        failed: existsSync(modules)
          ? reasonOf(error.errors?.[0]?.text ?? error.message)
          : 'not installed: npm install --prefix bench/compare',
      });
    }
  };
  await attempt('jax-js', true, "export { createJaxGpt } from './gpt-jax.mjs';");
  await attempt(
    'tfjs',
    true,
    "export { startTfjs } from './tfjs.mjs'; export { createTfjsGpt } from './gpt-tfjs.mjs';",
    ['@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm'],
    { '@tensorflow/tfjs': join(COMPARE, 'tfjs-core.mjs') },
  );
  await attempt(
    'onnxruntime-web',
    false,
    "export { InferenceSession, Tensor, env } from 'onnxruntime-web/wasm';",
    ['onnxruntime-web/dist/ort-wasm-simd-threaded.wasm'],
  );
  for (const { engine, total, failed } of rows)
    log(`${engine}: ${failed ?? `${(total.gzipped / 1000).toFixed(1)} kB gzipped`}`);
  return rows;
}

const SMALL = { vocabulary: 96, layers: 2, channels: 64, heads: 4, context: 64 };
const SMALL_BATCH = 2;
const ENGINES = ['retrograd', 'jax-js', 'tfjs'];

/** One start of one engine. */
async function start(entry, folder) {
  if (entry.failed !== undefined) return;
  const words = [process.execPath, join(COMPARE, 'start.mjs')];
  const answer = await askFresh(words, { engine: entry.engine, folder });
  if (answer.error !== undefined) entry.failed = answer.error;
  else for (const part of ['first', 'second', 'import']) entry[part].push(answer[part]);
}

function summaries({ engine, failed, ...parts }) {
  if (failed !== undefined) return { engine, failed };
  const all = Object.entries(parts).map(([name, values]) => [name, summary(values)]);
  return { engine, failed, ...Object.fromEntries(all) };
}

async function starts({ quick, built, log }) {
  const rows = [];
  for (const { model, batch, rounds } of [
    { model: SMALL, batch: SMALL_BATCH, rounds: 10 },
    { model: MODEL, batch: BATCH, rounds: 3 },
  ]) {
    const folder = join(built, `bench-start-${model.layers}`);
    const list = ENGINES.map((engine) => ({
      engine,
      first: [],
      second: [],
      import: [],
      failed: undefined,
    }));
    await askFresh([process.execPath, join(built, 'bench-step.mjs')], {
      task: 'export',
      model,
      batch,
      folder,
    });
    for (let round = 0; round < (quick ? 1 : rounds); round++)
      for (const entry of list) await start(entry, folder);
    for (const { engine, first, failed } of list) {
      const words = failed ?? `first step after ${summary(first).median.toFixed(0)} ms`;
      log(`${model.layers} layers, ${engine}: ${words}`);
    }
    rows.push({
      model,
      batch,
      engines: list.map(summaries),
    });
  }
  return rows;
}

export const run = async (options) => ({
  bundles: await sizes(options.log),
  starts: await starts(options),
});

if (process.argv[1] === import.meta.filename) await sizes(console.log);

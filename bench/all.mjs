// The one command that measures speed, memory and size beside the engines of bench/compare, and
// makes docs/performance.md:
//
//   node bench/all.mjs                    everything, about twenty minutes; the machine should
//                                         have nothing else to do
//   node bench/all.mjs --only gemm        one part of it: gemm, step, memory or size
//   node bench/all.mjs --quick            tries that all of it works; results go to
//                                         build/bench-quick, no document changes
//   node bench/all.mjs --as-built         measures dist/ and build/ as they are, without bringing
//                                         them up to date
//   node bench/all.mjs --before <folder>  steps of an older checkout, built, too
//
// Engines are installed into bench/compare/node_modules if they are missing. One that cannot run
// keeps its row, with the reason.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import os from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import {
  commit,
  ROOT,
  readKinds,
  refuse,
  resultFile,
  stamp,
  withKind,
  writeResult,
} from './stamp.mjs';

const PARTS = ['gemm', 'step', 'memory', 'size'];
/** Parts that keep a measurement for every kind of processor and version of Node. */
const BY_KIND = ['gemm', 'step'];
const COMPARE = join(ROOT, 'bench', 'compare');
const built = join(ROOT, 'build');
const modules = {
  gemm: './compare/part-gemm.mjs',
  step: './compare/part-step.mjs',
  memory: './compare/part-memory.mjs',
  size: './size.mjs',
};

function options() {
  try {
    return parseArgs({
      options: {
        only: { type: 'string' },
        quick: { type: 'boolean', default: false },
        'as-built': { type: 'boolean', default: false },
        before: { type: 'string' },
      },
    }).values;
  } catch (error) {
    return refuse(
      error.message,
      'node bench/all.mjs [--only gemm|step|memory|size] [--quick] [--as-built] [--before FOLDER]',
    );
  }
}
const { only, quick, 'as-built': asBuilt, before: older } = options();
const before = older && resolve(older);
if (only !== undefined && !PARTS.includes(only))
  refuse(
    `--only is ${only}, expected one of ${PARTS.join(', ')}`,
    'leave it out to measure everything',
  );
if (before !== undefined && !existsSync(join(before, 'dist', 'index.js')))
  refuse(`--before is ${before}, which has no dist/index.js`, 'run npm run build there');

const started = performance.now();
const logOf = (part) => (line) =>
  console.log(`[${part} ${Math.round((performance.now() - started) / 1000)} s] ${line}`);

if (
  !asBuilt &&
  spawnSync(process.execPath, [join(ROOT, '.ci', 'setup.mjs')], { stdio: 'inherit' }).status !== 0
)
  process.exit(1);
if (!existsSync(join(ROOT, 'dist', 'index.js')))
  refuse('dist/index.js is missing', 'run: npm run build');
const dependencies = JSON.parse(readFileSync(join(COMPARE, 'package.json'), 'utf8')).dependencies;
if (Object.keys(dependencies).some((name) => !existsSync(join(COMPARE, 'node_modules', name)))) {
  logOf('setup')('installing the other engines (npm install --prefix bench/compare)');
  const args = [
    'install',
    '--prefix',
    COMPARE,
    '--no-package-lock',
    '--no-audit',
    '--no-fund',
    '--ignore-scripts',
    '--loglevel=error',
  ];
  if (
    spawnSync('npm', args, { stdio: 'inherit', shell: process.platform === 'win32' }).status !== 0
  )
    console.error('they could not be installed: their rows will say so');
}

const { build } = await import('esbuild'); // here, as setup may have installed it
await build({
  entryPoints: {
    'bench-gemm': join(ROOT, 'bench', 'gemm.ts'),
    'bench-step': join(ROOT, 'bench', 'step.ts'),
  },
  outdir: built,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  loader: { '.wasm': 'binary' },
  logLevel: 'warning',
});

const version = (file) => JSON.parse(readFileSync(file, 'utf8')).version;
const environment = () => ({
  ...stamp(),
  before: before && commit(before),
  load: Math.round(os.loadavg()[0] * 100) / 100,
  versions: {
    retrograd: version(join(ROOT, 'package.json')),
    assemblyscript: version(join(ROOT, 'node_modules', 'assemblyscript', 'package.json')),
    v8: process.versions.v8,
    ...dependencies,
  },
});
const file = (part) =>
  quick
    ? join(built, 'bench-quick', `performance-${part}.json`)
    : resultFile(`performance-${part}`);
if (quick) mkdirSync(join(built, 'bench-quick'), { recursive: true });

for (const part of only === undefined ? PARTS : [only]) {
  const { run } = await import(modules[part]);
  const about = environment();
  const begun = performance.now();
  const result = await run({ quick, built, before, log: logOf(part) });
  const seconds = Math.round((performance.now() - begun) / 1000);
  const measured = { stamp: { ...about, seconds }, ...result };
  const to = file(part);
  const all = BY_KIND.includes(part) ? withKind(quick ? [] : readKinds(to), measured) : measured;
  writeResult(to, all);
}
const { writePerformance } = await import('../docs/generate/performance-page.mjs');
const written = quick
  ? writePerformance({ results: join(built, 'bench-quick'), out: join(built, 'bench-quick') })
  : writePerformance();
logOf('done')(written.length > 0 ? `wrote ${written.join(' and ')}` : 'no document changed');

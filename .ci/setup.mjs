// npm run setup, and the first thing of npm start and npm test: brings node_modules and dist up to date, and says nothing if they are.
// Only Node's own modules are used here, as nothing else may be installed yet.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const OLDEST_NODE = 20;
const SOURCES = ['src', 'assembly', 'test/golden/demo.json', 'test/golden/conformance.json', 'package.json', 'asconfig.json', 'tsconfig.json', '.ci/build.mjs'];
const RESULTS = ['dist/index.js', 'dist/thread.js', 'dist/worker.js', 'dist/kernels.wasm', 'dist/verify.js', 'dist/worker-verify.js', 'dist/cli.js', 'build/release.wasm', 'build/checked.wasm'];

/** Time of the last change of a file, or of the newest thing in a folder (a folder's own time shows deletions); 0 if missing. */
function changed(path) {
  if (!existsSync(path)) return 0;
  const stat = statSync(path);
  return stat.isDirectory() ? Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => changed(join(path, name)))) : stat.mtimeMs;
}

function run(what, command, args, options) {
  console.log(what);
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', ...options });
  if (status === 0) return;
  console.error(`setup: ${what} failed${error ? `: ${error.message}` : ''}`);
  process.exit(1);
}

/** npm, by the copy that runs this script if there is one. */
function npm(what, ...args) {
  const script = process.env.npm_execpath;
  if (script?.endsWith('.js')) run(what, process.execPath, [script, ...args]);
  else run(what, 'npm', args, { shell: process.platform === 'win32' });
}

if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE) {
  console.error(`retrograd needs Node ${OLDEST_NODE} or newer; this is Node ${process.versions.node}`);
  process.exit(1);
}
process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
if (!existsSync('package-lock.json')) {
  if (!existsSync('node_modules')) npm('installing the development tools (npm install)', 'install', ...quiet);
} else if (changed('node_modules/.package-lock.json') < statSync('package-lock.json').mtimeMs) {
  npm('installing the development tools (npm ci)', 'ci', ...quiet);
}

const newest = Math.max(...SOURCES.map(changed));
if (RESULTS.some((path) => changed(path) < newest)) run('building (npm run build)', process.execPath, ['.ci/build.mjs']);

// npm run setup, and the first thing of npm start and npm test: brings node_modules and dist up to
// date, and says nothing if they are. Only Node's own modules are used here, as nothing else may be
// installed yet. npm runs it as the script prepare too: before it packs or publishes, after it has
// installed a clone or made one of a git address, so that no package is without dist.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ENTRIES } from './entries.mjs';

const OLDEST_NODE = 20;
const SOURCES = [
  'src',
  'assembly',
  'package.json',
  'asconfig.json',
  'tsconfig.json',
  '.ci/build.mjs',
  '.ci/entries.mjs',
  '.ci/leftovers.mjs',
  '.ci/licenses.mjs',
  '.ci/made.mjs',
  '.ci/pack.mjs',
  '.ci/private.mjs',
];
const RESULTS = [
  'dist/index.js',
  'dist/thread.js',
  'dist/serve.js',
  'dist/worker.js',
  'dist/kernels.wasm',
  'dist/kernels-int8.wasm',
  'dist/kernels-image.wasm',
  ...ENTRIES.flatMap((name) => [`dist/${name}.js`, `dist/worker-${name}.js`]),
  'dist/cli.js',
  'dist/types',
  'dist/THIRD-PARTY-LICENSES',
  'build/release.wasm',
  'build/checked.wasm',
  ...['int8', 'int8-relaxed', 'int8-checked', 'image', 'image-checked'].map(
    (name) => `build/${name}.wasm`,
  ),
];

/** npm waits for it, and has installed what the package needs unless it packs or links a folder. */
const IS_PREPARE = process.env.npm_lifecycle_event === 'prepare';

/** Time of the last change of a file, or of the newest thing in a folder (a folder's own time shows
 *  deletions); 0 if missing. */
function changed(path) {
  if (!existsSync(path)) return 0;
  const stat = statSync(path);
  return stat.isDirectory()
    ? Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => changed(join(path, name))))
    : stat.mtimeMs;
}

function run(what, command, args, options) {
  const output = IS_PREPARE ? 2 : 1; // standard output may be the JSON of npm pack
  writeSync(output, `${what}\n`);
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', output, 2], ...options });
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
  console.error(
    `retrograd needs Node ${OLDEST_NODE} or newer; this is Node ${process.versions.node}`,
  );
  process.exit(1);
}
process.chdir(fileURLToPath(new URL('..', import.meta.url)));

// Without scripts, as prepare would begin this again; and all of it here, whatever the npm that
// runs this was told.
const plainly = [
  '--ignore-scripts',
  '--include=dev',
  '--no-global',
  '--no-dry-run',
  '--no-json',
  '--no-audit',
  '--no-fund',
  '--loglevel=error',
];
const isInstalled =
  IS_PREPARE || !existsSync('package-lock.json')
    ? existsSync('node_modules/esbuild')
    : changed('node_modules/.package-lock.json') >= changed('package-lock.json');
if (!isInstalled) {
  const command = existsSync('package-lock.json') ? 'ci' : 'install';
  npm(`installing the development tools (npm ${command})`, command, ...plainly);
}

const newest = Math.max(...SOURCES.map(changed));
if (RESULTS.some((path) => changed(path) < newest))
  run('building (npm run build)', process.execPath, ['.ci/build.mjs']);

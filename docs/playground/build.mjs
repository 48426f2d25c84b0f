// npm run playground: bundles the playground into build/playground, a folder that any static host
// serves. With --serve it serves it on this machine, isolated, so that threads work; --port.

import {
  copyFileSync,
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const HERE = import.meta.dirname;
const ROOT = join(HERE, '../..');
export const FOLDER = join(ROOT, 'build/playground');
/** What the page imports is what every program of a user imports. */
const LIBRARY = {
  retrograd: 'dist/index.js',
  'retrograd/generate': 'dist/generate.js',
  'retrograd/thread': 'dist/serve.js',
};
export const fromDist = {
  name: 'from-dist',
  setup: (b) =>
    b.onResolve({ filter: /^retrograd(\/|$)/ }, ({ path }) => ({
      path: join(ROOT, LIBRARY[path]),
      sideEffects: false,
    })),
};

const COMMON = {
  outdir: FOLDER,
  bundle: true,
  format: 'esm',
  target: 'es2022',
  minify: true,
  legalComments: 'none', // they are in LICENSES.txt
  logLevel: 'warning',
  plugins: [fromDist],
};

export async function buildPlayground() {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  const from = (...names) => ({ entryPoints: names.map((name) => join(HERE, name)) });
  await build({ ...COMMON, ...from('main.ts', 'style.css') });
  // the worker and its threads share the library
  await build({ ...COMMON, ...from('worker.ts', 'thread.ts'), splitting: true });
  copyFileSync(join(HERE, 'index.html'), join(FOLDER, 'index.html'));
  const licences = ['LICENSE', 'node_modules/uplot/LICENSE', 'dist/THIRD-PARTY-LICENSES'];
  const texts = licences.map((file) => readFileSync(join(ROOT, file), 'utf8'));
  writeFileSync(join(FOLDER, 'LICENSES.txt'), texts.join('\n\n'));
}

/** Bytes of what a visitor's browser loads, gzipped, and of each file of it. */
export function playgroundSizes() {
  const files = readdirSync(FOLDER).filter((name) => /\.(html|js|css)$/.test(name));
  const sizes = files.map((name) => [name, gzipSync(readFileSync(join(FOLDER, name))).length]);
  const total = sizes.reduce((sum, [, size]) => sum + size, 0);
  return { total, files: Object.fromEntries(sizes) };
}

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
};
const ISOLATION = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

/** Serves the folder; `isIsolated`: with the headers that shared memory asks for; `more` headers.
 */
export async function servePlayground({ port = 0, isIsolated = true, more = {} } = {}) {
  const headers = { 'cache-control': 'no-store', ...(isIsolated ? ISOLATION : {}), ...more };
  const server = createServer(({ url }, response) => {
    const { pathname } = new URL(url, 'http://localhost');
    const name = normalize(pathname === '/' ? '/index.html' : decodeURIComponent(pathname));
    const file = join(FOLDER, name);
    if (!file.startsWith(FOLDER) || !existsSync(file) || !statSync(file).isFile())
      return response.writeHead(404, headers).end('not found');
    const type = TYPES[extname(file)] ?? 'application/octet-stream';
    response.writeHead(200, { ...headers, 'content-type': type });
    createReadStream(file).pipe(response);
  });
  await new Promise((resolve, reject) =>
    server.on('error', reject).listen(port, '127.0.0.1', resolve),
  );
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { origin: `http://127.0.0.1:${server.address().port}`, close };
}

async function main(words) {
  await buildPlayground();
  console.log(`build/playground: ${playgroundSizes().total} bytes gzipped`);
  if (!words.includes('--serve')) return;
  const port = Number(words[words.indexOf('--port') + 1]) || 8080;
  const { origin } = await servePlayground({ port });
  console.log(`open ${origin} (Ctrl-C ends)`);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main(process.argv.slice(2));

// Serves a folder of static files on this machine, as a host does that sends the headers of
// isolation, or as one does that cannot.

import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize, sep } from 'node:path';

const TYPES = {
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};
const ISOLATION = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

/** The file of an address, or that of pages that do not exist, if there is one. */
function fileOf(folder, pathname, base) {
  const within = pathname.startsWith(base) ? pathname.slice(base.length) : '404.html';
  const file = join(folder, normalize(`/${decodeURIComponent(within)}`));
  if (!file.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`) && file !== folder)
    return undefined;
  if (existsSync(file) && statSync(file).isDirectory()) return join(file, 'index.html');
  return existsSync(file) || !existsSync(`${file}.html`) ? file : `${file}.html`;
}

/** `isolates`: whether an address gets the headers of isolation; `more` headers, of all. */
export async function serve(folder, { port = 0, base = '/', isolates, more = {} }) {
  const server = createServer(({ url }, response) => {
    const { pathname } = new URL(url, 'http://localhost');
    const file = fileOf(folder, pathname, base);
    const isolation = isolates(pathname) ? ISOLATION : {};
    const headers = { 'cache-control': 'no-store', ...isolation, ...more };
    const isThere = file !== undefined && existsSync(file);
    const sent = isThere ? file : join(folder, '404.html');
    if (!existsSync(sent)) return response.writeHead(404, headers).end('not found');
    const type = TYPES[extname(sent)] ?? 'application/octet-stream';
    response.writeHead(isThere ? 200 : 404, { ...headers, 'content-type': type });
    createReadStream(sent).pipe(response);
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

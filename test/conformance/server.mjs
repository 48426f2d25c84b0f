// A local server for pages: the repository's dist/, docs/, test/conformance/ and test/golden/,
// isolated as shared memory asks for, what a page is given at /given, and what it posts to /posted.

import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { ROOT } from '../../bench/stamp.mjs';

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
  '.map': 'application/json',
};
const OPEN = ['dist/', 'docs/', 'test/conformance/', 'test/golden/'];
const HEADERS = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cache-control': 'no-store',
};

/** The page posts what it finds, and the digests of tokens, logits, a run with int8 operands,
 *  archives and a receipt, to this server, and to no other: the page itself sends nothing. */
const POSTING = `<script>
const modules = ['dist/index.js', 'dist/tokenizer.js', 'dist/generate.js', 'dist/codec.js',
  'dist/receipt.js', ...['tokens', 'logits', 'int8', 'archives', 'receipt']
    .map((name) => 'test/conformance/' + name + '.js')];
document.addEventListener('verified', async ({ detail }) => {
  const [library, tokenizer, generate, codec, receipts, ...own] =
    await Promise.all(modules.map((path) => import('/' + path)));
  const { tokensDigest, logitsDigest, int8Digest, archivesDigest, receiptDigest } =
    Object.assign({}, ...own);
  const tokens = await tokensDigest(library, tokenizer).catch(String);
  const logits = await logitsDigest(library, generate).catch(String);
  const int8 = await int8Digest(library).catch(String);
  const archives = await archivesDigest(library, codec).catch(String);
  const receipt = await receiptDigest(library, receipts).catch(String);
  const { kernels } = library.int8();
  const found = { ...detail, tokens, logits, int8, archives, receipt, kernels };
  fetch('/posted', { method: 'POST', body: JSON.stringify(found) });
});
</script>
<script type="module">`;

function sendFile(path, response) {
  const name = normalize(decodeURIComponent(path)).replaceAll('\\', '/').replace(/^\/+/, '');
  const file = join(ROOT, name);
  if (
    !OPEN.some((folder) => name.startsWith(folder)) ||
    !existsSync(file) ||
    !statSync(file).isFile()
  )
    return response.writeHead(404, HEADERS).end('not found');
  response.writeHead(200, {
    ...HEADERS,
    'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
  });
  if (name === 'docs/verify.html')
    return response.end(readFileSync(file, 'utf8').replace('<script type="module">', POSTING));
  createReadStream(file).pipe(response);
}

/** Starts it on a free port: { origin, posted, close }. `posted` resolves to the JSON that a page
 *  posts. */
export async function serve(given = {}) {
  let receive;
  const posted = new Promise((resolve) => {
    receive = resolve;
  });
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    if (request.method === 'GET' && pathname === '/given')
      return response
        .writeHead(200, { ...HEADERS, 'content-type': TYPES['.json'] })
        .end(JSON.stringify(given));
    if (request.method === 'GET') return sendFile(pathname, response);
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      response.writeHead(204, HEADERS).end();
      try {
        receive(JSON.parse(Buffer.concat(parts).toString('utf8')));
      } catch (error) {
        receive({ error: `the page posted no JSON: ${error.message}` });
      }
    });
  });
  await new Promise((resolve, reject) =>
    server.on('error', reject).listen(0, '127.0.0.1', resolve),
  );
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { origin: `http://127.0.0.1:${server.address().port}`, posted, close };
}

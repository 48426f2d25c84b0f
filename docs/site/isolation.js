// A service worker that gives the pages below its scope the headers that shared memory asks for,
// where the host cannot send them: with them threads train. It keeps nothing and changes nothing
// else.

const HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** The same answer with these headers. Those of other origins cannot be read and stay. */
function isolated(response) {
  if (response.status === 0 || response.type === 'error') return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value);
  const isBodiless = [101, 204, 205, 304].includes(response.status);
  const { status, statusText } = response;
  return new Response(isBodiless ? null : response.body, { status, statusText, headers });
}

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
self.addEventListener('fetch', (event) => {
  const { request } = event;
  const isOwn = new URL(request.url).origin === self.location.origin;
  if (request.method !== 'GET' || !isOwn || request.cache === 'only-if-cached') return;
  event.respondWith(fetch(request).then(isolated));
});

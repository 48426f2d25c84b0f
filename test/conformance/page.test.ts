// docs/verify.html stands on servers that have other pages, too: it sends nothing anywhere. The
// server of these tests adds what posts the report to it.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { serve } from './server.mjs';

test('the page has no way to send a request with content', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/verify.html'), 'utf8');
  expect(page).not.toMatch(
    /fetch\(|XMLHttpRequest|sendBeacon|<form|WebSocket|EventSource|location\.search/,
  );
});

test('what the server of the tests sends posts to a fixed path of itself', async () => {
  const server = await serve();
  try {
    const text = await (await fetch(`${server.origin}/docs/verify.html`)).text();
    expect(text.match(/fetch\(/g)?.length).toBe(1);
    expect(text).toContain("fetch('/posted', { method: 'POST'");
    await fetch(`${server.origin}/posted`, { method: 'POST', body: '{"a":1}' });
    expect(await server.posted).toEqual({ a: 1 });
  } finally {
    server.close();
  }
});

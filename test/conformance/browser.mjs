// A browser without a driver: it is started on a page of the local server, the page posts its
// answer back, the browser is ended.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { complaint, start, within } from './execute.mjs';
import { serve } from './server.mjs';

/** Command lines by browser, from its program, a folder for its profile and the page. */
export const BROWSERS = {
  chromium: (program, profile, url) => [
    program,
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-dev-shm-usage',
    '--no-first-run',
    `--user-data-dir=${profile}`,
    url,
  ],
  firefox: (program, profile, url) => [
    program,
    '--headless',
    '--no-remote',
    '--profile',
    profile,
    url,
  ],
  // It has no headless mode: xvfb-run gives it a screen.
  webkitgtk: (program, _, url) => ['xvfb-run', '-a', program, url],
};

/** What `page` (a path from the root of the repository) posts, opened by a browser; `given` is what
 *  it finds at /given. */
export async function openPage(kind, program, page, { seconds = 120, given } = {}) {
  const server = await serve(given);
  const profile = mkdtempSync(join(tmpdir(), 'retrograd-browser-'));
  const browser = start(BROWSERS[kind](program, profile, `${server.origin}/${page}`), {
    env: { HOME: profile, TMPDIR: profile },
  });
  const early = browser.ended.then((result) => {
    throw new Error(`the browser ended: ${complaint(result)}`);
  });
  early.catch(() => {});
  try {
    return await within(seconds, Promise.race([server.posted, early]));
  } finally {
    browser.stop();
    server.close();
    await browser.ended;
    rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

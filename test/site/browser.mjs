// npm run site:test: looks at the built site in Chromium. Where there is none and none can be
// installed it is skipped, and says so; the last line is `N passed, N failed`.

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { SITE, serveSite, WORK } from '../../docs/site/build.mjs';
import { TRAINING } from '../../docs/site/navigation.mjs';
import { installChromium } from '../conformance/runtimes.mjs';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'];
const PAGES = [
  '',
  'start.html',
  'performance.html',
  'api/generate.html',
  'digits.html',
  'examples.html',
];

function demand(isRight, words) {
  if (!isRight) throw new Error(words);
}

/** A page that trains is isolated and has threads. */
async function threadsOf(context, address) {
  const page = await context.newPage();
  await page.goto(address);
  await page.waitForFunction(() => crossOriginIsolated, undefined, { timeout: 60_000 });
  await page.waitForSelector('body[data-state="idle"]');
  await page.click('#start');
  await page.waitForFunction(
    () => Number(document.querySelector('#threads').textContent) >= 2,
    undefined,
    { timeout: 120_000 },
  );
  const threads = await page.textContent('#threads');
  await page.close();
  return threads.trim();
}

/** With headers or by the service worker, both pages are isolated and train on threads. */
async function threadsTrain({ browser, origins, base }) {
  const said = [];
  for (const [kind, origin] of Object.entries(origins)) {
    const context = await browser.newContext();
    for (const folder of TRAINING) {
      const threads = await threadsOf(context, `${origin}${base}${folder}/index.html`);
      said.push(`${folder} by ${kind}: ${threads}`);
    }
    await context.close();
  }
  return `threads of ${said.join(', ')}`;
}

/** A host that sends no headers and has no service worker still gets a page of one thread. */
async function oneThreadWithoutWorkers({ browser, origins, base }) {
  const context = await browser.newContext({ serviceWorkers: 'block' });
  const page = await context.newPage();
  await page.goto(`${origins.plain}${base}play/index.html`);
  await page.waitForTimeout(1000);
  demand(!(await page.evaluate(() => crossOriginIsolated)), 'it is isolated');
  await page.waitForSelector('#start:not([disabled])');
  await context.close();
  return 'not isolated, ready';
}

/** Pages of text: axe finds nothing, light and dark, and none is wider than 360 pixels. */
async function pagesAreAccessible({ browser, origins, base }) {
  for (const colorScheme of ['light', 'dark']) {
    const context = await browser.newContext({
      colorScheme,
      viewport: { width: 360, height: 800 },
    });
    for (const name of PAGES) {
      const page = await context.newPage();
      const complaints = [];
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('request', (request) => {
        if (!request.url().startsWith(origins.plain)) complaints.push(`asks ${request.url()}`);
      });
      await page.goto(`${origins.plain}${base}${name}`, { waitUntil: 'networkidle' });
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      demand(width <= 360, `${name} is ${width} pixels wide`);
      await page.addScriptTag({ path: AXE });
      const { violations } = await page.evaluate(() => globalThis.axe.run());
      const found = violations.map(({ id, nodes }) => `${id} (${nodes[0].html.slice(0, 80)})`);
      demand(found.length === 0, `${name || 'front'}, ${colorScheme}: ${found.join('; ')}`);
      demand(complaints.length === 0, `${name}: ${complaints.join('; ')}`);
      await page.close();
    }
    await context.close();
  }
  return `${PAGES.length} pages, light and dark`;
}

/** The search finds a page by a word of its text. */
async function searchFinds({ browser, origins, base }) {
  const page = await browser.newPage();
  await page.goto(`${origins.plain}${base}`, { waitUntil: 'networkidle' });
  await page.click('.DocSearch-Button');
  await page.fill('#localsearch-input', 'Philox');
  await page.waitForSelector('#localsearch-list .result', { timeout: 30_000 });
  const found = await page.locator('#localsearch-list .result').count();
  await page.close();
  return `${found} places for Philox`;
}

const CHECKS = [threadsTrain, oneThreadWithoutWorkers, pagesAreAccessible, searchFinds];

async function main(words) {
  const chosen = CHECKS.filter(({ name }) => words.length === 0 || words.includes(name));
  const skipped = (reason) => {
    console.log(`skipped: ${reason}`);
    console.log(`0 passed, 0 failed, ${chosen.length} skipped`);
  };
  if (!existsSync(join(SITE, 'index.html'))) return skipped('run npm run site first');
  let executablePath;
  try {
    [executablePath] = [await installChromium()].flat();
  } catch (error) {
    return skipped(`no Chromium (${error.message})`);
  }
  const base = readFileSync(join(WORK, 'base'), 'utf8');
  const servers = {
    headers: await serveSite({ base }),
    plain: await serveSite({ base, isIsolated: false }),
  };
  const origins = Object.fromEntries(
    Object.entries(servers).map(([kind, { origin }]) => [kind, origin]),
  );
  const browser = await chromium.launch({ executablePath, args: ARGUMENTS });
  let failed = 0;
  for (const check of chosen)
    try {
      console.log(`ok     ${check.name}: ${await check({ browser, origins, base })}`);
    } catch (error) {
      failed++;
      console.log(`FAILED ${check.name}: ${error.message}`);
    }
  await browser.close();
  for (const server of Object.values(servers)) server.close();
  console.log(`${chosen.length - failed} passed, ${failed} failed`);
  if (failed > 0) process.exitCode = 1;
}

await main(process.argv.slice(2));

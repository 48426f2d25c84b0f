// Pages of the playground in Debian's Chromium, driven by playwright-core, and what a check needs.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { servePlayground } from '../../docs/playground/build.mjs';
import { installChromium } from '../conformance/runtimes.mjs';
import { skipUnless } from './machine.mjs';

const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'];
/** With them V8 takes the processor for one so old that it has no SIMD for WebAssembly. */
const OLD = [...ARGUMENTS, '--js-flags=--no-enable-sse4-1'];

/** Throws with words if `isRight` is false. */
export function demand(isRight, words) {
  if (!isRight) throw new Error(words);
}

export const same = (found, expected, what) =>
  demand(found === expected, `${what} is ${found}, expected ${expected}`);

export const text = async (page, id) => (await page.textContent(`#${id}`))?.trim() ?? '';

/** Waits until a condition of the page holds; `argument` is handed to it. */
export const until = (page, condition, argument, seconds = 120) =>
  page.waitForFunction(condition, argument, { timeout: seconds * 1000, polling: 50 });

/** Waits a moment, in which a text must not change. */
export async function staysAt(page, id) {
  const before = await text(page, id);
  await page.waitForTimeout(300);
  same(await text(page, id), before, `#${id} some time later`);
}

/** Waits for a run's state: idle, running, paused, ended. */
export const reach = (page, state, seconds) =>
  until(page, (wanted) => document.body.dataset.state === wanted, state, seconds);

/** Waits until so many steps are shown to be done. */
export const steps = (page, count) =>
  until(page, (n) => Number.parseInt(document.querySelector('#step').textContent, 10) >= n, count);

/** What the page says is wrong. */
export async function trouble(page) {
  await until(page, () => !document.querySelector('#trouble').hidden);
  return (await page.textContent('#trouble p')).trim();
}

/** What a page says in a browser without SIMD for WebAssembly. */
export async function toldWithoutSimd(open, hash) {
  skipUnless(process.arch === 'x64', 'only there V8 can be told to have no SIMD');
  const page = await open(hash, { isOld: true });
  await page.click('#start');
  const said = await trouble(page);
  await page.finish();
  demand(/without 128-bit SIMD\. What helps: /.test(said), said);
  return said;
}

/** The policy of a strict host: enough for the page, and nothing more. */
const ENOUGH =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; " +
  "worker-src 'self'; img-src data:";

/** A browser and servers of a page (`serve` as servePlayground): isolated and not, with a policy
 *  that is too strict, and with one that is just enough. Throws if there is no Chromium to be had.
 */
export async function openBrowser(serve = servePlayground) {
  const [executablePath] = [await installChromium()].flat();
  const withPolicy = (policy) => serve({ more: { 'content-security-policy': policy } });
  const servers = {
    isolated: await serve(),
    plain: await serve({ isIsolated: false }),
    strict: await withPolicy("default-src 'self'"),
    enough: await withPolicy(ENOUGH),
  };
  const browser = await chromium.launch({ executablePath, args: ARGUMENTS });
  let old;
  const folder = mkdtempSync(join(tmpdir(), 'retrograd-playground-'));
  const close = async () => {
    await browser.close();
    await old?.close();
    for (const server of Object.values(servers)) server.close();
    rmSync(folder, { recursive: true, force: true });
  };
  const opened = [];
  /** Pages that a check left open when it failed. */
  const tidy = async () => {
    for (const context of opened.splice(0)) await context.close();
  };
  /** A page in a profile of its own, `isOld`: of a browser without SIMD. Anything that it complains
   *  of fails the check. */
  async function open(hash = '', { kind = 'isolated', isOld = false, ...options } = {}) {
    if (isOld) old ??= await chromium.launch({ executablePath, args: OLD });
    const context = await (isOld ? old : browser).newContext({ acceptDownloads: true, ...options });
    opened.push(context);
    const page = await context.newPage();
    const complaints = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (line) => {
      if (['error', 'warning'].includes(line.type())) complaints.push(line.text());
    });
    page.finish = async () => {
      await context.close();
      demand(complaints.length === 0, `the page complains: ${complaints.join('; ')}`);
    };
    await page.goto(`${servers[kind].origin}/${hash}`);
    return page;
  }
  /** What a button downloads, as a file of the folder. */
  async function download(page, id, name) {
    await page.evaluate(() => document.querySelector('#go-on').setAttribute('open', ''));
    const [file] = await Promise.all([page.waitForEvent('download'), page.click(`#${id}`)]);
    const path = join(folder, name ?? file.suggestedFilename());
    await file.saveAs(path);
    return path;
  }
  return { open, tidy, download, folder, version: browser.version(), close };
}

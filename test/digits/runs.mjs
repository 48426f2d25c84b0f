// Runs of the page: as good as they should be, in time, with the bits of Node.

import { digitsSizes } from '../../docs/examples/digits/build.mjs';
import { pageParts, trained } from '../../docs/examples/digits/publish.mjs';
import {
  demand,
  reach,
  same,
  staysAt,
  steps,
  text,
  toldWithoutSimd,
  trouble,
} from '../playground/driver.mjs';
import { within } from '../playground/machine.mjs';
import { FRAMES, gapsOf, MAX_GAP, TRIES } from '../playground/smooth.mjs';

/** Of a digest, as it is reported. */
const SHORT = 16;
export const SMALL = '#steps=50&seed=5';
const MAX_BYTES = 250_000;
const MAX_SECONDS = 60;
const LEAST_RIGHT = 95;

export function isLight() {
  const { total } = digitsSizes();
  demand(total <= MAX_BYTES, `the page has ${total} bytes gzipped, at most ${MAX_BYTES} are meant`);
  return `${total} bytes gzipped, WebAssembly and 5,620 digits included`;
}

/** A run from beginning to end. */
export async function wholeRun(page) {
  await page.click('#start');
  await reach(page, 'ended');
  return text(page, 'digest');
}

export async function equalToNode({ open }) {
  const expected = await trained(await pageParts(), { steps: 50, seed: 5 }).weightsSha256();
  const threads = {};
  for (const kind of ['plain', 'isolated']) {
    const page = await open(SMALL, { kind });
    same(await wholeRun(page), expected, `the digest of the page, ${kind}`);
    const verdict = await text(page, 'verdict');
    threads[kind] = await text(page, 'threads');
    await page.finish();
    same(verdict, 'The same weights, bit for bit: equal to the published digest.', 'the verdict');
  }
  same(threads.plain, '1', 'the number of threads without isolation');
  const digest = expected.slice(0, SHORT);
  return `${digest} in Node and in a page (1 thread; ${threads.isolated} threads when isolated)`;
}

/** From pressing Train to the end of the run that the page offers, judged by all unseen digits. */
export async function learnsInTime({ open }) {
  const said = [];
  for (const kind of ['isolated', 'plain']) {
    let right = '';
    let threads = '';
    const measure = async () => {
      const page = await open('', { kind });
      const start = performance.now();
      await wholeRun(page);
      const time = performance.now() - start;
      right = await page.getAttribute('#accuracy', 'title');
      threads = await text(page, 'threads');
      await page.finish();
      return time;
    };
    const time = await within(1000 * MAX_SECONDS, 1, measure);
    const [found, all] = right.split(' of ').map(Number);
    const share = (100 * found) / all;
    demand(share >= LEAST_RIGHT, `${right} unseen digits are recognised`);
    const many = threads === '1' ? '1 thread' : `${threads} threads`;
    said.push(`${right} (${share.toFixed(1)} %) after ${(time / 1000).toFixed(1)} s, ${many}`);
  }
  return `unseen digits recognised: ${said.join('; ')}`;
}

export async function pausesAndStops({ open }) {
  const page = await open('#steps=50&seed=5');
  await page.click('#start');
  await steps(page, 5);
  await page.click('#pause');
  await reach(page, 'paused');
  const paused = await text(page, 'state');
  await staysAt(page, 'step');
  same(await text(page, 'state'), paused, 'the state some time after a pause');
  await page.click('#resume');
  await reach(page, 'ended');
  const verdict = await text(page, 'verdict');
  same(verdict, 'The same weights, bit for bit: equal to the published digest.', 'the verdict');
  await page.selectOption('#steps', '4000');
  await page.click('#start');
  await reach(page, 'running');
  await steps(page, 20);
  await page.click('#stop');
  await reach(page, 'ended');
  const stopped = await text(page, 'verdict');
  await page.finish();
  const [, step] = /^Stopped after step (\d+)\.$/.exec(stopped) ?? [];
  demand(step >= 20 && step < 4000, stopped);
  return `${paused}, resumed to the published digest; ${stopped.toLowerCase()}`;
}

export async function linkReproduces({ open }) {
  const page = await open('#steps=40&seed=77');
  const digest = await wholeRun(page);
  const link = new URL(page.url()).hash;
  await page.finish();
  demand(link.includes(`digest=${digest}`), 'the address has not the digest of the run');
  const other = await open(`${link}&start=1`);
  await reach(other, 'ended');
  const verdict = await text(other, 'verdict');
  await other.finish();
  const expected = 'The same weights, bit for bit: equal to the digest of the link.';
  same(verdict, expected, 'the verdict');
  const wrong = await open(`${link.replace(digest, digest.replace(/./g, '0'))}&start=1`);
  await reach(wrong, 'ended');
  const found = await text(wrong, 'verdict');
  await wrong.finish();
  demand(found.startsWith('DIFFERENT from the digest of the link'), found);
  return `a link ends with ${digest.slice(0, SHORT)} again; another digest is told`;
}

export async function badAddressIsTold({ open }) {
  const page = await open('#steps=many&seed=-1');
  const said = await trouble(page);
  demand(/^Steps in the address is many, .*; seed in the address is -1, /.test(said), said);
  await page.click('#trouble-close');
  await page.fill('#seed', '1.5');
  await page.press('#seed', 'Enter');
  const seed = await trouble(page);
  demand(/^The seed is no whole number\. What helps: /.test(seed), seed);
  await page.click('#start');
  await steps(page, 5);
  await page.finish();
  return 'an address and a seed that are wrong are told, and the page trains afterwards';
}

/** A host whose policy lets nobody compile WebAssembly: the library says which word is missing. */
export async function strictPolicyIsTold({ open }) {
  const page = await open(SMALL, { kind: 'strict' });
  await page.click('#start');
  const said = await trouble(page);
  await page.finish().catch(() => undefined); // the browser complains of the policy, too
  demand(/'wasm-unsafe-eval'/.test(said), `the page says: ${said}`);
  return said;
}

/** A browser without SIMD for WebAssembly. */
export const withoutSimdIsTold = ({ open }) => toldWithoutSimd(open, SMALL);

/** A host whose policy lets it do what it must and nothing more. */
export async function enoughPolicySuffices({ open }) {
  const page = await open(SMALL, { kind: 'enough' });
  await wholeRun(page);
  await page.finish();
  return "trains under default-src 'none' with scripts, styles and workers of its own alone";
}

/** Gaps between frames from the first step on. */
export async function framesFlow({ open }) {
  const longest = await within(MAX_GAP, TRIES, async () => {
    const page = await open('#steps=100000');
    await page.click('#start');
    await steps(page, 1);
    const [gap] = await page.evaluate(gapsOf, FRAMES);
    const state = await page.evaluate(() => document.body.dataset.state);
    await page.finish();
    same(state, 'running', 'the state while frames were counted');
    return gap;
  });
  return `the longest gap of ${FRAMES} frames is ${longest.toFixed(1)} ms`;
}

// How the page feels: its size, the time to its first step, its frames, and its pause.

import { playgroundSizes } from '../../docs/playground/build.mjs';
import { demand, reach, staysAt, steps, text, until } from './driver.mjs';
import { within } from './machine.mjs';

const MAX_BYTES = 250_000;
const MAX_FIRST_STEP = 1000;
export const MAX_GAP = 50;
export const FRAMES = 1000;
export const TRIES = 3;
const MAX_GROWTH = 2 ** 20;

export function isLight() {
  const { total } = playgroundSizes();
  demand(total <= MAX_BYTES, `the page has ${total} bytes gzipped, at most ${MAX_BYTES} are meant`);
  return `${total} bytes gzipped, WebAssembly included`;
}

/** From the beginning of the navigation to the first step that is done. */
export async function beginsSoon({ open }) {
  const time = await within(MAX_FIRST_STEP, TRIES, () => firstStep(open));
  return `the first step is done ${time.toFixed(0)} ms after the address was entered`;
}

async function firstStep(open) {
  const page = await open('#train&start=1', { kind: 'plain' });
  await until(page, () => performance.getEntriesByName('first step').length > 0);
  const time = await page.evaluate(() => performance.getEntriesByName('first step')[0].startTime);
  await page.finish();
  return time;
}

/** Gaps between frames while it trains, milliseconds, the longest first. */
export const gapsOf = (frames) =>
  new Promise((resolve) => {
    const gaps = [];
    let before = performance.now();
    const frame = () => {
      const now = performance.now();
      gaps.push(now - before);
      before = now;
      if (gaps.length < frames) requestAnimationFrame(frame);
      else resolve(gaps.sort((a, b) => b - a));
    };
    requestAnimationFrame(frame);
  });

export async function framesFlow({ open }) {
  const longest = await within(MAX_GAP, TRIES, () => longestGap(open));
  return `the longest gap of ${FRAMES} frames is ${longest.toFixed(1)} ms`;
}

async function longestGap(open) {
  const page = await open('#train&steps=20000');
  await page.click('#start');
  await until(page, () => performance.getEntriesByName('first step').length > 0);
  const [longest] = await page.evaluate(gapsOf, FRAMES);
  const state = await page.evaluate(() => document.body.dataset.state);
  await page.finish();
  demand(state === 'running', `the run was ${state} while frames were counted`);
  return longest;
}

/** Steps so long that each is reported: the pause comes after the one that was begun. */
export async function pausesAtOnce({ open }) {
  const page = await open('#train&layers=8&channels=128&context=96&batch=8');
  await page.click('#start');
  await until(page, () => Number.parseInt(document.querySelector('#step').textContent, 10) >= 2);
  const before = await page.evaluate(() => {
    document.querySelector('#pause').click();
    return Number.parseInt(document.querySelector('#step').textContent, 10);
  });
  await reach(page, 'paused');
  const step = Number(/\d+/.exec(await text(page, 'state'))[0]);
  await staysAt(page, 'step');
  await page.finish();
  demand(step - before <= 1, `pressed after step ${before}, paused after step ${step}`);
  return `pressed after step ${before}, paused after step ${step}`;
}

/** Bytes of the page and its workers after a collection of garbage. */
const memoryOf = async (page) => {
  const { bytes } = await page.evaluate(() => performance.measureUserAgentSpecificMemory());
  return bytes;
};

/** After so many steps, paused. */
async function memoryAfter(page, count) {
  await steps(page, count);
  await page.click('#pause');
  await reach(page, 'paused');
  return memoryOf(page);
}

/** 20,000 steps of a model so small that they take a minute: what is held at a quarter of them is
 *  held after all. */
export async function memoryStaysFlat({ open }) {
  const page = await open('#train&layers=1&channels=8&heads=1&context=4&batch=1&steps=30000');
  await page.click('#start');
  const early = await memoryAfter(page, 5000);
  await page.click('#resume');
  await reach(page, 'running');
  const late = await memoryAfter(page, 20_000);
  await page.finish();
  const grown = late - early;
  demand(grown <= MAX_GROWTH, `${early} bytes after 5,000 steps, ${late} after 20,000`);
  return `${early} bytes after 5,000 steps, ${late} after 20,000`;
}

// Whom the page serves: axe finds nothing in any view, light or dark; the keyboard alone reaches
// and does everything; 360 pixels are wide enough; who wants no motion gets none.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { demand, reach, same, text, until } from './driver.mjs';
import { SMALL } from './runs.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
export const CALM = { reducedMotion: 'reduce' };
export const NARROW = { width: 360, height: 740 };

/** The page with something to see in it, of each view. */
const VIEWS = {
  train: async (page) => {
    await page.click('#start');
    await reach(page, 'ended');
    await page.click('#go-on summary');
  },
  backward: async (page) => {
    await page.click('#flip');
    await until(page, () => document.querySelector('#journey-error').textContent !== '');
  },
  compare: async (page) => {
    await page.click('#race');
    await until(page, () => document.querySelector('#race-verdict').textContent !== '');
  },
};

/** What axe finds, in words. */
export async function violations(page) {
  await page.evaluate(AXE);
  const found = await page.evaluate(() => globalThis.axe.run());
  return found.violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 90)).join(' ')}`,
  );
}

async function look({ open }, view, colorScheme) {
  const options = { ...CALM, colorScheme, viewport: NARROW };
  const page = await open(SMALL.replace('#train', `#${view}`), options);
  await VIEWS[view](page);
  const found = await violations(page);
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  await page.finish();
  demand(found.length === 0, `${view}, ${colorScheme}: ${found.join('; ')}`);
  same(width, NARROW.width, `the width of ${view} in a window of ${NARROW.width} pixels`);
}

export async function axeFindsNothing(driver) {
  const views = Object.keys(VIEWS);
  for (const view of views) await look(driver, view, 'light');
  for (const view of views) await look(driver, view, 'dark');
  return `0 violations in ${views.join(', ')}, light and dark, ${NARROW.width} pixels wide`;
}

/** Presses Tab until the element of an id has the focus. */
export async function tabTo(page, id) {
  for (let i = 0; i < 80; i++) {
    await page.keyboard.press('Tab');
    if (await page.evaluate((wanted) => document.activeElement?.id === wanted, id)) return;
  }
  throw new Error(`Tab does not reach #${id}`);
}

/** Everything that can be pressed, changed or read by scrolling, as far as it is shown. */
export const reachable = () => {
  const all = 'button, input, select, textarea, summary, [tabindex="0"]';
  const isShown = (element) => element.checkVisibility() && !element.disabled;
  const isOwn = (element) => element.tabIndex >= 0 && element.type !== 'radio';
  const elements = [...document.querySelectorAll(all)].filter(isShown).filter(isOwn);
  return elements.map(({ id, className, tagName }) => id || className || tagName);
};

/** Where Tab goes from the beginning of the page until it comes back to the element `first`. */
export async function walkedBy(page, first) {
  const walked = new Set();
  await page.evaluate(() => document.activeElement?.blur());
  for (let i = 0; i < 100; i++) {
    await page.keyboard.press('Tab');
    const name = await page.evaluate(() => {
      const { id, className, tagName } = document.activeElement;
      return id || className || tagName;
    });
    if (walked.has(name) && name === first) break;
    walked.add(name);
  }
  return walked;
}

export async function keyboardSuffices({ open }) {
  const page = await open(SMALL, CALM);
  await until(page, () => document.querySelector('#memory-parts').children.length > 0);
  const walked = await walkedBy(page, 'tab-train');
  const missing = (await page.evaluate(reachable)).filter((name) => !walked.has(name));
  same(missing.join(', '), '', 'what Tab does not reach');
  await tabTo(page, 'set-layers');
  await page.keyboard.press('ArrowLeft');
  demand(page.url().includes('layers=2'), 'an arrow does not move a slider');
  await tabTo(page, 'start');
  await page.keyboard.press('Enter');
  await reach(page, 'ended');
  await tabTo(page, 'tab-train');
  await page.keyboard.press('ArrowRight');
  await until(page, () => document.querySelector('#journey-verdict').textContent !== '');
  await tabTo(page, 'flip');
  await page.keyboard.press('Enter');
  await until(page, () => document.querySelector('#journey-error').textContent !== '');
  const error = await text(page, 'journey-error');
  await page.finish();
  demand(error.startsWith('ReconstructionError'), error);
  return `Tab reaches all ${walked.size} places; by keys alone a run, its end and a flipped bit`;
}

// Whom the page serves: axe finds nothing, light or dark; the keyboard alone reaches everything and
// draws; a finger draws; 360 pixels are wide enough; who wants no motion gets none.

import { CALM, NARROW, reachable, tabTo, violations, walkedBy } from '../playground/access.mjs';
import { demand, reach, same, text, until } from '../playground/driver.mjs';
import { seen, settled } from './drawings.mjs';
import { SMALL, wholeRun } from './runs.mjs';

async function look({ open }, colorScheme) {
  const page = await open(SMALL, { ...CALM, colorScheme, viewport: NARROW });
  await wholeRun(page);
  await page.click('#strange');
  await page.click('details summary');
  await settled(page);
  const moving = await page.evaluate(() => document.getAnimations().length);
  const found = await violations(page);
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  await page.finish();
  same(moving, 0, 'the number of animations for who wants none');
  demand(found.length === 0, `${colorScheme}: ${found.join('; ')}`);
  same(width, NARROW.width, `the width in a window of ${NARROW.width} pixels`);
}

export async function axeFindsNothing(driver) {
  for (const scheme of ['light', 'dark']) await look(driver, scheme);
  return `0 violations, light and dark, ${NARROW.width} pixels wide, nothing moves`;
}

/** A 1 by keys: the pen is lowered a quarter from the top, and goes down. */
async function drawOne(page) {
  await tabTo(page, 'pad');
  await page.keyboard.press('Space');
  for (let i = 0; i < 12; i++) await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Space');
  await settled(page);
}

export async function keyboardSuffices({ open }) {
  const page = await open('#steps=500', CALM);
  await tabTo(page, 'start');
  await page.keyboard.press('Enter');
  await reach(page, 'ended');
  await drawOne(page);
  const one = await seen(page);
  same(`${one.digit} ${one.verdict}`, '1 digit', 'what is seen of a 1 by keys');
  const walked = await walkedBy(page, 'pad');
  const missing = (await page.evaluate(reachable)).filter((name) => !walked.has(name));
  same(missing.join(', '), '', 'what Tab does not reach');
  await tabTo(page, 'pad');
  await page.keyboard.press('Backspace');
  await until(page, () => /Nothing/.test(document.querySelector('#says').textContent));
  await page.finish();
  return `Tab reaches all ${walked.size} places; by keys alone a run, a 1 that is seen, and undo`;
}

/** Touches as a phone has them. */
export async function fingersDraw({ open }) {
  const page = await open(SMALL, { hasTouch: true, viewport: NARROW });
  const place = () => page.evaluate(() => scrollY);
  const session = await page.context().newCDPSession(page);
  await page.locator('#pad').scrollIntoViewIfNeeded();
  const { x, y, width, height } = await page.locator('#pad').boundingBox();
  const touch = (type, points) =>
    session.send('Input.dispatchTouchEvent', {
      type,
      touchPoints: points.map(([px, py]) => ({ x: x + px * width, y: y + py * height })),
    });
  const before = await place();
  await touch('touchStart', [[0.5, 0.1]]);
  for (let i = 1; i <= 10; i++) await touch('touchMove', [[0.5, 0.1 + 0.08 * i]]);
  await touch('touchEnd', []);
  await settled(page);
  const said = await text(page, 'says');
  same(await place(), before, 'how far the page is scrolled after a stroke');
  await page.finish();
  demand(said.startsWith('Not trained yet'), `the page says: ${said}`);
  return 'a stroke by a finger, the page stays where it is';
}

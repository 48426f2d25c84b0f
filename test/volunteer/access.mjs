// Whom the page serves: axe finds nothing, light or dark; the keyboard alone reaches everything;
// 360 pixels are wide enough.

import { CALM, NARROW, reachable, tabTo, violations, walkedBy } from '../playground/access.mjs';
import { demand, reach, same } from '../playground/driver.mjs';
import { onStage, openFound } from './stage.mjs';

const LONG = 100_000;

async function inspect(page, scheme, state) {
  const found = await violations(page);
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  demand(found.length === 0, `${scheme}, ${state}: ${found.join('; ')}`);
  same(width, NARROW.width, `the width in a window of ${NARROW.width} pixels, ${state}`);
}

async function look(open, stage, colorScheme) {
  const options = { ...CALM, colorScheme, viewport: NARROW };
  const page = await openFound(open, stage.hash(), options);
  await inspect(page, colorScheme, 'asked for consent');
  await page.click('#start');
  await reach(page, 'working');
  await inspect(page, colorScheme, 'at work');
  await page.click('#stop');
  await reach(page, 'ended');
  await inspect(page, colorScheme, 'at the end');
  await page.finish();
}

async function longRun(act) {
  return onStage(async (stage) => {
    await stage.begin(LONG);
    stage.endAlone();
    stage.divide(LONG);
    return act(stage);
  });
}

export async function axeFindsNothing({ open }) {
  return longRun(async (stage) => {
    for (const scheme of ['light', 'dark']) await look(open, stage, scheme);
    const where = 'before, at work and at the end, light and dark';
    return `0 violations ${where}, ${NARROW.width} pixels wide`;
  });
}

export async function keyboardSuffices({ open }) {
  return longRun(async (stage) => {
    const page = await openFound(open, stage.hash(), CALM);
    const walked = await walkedBy(page, 'server');
    const missing = (await page.evaluate(reachable)).filter((name) => !walked.has(name));
    same(missing.join(', '), '', 'what Tab does not reach');
    await tabTo(page, 'start');
    await page.keyboard.press('Enter');
    await reach(page, 'working');
    await tabTo(page, 'pause');
    await page.keyboard.press('Enter');
    await reach(page, 'paused');
    await tabTo(page, 'stop');
    await page.keyboard.press('Enter');
    await reach(page, 'ended');
    await page.finish();
    return `Tab reaches all ${walked.size} places; by keys alone a start, a pause and an end`;
  });
}

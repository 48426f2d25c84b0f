// The view Backward: every rule rebuilds every state, and every bit that is turned over is noticed
// by the library, which names block, sample and element.

import { demand, same, text, until } from './driver.mjs';

const VIEW = '#backward&layers=4&channels=32&heads=4&context=16&batch=4';
const ELEMENTS = 32 * 16;
const RULES = ['bdia', 'leapfrog', 'momentum', 'coupling'];
/** No walk has to be waited for. */
const CALM = { reducedMotion: 'reduce' };

/** What the page says at the end of a walk. */
async function verdict(page) {
  await until(page, () => document.querySelector('#journey-verdict').textContent !== '');
  return text(page, 'journey-verdict');
}

const captions = (page) => page.locator('#states figcaption').allTextContents();

async function walk({ open }, rule) {
  const page = await open(`${VIEW}&rule=${rule}`, CALM);
  const said = await verdict(page);
  const all = await captions(page);
  await page.finish();
  demand(/^\d+ states of the batch .*: 0 elements differ\.$/.test(said), `${rule}: ${said}`);
  same(all.length, 5, `the number of states of ${rule}`);
  for (const caption of all) same(caption, `0 of ${ELEMENTS} differ`, `a state of ${rule}`);
}

export async function walksBack(driver) {
  for (const rule of RULES) await walk(driver, rule);
  return `${RULES.join(', ')}: 5 states each, 0 of ${ELEMENTS} elements differ`;
}

/** Chooses a bit and turns it over; the library's words. */
async function flip(page, { what, block, element, bit }) {
  await page.selectOption('#flip-what', what);
  await page.selectOption('#flip-block', String(block));
  await page.fill('#flip-element', String(element));
  if (what === 'state') await page.fill('#flip-bit', String(bit));
  await page.evaluate(() => {
    document.querySelector('#journey-error').textContent = '';
  });
  await page.click('#flip');
  await until(page, () => document.querySelector('#journey-error').textContent !== '');
  return text(page, 'journey-error');
}

function checkError(error, { block, sample, element }, isOne, rule) {
  const found = new RegExp(
    '^ReconstructionError: the states before block (\\d+) of sample (\\d+) were not rebuilt ' +
      `exactly in step 1: (\\d+) of ${ELEMENTS} elements differ, the first is element (\\d+); ` +
      'no weight was changed$',
  ).exec(error);
  demand(found !== null, `${rule}: the library says: ${error}`);
  const [where, whose, count, first] = found.slice(1).map(Number);
  same(where, block, `${rule}: the block`);
  same(whose, sample, `${rule}: the sample`);
  if (isOne) same(`${count} from ${first}`, `1 from ${element}`, `${rule}: the elements`);
}

/** BDIA and leapfrog: what is turned over stays where it is, so block, sample and element are told;
 *  the others mix it with its neighbours at once. */
async function flipsOf({ open }, rule) {
  const page = await open(`${VIEW}&rule=${rule}`, CALM);
  await verdict(page);
  await page.fill('#sample', '2');
  let count = 0;
  const sides = { bdia: ['state', 'side'], momentum: ['state', 'side'] }[rule] ?? ['state'];
  for (const what of sides)
    for (const block of [1, 2, 3])
      for (const [element, bit] of [
        [0, 0],
        [ELEMENTS - 1, 30],
      ]) {
        const chosen = { what, block, element, bit, sample: 2 };
        const error = await flip(page, chosen);
        checkError(error, chosen, ['bdia', 'leapfrog'].includes(rule), rule);
        count++;
      }
  await page.click('#walk');
  await until(page, () =>
    /0 elements/.test(document.querySelector('#journey-verdict').textContent),
  );
  await page.finish();
  return count;
}

export async function everyFlipIsNoticed(driver) {
  let count = 0;
  for (const rule of RULES) count += await flipsOf(driver, rule);
  return `${count} of ${count} bits of states and side bits: block, sample and element are named`;
}

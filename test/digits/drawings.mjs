// Drawings: the committed ones, drawn with a mouse as a hand would, and what the page says of them.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { demand, text, until } from '../playground/driver.mjs';
import { wholeRun } from './runs.mjs';

const STROKES = join(import.meta.dirname, '../../docs/examples/digits/strokes');
export const drawings = (name) =>
  Object.entries(JSON.parse(readFileSync(join(STROKES, `${name}.json`), 'utf8')));
/** Units of a side of the pad. */
const PAD = 1000;
const LEAST_RECOGNISED = 0.8;
const LEAST_NOTICED = 0.8;
const MOST_CALLED_STRANGE = 0.2;

/** Draws with the mouse; ends when the page has said what it sees. */
export async function draw(page, strokes) {
  const { x, y, width, height } = await page.locator('#pad').boundingBox();
  const at = ([px, py]) => [x + (px * width) / PAD, y + (py * height) / PAD];
  for (const [first, ...others] of strokes) {
    await page.mouse.move(...at(first));
    await page.mouse.down();
    await Promise.all(others.map((point) => page.mouse.move(...at(point))));
    await page.mouse.up();
  }
  await settled(page);
}

/** What is said stays for two frames and an answer of the worker. */
export async function settled(page) {
  let before = '';
  for (let same = 0; same < 3; ) {
    await page.waitForTimeout(25);
    const now = `${await text(page, 'says')} ${await text(page, 'why')}`;
    same = now === before ? same + 1 : 0;
    before = now;
  }
}

/** The verdict and the digit of the highest bar. */
export const seen = (page) =>
  page.evaluate(() => ({
    verdict: document.querySelector('#says').dataset.verdict,
    digit: document.querySelector('#digits .best b')?.textContent,
  }));

/** name -> what is seen, of every drawing of a file. */
async function all(page, file) {
  const found = [];
  for (const [name, strokes] of drawings(file)) {
    await page.evaluate(() => document.querySelector('#clear').click());
    await until(page, () => /Nothing/.test(document.querySelector('#says').textContent));
    await draw(page, strokes);
    found.push({ name, ...(await seen(page)) });
  }
  return found;
}

const isCalledStrange = ({ verdict }) => verdict !== 'digit';

/** The digits first, then the strange ones, to one network. */
export async function drawingsAreSeen({ open }) {
  const page = await open();
  await wholeRun(page);
  const drawn = await all(page, 'digits');
  const others = await all(page, 'strange');
  await page.finish();
  const right = drawn.filter(({ name, digit }) => name[0] === digit);
  const strange = drawn.filter(isCalledStrange);
  const missed = others.filter((one) => !isCalledStrange(one)).map(({ name }) => name);
  const words = `${right.length} of ${drawn.length} drawn digits are recognised`;
  demand(right.length >= LEAST_RECOGNISED * drawn.length, words);
  const wrong = `${strange.length} of them are called strange`;
  demand(strange.length <= MOST_CALLED_STRANGE * drawn.length, wrong);
  const noticed = `${others.length - missed.length} of ${others.length} strange ones are noticed`;
  const not = missed.length === 0 ? '' : ` (not: ${missed.join(', ')})`;
  demand(missed.length <= (1 - LEAST_NOTICED) * others.length, `${noticed}${not}`);
  return `${words}, ${wrong}; ${noticed}${not}`;
}

// The view Compare: two runs at a time, their digests beside the published ones, a link to both.

import { demand, text, until } from './driver.mjs';
import { SMALL } from './runs.mjs';

const VIEW = SMALL.replace('#train', '#compare');

/** Both runs of a page that trains; what is said at the end. */
async function race(page, press) {
  if (press) await page.click('#race');
  await until(page, () => document.querySelector('#race-verdict').textContent !== '');
  return text(page, 'race-verdict');
}

export async function comparesTwo({ open }) {
  const page = await open(VIEW);
  const published = await race(page, true);
  const both = /^The first has the published digest, \w{64}\. The second has the published /;
  demand(both.test(published), `the page says: ${published}`);
  await page.fill('#other-seed', '6');
  await page.press('#other-seed', 'Enter');
  await page.selectOption('#other-rule', 'leapfrog');
  const found = await race(page, true);
  const link = new URL(page.url()).hash;
  await page.finish();
  const second = /The second has (\w{64})\./.exec(found)?.[1];
  demand(second !== undefined && link.includes(`other.digest=${second}`), `${found}: ${link}`);
  const other = await open(`${link}&start=1`);
  const again = await race(other, false);
  await other.finish();
  demand(again.includes(`The second has the digest of the link, ${second}.`), again);
  const twins = await open(`${VIEW}&other.seed=5&other.rule=bdia`);
  const equal = await race(twins, true);
  await twins.finish();
  demand(equal.startsWith('Both have the same weights, bit for bit.'), equal);
  return 'both published digests; a link to two runs has both again; equal runs are told';
}

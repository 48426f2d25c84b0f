// npm run browsers: drives the playground and the page of digits in Debian's Chromium, Firefox and
// WebKitGTK. A browser that cannot be had is skipped, with the reason, and has not passed; the last
// line is `N passed, N failed`. Words choose browsers; --record keeps what was found.

import { buildDigits, serveDigits } from '../../docs/examples/digits/build.mjs';
import { buildPlayground, servePlayground } from '../../docs/playground/build.mjs';
import { shortReason } from '../conformance/execute.mjs';
import { conclude, outcome, record } from '../playground/checks.mjs';
import { BROWSERS } from './drivers.mjs';
import { CHECKS, digestsOfNode } from './pages.mjs';
import { Tab } from './tab.mjs';

const RECORD = '--record';

/** All checks in one browser: outcomes. */
async function runIn(name, shared) {
  let browser;
  try {
    browser = await BROWSERS[name]();
  } catch (error) {
    const found = shortReason(error.message);
    console.log(`skipped ${name}: ${found}`);
    return { engine: name, outcomes: [{ name, status: 'skipped', found }] };
  }
  console.log(browser.version);
  const tab = new Tab(browser);
  const outcomes = [];
  try {
    for (const check of CHECKS) {
      const work = Object.defineProperty(() => check(tab, shared), 'name', { value: check.name });
      outcomes.push({ name: check.name, ...(await outcome(work, { tidy: () => undefined })) });
    }
    const complaints = browser.complaints();
    if (complaints.length > 0)
      outcomes.push({ name: 'complaints', status: 'failed', found: complaints.join('; ') });
  } finally {
    await browser.close();
  }
  return { engine: browser.version, outcomes };
}

async function main(words) {
  const names = words.filter((word) => word !== RECORD);
  await buildPlayground();
  await buildDigits();
  // isolated the one, not the other: with threads and without them
  const servers = [await servePlayground(), await serveDigits({ isIsolated: false })];
  const [play, draw] = servers.map(({ origin }) => origin);
  const shared = { play, draw, expected: await digestsOfNode(), link: undefined };
  const all = [];
  for (const name of names.length === 0 ? Object.keys(BROWSERS) : names) {
    const { engine, outcomes } = await runIn(name, shared);
    if (words.includes(RECORD)) record(name, 'npm run browsers', outcomes, engine);
    all.push(...outcomes);
  }
  for (const server of servers) server.close();
  conclude(all);
}

await main(process.argv.slice(2));

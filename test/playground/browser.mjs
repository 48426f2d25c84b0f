// npm run playground:test: builds the playground and drives it in Chromium. Where there is none and
// none can be installed it is skipped, and says so; the last line is `N passed, N failed`.

import { buildPlayground } from '../../docs/playground/build.mjs';
import { installChromium } from '../conformance/runtimes.mjs';
import { axeFindsNothing, keyboardSuffices } from './access.mjs';
import { everyFlipIsNoticed, walksBack } from './backward.mjs';
import { comparesTwo } from './compare.mjs';
import { openBrowser } from './driver.mjs';
import { mistakesAreTold, strictPolicyIsTold, tooMuchIsRefused } from './input.mjs';
import { Skipped } from './machine.mjs';
import { equalToNode, linkReproduces, ownTextIsLinked, pausedSavedLoaded } from './runs.mjs';
import { beginsSoon, framesFlow, isLight, memoryStaysFlat, pausesAtOnce } from './smooth.mjs';

const CHECKS = [
  isLight,
  beginsSoon,
  equalToNode,
  pausedSavedLoaded,
  linkReproduces,
  ownTextIsLinked,
  walksBack,
  everyFlipIsNoticed,
  comparesTwo,
  pausesAtOnce,
  axeFindsNothing,
  keyboardSuffices,
  mistakesAreTold,
  tooMuchIsRefused,
  strictPolicyIsTold,
  framesFlow,
  memoryStaysFlat,
];

/** Why there is no Chromium to drive, in words; undefined if there is one. */
async function reasonToSkip() {
  try {
    await installChromium();
    return undefined;
  } catch (error) {
    return error.message;
  }
}

async function outcome(check, driver) {
  const start = performance.now();
  const took = () => `(${((performance.now() - start) / 1000).toFixed(1)} s)`;
  try {
    console.log(`ok      ${check.name}: ${await check(driver)} ${took()}`);
    return 'passed';
  } catch (error) {
    const isSkipped = error instanceof Skipped;
    console.log(`${isSkipped ? 'skipped' : 'FAILED '} ${check.name}: ${error.message}`);
    return isSkipped ? 'skipped' : 'failed';
  } finally {
    await driver.tidy();
  }
}

async function main(words) {
  await buildPlayground();
  const chosen = CHECKS.filter(({ name }) => words.length === 0 || words.includes(name));
  const reason = await reasonToSkip();
  if (reason !== undefined) {
    console.log(`skipped: no Chromium to drive (${reason})`);
    console.log(`0 passed, 0 failed, ${chosen.length} skipped`);
    return;
  }
  const driver = await openBrowser();
  console.log(`Chromium ${driver.version}`);
  const counts = { passed: 0, failed: 0, skipped: 0 };
  try {
    for (const check of chosen) counts[await outcome(check, driver)]++;
  } finally {
    await driver.close();
  }
  const { passed, failed, skipped } = counts;
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  if (failed > 0 || passed === 0) process.exitCode = 1;
}

await main(process.argv.slice(2));

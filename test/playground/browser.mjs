// npm run playground:test: builds the playground and drives it in Chromium. Where there is none and
// none can be installed it is skipped, and says so; the last line is `N passed, N failed`.

import { buildPlayground } from '../../docs/playground/build.mjs';
import { everyFlipIsNoticed, walksBack } from './backward.mjs';
import { comparesTwo } from './compare.mjs';
import { mistakesAreTold, tooMuchIsRefused } from './input.mjs';
import { equalToNode, linkReproduces, pausedSavedLoaded } from './runs.mjs';
import { beginsSoon, framesFlow, isLight, pausesAtOnce } from './smooth.mjs';

const CHECKS = [
  isLight,
  beginsSoon,
  equalToNode,
  pausedSavedLoaded,
  linkReproduces,
  walksBack,
  everyFlipIsNoticed,
  comparesTwo,
  pausesAtOnce,
  mistakesAreTold,
  tooMuchIsRefused,
  framesFlow,
];

/** The driver, or in words why there is none. */
async function driverOrReason() {
  try {
    const { openBrowser } = await import('./driver.mjs');
    return await openBrowser();
  } catch (error) {
    return error.message;
  }
}

async function outcome(check, driver) {
  const start = performance.now();
  const took = () => `(${((performance.now() - start) / 1000).toFixed(1)} s)`;
  try {
    console.log(`ok      ${check.name}: ${await check(driver)} ${took()}`);
    return true;
  } catch (error) {
    console.log(`FAILED  ${check.name}: ${error.message}`);
    return false;
  } finally {
    await driver.tidy();
  }
}

async function main(words) {
  await buildPlayground();
  const chosen = CHECKS.filter(({ name }) => words.length === 0 || words.includes(name));
  const driver = await driverOrReason();
  if (typeof driver === 'string') {
    console.log(`skipped: no Chromium to drive (${driver})`);
    console.log(`0 passed, 0 failed, ${chosen.length} skipped`);
    return;
  }
  console.log(`Chromium ${driver.version}`);
  let passed = 0;
  try {
    for (const check of chosen) passed += Number(await outcome(check, driver));
  } finally {
    await driver.close();
  }
  console.log(`${passed} passed, ${chosen.length - passed} failed`);
  if (passed !== chosen.length || passed === 0) process.exitCode = 1;
}

await main(process.argv.slice(2));

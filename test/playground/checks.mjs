// Runs the checks of a page one after the other and says what each found. Where there is no browser
// they are skipped, and that is said: a skipped check has not passed. The last line is
// `N passed, N failed`. With --record what was found goes to bench/results/pages.json; --quick
// leaves out what takes longest.

import { existsSync, readFileSync } from 'node:fs';
import { resultFile, stamp, writeResult } from '../../bench/stamp.mjs';
import { installChromium } from '../conformance/runtimes.mjs';
import { openBrowser } from './driver.mjs';
import { Skipped } from './machine.mjs';

const RECORD = '--record';
const QUICK = '--quick';
const FILE = resultFile('pages');

/** Why there is no Chromium to drive, in words; undefined if there is one. */
async function reasonToSkip() {
  try {
    await installChromium();
    return undefined;
  } catch (error) {
    return error.message;
  }
}

/** What a check found: { status, found, seconds }; said as it ends. */
export async function outcome(check, driver) {
  const start = performance.now();
  const ended = (status, found) => {
    const seconds = (performance.now() - start) / 1000;
    const label = { passed: 'ok     ', skipped: 'skipped', failed: 'FAILED ' }[status];
    console.log(`${label} ${check.name}: ${found} (${seconds.toFixed(1)} s)`);
    return { status, found };
  };
  try {
    return ended('passed', await check(driver));
  } catch (error) {
    return ended(error instanceof Skipped ? 'skipped' : 'failed', error.message);
  } finally {
    await driver.tidy();
  }
}

/** The last line, and the exit code. */
export function conclude(outcomes) {
  const count = (wanted) => outcomes.filter(({ status }) => status === wanted).length;
  const [passed, failed, skipped] = ['passed', 'failed', 'skipped'].map(count);
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  if (failed > 0) process.exitCode = 1;
}

/** Keeps what was found, under the name of a page, beside what was found before; nothing of a run
 *  in which a check failed. What was skipped here and had passed stays as it was. */
export function record(page, command, outcomes, engine) {
  if (outcomes.some(({ status }) => status === 'failed')) {
    console.log(`nothing is recorded of ${page}: a check failed`);
    return;
  }
  const before = existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : {};
  const checks = { ...before[page]?.checks };
  for (const { name, status, found } of outcomes)
    if (status === 'passed' || checks[name]?.status !== 'passed') checks[name] = { status, found };
  writeResult(FILE, { ...before, [page]: { command, engine, ...stamp(), checks } });
}

/** `page`: its name in the record; `long`: checks that --quick leaves out; `serve` as
 *  servePlayground; `words` of the command line choose checks by name. */
export async function runChecks({ page, command, checks, long, build, serve }, words) {
  const isRecorded = words.includes(RECORD);
  const names = words.filter((word) => ![RECORD, QUICK].includes(word));
  const some = words.includes(QUICK) ? checks.filter((check) => !long.includes(check)) : checks;
  const chosen = some.filter(({ name }) => names.length === 0 || names.includes(name));
  await build();
  const reason = await reasonToSkip();
  if (reason !== undefined) {
    console.log(`skipped: no Chromium to drive (${reason})`);
    console.log(`0 passed, 0 failed, ${chosen.length} skipped`);
    return;
  }
  const driver = await openBrowser(serve);
  const engine = `Chromium ${driver.version}`;
  console.log(engine);
  const outcomes = [];
  try {
    for (const check of chosen)
      outcomes.push({ name: check.name, ...(await outcome(check, driver)) });
  } finally {
    await driver.close();
  }
  conclude(outcomes);
  if (isRecorded) record(page, command, outcomes, engine);
}

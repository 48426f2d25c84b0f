// Three browsers behind the little that a check of a page needs. Each is Debian's and is driven by
// a library that others keep: Chromium by playwright-core, Firefox by puppeteer-core over WebDriver
// BiDi, WebKitGTK by selenium-webdriver through WebKitWebDriver on a screen of xvfb.
//
// `open` gives { version, goto(url), evaluate(work, argument), drag(points), complaints(),
// close() } or throws with the reason why the browser cannot be had. `work` runs in the page.

import { spawn } from 'node:child_process';
import { chromium } from 'playwright-core';
import { fromDebian } from '../conformance/install.mjs';
import { installChromium, installMiniBrowser } from '../conformance/runtimes.mjs';
import { freePort } from '../helpers/free-port.mjs';
import { driverPackage } from './install.mjs';

/** Everything that a page writes to its console as an error comes here. */
const isComplaint = (type) => ['error', 'warning'].includes(type);

async function openChromium() {
  const [executablePath] = [await installChromium()].flat();
  const browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  });
  const page = await browser.newPage();
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (line) => isComplaint(line.type()) && complaints.push(line.text()));
  return {
    version: `Chromium ${browser.version()}`,
    goto: (url) => page.goto(url),
    evaluate: (work, argument) => page.evaluate(work, argument),
    drag: (points) => dragBy(page.mouse, points),
    complaints: () => complaints,
    close: () => browser.close(),
  };
}

/** A stroke by the mouse of playwright and of puppeteer. */
async function dragBy(mouse, [first, ...others]) {
  await mouse.move(...first);
  await mouse.down();
  for (const point of others) await mouse.move(...point);
  await mouse.up();
}

async function openFirefox() {
  const executablePath = await fromDebian(['firefox-esr', 'firefox'], ['firefox-esr']);
  const puppeteer = await driverPackage('puppeteer-core');
  const browser = await puppeteer.launch({ browser: 'firefox', executablePath, headless: true });
  const page = await browser.newPage();
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (line) => line.type() === 'error' && complaints.push(line.text()));
  return {
    version: `Firefox ${(await browser.version()).replace(/^firefox\//i, '')}`,
    goto: (url) => page.goto(url),
    evaluate: (work, argument) => page.evaluate(work, argument),
    drag: (points) => dragBy(page.mouse, points),
    complaints: () => complaints,
    close: () => browser.close(),
  };
}

/** WebKitWebDriver, until it answers: { url, stop() }. */
async function startWebKitDriver() {
  const program = await fromDebian(['WebKitWebDriver'], ['webkit2gtk-driver']);
  const port = await freePort();
  const words = ['-a', program, `--port=${port}`];
  // as a program of no language it has 'c' for one, which Intl refuses: the pages take that, too
  const env = { ...process.env, LANG: 'C', LC_ALL: 'C', LANGUAGE: '' };
  const child = spawn('xvfb-run', words, { stdio: 'ignore', detached: true, env });
  let hasEnded = false;
  child.on('error', () => {
    hasEnded = true;
  });
  child.on('exit', () => {
    hasEnded = true;
  });
  const stop = () => {
    try {
      process.kill(-child.pid);
    } catch {
      /* it is over */
    }
  };
  const url = `http://127.0.0.1:${port}`;
  for (let i = 0; i < 100 && !hasEnded; i++) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    const answers = await fetch(`${url}/status`).then(
      () => true,
      () => false,
    );
    if (answers) return { url, stop };
  }
  stop();
  throw new Error('WebKitWebDriver does not answer');
}

async function openWebKit() {
  const binary = await installMiniBrowser();
  const { Builder, Capabilities, Origin } = await driverPackage('selenium-webdriver');
  const driver = await startWebKitDriver();
  const browserOptions = { binary, args: ['--automation'] };
  const wanted = { browserName: 'MiniBrowser', 'webkitgtk:browserOptions': browserOptions };
  const session = await new Builder()
    .usingServer(driver.url)
    .withCapabilities(new Capabilities(wanted))
    .build()
    .catch((error) => {
      driver.stop();
      throw error;
    });
  const version = (await session.getCapabilities()).get('browserVersion');
  await session.manage().setTimeouts({ script: 120_000 });
  const drag = async ([first, ...others]) => {
    const at = ([x, y]) => ({ x: Math.round(x), y: Math.round(y), origin: Origin.VIEWPORT });
    const actions = session
      .actions()
      .move({ ...at(first), duration: 0 })
      .press();
    for (const point of others) actions.move({ ...at(point), duration: 10 });
    await actions.release().perform();
  };
  return {
    version: `WebKitGTK ${version}`,
    goto: (url) => session.get(url),
    evaluate: (work, argument) =>
      session.executeScript(`return (${work})(arguments[0])`, argument ?? null),
    drag,
    complaints: () => [],
    close: async () => {
      await session.quit().catch(() => undefined);
      driver.stop();
    },
  };
}

export const BROWSERS = { chromium: openChromium, firefox: openFirefox, webkitgtk: openWebKit };

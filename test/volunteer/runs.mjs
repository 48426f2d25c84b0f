// A tab as a worker: the bits of one machine alone, beside other runtimes; pause, limit, a server
// that goes and comes back.

import { volunteerSizes } from '../../docs/examples/volunteer/build.mjs';
import { fromNpm } from '../conformance/install.mjs';
import { installBun } from '../conformance/runtimes.mjs';
import { digestOf } from '../nats/scene.mjs';
import { demand, reach, same, staysAt, text, until } from '../playground/driver.mjs';
import { skipUnless, within } from '../playground/machine.mjs';
import { FRAMES, gapsOf, MAX_GAP, TRIES } from '../playground/smooth.mjs';
import { onStage, openFound, openWorking } from './stage.mjs';

const MAX_BYTES = 150_000;
const STEPS = 40;
/** More than any check waits for. */
const LONG = 100_000;
const SHORT = 16;

export function isSmall() {
  const { total } = volunteerSizes();
  demand(total <= MAX_BYTES, `the page has ${total} bytes gzipped, at most ${MAX_BYTES} are meant`);
  return `${total} bytes gzipped, WebAssembly and the client of NATS included`;
}

const parts = (page, count) =>
  until(page, (n) => Number(document.querySelector('#parts').title) >= n, count);
const exact = async (page, id) => Number(await page.getAttribute(`#${id}`, 'title'));

/** What is said of the connection, without the time. */
const logged = (page) =>
  page.evaluate(() =>
    [...document.querySelectorAll('#log p')].map((line) => line.textContent.replace(/^.*?: /, '')),
  );

/** A sentence within another. */
const inside = (said) => said.charAt(0).toLowerCase() + said.slice(1);

/** Every part is computed by each of the workers and compared. */
const together = (count) => ['--parts', '3', '--replicate', String(count)];

/** The page's last words, and the run's end. */
async function endOf(page, stage, coordinator) {
  const { out } = await coordinator.ended;
  same(digestOf(out), await stage.digest, 'the digest of the run');
  await reach(page, 'ended');
  return text(page, 'verdict');
}

export async function equalToOneAlone({ open }) {
  return onStage(async (stage) => {
    await stage.begin(STEPS);
    const coordinator = stage.divide(STEPS, together(2));
    const page = await openWorking(open, stage.hash());
    const node = stage.help('node');
    const said = await endOf(page, stage, coordinator);
    const done = await exact(page, 'parts');
    await page.finish();
    await node.ended;
    same(
      said,
      `The run is complete. ${done} parts of it were computed here. Thank you.`,
      'the end',
    );
    demand(done >= 3 * STEPS, `the tab computed ${done} parts of ${3 * STEPS}`);
    const digest = (await stage.digest).slice(0, SHORT);
    return `${digest} alone, and by Node and a tab that each computed ${done} parts`;
  });
}

/** Shards of several local steps, in a tab and in Node. */
export async function roundsToo({ open }) {
  const rounds = ['--shards', '2', '--local-steps', '5'];
  return onStage(async (stage) => {
    await stage.begin(STEPS, [], rounds);
    const coordinator = stage.divide(STEPS, [...rounds, '--replicate', '2']);
    const page = await openWorking(open, stage.hash());
    const node = stage.help('node');
    await endOf(page, stage, coordinator);
    const shards = await exact(page, 'parts');
    await page.finish();
    await node.ended;
    demand(shards >= 2 * (STEPS / 5), `the tab computed ${shards} shards of ${2 * (STEPS / 5)}`);
    const digest = (await stage.digest).slice(0, SHORT);
    return `${digest} alone, and by Node and a tab that each computed ${shards} shards of 5 steps`;
  });
}

/** Programs of other runtimes, or the reason why there are none. */
async function runtimes() {
  const installed = Promise.all([fromNpm('deno', 'deno', 'deno'), installBun()]);
  const found = await installed.catch((error) => skipUnless(false, error.message));
  return { node: undefined, deno: [found[0], 'run', '-A'], bun: found[1] };
}

export async function runtimesTogether({ open }) {
  const programs = await runtimes();
  return onStage(async (stage) => {
    await stage.begin(STEPS);
    const coordinator = stage.divide(STEPS, together(4));
    const page = await openWorking(open, stage.hash());
    for (const [name, program] of Object.entries(programs)) stage.help(name, { program });
    await endOf(page, stage, coordinator);
    await page.finish();
    const digest = (await stage.digest).slice(0, SHORT);
    return `${digest} by Chromium, Node, Deno and Bun, each part computed by all four`;
  });
}

export async function pausesBetweenParts({ open }) {
  return onStage(async (stage) => {
    await stage.begin(LONG);
    stage.endAlone();
    stage.divide(LONG);
    const page = await openWorking(open, stage.hash());
    await parts(page, 5);
    await page.click('#pause');
    await reach(page, 'paused');
    await staysAt(page, 'up');
    const paused = await exact(page, 'parts');
    await page.click('#resume');
    await reach(page, 'working');
    await parts(page, paused + 5);
    await page.click('#stop');
    await reach(page, 'ended');
    const said = await text(page, 'verdict');
    await page.finish();
    demand(/^Stopped here\. \d+ parts/.test(said), said);
    return `paused after ${paused} parts, nothing is sent then; ${inside(said)}`;
  });
}

/** What a pause leaves behind is whole: others go on at once, without waiting for a lost part. */
export async function pauseLeavesNothing({ open }) {
  return onStage(async (stage) => {
    await stage.begin(STEPS);
    const coordinator = stage.divide(STEPS, ['--parts', '3']);
    const page = await openWorking(open, stage.hash());
    await parts(page, 5);
    await page.click('#pause');
    await reach(page, 'paused');
    stage.help('node');
    const { out } = await coordinator.ended;
    same(digestOf(out), await stage.digest, 'the digest of the run');
    const computed = await exact(page, 'parts');
    same(stage.partsOf().tab, computed, 'parts of the tab that the run was made of');
    await page.click('#resume');
    await reach(page, 'ended');
    const said = await text(page, 'verdict');
    await page.finish();
    demand(/complete, or was taken away\./.test(said), said);
    return `all ${computed} parts of a tab that paused were used; resumed, it says: ${said}`;
  });
}

export async function limitIsKept({ open }) {
  const limit = 200_000;
  return onStage(async (stage) => {
    await stage.begin(LONG);
    stage.endAlone();
    stage.divide(LONG);
    const page = await openFound(open, stage.hash());
    await page.fill('#most', '10 kB');
    await page.click('#start');
    await until(page, () => !document.querySelector('#trouble').hidden);
    const refused = await text(page, 'trouble-text');
    demand(/^The limit is 9\.8 KiB, and the text, the weights/.test(refused), refused);
    await page.fill('#most', `${limit / 1000} kB`);
    await page.click('#start');
    await reach(page, 'ended');
    const said = await text(page, 'verdict');
    const moved = (await exact(page, 'up')) + (await exact(page, 'down'));
    await page.finish();
    demand(/^The limit of 195 KiB is reached\. /.test(said), said);
    demand(moved <= limit && moved > limit / 2, `${moved} bytes were moved, the limit is ${limit}`);
    return `${moved} bytes moved of ${limit}; ${inside(said)}`;
  });
}

export async function connectionFoundAgain({ open }) {
  const steps = 120;
  return onStage(async (stage) => {
    await stage.begin(steps);
    const coordinator = stage.divide(steps);
    const page = await openWorking(open, stage.hash());
    await parts(page, 5);
    await stage.killServer({ away: 1500 });
    await until(page, () => /lost/.test(document.querySelector('#log').textContent));
    const said = await endOf(page, stage, coordinator);
    const log = (await logged(page)).join(', ');
    await page.finish().catch(() => undefined); // the browser complains of the server, too
    demand(/complete/.test(said), said);
    const [lost, found] = ['lost; the server is looked for', 'back'];
    same(log, `the connection is ${lost}, the connection is ${found}`, 'what is said');
    return `the server was killed and came back; ${inside(said)}`;
  });
}

/** Gaps between frames while parts are computed. */
export async function framesFlow({ open }) {
  return onStage(async (stage) => {
    await stage.begin(LONG);
    stage.endAlone();
    stage.divide(LONG);
    const page = await openWorking(open, stage.hash());
    const longest = await within(MAX_GAP, TRIES, async () => {
      const [gap] = await page.evaluate(gapsOf, FRAMES);
      return gap;
    });
    const state = await page.evaluate(() => document.body.dataset.state);
    await page.finish();
    same(state, 'working', 'the state while frames were counted');
    return `the longest gap of ${FRAMES} frames is ${longest.toFixed(1)} ms`;
  });
}

// A scene whose server lets in workers by name alone, each with the permissions of a worker of one
// run, and tabs by a WebSocket port of this machine.

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { workerPermissions } from '../../dist/nats.js';
import { freePort } from '../helpers/free-port.mjs';
import { digestOf, hasServer, Scene } from '../nats/scene.mjs';
import { demand, reach } from '../playground/driver.mjs';
import { skipUnless } from '../playground/machine.mjs';

const PASSWORD = 'secret';
const NAMES = ['tab', 'node', 'deno', 'bun'];
const PATIENCE = 20_000;

export const sha256Of = (bytes) => createHash('sha256').update(bytes).digest('hex');
export const nameOfRun = (header) => sha256Of(header).slice(0, 16);

/** Waits until something is there. */
export async function waitFor(find, what) {
  const until = performance.now() + PATIENCE;
  for (;;) {
    const found = await find();
    if (found) return found;
    demand(performance.now() < until, `there is no ${what}`);
    await sleep(20);
  }
}

/** A user for each name, who may work for any of the runs. */
function usersOf(runs) {
  const workers = NAMES.map((user) => {
    const each = runs.map((run) => workerPermissions(run, user));
    const allow = (what) => ({ allow: each.flatMap((one) => one[what]) });
    const permissions = { publish: allow('publish'), subscribe: allow('subscribe') };
    return { user, password: PASSWORD, permissions };
  });
  return [{ user: 'coordinator', password: PASSWORD }, ...workers];
}

export class Stage extends Scene {
  /** Finds the name of a run of so many steps and such options, by beginning it on one machine
   *  alone, and starts a server for it and for `more` runs. */
  async begin(steps, more = [], options = []) {
    const words = ['--receipt', 'alone.jsonl', ...options];
    const alone = this.start(this.trainWords('alone', steps, words));
    const firstLine = () => {
      const text = existsSync(this.path('alone.jsonl')) ? this.read('alone.jsonl') : '';
      return text.slice(0, text.indexOf('\n') + 1);
    };
    this.header = await waitFor(firstLine, 'receipt');
    this.run = nameOfRun(this.header);
    this.digest = alone.ended.then(({ out }) => digestOf(out));
    this.endAlone = () => alone.child.kill('SIGKILL');
    this.web = await freePort();
    const websocket = { host: '127.0.0.1', port: this.web, no_tls: true };
    const users = usersOf([this.run, ...more.map((make) => nameOfRun(make(this.header)))]);
    await this.startServer({ websocket, authorization: { users } });
  }

  address(user) {
    return `nats://${user}:${PASSWORD}@127.0.0.1:${this.port}`;
  }

  /** Has the run computed by others. */
  divide(steps, more = []) {
    return this.start(
      this.trainWords('run', steps, ['--server', this.address('coordinator'), ...more]),
    );
  }

  help(name, how = {}) {
    return this.worker(this.run, name, { server: this.address(name), ...how });
  }

  /** The part of a link that tells the page where the run is, and as whom. */
  hash({ run = this.run, password = PASSWORD } = {}) {
    const words = { server: `ws://127.0.0.1:${this.web}`, run, user: 'tab', password };
    return `#${new URLSearchParams(words)}`;
  }

  /** Names of those who computed a part that the run was made of, and how many. */
  partsOf() {
    const parts = {};
    for (const line of this.read('run/parts.jsonl').trim().split('\n'))
      for (const name of JSON.parse(line).workers) parts[name] = (parts[name] ?? 0) + 1;
    return parts;
  }
}

/** Does something on a stage of its own. */
export async function onStage(act) {
  skipUnless(hasServer, 'there is no nats-server');
  const stage = new Stage();
  try {
    return await act(stage);
  } finally {
    await stage.close();
  }
}

/** A page that has found the run and asks for consent. */
export async function openFound(open, hash, options = {}) {
  const page = await open(hash, { kind: 'plain', ...options });
  await lookUntilFound(page);
  return page;
}

/** The coordinator may not have announced the run yet. */
async function lookUntilFound(page) {
  for (let i = 0; ; i++) {
    await page.click('#look');
    await page.waitForFunction(() => ['found', 'idle'].includes(document.body.dataset.state));
    const state = await page.evaluate(() => document.body.dataset.state);
    if (state === 'found') return;
    demand(i < 100, `the page finds no run: ${await page.textContent('#trouble')}`);
    await sleep(100);
  }
}

/** The same, at work. */
export async function openWorking(open, hash, options) {
  const page = await openFound(open, hash, options);
  await page.click('#start');
  await reach(page, 'working');
  return page;
}

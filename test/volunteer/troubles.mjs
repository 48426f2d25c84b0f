// What can be wrong, each told in a sentence with a way on.

import { readFileSync } from 'node:fs';
import { connect } from '@nats-io/transport-node';
import { Coordinator } from '../../dist/distributed.js';
import { Trainer } from '../../dist/index.js';
import { openCoordinator } from '../../dist/nats.js';
import { receiptOptions } from '../../dist/receipt.js';
import { demand, reach, trouble } from '../playground/driver.mjs';
import { skipUnless } from '../playground/machine.mjs';
import { nameOfRun, onStage, openFound, sha256Of } from './stage.mjs';

async function told(page, expected) {
  await page.click('#look');
  const said = await trouble(page);
  demand(expected.test(said), `the page says: ${said}`);
  await page.click('#trouble-close');
  return said;
}

export async function badAddressIsTold({ open }) {
  const page = await open('#server=ws://example.org&run=r', { kind: 'plain' });
  await told(page, /^The address of the server is "ws:\/\/example\.org", expected wss:/);
  await page.fill('#server', 'wss://example.org');
  await page.fill('#run', 'a.b');
  await told(page, /^The name of the run is "a\.b", expected 1 to 64 letters/);
  await page.finish();
  return 'an address without TLS and a name that none can be are told';
}

export async function noServerIsTold({ open }) {
  const page = await open('#server=ws://127.0.0.1:9&run=r', { kind: 'plain' });
  const said = await told(page, /^No server answers at ws:\/\/127\.0\.0\.1:9\. What helps: /);
  await page.finish().catch(() => undefined); // the browser complains of the server, too
  return said;
}

/** Neither a run that is not there nor one that the user may not see, nor a wrong password. */
export async function strangersAreTold({ open }) {
  return onStage(async (stage) => {
    await stage.begin(1);
    const page = await open(stage.hash(), { kind: 'plain' });
    const missing = await told(page, /^The server does not have the run \w+, or does not show it/);
    await page.fill('#password', 'guessed');
    await told(page, /^The server at .* does not know this user and password\. What helps: /);
    await page.finish().catch(() => undefined);
    return missing;
  });
}

/** A receipt's first line, of kernels that give other answers. */
function ofOtherKernels(header) {
  const { chain: _, ...value } = JSON.parse(header);
  const body = JSON.stringify({ ...value, kernels: 'e'.repeat(64) });
  return `${body.slice(0, -1)},"chain":"${sha256Of(body)}"}\n`;
}

/** What a coordinator on this stage says of a run. */
async function announce(stage, connection, { header = stage.header, kind = 'gpt', ...more }) {
  const run = nameOfRun(header);
  const file = readFileSync(stage.path('text.txt'));
  const about = { option: 'text', path: '', sha256: sha256Of(file), bytes: file.length };
  const manifest = { manifest: 1, run, kind, header, values: {}, files: [about], ...more };
  const courier = await openCoordinator(connection, run);
  const bytes = new TextEncoder().encode(JSON.stringify(manifest));
  await courier.announce(bytes, () => courier.put(about.sha256, new Uint8Array(file)));
  return courier;
}

const join = (stage) =>
  connect({ servers: `127.0.0.1:${stage.port}`, user: 'coordinator', pass: 'secret' });

export async function otherRunsAreRefused({ open }) {
  return onStage(async (stage) => {
    await stage.begin(4, [ofOtherKernels]);
    const connection = await join(stage);
    await announce(stage, connection, { kind: 'vit' });
    const page = await open(stage.hash(), { kind: 'plain' });
    const kind = await told(page, /^The run \w+ trains another kind of model \(vit\)/);
    await announce(stage, connection, { header: stage.header, files: [] });
    await told(page, /^The run \w+ trains another kind of model \(gpt\)/);
    const header = ofOtherKernels(stage.header);
    await announce(stage, connection, { header });
    await page.fill('#run', nameOfRun(header));
    const build = await told(page, /^The run was begun by another build: /);
    await page.finish();
    await connection.close();
    return `${kind} ${build}`;
  });
}

/** A coordinator that refuses whoever asks. */
export async function refusalIsTold({ open }) {
  return onStage(async (stage) => {
    await stage.begin(4);
    const connection = await join(stage);
    const courier = await announce(stage, connection, {});
    const trainer = Trainer.create(receiptOptions(Buffer.from(stage.header)));
    const kernels = 'f'.repeat(64);
    const coordinator = new Coordinator(trainer, courier, { run: stage.run, kernels });
    await coordinator.open();
    const page = await openFound(open, stage.hash());
    await page.click('#start');
    await reach(page, 'ended');
    const said = await trouble(page);
    await page.finish();
    await connection.close();
    demand(/^The coordinator refuses this worker: its kernels have the digest /.test(said), said);
    demand(/ What helps: reload the page/.test(said), said);
    return said;
  });
}

export async function withoutSimdIsTold({ open }) {
  skipUnless(process.arch === 'x64', 'only there V8 can be told to have no SIMD');
  const page = await open('#server=ws://127.0.0.1:9&run=r', { kind: 'plain', isOld: true });
  const said = await told(page, /without 128-bit SIMD\. What helps: /);
  await page.finish();
  return said;
}

export async function passwordLeavesTheAddress({ open }) {
  const page = await open('#server=wss://example.org&run=r&user=u&password=p', { kind: 'plain' });
  const { hash } = new URL(page.url());
  const password = await page.inputValue('#password');
  await page.finish();
  demand(!hash.includes('password') && password === 'p', `the address keeps ${hash}`);
  return `the address keeps ${hash}`;
}

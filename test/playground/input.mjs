// What people may give the page by mistake: each is told in a sentence with a way on, and the page
// trains afterwards.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeCheckpoint, sha256Hex, Trainer, vit } from '../../dist/index.js';
import { demand, reach, toldWithoutSimd, trouble, until } from './driver.mjs';
import { SMALL } from './runs.mjs';

/** What the page says is wrong, which is closed. */
async function closed(page) {
  const said = await trouble(page);
  await page.click('#trouble-close');
  return said;
}

/** A checkpoint of another kind of model. */
async function vitFile() {
  const shape = { width: 4, height: 4, colours: 1, patch: 2, classes: 2 };
  const model = vit({ ...shape, layers: 1, channels: 8, heads: 2 });
  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
  const about = { dataSha256: await sha256Hex(new Uint8Array(0)), libraryVersion: '0.1.0' };
  const { options } = trainer;
  const run = { tensors: trainer.tensors(), options, step: 0, vocabulary: null };
  return encodeCheckpoint({ ...run, ...about });
}

const own = async (page) => page.check('input[value=own]');
const file = (folder, name, bytes) => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};

/** Name, what is done, and what has to be said. */
const CASES = [
  [
    'no text',
    async (page) => {
      await own(page);
      await page.click('#start');
    },
    /^There is no text to learn\. What helps: paste one/,
  ],
  [
    'a text that is too short',
    async (page) => {
      await own(page);
      await page.fill('#own-text', 'she sells sea shells '.repeat(8));
      await until(page, () =>
        /^168 characters/.test(document.querySelector('#text-note').textContent),
      );
      await page.click('#start');
    },
    /^The text is too short: .* What helps: use a text of at least 321 characters/,
  ],
  [
    '100 MB of text',
    async (page, folder) => {
      await own(page);
      await page.setInputFiles('#own-file', file(folder, 'large.txt', Buffer.alloc(100e6, 'ab ')));
    },
    /^The file has 95 MiB, expected at most 32\. What helps: give a part of it/,
  ],
  [
    'a binary file as text',
    async (page, folder) => {
      await own(page);
      await page.setInputFiles('#own-file', file(folder, 'binary.txt', Buffer.alloc(1000, 'a\0')));
    },
    /^The file is binary, expected a text in UTF-8\. What helps: give a plain text file/,
  ],
  [
    'no checkpoint',
    (page, folder) => page.setInputFiles('#load', file(folder, 'x.safetensors', 'no such thing')),
    /^Not a safetensors file: /,
  ],
  [
    'a checkpoint of another kind',
    async (page, folder) =>
      page.setInputFiles('#load', file(folder, 'vit.safetensors', await vitFile())),
    /^Its tokens are not characters or bytes\. What helps: use the command line/,
  ],
];

async function oneCase({ open, folder }, [name, act, expected]) {
  const page = await open(SMALL);
  await act(page, folder);
  const said = await closed(page);
  demand(expected.test(said), `${name}: the page says: ${said}`);
  await page.check('input[value=stories]');
  await page.click('#start');
  await reach(page, 'ended');
  await page.finish();
}

export async function mistakesAreTold(driver) {
  for (const one of CASES) await oneCase(driver, one);
  return `${CASES.map(([name]) => name).join(', ')}: told, and the page trains afterwards`;
}

export async function tooMuchIsRefused({ open }) {
  const page = await open('#train&layers=64&channels=512&heads=8&context=1024&batch=256');
  await until(page, () => /cannot run/.test(document.querySelector('#memory-note').textContent));
  const plan = await page.textContent('#memory-note');
  await page.click('#start');
  const said = await closed(page);
  await page.finish();
  demand(/the run needs \d+ bytes, \d+ are allowed/.test(plan), `the plan says: ${plan}`);
  demand(/The run needs \d+ bytes, \d+ are allowed\. What helps: /.test(said), said);
  return said;
}

/** A host whose policy lets nobody compile WebAssembly: the library says which word is missing. */
export async function strictPolicyIsTold({ open }) {
  const page = await open(SMALL, { kind: 'strict' });
  await page.click('#start');
  const said = await closed(page);
  await page.finish().catch(() => undefined); // the browser complains of the policy, too
  demand(/'wasm-unsafe-eval'/.test(said), `the page says: ${said}`);
  return said;
}

/** A browser without SIMD for WebAssembly. */
export const withoutSimdIsTold = ({ open }) => toldWithoutSimd(open, SMALL);

/** A host whose policy lets it do what it must and nothing more. */
export async function enoughPolicySuffices({ open }) {
  const page = await open(SMALL, { kind: 'enough' });
  await page.click('#start');
  await reach(page, 'ended');
  await page.finish();
  return "trains under default-src 'none' with scripts, styles and workers of its own alone";
}

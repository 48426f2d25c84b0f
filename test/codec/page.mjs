// node test/codec/page.mjs [--program /usr/bin/chromium]: docs/examples/codec in Chromium. It
// trains a model, codes a message, takes models and archives that were made in Node, lists their
// files, and codes an image by a flow.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { pngOf } from '../../bench/codec/png.mjs';
import { serve } from '../conformance/server.mjs';

const { values } = parseArgs({
  options: { program: { type: 'string', default: '/usr/bin/chromium' } },
});
const golden = (name) => join(import.meta.dirname, '../golden/codec', name);
/** A PNG file, as an input takes it. */
const picture = (side) => {
  const pixels = Uint8Array.from({ length: side * side * 3 }, (_, i) => (i * 7) & 255);
  const buffer = pngOf({ width: side, height: side, pixels });
  return { name: 'a.png', mimeType: 'image/png', buffer };
};
const server = await serve();
const browser = await chromium.launch({
  executablePath: values.program,
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
});
try {
  const page = await browser.newPage();
  const errors = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  const says = (text) =>
    page.waitForFunction(
      (words) => document.querySelector('#status').textContent.includes(words),
      text,
    );
  await page.goto(`${server.origin}/docs/examples/codec/index.html?train`);
  await page.waitForFunction(() => document.title === 'done', undefined, { timeout: 300_000 });
  const sizes = Object.fromEntries(
    await page.$$eval('#sizes tr', (all) =>
      all.map(({ cells }) => [cells[0].textContent, cells[1].textContent]),
    ),
  );
  assert.equal(sizes.decoded, 'the same');
  assert.ok(Number(sizes.coded) < Number(sizes.plain) / 3, `${sizes.coded} of ${sizes.plain}`);
  await page.setInputFiles('#archive', golden('coded-1.rga'));
  await says('needs model');
  await page.setInputFiles('#model', golden('model-1.rgm'));
  await says('8362 bytes');
  await page.setInputFiles('#archive', golden('coded-1.rga'));
  await says('3 files');
  assert.match(await page.textContent('#files'), /rows\.jsonl, 595 bytes/);
  await page.setInputFiles('#archive', golden('images-1.rga'));
  await says('needs model');
  await page.setInputFiles('#image', picture(8));
  await says('no flow yet');
  await page.setInputFiles('#flow', golden('images-1.rgc'));
  await says('3 colours');
  await page.setInputFiles('#archive', golden('images-1.rga'));
  await says('5 files');
  assert.match(await page.textContent('#files'), /even\.ppm, 973 bytes/);
  assert.equal(await page.$$eval('#files canvas', (all) => all.length), 3);
  await page.setInputFiles('#image', picture(40));
  await says('is coded');
  assert.match(await page.textContent('#bits'), /40 x 40 x 3.*the same/s);
  assert.deepEqual(errors, []);
  console.log(`the page is well: ${sizes.plain} bytes in ${sizes.coded}, gzip ${sizes.gzip}`);
} finally {
  await browser.close();
  server.close();
}

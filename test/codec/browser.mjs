// node test/codec/browser.mjs [--browser chromium] [--program /usr/bin/chromium] [--messages 2000]:
// archives made in Node are decoded in a page, which is also the other end of a channel: it
// decodes every second message and codes the others, to the same frames. The last line says what
// came of it.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Channel, MessageModel, messageCoder, readArchive } from '../../dist/codec.js';
import { sha256Hex } from '../../dist/index.js';
import { openPage } from '../conformance/browser.mjs';
import { message } from './channel-messages.mjs';

const { values } = parseArgs({
  options: {
    browser: { type: 'string', default: 'chromium' },
    program: { type: 'string', default: '/usr/bin/chromium' },
    messages: { type: 'string', default: '2000' },
  },
});
const golden = (name) =>
  new Uint8Array(readFileSync(join(import.meta.dirname, '../golden/codec', name)));
const base64 = (bytes) => Buffer.from(bytes).toString('base64');
const options = { interval: 32, batch: 2, learningRate: 0.003 };

const model = MessageModel.read(golden('model-1.rgm'));
const archives = [golden('stored-1.rga'), golden('coded-1.rga')];
const channel = Channel.create(model, options);
const messages = [];
for (let n = 0; n < Number(values.messages); n++) {
  const plain = message(n);
  messages.push({ plain: base64(plain), frame: base64(await channel.encode(plain)) });
}
const expected = [];
for (const archive of archives) {
  const files = await readArchive(archive, { coders: [messageCoder(model)] });
  expected.push(await Promise.all(files.map(({ bytes }) => sha256Hex(bytes))));
}
const given = {
  model: base64(golden('model-1.rgm')),
  archives: archives.map(base64),
  options,
  messages,
};
const page = 'test/conformance/codec.html';
const found = await openPage(values.browser, values.program, page, { seconds: 900, given });
const isSame =
  JSON.stringify(found.archives) === JSON.stringify(expected) &&
  found.digest === channel.digest &&
  found.wrong === 0;
console.log(
  `${found.error ?? found.agent}: ${found.messages} messages, ${found.wrong} wrong, ` +
    `${found.steps} steps, digests ${found.digest === channel.digest ? 'equal' : 'apart'}; ` +
    `${isSame ? 'all is' : 'not all is'} as in Node`,
);
process.exitCode = isSame ? 0 : 1;

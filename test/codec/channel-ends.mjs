// node test/codec/channel-ends.mjs [--messages 10000] [--other PROGRAM]: a channel whose one end is
// here and whose other one is in another runtime (this one, unless said: node26, bun). Messages go
// both ways over its standard input and output; every now and then one is lost, and is noticed. The
// last line says what came of it.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { Channel, MessageModel } from '../../dist/codec.js';
import { message } from './channel-messages.mjs';

const OPTIONS = { interval: 32, batch: 2, learningRate: 0.003 };
const LOST_EVERY = 500;
const golden = join(import.meta.dirname, '../golden/codec/model-1.rgm');
const model = MessageModel.read(new Uint8Array(readFileSync(golden)));
const base64 = (bytes) => Buffer.from(bytes).toString('base64');
const bytesOf = (text) => new Uint8Array(Buffer.from(text, 'base64'));

/** The other end: answers each line. */
async function serve() {
  const channel = Channel.create(model, OPTIONS);
  for await (const line of createInterface({ input: process.stdin })) {
    const { frame, plain } = JSON.parse(line);
    const answer = {};
    try {
      if (frame !== undefined) answer.plain = base64(await channel.decode(bytesOf(frame)));
      else answer.frame = base64(await channel.encode(bytesOf(plain)));
    } catch (error) {
      answer.code = error.code ?? String(error);
    }
    console.log(JSON.stringify({ ...answer, digest: channel.digest }));
  }
}

async function drive({ messages, other }) {
  const child = spawn(other, [import.meta.filename, '--serve'], { stdio: ['pipe', 'pipe', 2] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (question) => {
    child.stdin.write(`${JSON.stringify(question)}\n`);
    const { value } = await lines.next();
    return JSON.parse(value);
  };
  const channel = Channel.create(model, OPTIONS);
  const count = { messages: 0, wrong: 0, apart: 0, lost: 0, noticed: 0 };
  /** A frame that never comes, and the next one, which must be refused; then both come. */
  const lose = async (n) => {
    const first = base64(await channel.encode(message(n)));
    const second = base64(await channel.encode(message(n + 1)));
    count.lost++;
    const { code } = await ask({ frame: second });
    if (code === 'sync') count.noticed++;
    await ask({ frame: first });
    return ask({ frame: second });
  };
  /** A message there and one back again, in turn. */
  const exchange = async (n) => {
    const plain = base64(message(n));
    const frame = n % 2 === 0 ? base64(await channel.encode(message(n))) : undefined;
    const answer = await ask(frame === undefined ? { plain } : { frame });
    const found = answer.plain ?? base64(await channel.decode(bytesOf(answer.frame)));
    if (found !== plain) count.wrong++;
    return answer;
  };
  for (let n = 0; n < messages; n++) {
    const isLost = n % LOST_EVERY === LOST_EVERY - 1;
    const { digest } = await (isLost ? lose(n) : exchange(n));
    count.messages += isLost ? 2 : 1;
    if (digest !== channel.digest) count.apart++;
    if ((n + 1) % 1000 === 0) console.log(JSON.stringify({ ...count, steps: channel.steps }));
  }
  child.stdin.end();
  console.log(
    `${count.messages} messages both ways: ${count.wrong} wrong, ${count.apart} digests apart, ` +
      `${count.noticed} of ${count.lost} lost ones noticed at the next`,
  );
  const isWell = count.wrong + count.apart === 0 && count.noticed === count.lost;
  process.exitCode = isWell ? 0 : 1;
}

const { values } = parseArgs({
  options: {
    serve: { type: 'boolean', default: false },
    messages: { type: 'string', default: '10000' },
    other: { type: 'string', default: process.execPath },
  },
});
if (values.serve) await serve();
else await drive({ messages: Number(values.messages), other: values.other });

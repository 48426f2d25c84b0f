// What learning is worth on a channel: the same messages one by one, on a channel that does not
// learn, and on one that does. Messages of the kind that the model knows, and of another.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Channel, encode, MessageModel } from '../../dist/codec.js';
import { logLines } from './messages.mjs';

const MESSAGES = 300;

async function onChannel(model, messages, options) {
  const [here, there] = [Channel.create(model, options), Channel.create(model, options)];
  let bytes = 0;
  for (const message of messages) {
    const frame = await here.encode(message);
    const found = await there.decode(frame);
    if (Buffer.compare(found, message) !== 0) throw new Error('a message came back changed');
    if (here.digest !== there.digest) throw new Error('the ends are not alike');
    bytes += frame.length;
  }
  return { bytes, steps: here.steps };
}

async function measure(file) {
  const model = MessageModel.read(file);
  const messages = logLines(MESSAGES, 77).map((line) => new TextEncoder().encode(line));
  let alone = 0;
  for (const message of messages) alone += (await encode(model, message)).length;
  const frozen = await onChannel(model, messages, { interval: 0 });
  const learning = await onChannel(model, messages, {});
  return {
    messages: messages.length,
    plain: messages.reduce((sum, { length }) => sum + length, 0),
    alone,
    frozen: frozen.bytes,
    learning: learning.bytes,
    steps: learning.steps,
  };
}

/** Log lines on a channel, by each of the models that are kept. */
export function measureChannels(work) {
  return Promise.all(
    [
      ['log', 'log lines, by the model of log lines'],
      ['json', 'log lines, by the model of JSON rows'],
    ].map(async ([name, what]) => {
      const kept = join(work, `channel-${name}.json`);
      if (!existsSync(kept)) {
        const file = readFileSync(join(work, name, 'model.rgm'));
        writeFileSync(kept, JSON.stringify({ what, ...(await measure(file)) }));
      }
      return JSON.parse(readFileSync(kept, 'utf8'));
    }),
  );
}

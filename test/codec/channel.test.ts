// Channels: both ends stay alike, bit for bit, while they learn; what is lost, changed or refused
// is noticed, and neither end is changed by it.

import { beforeAll, describe, expect, test } from 'vitest';
import { Channel, CodecError, MessageModel, trainMessages } from '../../src/codec/index.ts';
import { CheckpointError, OverflowError, UsageError } from '../../src/index.ts';
import { runsAll } from '../helpers/all.ts';
import { Draws } from './draws.ts';
import { bytesOf, SAMPLES, smallModel } from './small-model.ts';

let model: MessageModel;
beforeAll(async () => {
  model = await smallModel();
});

const LEARN = { interval: 32, batch: 2, learningRate: 0.01 };
const WORDS = 'the quick brown fox jumps over a lazy dog and then some more of it'.split(' ');

/** Messages of another kind than the samples. */
function talk(draws: Draws): Uint8Array {
  const length = draws.below(9);
  const words = Array.from({ length }, () => WORDS[draws.below(WORDS.length)]);
  if (draws.below(30) === 0) return Uint8Array.from({ length: 40 }, () => draws.below(256));
  return bytesOf(words.join(' '));
}

/** Sends messages both ways; returns the bytes of all frames. */
async function exchange(here: Channel, there: Channel, count: number, seed: number) {
  const draws = new Draws(seed);
  let bytes = 0;
  for (let n = 0; n < count; n++) {
    const message = talk(draws);
    const [from, to] = draws.below(2) === 0 ? [here, there] : [there, here];
    const frame = await from.encode(message);
    expect(frame.length).toBeLessThanOrEqual(message.length + 3);
    expect(await to.decode(frame)).toEqual(message);
    expect(there.digest).toBe(here.digest);
    bytes += frame.length;
  }
  return bytes;
}

describe('two ends', () => {
  test('stay alike for 120 messages, and need fewer bytes than if they did not learn', async () => {
    const [here, there] = [Channel.create(model, LEARN), Channel.create(model, LEARN)];
    const learning = await exchange(here, there, 120, 1);
    expect([here.messages, here.steps > 30, here.refused]).toEqual([120, true, 0]);
    expect([there.messages, there.steps]).toEqual([120, here.steps]);
    const still = { ...LEARN, interval: 0 };
    const frozen = await exchange(
      Channel.create(model, still),
      Channel.create(model, still),
      120,
      1,
    );
    console.log(`${learning} bytes, ${frozen} if they do not learn`);
    expect(learning).toBeLessThan(frozen * 0.97);
  });

  test('of which one has another model or other options are not alike', async () => {
    const here = Channel.create(model, LEARN);
    const small = { layers: 1, channels: 16, heads: 2, context: 32, steps: 2 };
    const other = MessageModel.read(await trainMessages(SAMPLES, small));
    const there = Channel.create(other, LEARN);
    const frame = await here.encode(bytesOf('abc'));
    await expect(there.decode(frame)).rejects.toBeInstanceOf(CodecError);
    const [a, b] = [Channel.create(model, LEARN), Channel.create(model, { ...LEARN, batch: 3 })];
    const long = bytesOf('one two three '.repeat(9));
    await b.decode(await a.encode(long)); // both learn from it, each in its own way
    const next = await a.encode(bytesOf('and more'));
    await expect(b.decode(next)).rejects.toBeInstanceOf(CodecError);
  });

  test('take work that was asked for at once in turn', async () => {
    const [here, there] = [Channel.create(model, LEARN), Channel.create(model, LEARN)];
    const messages = Array.from({ length: 12 }, (_, i) => bytesOf(`message ${i}`));
    const frames = await Promise.all(messages.map((message) => here.encode(message)));
    expect(await Promise.all(frames.map((frame) => there.decode(frame)))).toEqual(messages);
  });
});

/** Has an end refuse every so many of its steps, or the weights that they give. */
function refuseEvery(count: number, end: Channel, what: string): void {
  const { learner, predictor } = end as unknown as {
    learner: { trainer: { step: (batch: unknown) => unknown } };
    predictor: { reload: (tensors: unknown) => void };
  };
  const error = new OverflowError('a state left its range');
  let calls = 0;
  const { trainer } = learner;
  const step = trainer.step.bind(trainer);
  const reload = predictor.reload.bind(predictor);
  trainer.step = (batch) => {
    calls++;
    if (what === 'step' && calls % count === 0) throw error;
    return step(batch);
  };
  let refused = 0;
  predictor.reload = (tensors) => {
    reload(tensors);
    if (what === 'step' || calls % count > 0 || refused === calls) return;
    refused = calls; // the weights before are taken again
    throw error;
  };
}

describe('what goes wrong', () => {
  test('a message that was lost or came twice is noticed; resent, it is well', async () => {
    const [here, there] = [Channel.create(model, LEARN), Channel.create(model, LEARN)];
    await exchange(here, there, 5, 2);
    const frames: Uint8Array[] = [];
    for (const text of ['one', 'two', 'three']) frames.push(await here.encode(bytesOf(text)));
    const refused = { code: 'sync', message: expect.stringContaining('were lost') };
    await expect(there.decode(frames[1])).rejects.toMatchObject(refused);
    await expect(there.decode(frames[2])).rejects.toMatchObject(refused);
    for (const frame of frames) await there.decode(frame);
    await expect(there.decode(frames[2])).rejects.toMatchObject({ code: 'sync' });
    await exchange(here, there, 5, 3);
  });

  test('300 changed frames are refused, and change nothing', async () => {
    const [here, there] = [Channel.create(model, LEARN), Channel.create(model, LEARN)];
    await exchange(here, there, 5, 4);
    const draws = new Draws(5);
    for (let n = 0; n < 10; n++) {
      const message = talk(draws);
      const frame = await here.encode(message);
      const { digest } = there;
      for (let i = 0; i < 30; i++) {
        const changed = frame.slice(0, i % 3 === 0 ? draws.below(frame.length) : frame.length);
        if (i % 3 > 0) changed[draws.below(frame.length)] ^= 1 + draws.below(255);
        await expect(there.decode(changed)).rejects.toBeInstanceOf(CodecError);
      }
      expect(there.digest).toBe(digest);
      expect(await there.decode(frame)).toEqual(message);
      expect(there.digest).toBe(here.digest);
    }
  });

  test('a signal ends the work of an end, and changes nothing', async () => {
    const [here, there] = [Channel.create(model, LEARN), Channel.create(model, LEARN)];
    const stop = new AbortController();
    const onProgress = () => stop.abort(new Error('enough'));
    const { signal } = stop;
    const long = bytesOf('over and over '.repeat(30));
    await expect(here.encode(long, { signal, onProgress })).rejects.toThrow('enough');
    expect([here.messages, here.digest === there.digest]).toEqual([0, true]);
    expect(await there.decode(await here.encode(long))).toEqual(long);
    expect(there.digest).toBe(here.digest);
  });

  test('a larger message than maxOutput changes nothing', async () => {
    const [here, there] = [Channel.create(model, LEARN), Channel.create(model, LEARN)];
    const frame = await here.encode(bytesOf('0123456789'));
    await expect(there.decode(frame, { maxOutput: 9 })).rejects.toMatchObject({ code: 'limit' });
    await there.decode(frame, { maxOutput: 10 });
    expect(there.digest).toBe(here.digest);
  });

  test.each(['step', 'reload'])(
    'a %s that is refused is refused at both ends, and leaves no trace',
    async (what) => {
      const [here, there] = [Channel.create(model, LEARN), Channel.create(model, LEARN)];
      for (const end of [here, there]) refuseEvery(3, end, what);
      await exchange(here, there, 30, 6);
      expect(here.refused).toBeGreaterThan(3);
      expect(here.steps).toBeGreaterThan(here.refused);
      expect([there.refused, there.steps]).toEqual([here.refused, here.steps]);
      expect(await there.checkpoint()).toEqual(await here.checkpoint());
      const again = await Channel.restore(model, await here.checkpoint());
      expect([again.refused, again.digest]).toEqual([here.refused, here.digest]);
    },
  );
});

describe('a checkpoint', () => {
  test('is where an end goes on that lost messages, with the same bits', async () => {
    const [here, there] = [Channel.create(model, LEARN), Channel.create(model, LEARN)];
    await exchange(here, there, 8, 7);
    for (const text of ['lost', 'lost too']) await here.encode(bytesOf(text));
    await expect(there.decode(await here.encode(bytesOf('x')))).rejects.toMatchObject({
      code: 'sync',
    });
    const again = await Channel.restore(model, await here.checkpoint());
    expect([again.digest, again.messages, again.steps]).toEqual([
      here.digest,
      here.messages,
      here.steps,
    ]);
    await exchange(here, again, 12, 8);
    expect(await again.checkpoint()).toEqual(await here.checkpoint());
  });

  test('of another model, of something else, or changed is refused', async () => {
    const here = Channel.create(model, LEARN);
    const bytes = await here.checkpoint();
    const small = { layers: 1, channels: 16, heads: 2, context: 32, steps: 2 };
    const other = MessageModel.read(await trainMessages(SAMPLES, small));
    await expect(Channel.restore(other, bytes)).rejects.toMatchObject({ code: 'model' });
    bytes[bytes.length - 1] ^= 1;
    await expect(Channel.restore(model, bytes)).rejects.toThrow(CheckpointError);
    await expect(Channel.restore(model, new Uint8Array(9))).rejects.toThrow(CheckpointError);
  });
});

test.each([{ interval: -1 }, { batch: 0 }, { learningRate: 2 }, { rate: 1 }])(
  'options %j are refused',
  (options) => {
    expect(() => Channel.create(model, options as object)).toThrow(UsageError);
  },
);

test.runIf(runsAll)('10,000 messages both ways: equal digests throughout', async () => {
  const [here, there] = [Channel.create(model, LEARN), Channel.create(model, LEARN)];
  await exchange(here, there, 10_000, 9);
  expect([here.messages, there.messages]).toEqual([10_000, 10_000]);
});

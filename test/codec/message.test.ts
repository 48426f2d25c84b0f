// Messages: what is coded comes back, whatever it is; a decoder that takes a byte at a time has the
// bits of an encoder that takes many; other bytes than an encoder's are refused.

import { beforeAll, describe, expect, test } from 'vitest';
import { logitSizes } from '../../src/codec/frequencies.ts';
import { CodecError, decode, encode, MessageModel } from '../../src/codec/index.ts';
import { END, modelOf, SYMBOLS } from '../../src/codec/model-shape.ts';
import { Predictor } from '../../src/codec/predictor.ts';
import { Generator } from '../../src/generate/index.ts';
import { UsageError } from '../../src/index.ts';
import { createReferenceBackend } from '../../src/kernels/reference/index.ts';
import { bigEncode, type Place } from './big-coder.ts';
import { Draws } from './draws.ts';
import { bytesOf, SAMPLES, smallModel, textOf } from './small-model.ts';

let model: MessageModel;
beforeAll(async () => {
  model = await smallModel();
});

const text = '{"id":814,"name":"eve","ok":true}';
/** Messages of every kind: none, like the samples, unlike them, of several windows. */
const MESSAGES = (): Uint8Array[] => {
  const draws = new Draws(3);
  const noise = (length: number) => Uint8Array.from({ length }, () => draws.below(256));
  return [
    bytesOf(''),
    bytesOf(text),
    bytesOf('{'),
    Uint8Array.of(0),
    Uint8Array.from({ length: 256 }, (_, i) => i),
    bytesOf(text.repeat(20)),
    ...[1, 2, 15, 16, 17, 30, 31, 32, 33, 47, 48, 49, 63, 64, 65, 200].map((n) =>
      bytesOf(text.repeat(9).slice(0, n)),
    ),
    ...[1, 5, 31, 32, 100].map(noise),
  ];
};

describe('round trips', () => {
  test.each([1, 2] as const)(
    'with %i bytes of framing: none has more than those',
    async (framing) => {
      for (const message of MESSAGES()) {
        const coded = await encode(model, message, { framing });
        expect(coded.length).toBeLessThanOrEqual(message.length + framing);
        expect(await decode(model, coded)).toEqual(message);
      }
    },
  );

  test('a message like the samples is much smaller', async () => {
    expect((await encode(model, bytesOf(text))).length).toBeLessThan(text.length * 0.7);
  });

  test('all at once give what they give one by one', async () => {
    const messages = MESSAGES();
    const alone: Uint8Array[] = [];
    for (const message of messages) alone.push(await encode(model, message));
    const together = await Promise.all(messages.map((message) => encode(model, message)));
    expect(together).toEqual(alone);
    expect(await Promise.all(alone.map((coded) => decode(model, coded)))).toEqual(messages);
  });
});

/** The window from which a token is predicted: cut to its half whenever it is full. */
function windowBefore(stream: readonly number[], context: number): Int32Array {
  let window: number[] = [];
  for (const token of stream) {
    if (window.length === context) window = window.slice(-Math.floor(context / 2));
    window.push(token);
  }
  return Int32Array.from(window);
}

describe('the bits', () => {
  test('are those of whole windows through the generator and a coder in BigInt', async () => {
    const { tensors, beginning, shape } = model.parts;
    const generator = Generator.create({ model: modelOf(shape) as never, tensors });
    const fraction = 23;
    for (const message of [bytesOf(text), bytesOf(text.repeat(4))]) {
      const tokens = [...message, END];
      const places: Place[] = [];
      for (let i = 0; i < tokens.length; i++) {
        const stream = [...beginning, END, ...tokens.slice(0, i)];
        const rows = await generator.logits(windowBefore(stream, shape.context));
        const raw = Int32Array.from(rows[rows.length - 1], (logit) => logit * 2 ** fraction);
        const sizes = new Float64Array(SYMBOLS);
        logitSizes(raw, fraction, sizes);
        const start = sizes.slice(0, tokens[i]).reduce((a, b) => a + b, 0);
        places.push([start, sizes[tokens[i]]]);
      }
      const coded = await encode(model, message);
      expect(coded.subarray(1)).toEqual(bigEncode(places));
    }
  });

  test('are the same on the reference back end, and in any pieces', () => {
    const { tensors, beginning, shape } = model.parts;
    const source = { model: modelOf(shape), tensors, beginning };
    const tokens = Int32Array.from(bytesOf(text.repeat(3)));
    const sizesOf = (predictor: Predictor, pieces: readonly number[]): string[] => {
      const found: string[] = [];
      predictor.begin();
      let at = 0;
      for (let i = 0; at < tokens.length; at += pieces[i++ % pieces.length])
        predictor.each(tokens.subarray(at, at + pieces[i % pieces.length]), () =>
          found.push(predictor.sizes.join()),
        );
      return found;
    };
    const expected: string[] = [];
    const predictor = new Predictor(source);
    predictor.begin();
    for (const token of tokens) {
      predictor.predict();
      expected.push(predictor.sizes.join());
      predictor.push(token);
    }
    for (const pieces of [[1], [2], [7], [1000], [1, 50, 3]])
      expect(sizesOf(predictor, pieces)).toEqual(expected);
    expect(sizesOf(new Predictor(source, createReferenceBackend), [40])).toEqual(expected);
  });
});

describe('what is refused', () => {
  const refusal = async (coded: Uint8Array, options = {}) => {
    const error = await decode(model, coded, options).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(CodecError);
    return error.code;
  };

  test('nothing at all, and half of a beginning', async () => {
    expect(await refusal(new Uint8Array(0))).toBe('truncated');
    const [first] = await encode(model, bytesOf(text), { framing: 2 });
    expect(await refusal(Uint8Array.of(first))).toBe('truncated');
  });

  test('a message without its end, and with more behind it', async () => {
    const coded = await encode(model, bytesOf(text));
    for (let length = 1; length < coded.length; length++)
      expect(['truncated', 'damaged', 'trailing']).toContain(
        await refusal(coded.subarray(0, length)),
      );
    expect(await refusal(Uint8Array.of(...coded, 0, 0))).toBe('trailing');
    expect(['damaged', 'trailing']).toContain(await refusal(Uint8Array.of(...coded, 7)));
  });

  test('a larger message than maxOutput: coded and stored', async () => {
    const coded = await encode(model, bytesOf(text));
    expect(await refusal(coded, { maxOutput: text.length - 1 })).toBe('limit');
    expect(await decode(model, coded, { maxOutput: text.length })).toEqual(bytesOf(text));
    const noise = await encode(model, MESSAGES().at(-1)!);
    expect(await refusal(noise, { maxOutput: 99 })).toBe('limit');
  });

  test("another model's message", async () => {
    const coded = await encode(model, bytesOf(text), { framing: 2 });
    const { trainMessages } = await import('../../src/codec/index.ts');
    const other = MessageModel.read(
      await trainMessages(SAMPLES, { layers: 1, channels: 16, heads: 2, context: 32, steps: 2 }),
    );
    const error = await decode(other, coded).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(CodecError);
    const stored = await encode(model, MESSAGES().at(-1)!, { framing: 2 });
    await expect(decode(other, stored)).rejects.toMatchObject({ code: 'damaged' });
  });

  test.each([1, 2] as const)(
    '1,500 changed messages, framing %i: refused, or what an encoder would write of the result',
    async (framing) => {
      const draws = new Draws(11 + framing);
      const messages = MESSAGES().filter(({ length }) => length < 70);
      let accepted = 0;
      for (let n = 0; n < 750; n++) {
        const coded = await encode(model, messages[draws.below(messages.length)], { framing });
        const changed = spoiled(coded, draws);
        const found = await decode(model, changed, { maxOutput: 300 }).catch((thrown) => thrown);
        if (found instanceof CodecError) continue;
        expect(found).toBeInstanceOf(Uint8Array);
        const kind = changed[0] >> 6;
        const same = await encode(model, found, { framing: kind < 2 ? 1 : 2 });
        if (kind % 2 === 0 || same[0] >> 6 === kind) expect(changed).toEqual(same);
        accepted += changed.join() === coded.join() ? 0 : 1;
      }
      console.log(`framing ${framing}: ${accepted} of 750 changed messages are other messages`);
      expect(accepted).toBeLessThan(40);
    },
  );

  test('wrong use', async () => {
    const bytes = bytesOf(text);
    await expect(encode({} as MessageModel, bytes)).rejects.toThrow(UsageError);
    await expect(encode(model, 'text' as never)).rejects.toThrow(UsageError);
    await expect(encode(model, bytes, { framing: 3 as 1 })).rejects.toThrow(UsageError);
    await expect(decode(model, bytes, { maxOutput: -1 })).rejects.toThrow(UsageError);
    await expect(decode(model, bytes, { most: 1 } as object)).rejects.toThrow(UsageError);
  });
});

/** A message with a bit, a byte or its end changed. */
function spoiled(coded: Uint8Array, draws: Draws): Uint8Array {
  const bytes = coded.slice();
  const at = draws.below(bytes.length);
  const kind = draws.below(4);
  if (kind === 0) bytes[at] ^= 1 << draws.below(8);
  if (kind === 1) bytes[at] = draws.below(256);
  if (kind === 2) return bytes.subarray(0, at);
  if (kind === 3) return Uint8Array.of(...bytes, draws.below(256));
  return bytes;
}

describe('long work', () => {
  const long = bytesOf(text.repeat(40));

  test('tells how far it is', async () => {
    const seen: number[] = [];
    const onProgress = (bytes: number) => void seen.push(bytes);
    const coded = await encode(model, long, { onProgress });
    expect(seen).toEqual([256, 512, 768, 1024, 1280]);
    seen.length = 0;
    await decode(model, coded, { onProgress });
    expect(seen).toEqual([256, 512, 768, 1024, 1280]);
  });

  test('ends when its signal says so, and the model is free', async () => {
    const stop = new AbortController();
    const reason = new Error('enough');
    const work = encode(model, long, {
      signal: stop.signal,
      onProgress: () => stop.abort(reason),
    });
    await expect(work).rejects.toBe(reason);
    const coded = await encode(model, long);
    await expect(decode(model, coded, { signal: stop.signal })).rejects.toBe(reason);
    expect(textOf(await decode(model, coded))).toBe(textOf(long));
  });
});

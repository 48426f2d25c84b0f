// A generator gives the bits of the trainer's forward pass, however a prompt is cut, whatever else
// goes through with it, and whatever the model is made of.

import { describe, expect, test } from 'vitest';
import { Generator, type Piece } from '../../src/generate/index.ts';
import {
  bdia,
  coupling,
  type GptConfig,
  gpt,
  leapfrog,
  momentum,
  plain,
  type TextBatch,
  Trainer,
  type UpdateRule,
  UsageError,
  Vocabulary,
} from '../../src/index.ts';

const SHAPE = { vocabulary: 29, layers: 3, channels: 36, heads: 4, context: 48 };
const tokensOf = (n: number, of = SHAPE.vocabulary): Int32Array =>
  Int32Array.from({ length: n }, (_, i) => (i * i * 7 + i) % of);

/** A trainer some steps on, so that nothing is as it began. */
function trained(config: Partial<GptConfig> = {}, rule: UpdateRule = bdia()): Trainer<TextBatch> {
  const model = gpt({ ...SHAPE, ...config, rule });
  const trainer = Trainer.create({ model, batch: 1, steps: 10, learningRate: 0.02 });
  const inputs = tokensOf(config.context ?? SHAPE.context);
  for (let i = 0; i < 5; i++) trainer.step({ inputs, targets: inputs.slice().reverse() });
  return trainer;
}

async function all(pieces: AsyncIterable<Piece>): Promise<Piece[]> {
  const found: Piece[] = [];
  for await (const piece of pieces) found.push(piece);
  return found;
}
const tokensIn = (pieces: readonly Piece[]): number[] => pieces.flatMap(({ tokens }) => tokens);

/** The text by the trainer alone: every token from the last `context` ones, computed anew. */
function greedy(trainer: Trainer<TextBatch>, prompt: Int32Array, length: number): number[] {
  const { context } = trainer.options.model.config as GptConfig;
  const tokens = Array.from(prompt);
  for (let i = 0; i < length; i++) {
    const logits = trainer.predict(Int32Array.from(tokens.slice(-context)));
    tokens.push(logits.indexOf(Math.max(...logits)));
  }
  return tokens.slice(prompt.length);
}

describe('bits', () => {
  test.each([
    ['bdia', {}, bdia()],
    ['plain with biases', { bias: true }, plain()],
    ['leapfrog, a head of its own', { tied: false }, leapfrog()],
    ['momentum', {}, momentum()],
    ['coupling', { bias: true }, coupling()],
    ['heads of 9', { channels: 36, heads: 4 }, bdia()],
    ['heads of 1 and a context of 5', { channels: 4, heads: 4, context: 5 }, bdia()],
    ['one layer, a head of 40', { layers: 1, channels: 40, heads: 1 }, bdia()],
  ])('%s: logits of every row are the trainer’s, for every chunk', async (_, config, rule) => {
    const trainer = trained(config, rule);
    const { context } = trainer.options.model.config as GptConfig;
    const tokens = tokensOf(context);
    const expected = Array.from(tokens, (_, i) =>
      Array.from(trainer.predict(tokens.slice(0, i + 1))),
    );
    for (const chunk of [1, 2, 7, 16, 128]) {
      const generator = Generator.create(trainer, { chunk });
      expect(generator.isCached).toBe(true);
      const rows = await generator.logits(tokens);
      expect(rows.map((row) => Array.from(row))).toEqual(expected);
    }
  });

  test.each([1, 3, 16])(
    '%i texts at a time are those of one after the other',
    async (sequences) => {
      const trainer = trained();
      const generator = Generator.create(trainer, { sequences, chunk: 20 });
      const prompts = Array.from({ length: 20 }, (_, i) =>
        tokensOf(1 + ((i * 13) % 60)).slice(i % 3),
      );
      const texts = await Promise.all(
        prompts.map((prompt, seed) =>
          all(generator.generate(prompt, { maxTokens: 40, seed, topK: 20 })),
        ),
      );
      const alone = Generator.create(trainer);
      for (const [seed, prompt] of prompts.entries()) {
        const text = await all(alone.generate(prompt, { maxTokens: 40, seed, topK: 20 }));
        expect(tokensIn(texts[seed])).toEqual(tokensIn(text));
      }
    },
  );

  test('a full window slides: every token is that of the last `context` ones', async () => {
    const trainer = trained({ context: 12 });
    const generator = Generator.create(trainer);
    const prompt = tokensOf(9);
    const pieces = await all(generator.generate(prompt, { maxTokens: 30, topK: 1 }));
    expect(tokensIn(pieces)).toEqual(greedy(trainer, prompt, 30));
    expect(pieces.at(-1)?.finish).toBe('length');
  });

  test('a window may slide by more: what is left is computed again', async () => {
    const trainer = trained({ context: 12 });
    const generator = Generator.create(trainer);
    const window = Array.from(tokensOf(9));
    const expected: number[] = [];
    for (let i = 0; i < 30; i++) {
      const logits = trainer.predict(Int32Array.from(window));
      const token = logits.indexOf(Math.max(...logits));
      expected.push(token);
      window.push(token);
      if (window.length > 12) window.splice(0, 6);
    }
    const options = { maxTokens: 30, temperature: 0, slide: 6 };
    expect(tokensIn(await all(generator.generate(tokensOf(9), options)))).toEqual(expected);
  });

  test('later steps of the trainer do not change it', async () => {
    const trainer = trained();
    const generator = Generator.create(trainer);
    const before = await generator.logits(tokensOf(10));
    trainer.step({ inputs: tokensOf(48), targets: tokensOf(48) });
    expect(await generator.logits(tokensOf(10))).toEqual(before);
  });

  test('states with other fraction bits', async () => {
    const model = gpt({ ...SHAPE, bias: true });
    const trainer = Trainer.create({ model, batch: 1, steps: 10, fractionBits: 12 });
    const [row] = (await Generator.create(trainer).logits(tokensOf(7))).slice(-1);
    expect(row).toEqual(trainer.predict(tokensOf(7)));
    const given = { model, tensors: trainer.tensors() };
    expect((await Generator.create(given).logits(tokensOf(7))).at(-1)).toEqual(row);
  });
});

describe('texts', () => {
  const codec = Vocabulary.bytes();
  const bytes = trained({ vocabulary: 256 });
  const text = (pieces: readonly Piece[]): string => pieces.map((piece) => piece.text).join('');

  test('pieces put together are the text of all tokens', async () => {
    const generator = Generator.create(bytes, { codec });
    for (let seed = 0; seed < 5; seed++) {
      const pieces = await all(generator.generate('ä', { maxTokens: 200, seed }));
      expect(text(pieces)).toBe(codec.decode(tokensIn(pieces)));
      expect(tokensIn(pieces)).toHaveLength(200);
    }
  });

  test('a stop string ends a text wherever the borders of tokens are', async () => {
    const generator = Generator.create(bytes, { codec });
    const whole = text(await all(generator.generate('a', { maxTokens: 120, seed: 3 })));
    const stop = whole.slice(60, 65);
    const pieces = await all(
      generator.generate('a', { maxTokens: 120, seed: 3, stop: ['\u{10ffff}', stop] }),
    );
    expect(text(pieces)).toBe(whole.slice(0, whole.indexOf(stop)));
    expect(pieces.at(-1)?.finish).toBe('stop');
  });

  test('a token can end a text', async () => {
    const generator = Generator.create(bytes, { codec });
    const tokens = tokensIn(await all(generator.generate('a', { maxTokens: 50, seed: 3 })));
    const pieces = await all(
      generator.generate('a', { maxTokens: 50, seed: 3, stop: [tokens[20]] }),
    );
    expect(tokensIn(pieces)).toEqual(tokens.slice(0, tokens.indexOf(tokens[20])));
    expect(pieces.at(-1)?.finish).toBe('stop');
  });

  test('an aborted text ends, keeps what is there and leaves its place', async () => {
    const generator = Generator.create(bytes, { codec });
    const controller = new AbortController();
    const pieces: Piece[] = [];
    const options = { maxTokens: 1e9, signal: controller.signal, seed: 3 };
    for await (const piece of generator.generate('a', options)) {
      pieces.push(piece);
      if (tokensIn(pieces).length >= 20) controller.abort();
    }
    expect(pieces.at(-1)?.finish).toBe('abort');
    const first = await all(generator.generate('a', { maxTokens: 20, seed: 3 }));
    expect(tokensIn(first)).toEqual(tokensIn(pieces).slice(0, 20));
  });

  test('who leaves the loop leaves the place, and who waits gets it', async () => {
    const generator = Generator.create(bytes, { codec });
    const waiting = all(generator.generate('b', { maxTokens: 3 }));
    for await (const piece of generator.generate('a', { maxTokens: 1e9 }))
      if (piece.tokens.length > 0) break;
    expect(tokensIn(await waiting)).toHaveLength(3);
  });
});

describe('what is wrong is refused', () => {
  const trainer = trained();
  const generator = Generator.create(trainer);
  const wrongs: [() => unknown, RegExp][] = [
    [() => Generator.create({} as never), /model is undefined/],
    [() => Generator.create({ model: 3, tensors: trainer.tensors() } as never), /model is 3/],
    [() => Generator.create({ options: trainer.options, tensors: [] }), /tensors/],
    [
      () => Generator.create({ options: trainer.options, tensors: trainer.tensors().slice(1) }),
      /the weights have no token\.weight/,
    ],
    [
      () =>
        Generator.create({ model: gpt({ ...SHAPE, channels: 40 }), tensors: trainer.tensors() }),
      /token\.weight has 1044 numbers, expected 29 x 40/,
    ],
    [() => Generator.create(trainer, { sequences: 0 }), /sequences is 0/],
    [() => Generator.create(trainer, { chunk: 1.5 }), /chunk is 1\.5/],
    [() => Generator.create(trainer, { batch: 2 } as never), /options cannot have "batch"/],
    [() => Generator.create(trainer, { memoryLimit: 1000 }), /1000 are allowed/],
    [() => Generator.create(trainer, { codec: {} as never }), /codec/],
    [() => generator.generate('text'), /the prompt is text, expected tokens/],
    [() => generator.generate([]), /prompt/],
    [() => generator.generate([29]), /prompt\[0\] is 29/],
    [() => generator.generate([1], { maxTokens: 0 }), /maxTokens is 0/],
    [() => generator.generate([1], { temperature: -1 }), /temperature is -1/],
    [() => generator.generate([1], { topK: -1 }), /topK is -1/],
    [() => generator.generate([1], { topP: 2 }), /topP is 2/],
    [() => generator.generate([1], { minP: NaN }), /minP is NaN/],
    [() => generator.generate([1], { repetitionPenalty: 0 }), /repetitionPenalty is 0/],
    [() => generator.generate([1], { seed: 0.5 }), /seed is 0\.5/],
    [() => generator.generate([1], { slide: 49 }), /slide is 49/],
    [() => generator.generate([1], { stop: 'a' }), /text, but tokens have none/],
    [() => generator.generate([1], { stop: [''] }), /stop\[0\]/],
    [() => generator.generate([1], { signal: 3 as never }), /signal is 3/],
    [() => generator.generate([1], { tokens: 3 } as never), /options cannot have "tokens"/],
  ];
  test.each(wrongs.map(([wrong, message]) => [message.source, wrong, message] as const))(
    '%s',
    (_, wrong, message) => {
      expect(wrong).toThrow(message);
      expect(wrong).toThrow(UsageError);
    },
  );
});

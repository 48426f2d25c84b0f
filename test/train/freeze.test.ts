// Frozen tensors: their bytes never change, they have no gradient and no memory for one, and the
// gradients of all others are what they would be if nothing were frozen.

import { describe, expect, test } from 'vitest';
import {
  adamw,
  decodeCheckpoint,
  encodeCheckpoint,
  gpt,
  isWeight,
  lion,
  matching,
  plan,
  sgd,
  type TextBatch,
  Trainer,
  type TrainOptions,
  translator,
  vit,
} from '../../src/index.ts';
import { runsAll } from '../helpers/all.ts';
import { createGpt, type FlatOptions, optionsOf, type RuleName } from '../helpers/flat.ts';
import { images, pairOptions, pairs, TRANSLATOR, vitOptions } from '../helpers/model-batches.ts';
import { continueTraining, randomTokens, type Small, smallOptions } from '../helpers/runs.ts';

const threadModule = new URL('../../dist/thread.js', import.meta.url);

/** Weights by name, as they are now. */
const weightsOf = (trainer: { tensors: Trainer['tensors'] }): Map<string, Int32Array> =>
  new Map(
    trainer
      .tensors()
      .filter(isWeight)
      .map(({ name, data }) => [name, data.slice()]),
  );

/** Names whose bytes differ. */
const changed = (before: Map<string, Int32Array>, after: Map<string, Int32Array>): string[] =>
  [...before].filter(([name, data]) => `${data}` !== `${after.get(name)}`).map(([name]) => name);

const PATTERNS = ['token.weight', 'block.1.*', '*.norm2.*', '!block.1.up.*'];
const isFrozen = (name: string): boolean =>
  name === 'token.weight' ||
  (name.startsWith('block.1.') && !name.startsWith('block.1.up.')) ||
  name.includes('.norm2.');
const small = (more: Small = {}): FlatOptions =>
  smallOptions({ freeze: matching(PATTERNS), ...more, model: { bias: true, ...more.model } });

describe('the gradients of what is trained', () => {
  const gptOf = (model: object): TrainOptions<TextBatch> =>
    optionsOf(smallOptions({ batch: 2, model: { bias: true, layers: 2, ...model } }), gpt);
  const MODELS: [string, TrainOptions<never>, unknown][] = [
    ['a tied GPT', gptOf({}), randomTokens(smallOptions({ batch: 2 }), 3)],
    ['a GPT with a head', gptOf({ tied: false }), randomTokens(smallOptions({ batch: 2 }), 3)],
    ['a vision transformer', optionsOf(vitOptions({ batch: 2 }), vit), images(3, 2)],
    [
      'a translator',
      optionsOf(pairOptions({ batch: 2, model: { ...TRANSLATOR, layers: 1 } }), translator),
      pairs(3, 2),
    ],
  ];
  test.each(MODELS.filter((_, i) => runsAll || i % 3 === 0))(
    '%s: each tensor trained alone and frozen alone, all gradients as without',
    (_, given, batch) => {
      const options = given as TrainOptions<unknown>;
      const whole = Trainer.create(options);
      whole.computeGradients(batch);
      const names = [...weightsOf(whole).keys()];
      const expected = new Map(names.map((name) => [name, whole.gradient(name).slice()]));
      for (const name of names)
        for (const patterns of [[name], ['*', `!${name}`]]) {
          const freeze = matching(patterns);
          const trainer = Trainer.create({ ...options, freeze });
          trainer.computeGradients(batch);
          for (const other of names.filter((one) => !freeze.fits(one)))
            expect(trainer.gradient(other), `${other}, frozen ${patterns}`).toEqual(
              expected.get(other),
            );
        }
    },
    300_000,
  );
});

describe('the way back ends with the lowest block that learns', () => {
  const LAYERS = 4;
  const BATCH = 2;
  const below = (lowest: number): string[] => [
    'token.*',
    'position.*',
    ...Array.from({ length: lowest }, (_, k) => `block.${k}.*`),
  ];

  test.each<RuleName>(['bdia', 'none', 'coupling', 'momentum', 'leapfrog', 'checkpointing'])(
    'rule %s: gradients as without, and so many states are rebuilt',
    (reversible) => {
      const model = { bias: true, layers: LAYERS, tied: false };
      const options = smallOptions({ batch: BATCH, reversible, model });
      const batch = randomTokens(options, 3);
      const whole = createGpt(options);
      whole.computeGradients(batch);
      for (let lowest = 0; lowest <= LAYERS; lowest++) {
        const freeze = matching(below(lowest));
        const trainer = createGpt({ ...options, freeze });
        trainer.computeGradients(batch);
        const names = [...weightsOf(trainer).keys()].filter((name) => !freeze.fits(name));
        expect(names.length).toBeGreaterThan(2);
        for (const name of names)
          expect(trainer.gradient(name), `${name}, ${lowest}`).toEqual(whole.gradient(name));
        const { checkedStates } = whole.totals;
        const skipped = Math.min(checkedStates, BATCH * blocksChecked(reversible, lowest));
        expect(trainer.totals.checkedStates).toBe(checkedStates - skipped);
      }
    },
  );
  /** Of the blocks below, those before which a rule has something to compare. */
  const blocksChecked = (rule: RuleName, lowest: number): number =>
    ['bdia', 'leapfrog'].includes(rule) ? Math.max(0, lowest - 1) : lowest;

  test('what learns below is reached: embeddings, a tied head, an encoder', () => {
    const model = { ...TRANSLATOR, layers: 2 };
    const options = optionsOf(pairOptions({ batch: 2, model }), translator);
    const whole = Trainer.create(options);
    whole.computeGradients(pairs(3, 2));
    const names = [...weightsOf(whole).keys()];
    const isOf = (part: string) => (name: string) => name.startsWith(part);
    const learn = ['encoder.1.', 'encoder.norm', 'decoder.1.', 'token.'].map((part) => {
      expect(names.filter(isOf(part)).length, part).toBeGreaterThan(0);
      return [part];
    });
    for (const parts of [...learn, ['encoder.1.', 'decoder.1.']]) {
      const trained = names.filter((name) => parts.some((part) => name.startsWith(part)));
      const freeze = matching(['*', ...trained.map((name) => `!${name}`)]);
      const trainer = Trainer.create({ ...options, freeze });
      trainer.computeGradients(pairs(3, 2));
      for (const name of trained)
        expect(trainer.gradient(name), `${name} of ${parts}`).toEqual(whole.gradient(name));
    }
  });
});

describe('frozen bytes never change, and all others do', () => {
  const differing = (options: FlatOptions): string[] => {
    const trainer = createGpt(options);
    const before = weightsOf(trainer);
    continueTraining(trainer, 8);
    expect(trainer.totals.mismatchedElements).toBe(0);
    const found = changed(before, weightsOf(trainer));
    expect(found).toEqual([...before.keys()].filter((name) => !isFrozen(name)));
    return found;
  };
  test.each<RuleName>(['bdia', 'none', 'coupling', 'momentum', 'leapfrog', 'checkpointing'])(
    'rule %s',
    (reversible) => void differing(small({ reversible })),
  );
  test.each([
    ['adamw', adamw({ weightDecay: 0.4 })],
    ['sgd', sgd({ momentumShift: 2, weightDecay: 0.4 })],
    ['lion', lion({ weightDecay: 0.4 })],
  ])('%s, with weight decay', (_, optimizer) => {
    const trainer = Trainer.create({ ...optionsOf(small(), gpt), optimizer });
    const before = weightsOf(trainer);
    continueTraining(trainer, 8);
    const found = changed(before, weightsOf(trainer));
    expect(found).toEqual([...before.keys()].filter((name) => !isFrozen(name)));
  });
  test('with dropout, stochastic depth, no verification and an untied head', () => {
    differing(small({ dropout: 0.2, stochasticDepth: 0.3, verify: false, model: { tied: false } }));
  });
});

describe('the same bits', () => {
  test('for micro-batches, threads, and whatever is kept or verified', async () => {
    const digests = new Set<string>();
    const choices = [{}, { microBatch: 1 }, { storeActivations: true }, { verify: false }];
    for (const change of choices) {
      const trainer = createGpt(small(change));
      continueTraining(trainer, 6);
      digests.add(await trainer.weightsSha256());
    }
    for (const threads of [2, 3]) {
      const trainer = createGpt(small({ threads }), undefined, threadModule);
      await trainer.ready();
      expect(trainer.threads).toBe(threads);
      continueTraining(trainer, 6);
      digests.add(await trainer.weightsSha256());
      trainer.close();
    }
    expect([...digests]).toHaveLength(1);
  });

  test('interrupted and resumed from a checkpoint, which keeps what is frozen', async () => {
    const whole = createGpt(small());
    continueTraining(whole, 3);
    const { options, steps: step } = whole;
    const about = { vocabulary: null, dataSha256: '0'.repeat(64), libraryVersion: '0' };
    const file = await encodeCheckpoint({ tensors: whole.tensors(), options, step, ...about });
    const saved = await decodeCheckpoint(file);
    expect(saved.options.freeze?.options).toEqual({ patterns: PATTERNS });
    expect(saved.tensors.some(({ name }) => name === 'optimizer.m.token.weight')).toBe(false);
    const resumed = Trainer.create(saved.options as TrainOptions<TextBatch>);
    resumed.restore(saved.tensors, saved.step);
    continueTraining(whole, 3);
    continueTraining(resumed, 3);
    expect(await resumed.weightsSha256()).toBe(await whole.weightsSha256());
  });

  test('initial weights do not depend on what is frozen; frozen nothing is as usual', async () => {
    const digest = (freeze?: string[]): Promise<string> =>
      createGpt(smallOptions({ freeze: freeze && matching(freeze) })).weightsSha256();
    expect(await digest(['*', '!norm.gain'])).toBe(await digest());
    const none = createGpt(smallOptions({ freeze: matching([]) }));
    const usual = createGpt(smallOptions());
    for (const trainer of [none, usual]) continueTraining(trainer, 4);
    expect(await none.weightsSha256()).toBe(await usual.weightsSha256());
  });
});

describe('the plan', () => {
  const of = (freeze?: string[]) =>
    plan({ ...optionsOf(smallOptions(), gpt), freeze: freeze && matching(freeze) });
  test('has 8 bytes of gradient and 8 of AdamW for each weight that is trained, 4 for all', () => {
    const all = of();
    const trained = 2 * 32; // norm.gain and block.1.norm1.gain
    const few = of(['*', '!norm.gain', '!block.1.norm1.gain']);
    expect(few.parameters).toBe(all.parameters);
    expect(few.bytes.weights).toBe(4 * all.parameters);
    expect([few.bytes.gradients, few.bytes.optimizer]).toEqual([8 * trained, 8 * trained]);
    expect(all.bytes.gradients).toBe(8 * all.parameters);
    expect(few.bytes.workspace).toBeLessThan(all.bytes.workspace);
    expect(few.total).toBeLessThan(all.total - 15 * all.parameters);
  });

  test('of an evaluation, everything frozen, has neither; its loss is the same', () => {
    const options = optionsOf(small({ freeze: undefined }), gpt);
    const trainer = Trainer.create(options);
    const frozen = { ...options, freeze: matching(['*']) };
    const { gradients, optimizer } = plan(frozen).bytes;
    expect([gradients, optimizer]).toEqual([0, 0]);
    const other = Trainer.create(frozen);
    other.restore(trainer.tensors().filter(isWeight), 3);
    const batch = randomTokens(smallOptions(), 3);
    expect(other.evaluate(batch)).toEqual(trainer.evaluate(batch));
  });

  test('a batch that only frozen tensors could not add up is allowed', () => {
    const model = gpt({ vocabulary: 4, layers: 1, channels: 8, heads: 2, context: 256 });
    const big = { model, batch: 4096, microBatch: 1, steps: 1 };
    expect(() => plan(big)).toThrow(/needs 8192 flushes/);
    expect(() => plan({ ...big, freeze: matching(['*', '!position.weight']) })).not.toThrow();
  });
});

describe('refused', () => {
  const make = (freeze: unknown): (() => unknown) => {
    const options = { ...optionsOf(smallOptions(), gpt), freeze: freeze as undefined };
    return () => Trainer.create(options);
  };
  test.each<[string, unknown, string]>([
    ['a pattern that fits nothing', matching(['tok.*']), 'freeze has "tok.*", which fits none'],
    ['an exception of nothing', matching(['*', '!no']), 'freeze has "!no", which fits none'],
    ['a list', ['token.*'], 'freeze is of type object, expected matching([...]) or'],
    ['a word', 'token.*', 'freeze is "token.*", expected matching([...]) or'],
  ])('%s', (_, freeze, message) => expect(make(freeze)).toThrow(message));
  test('patterns that are none', () => {
    expect(() => matching('token' as never)).toThrow('patterns is "token", expected an array');
    expect(() => matching([3] as never)).toThrow('patterns[0] is 3, expected a string');
  });
  test('the gradient of a frozen tensor', () => {
    const trainer = createGpt(small());
    expect(() => trainer.gradient('token.weight')).toThrow('has no parameter token.weight');
  });
  test('tensors of a run in which other ones are frozen', () => {
    const [all, some] = [createGpt(smallOptions()), createGpt(small({ model: { bias: false } }))];
    expect(() => some.restore(all.tensors(), 0)).toThrow('"optimizer.m.token.weight" is not one');
    expect(() => all.restore(some.tensors(), 0)).toThrow('optimizer.m.token.weight is missing');
  });
});

// Workers that lie are found and named, are given nothing more, and change no bit; what this does
// not hold is shown too.

import { describe, expect, test } from 'vitest';
import { computePart, type GradientPart, partLimit } from '../../src/distributed/index.ts';
import { packMessage } from '../../src/distributed/message.ts';
import { mostBytes, packNumbers } from '../../src/distributed/packing.ts';
import { type TextBatch, Trainer } from '../../src/index.ts';
import { releaseWith } from '../helpers/rules.ts';
import { Court, changed, type Head, type Lie, type Outcome, sealed } from './court.ts';
import { inOneThread } from './network.ts';
import { alone, BATCH, batchOf, create, DONE, OPTIONS } from './schedule.ts';

const flip = (text: unknown): string => `${text}`.replace(/.$/, (c) => (c === '0' ? '1' : '0'));
const old: GradientPart[] = [];

const LIES: [string, Lie][] = [
  [
    'a flipped bit of a gradient',
    (h) =>
      sealed(
        h,
        changed(h.part, 7, (g) => g ^ 1n),
      ),
  ],
  [
    'the sign of the last gradient',
    (h) =>
      sealed(
        h,
        changed(h.part, h.part.gradients.length - 1, (g) => ~g),
      ),
  ],
  [
    'a flipped bit of a gradient, under an honest seal',
    async ({ head, body, part }) => {
      const { gradients } = changed(part, 7, (g) => g ^ 1n);
      return packMessage(head, body.length > 0 ? packNumbers(gradients) : body.slice(0, 1));
    },
  ],
  [
    'a flipped bit of the seal',
    ({ head, body }) => packMessage({ ...head, seal: flip(head.seal) }, body),
  ],
  ['another loss', (h) => sealed(h, { ...h.part, loss: h.part.loss + 1 })],
  [
    'another loss under an honest seal',
    ({ head, body }) => packMessage({ ...head, loss: 1, seal: flip('0') }, body),
  ],
  ['one that was right more', (h) => sealed(h, { ...h.part, correct: h.part.correct + 1 })],
  [
    'gradients at the first weights',
    (h) => {
      const { first } = h.part;
      const known = old.find((part) => part.first === first) ?? h.part;
      if (known === h.part) old.push(known);
      const lie = h.part.step === 0 ? changed(known, 0, (g) => g + 1n) : known;
      return sealed(h, { ...lie, step: h.part.step });
    },
  ],
  [
    '2^62 everywhere',
    (h) => sealed(h, { ...h.part, gradients: h.part.gradients.slice().fill(2n ** 62n) }),
  ],
  [
    '-2^63',
    (h) =>
      sealed(
        h,
        changed(h.part, 3, () => -(2n ** 63n)),
      ),
  ],
  [
    'the limit itself',
    (h) =>
      sealed(
        h,
        changed(h.part, 3, () => partLimit(h.part.count, BATCH)),
      ),
  ],
  [
    "another part's gradients",
    (h) => {
      const { first, count, step } = h.part;
      const other = { step, first: first === 0 ? BATCH - count : 0, count };
      return sealed(h, { ...computePart(h.trainer, batchOf(step), other), first, count });
    },
  ],
  ["another worker's seal", (h) => sealed(h, h.part, h.name === 'liar' ? 'a' : 'liar')],
  [
    'an error that does not happen',
    ({ head }) =>
      packMessage({
        task: head.task,
        first: head.first,
        count: head.count,
        error: 'OverflowError: no',
      }),
  ],
  ['no seal', ({ head, body }) => packMessage({ ...head, seal: undefined }, body)],
  ['a seal that is a list', ({ head, body }) => packMessage({ ...head, seal: [head.seal] }, body)],
  [
    'a seal alone where gradients are wanted',
    ({ head }) => packMessage({ ...head, loss: undefined }),
  ],
  [
    'half of its gradients',
    ({ head, body }) =>
      packMessage(head, body.length > 0 ? body.slice(0, body.length >> 1) : Uint8Array.of(1)),
  ],
  [
    'a loss that is no number',
    ({ head, body }) =>
      packMessage({ ...head, loss: 'x', seal: body.length ? head.seal : 1 }, body),
  ],
  [
    'more bytes than gradients can have',
    ({ head, trainer }) => packMessage(head, new Uint8Array(mostBytes(trainer.parameters, 8) + 1)),
  ],
];

const expected = await alone();

describe('with two workers to agree, a liar that hands in', () => {
  test.each(LIES)('%s is found, named and given nothing more', async (_, lie) => {
    old.length = 0;
    for (const first of [true, false]) {
      const { digest, wrong, agreed, ends } = await inOneThread(() => {
        const court = new Court();
        if (first) court.liar('liar', lie);
        for (const name of ['a', 'b']) court.honest(name);
        if (!first) court.liar('liar', lie);
        return court.judge();
      });
      expect(digest).toBe(expected);
      expect(wrong).toMatchObject([{ kind: 'wrong', worker: 'liar', step: 0 }]);
      expect(agreed.get('liar')).toBeUndefined();
      expect([...ends].sort()).toEqual([`refused: ${wrong[0].why}`, DONE, DONE].sort());
    }
  });

  test('the result of a task before counts for nothing: others compute the part', async () => {
    let before: Head | undefined;
    const { digest, wrong, agreed } = await inOneThread(() => {
      const court = new Court({ patience: 5000 });
      court.liar('liar', ({ head, body }) => {
        before ??= head;
        return packMessage({ ...before, first: head.first, count: head.count }, body);
      });
      for (const name of ['a', 'b']) court.honest(name);
      return court.judge();
    });
    expect(digest).toBe(expected);
    // under the name of its first task it is found wrong, or nothing that it says counts
    expect(wrong.every(({ worker }) => worker === 'liar')).toBe(true);
    expect(agreed.get('liar') ?? 0).toBeLessThanOrEqual(1);
  });
});

/** A trainer that counts the samples that it computes itself. */
function counting(): { trainer: Trainer<TextBatch>; computed: () => number } {
  let calls = 0;
  const makeBackend = releaseWith((kernels) => ({
    embedding_forward_i32: (...args) => {
      calls++;
      kernels.embedding_forward_i32(...args);
    },
  }));
  return { trainer: Trainer.forTests(OPTIONS, { makeBackend }), computed: () => calls };
}

test('what a liar handed in before it was found is forgotten, not computed again', async () => {
  let results = 0;
  const { trainer, computed } = counting();
  const { digest, wrong } = await inOneThread(() => {
    const court = new Court({ patience: 1e6 }, 1, trainer);
    court.liar('liar', (h) => {
      if (++results > 1) return packMessage({ ...h.head, seal: undefined }, h.body);
      return sealed(
        h,
        changed(h.part, 7, (g) => g ^ 1n),
      );
    });
    void court.clock.sleep(3000).then(() => ['a', 'b'].map((name) => court.honest(name)));
    return court.judge();
  });
  expect(wrong.map(({ worker, why }) => [worker, why])).toEqual([
    ['liar', 'its result has no seal'],
  ]);
  expect([results, computed()]).toEqual([2, 0]);
  const alone = create();
  alone.step(batchOf(0));
  expect(digest).toBe(await alone.weightsSha256());
});

describe('two workers that agree upon a lie', () => {
  const lie: Lie = (h) =>
    sealed(h, { ...h.part, gradients: h.part.gradients.map((gradient) => -gradient) });
  const run = (spotChecks: number): Promise<Outcome> =>
    inOneThread(() => {
      const court = new Court({ spotChecks, random: () => 0.999 });
      for (const name of ['x', 'y']) court.liar(name, lie);
      if (spotChecks > 0) for (const name of ['a', 'b']) court.honest(name);
      return court.judge();
    });

  test('are believed without spot checks: the digest is another, and nobody is named', async () => {
    const { digest, wrong } = await run(0);
    expect([digest === expected, wrong]).toEqual([false, []]);
  });

  test('are found where every part is computed again', async () => {
    const { digest, wrong } = await run(1);
    expect(digest).toBe(expected);
    expect(new Set(wrong.map(({ worker }) => worker))).toEqual(new Set(['x', 'y']));
  });

  test('are found by the part that is drawn', async () => {
    let drawn = 0;
    const { digest, wrong } = await inOneThread(() => {
      const random = (): number => (++drawn === 3 ? 0.09 : 0.1); // the first part of step 2
      const court = new Court({ spotChecks: 0.1, random });
      for (const name of ['x', 'y']) court.liar(name, lie);
      void court.clock.sleep(3000).then(() => ['a', 'b'].map((name) => court.honest(name)));
      return court.judge();
    });
    expect(digest).not.toBe(expected);
    expect(wrong.map(({ worker, step }) => [worker, step])).toEqual([
      ['x', 1],
      ['y', 1],
    ]);
  });
});

describe('a liar alone', () => {
  test('is found without spot checks where a gradient is beyond what any can be', async () => {
    const { digest, wrong } = await inOneThread(() => {
      const court = new Court({ replicate: 1 });
      court.liar('liar', (h) =>
        sealed(
          h,
          changed(h.part, 7, () => 2n ** 62n),
        ),
      );
      court.honest('a');
      return court.judge();
    });
    expect(digest).toBe(expected);
    expect(wrong.map(({ worker }) => worker)).toEqual(['liar']);
  });

  test('is believed with one worker a part and no spot checks, and found with them', async () => {
    const run = (spotChecks: number): Promise<Outcome> =>
      inOneThread(() => {
        const court = new Court({ replicate: 1, spotChecks });
        court.liar('liar', (h) =>
          sealed(
            h,
            changed(h.part, 7, (g) => g ^ 1n),
          ),
        );
        if (spotChecks > 0) court.honest('a');
        return court.judge();
      });
    expect(await run(0)).toMatchObject({ wrong: [] });
    const { digest, wrong } = await run(1);
    expect(digest).toBe(expected);
    expect(wrong.map(({ worker }) => worker)).toEqual(['liar']);
  });
});

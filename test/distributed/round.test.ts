// Rounds of local steps: what they compute, by a second way of doing it; the same bits however they
// are computed and wherever a run stops and goes on; liars; numbers at the ends of their ranges.

import { describe, expect, test } from 'vitest';
import {
  Coordinator,
  type CoordinatorEvent,
  computePart,
  decodePart,
  encodePart,
  makeRound,
  PartSum,
  work,
} from '../../src/distributed/index.ts';
import { FINER, SHARD_LIMIT } from '../../src/distributed/shard.ts';
import {
  decodeCheckpoint,
  encodeCheckpoint,
  gpt,
  isWeight,
  lion,
  localSteps,
  matching,
  type NamedTensor,
  plain,
  type TextBatch,
  Trainer,
  type TrainOptions,
} from '../../src/index.ts';
import { WEIGHT_LIMIT } from '../../src/memory/formats.ts';
import { randomTokens } from '../../src/verify/runs.ts';
import { FakeClock, inOneThread, Network } from './network.ts';
import { alone, BATCH, batchOf, create, DONE, LOCAL, RUN, STEPS } from './schedule.ts';

const SHAPE = { vocabulary: 7, layers: 1, channels: 8, heads: 2, context: 4 };
const WIDTH = SHAPE.context;

const copies = (trainer: Trainer<TextBatch>): NamedTensor[] =>
  trainer.tensors().map((tensor) => ({ ...tensor, data: tensor.data.slice() }));

/** The same by BigInts and trainers of a shard's samples, for rules that draw nothing. */
async function byHand(options: TrainOptions<TextBatch>, K: number, H: number): Promise<string> {
  const { batch: all, steps } = options;
  const count = all / K;
  const trainer = Trainer.create({ ...options, batch: count });
  const start = copies(trainer);
  const moments = start.filter((tensor) => !isWeight(tensor));
  let weights = start.filter(isWeight);
  const velocity = weights.map(({ data }) => Array.from(data, () => 0n));
  const floored = (a: bigint, b: bigint): bigint => (a - (((a % b) + b) % b)) / b;
  for (let round = 0; round < steps / H; round++) {
    const sum = weights.map(({ data }) => Array.from(data, () => 0n));
    for (let k = 0; k < K; k++) {
      trainer.restore([...weights, ...moments], round * H);
      for (let step = round * H; step < (round + 1) * H; step++) {
        const { inputs, targets } = randomTokens(SHAPE, all, step);
        const own = (rows: Int32Array): Int32Array =>
          rows.subarray(k * count * WIDTH, (k + 1) * count * WIDTH);
        trainer.step({ inputs: own(inputs as Int32Array), targets: own(targets as Int32Array) });
      }
      const now = copies(trainer).filter(isWeight);
      now.forEach(({ data }, i) => {
        data.forEach((value, j) => {
          sum[i][j] += BigInt(weights[i].data[j] - value);
        });
      });
    }
    weights = weights.map((tensor, i) => ({
      ...tensor,
      data: tensor.data.map((value, j) => {
        const g = floored(2n * sum[i][j] + BigInt(K), 2n * BigInt(K));
        velocity[i][j] = floored(3n * velocity[i][j] + 2n, 4n) + g;
        return value - Number(g + floored(3n * velocity[i][j] + 2n, 4n));
      }),
    }));
  }
  trainer.restore([...weights, ...moments], steps);
  return trainer.weightsSha256();
}

async function trained(options: TrainOptions<TextBatch>): Promise<string> {
  const trainer = Trainer.create(options);
  const { batch, steps } = options;
  await trainer.ready();
  while (trainer.steps < steps)
    await makeRound(trainer, (step) => randomTokens(SHAPE, batch, step));
  trainer.close();
  return trainer.weightsSha256();
}

const PLAIN = {
  model: gpt({ ...SHAPE, rule: plain() }),
  ...{ batch: 6, steps: 12, seed: 5, learningRate: 0.02 },
};

describe('a round', () => {
  test.each([
    [1, 1],
    [1, 12],
    [2, 3],
    [3, 4],
    [6, 2],
  ])(
    'of %i shards and %i steps is what trainers of a shard each make, and BigInts',
    async (K, H) => {
      const run = { ...PLAIN, optimizer: localSteps({ shards: K, steps: H }) };
      expect(await trained(run)).toBe(await byHand(PLAIN, K, H));
    },
  );

  test('depends on shards and steps', async () => {
    const all = [
      [1, 1],
      [1, 2],
      [2, 2],
      [2, 4],
    ].map(([shards, steps]) => trained({ ...PLAIN, optimizer: localSteps({ shards, steps }) }));
    expect(new Set(await Promise.all(all)).size).toBe(all.length);
  });

  test.each([
    ['micro-batches of one', { microBatch: 1 }],
    ['two threads', { threads: 2 }],
    ['activations that are kept', { keep: 'activations' as const }],
  ])('has the same bits with %s', async (_, free) => {
    const run = {
      ...{ model: gpt(SHAPE), batch: 4, steps: 4, dropout: 0.1, clip: 'none' as const },
      optimizer: localSteps({ shards: 2, steps: 2, optimizer: lion() }),
    };
    expect(await trained({ ...run, ...free })).toBe(await trained(run));
  });

  test('leaves frozen tensors as they are', async () => {
    const trainer = Trainer.create({ ...LOCAL, freeze: matching(['block.*']) });
    const before = copies(trainer);
    await makeRound(trainer, batchOf);
    const moved = trainer.tensors().filter(({ data }, i) => data.join() !== before[i].data.join());
    const names = moved.map(({ name }) => name);
    expect(names).toContain('token.weight');
    expect(names.filter((name) => name.includes('block.'))).toEqual([]);
  });

  test('goes on from a checkpoint with the same bits', async () => {
    const trainer = create(LOCAL);
    await makeRound(trainer, batchOf);
    const about = { vocabulary: null, dataSha256: '0'.repeat(64), libraryVersion: '0' };
    const { options, steps: step } = trainer;
    const bytes = await encodeCheckpoint({ tensors: trainer.tensors(), options, step, ...about });
    const read = await decodeCheckpoint(bytes);
    const again = Trainer.create<TextBatch>(read.options as never);
    again.restore(read.tensors, read.step);
    while (again.steps < STEPS) await makeRound(again, batchOf);
    expect(await again.weightsSha256()).toBe(await alone(LOCAL));
    const withoutMomentum = create(LOCAL);
    const forgotten = copies(trainer).map((tensor) =>
      tensor.name.includes('velocity') ? { ...tensor, data: tensor.data.fill(0) } : tensor,
    );
    withoutMomentum.restore(forgotten, STEPS / 2);
    await makeRound(withoutMomentum, batchOf);
    expect(await withoutMomentum.weightsSha256()).not.toBe(await alone(LOCAL));
  });

  test('that is given up, or fails, leaves the trainer as it was', async () => {
    const trainer = create(LOCAL);
    await makeRound(trainer, batchOf);
    const before = copies(trainer);
    const totals = { ...trainer.totals };
    for (const last of [1, 2, 3, 2 * BATCH]) {
      let pauses = 0;
      expect(await makeRound(trainer, batchOf, () => ++pauses < last)).toBe(undefined);
      expect(pauses).toBe(last);
    }
    const fails = (step: number): TextBatch => {
      if (step === STEPS - 1) throw new Error('no more data');
      return batchOf(step);
    };
    await expect(makeRound(trainer, fails)).rejects.toThrow('no more data');
    expect(copies(trainer)).toEqual(before);
    expect([trainer.steps, trainer.totals]).toEqual([STEPS / 2, totals]);
    await makeRound(trainer, batchOf);
    expect(await trainer.weightsSha256()).toBe(await alone(LOCAL));
  });

  test('says how many predictions it is of, and counts what its steps do', async () => {
    const trainer = create({ ...LOCAL, model: gpt({ ...SHAPE, layers: 3 }) });
    const report = await makeRound(trainer, batchOf);
    const states = (2 * BATCH * STEPS) / 2; // of two of the three blocks
    expect(report).toMatchObject({
      step: 2,
      predictions: 2 * BATCH * WIDTH,
      checkedStates: states,
    });
    expect(trainer.totals.checkedStates).toBe(states);
    expect(report?.loss).toBeCloseTo(Math.log(SHAPE.vocabulary), 1);
  });

  test('is refused where there are none, or where something is no shard', async () => {
    await expect(makeRound(create(), batchOf)).rejects.toThrow('the run has no rounds');
    const trainer = create(LOCAL);
    const part = { step: 0, first: 0, count: 1 };
    expect(() => computePart(trainer, batchOf(0), part)).toThrow(
      'batch is of type object, expected a function',
    );
    for (const change of [{ step: 1 }, { count: 2 }])
      expect(() => computePart(trainer, batchOf, { ...part, ...change })).toThrow('no shard');
    const other = { ...LOCAL, batch: BATCH + 1 };
    await expect(makeRound(create(other), batchOf)).rejects.toThrow('a multiple of the 5 shards');
  });
});

describe('a shard', () => {
  const shard = (first: number) =>
    computePart(create(LOCAL), batchOf, { step: 0, first, count: 1 });

  test('is a part like any other: coded, added in any order, a gradient of the sum', async () => {
    const trainer = create(LOCAL);
    const sum = new PartSum(trainer, batchOf);
    let all = 0n;
    for (const first of [3, 0, 4, 2, 1]) {
      const part = shard(first);
      expect(part.gradients.every((gradient) => gradient % 16n === 0n)).toBe(true);
      all += part.gradients[0];
      sum.add(await decodePart(trainer, await encodePart(trainer, part)));
    }
    expect(() => sum.add(shard(3))).toThrow('samples 3 to 3 are there already');
    sum.update();
    expect(trainer.gradient(trainer.tensors()[0].name)[0]).toBe(all);
    await makeRound(trainer, batchOf);
    expect(await trainer.weightsSha256()).toBe(await alone(LOCAL));
  });

  test('begins with the weights alone, whatever the optimizer has kept', () => {
    const trainer = create(LOCAL);
    const tensors = copies(trainer).map((tensor) =>
      isWeight(tensor) ? tensor : { ...tensor, data: tensor.data.fill(2 ** 20), fraction: 24 },
    );
    trainer.restore(tensors, 0);
    const { gradients } = computePart(trainer, batchOf, { step: 0, first: 2, count: 1 });
    expect(gradients).toEqual(shard(2).gradients);
    expect(copies(trainer)).toEqual(tensors);
  });

  test.each([1n, -1n])(
    'at the end of what weights can change (times %i) is exact, and none is beyond',
    (sign) => {
      expect(SHARD_LIMIT).toBe(BigInt(2 * WEIGHT_LIMIT) * 2n ** BigInt(FINER));
      const trainer = create(LOCAL);
      const sum = new PartSum(trainer, batchOf);
      const before = copies(trainer);
      for (let first = 0; first < BATCH; first++) {
        const part = {
          ...shard(first),
          gradients: shard(first).gradients.fill(sign * SHARD_LIMIT),
        };
        const wrong = { ...part, gradients: part.gradients.slice() };
        wrong.gradients[3] += sign;
        expect(() => sum.add(wrong)).toThrow('beyond what 1 of 5 samples can have');
        sum.add(part);
      }
      const { saturated } = sum.update();
      const name = before[0].name;
      expect(trainer.gradient(name)[0]).toBe(sign * SHARD_LIMIT * BigInt(BATCH));
      expect(saturated).toBeGreaterThanOrEqual(trainer.parameters);
      for (const { name: of, data } of trainer.tensors()) {
        const expected = of.includes('velocity') ? 2 * WEIGHT_LIMIT : -WEIGHT_LIMIT;
        if (isWeight({ name: of }) || of.includes('velocity'))
          expect(new Set(data)).toEqual(new Set([Number(sign) * expected]));
      }
    },
  );
});

describe('workers', () => {
  /** A run by so many honest workers, and a liar if there is one. */
  async function run(honest: number, lie?: (gradients: BigInt64Array) => void) {
    return inOneThread(async () => {
      const clock = new FakeClock();
      const network = new Network(clock, () => 0.5, { loss: 0, repeat: 0, delay: 10 });
      const events: CoordinatorEvent[] = [];
      const trainer = create(LOCAL);
      const trust = { replicate: lie ? 2 : 1, spotChecks: 0 };
      const about = {
        ...RUN,
        ...trust,
        clock,
        onEvent: (event: CoordinatorEvent) => events.push(event),
      };
      const coordinator = new Coordinator(trainer, network.coordinator(), about);
      await coordinator.open();
      const ticking = clock.run(1e6);
      const start = (name: string, own: Trainer<TextBatch>): Promise<unknown> => {
        const courier = network.worker(name);
        return work({ ...RUN, name, courier, clock, trainer: own, batchOf }).catch(() => undefined);
      };
      const working = Array.from({ length: honest }, (_, i) => start(`w${i}`, create(LOCAL)));
      if (lie) working.push(start('liar', lying(create(LOCAL), lie)));
      const train = async (): Promise<void> => {
        while (trainer.steps < STEPS) await coordinator.step(batchOf);
        coordinator.close(DONE);
        await Promise.all(working);
        clock.stop();
      };
      await Promise.all([train(), ticking]);
      const wrong = events.flatMap((event) => (event.kind === 'wrong' ? [event.worker] : []));
      return { digest: await trainer.weightsSha256(), wrong };
    });
  }

  /** A trainer whose weights are others after its local steps. */
  function lying(trainer: Trainer<TextBatch>, lie: (gradients: BigInt64Array) => void) {
    const { restore, tensors } = trainer;
    let isComputing = false;
    Object.assign(trainer, {
      restore(...given: Parameters<typeof restore>) {
        isComputing = !isComputing;
        return restore.apply(trainer, given);
      },
      tensors() {
        const found = tensors.call(trainer);
        if (isComputing) {
          const one = BigInt64Array.of(BigInt(found[0].data[0]));
          lie(one);
          found[0].data[0] = Number(one[0]);
        }
        return found;
      },
    });
    return trainer;
  }

  test.each([1, 2, 3, 7])('%i of them give the digest of one machine', async (count) => {
    expect(await run(count)).toEqual({ digest: await alone(LOCAL), wrong: [] });
  });

  test('are not waited for by a coordinator that is closed while it computes a shard', async () => {
    await inOneThread(async () => {
      const clock = new FakeClock();
      const network = new Network(clock, () => 0.5, { loss: 0, repeat: 0, delay: 10 });
      const trainer = create(LOCAL);
      await makeRound(trainer, batchOf);
      const before = copies(trainer);
      const closing = {
        now: clock.now,
        sleep: (milliseconds: number): Promise<void> => {
          if (milliseconds === 0) coordinator.close('enough'); // between two local steps
          return clock.sleep(milliseconds);
        },
      };
      const about = { ...RUN, spotChecks: 1, clock: closing };
      const coordinator = new Coordinator(trainer, network.coordinator(), about);
      await coordinator.open();
      const courier = network.worker('w');
      const worker = { ...RUN, name: 'w', courier, clock, trainer: create(LOCAL), batchOf };
      const ticking = clock.run(1e6);
      const working = work(worker);
      await expect(coordinator.step(batchOf)).rejects.toThrow('closed: enough');
      expect(copies(trainer)).toEqual(before);
      expect((await working).ended).toBe('enough');
      clock.stop();
      await ticking;
    });
  });

  test('one that says something else of one weight is found and named', async () => {
    const found = await run(3, (weights) => {
      weights[0] ^= 1n;
    });
    expect(found).toEqual({ digest: await alone(LOCAL), wrong: ['liar'] });
  });
});

// Weights, whole and as what a step has changed, come back as they were; and where workers get
// them, after any number of steps and losses.

import { describe, expect, test } from 'vitest';
import type { CoordinatorCourier } from '../../src/distributed/courier.ts';
import { digestBytes } from '../../src/distributed/digest.ts';
import {
  copyWeights,
  DistributedError,
  decodeWeights,
  encodeWeights,
  setWeights,
} from '../../src/distributed/index.ts';
import { mostBytes } from '../../src/distributed/packing.ts';
import { WeightStore } from '../../src/distributed/weight-store.ts';
import { Trainer, UsageError } from '../../src/index.ts';
import { WEIGHT_LIMIT } from '../../src/memory/formats.ts';
import { bytesOf } from '../../src/receipt/digests.ts';
import { batchOf, optionsOf } from '../receipt/small-run.ts';

describe('weights', () => {
  test('are those whose digest the trainer gives, and can be given to another one', async () => {
    const [one, other] = [3, 4].map((seed) => Trainer.create(optionsOf({ seed })));
    for (let step = 0; step < 3; step++) one.step(batchOf(one));
    const weights = copyWeights(one);
    expect(await digestBytes(bytesOf(weights))).toBe(await one.weightsSha256());
    const state = other.tensors().slice(-1)[0].data.slice();
    setWeights(other, weights);
    expect(await other.weightsSha256()).toBe(await one.weightsSha256());
    expect([other.steps, other.tensors().slice(-1)[0].data]).toEqual([0, state]);
  });

  test('come back whole and as changes, wrapping ones too', async () => {
    const trainer = Trainer.create(optionsOf());
    const before = copyWeights(trainer);
    trainer.step(batchOf(trainer));
    const after = copyWeights(trainer);
    before[0] = -(2 ** 31);
    after[0] = 2 ** 31 - 1;
    const size = after.length;
    const whole = encodeWeights(after);
    const change = encodeWeights(after, before);
    expect(decodeWeights(whole, size)).toEqual(after);
    expect(decodeWeights(change, size, before)).toEqual(after);
    expect(change.length).toBeLessThan(size * 4);
  });

  test('of another number, damaged, or too many bytes are refused', async () => {
    const bytes = encodeWeights(Int32Array.of(1, 2, 3));
    const long = new Uint8Array(mostBytes(3, 4) + 1);
    for (const [given, count] of [
      [bytes, 2],
      [bytes.slice(1), 3],
      [new Uint8Array(0), 3],
      [long, 3],
    ] as const)
      expect(() => decodeWeights(given, count)).toThrow(DistributedError);
    for (const count of [-1, 0.5, NaN, 2 ** 28 + 1, '3'])
      expect(() => decodeWeights(bytes, count as number)).toThrow(UsageError);
    expect(() => decodeWeights(bytes, 3, new Int32Array(2))).toThrow(UsageError);
    expect(() => encodeWeights(new Int32Array(3), new Int32Array(4))).toThrow(UsageError);
    expect(() => encodeWeights([1, 2] as never)).toThrow(UsageError);
  });

  test('up to the limit are taken, one beyond changes nothing', async () => {
    const trainer = Trainer.create(optionsOf());
    const weights = copyWeights(trainer);
    weights[1] = WEIGHT_LIMIT;
    weights[2] = -WEIGHT_LIMIT;
    setWeights(trainer, weights);
    expect(copyWeights(trainer)).toEqual(weights);
    for (const wrong of [WEIGHT_LIMIT + 1, -WEIGHT_LIMIT - 1, -(2 ** 31)]) {
      const other = weights.slice().fill(7);
      other[other.length - 1] = wrong;
      expect(() => setWeights(trainer, other)).toThrow(`is ${wrong}, expected at most`);
      expect(copyWeights(trainer)).toEqual(weights);
    }
    expect(() => setWeights(trainer, weights.slice(1))).toThrow(UsageError);
    expect(() => setWeights({} as never, weights)).toThrow(UsageError);
  });
});

/** A courier that keeps what it is given. */
class Shelf implements CoordinatorCourier {
  readonly blobs = new Map<string, Uint8Array<ArrayBuffer>>();
  readonly serve = async (): Promise<void> => undefined;
  readonly put = async (name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> => {
    this.blobs.set(name, bytes);
  };
  readonly drop = async (name: string): Promise<void> => {
    this.blobs.delete(name);
  };
}

/** The weights that a worker makes of what it finds. */
async function found<B>(store: WeightStore<B>, { blobs }: Shelf, size: number): Promise<string> {
  const { full, changes } = store.origins;
  let weights: Int32Array<ArrayBuffer> | undefined;
  for (const { blob, weights: name } of [full, ...changes]) {
    const bytes = blobs.get(blob);
    if (bytes === undefined || (await digestBytes(bytes)) !== blob) return `${blob} is not there`;
    weights = decodeWeights(bytes, size, weights);
    expect(await digestBytes(bytesOf(weights))).toBe(name);
  }
  return weights === undefined ? '' : digestBytes(bytesOf(weights));
}

describe('a store of weights', () => {
  test('gives those of each of 40 steps, whole every 17, and keeps no more than 18', async () => {
    const trainer = Trainer.create(optionsOf({ steps: 50 }));
    const shelf = new Shelf();
    const store = new WeightStore(trainer, shelf);
    const changes: number[] = [];
    for (let step = 0; step < 40; step++) {
      expect(await store.publish()).toBe(await trainer.weightsSha256());
      expect(await found(store, shelf, trainer.parameters)).toBe(await trainer.weightsSha256());
      changes.push(store.origins.changes.length);
      trainer.step(batchOf(trainer));
      await store.tidy();
      expect(shelf.blobs.size).toBe(1 + store.origins.changes.length);
    }
    expect(changes).toEqual(Array.from({ length: 40 }, (_, step) => step % 17));
  });

  test('puts whole weights again where any are lost, and none for another name', async () => {
    const trainer = Trainer.create(optionsOf());
    const shelf = new Shelf();
    const store = new WeightStore(trainer, shelf);
    await store.putAgain('a');
    for (let step = 0; step < 3; step++) {
      await store.publish();
      trainer.step(batchOf(trainer));
    }
    const digest = await store.publish();
    const [lost] = store.origins.changes;
    shelf.blobs.clear();
    await store.putAgain('b2'.repeat(32));
    expect(shelf.blobs.size).toBe(0);
    await store.putAgain(lost.blob);
    expect(await found(store, shelf, trainer.parameters)).toBe(digest);
    shelf.blobs.clear();
    await store.putAgain(store.origins.full.blob);
    expect(await found(store, shelf, trainer.parameters)).toBe(digest);
    await store.tidy();
    expect([...shelf.blobs.keys()]).toEqual([store.origins.full.blob]);
  });

  test('keeps the weights of a step that begins while it puts the last ones again', async () => {
    const trainer = Trainer.create(optionsOf());
    const shelf = new Shelf();
    const store = new WeightStore(trainer, shelf);
    await store.publish();
    const again = store.putAgain(store.origins.full.blob);
    trainer.step(batchOf(trainer));
    const digest = await store.publish();
    await again;
    expect(await found(store, shelf, trainer.parameters)).toBe(digest);
    await store.tidy();
    expect(await found(store, shelf, trainer.parameters)).toBe(digest);
  });

  test('does without a courier that can drop, and begins again where none can put', async () => {
    const trainer = Trainer.create(optionsOf());
    const shelf = new Shelf();
    let isDown = false;
    const put = async (name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> => {
      if (isDown) throw new Error('down');
      await shelf.put(name, bytes);
    };
    const drop = async (): Promise<void> => {
      throw new Error('down');
    };
    const store = new WeightStore(trainer, { ...shelf, put, drop });
    for (let step = 0; step < 20; step++) {
      isDown = step % 3 === 0;
      if (isDown) await expect(store.publish()).rejects.toThrow('down');
      isDown = false;
      await store.publish();
      await store.tidy();
      trainer.options.steps > trainer.steps && trainer.step(batchOf(trainer));
      await store.publish();
      expect(await found(store, shelf, trainer.parameters)).toBe(await trainer.weightsSha256());
    }
  });
});

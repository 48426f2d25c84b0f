// Whatever is put, put again and lost, a worker that follows the sources comes to the present
// weights.

import { describe, expect, test } from 'vitest';
import { copyWeights, decodeWeights } from '../../src/distributed/index.ts';
import { WeightStore } from '../../src/distributed/weight-store.ts';
import type { Trainer } from '../../src/index.ts';
import { batchOf, create } from './schedule.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** A courier that keeps what is put, when it is let. */
class Shelf {
  readonly blobs = new Map<string, Bytes>();
  private gate: Promise<void> = Promise.resolve();
  private isHolding = false;

  /** Holds what is put from now on; returns what lets it go. */
  hold(): () => void {
    this.isHolding = false;
    let open = (): void => undefined;
    this.gate = new Promise((resolve) => {
      open = resolve;
    });
    return () => {
      this.gate = Promise.resolve();
      open();
    };
  }

  /** Resolves once something is held; what comes after it passes. */
  async holdsOne(): Promise<void> {
    while (!this.isHolding) await new Promise((resolve) => setTimeout(resolve, 1));
    this.gate = Promise.resolve();
  }

  async put(sha256: string, bytes: Bytes): Promise<void> {
    this.isHolding = true;
    await this.gate;
    this.blobs.set(sha256, bytes.slice());
  }

  async drop(sha256: string): Promise<void> {
    this.blobs.delete(sha256);
  }

  serve = async (): Promise<void> => undefined;
}

function scene() {
  const trainer = create();
  const shelf = new Shelf();
  const store = new WeightStore(trainer, shelf);
  const step = (): void => void trainer.step(batchOf(trainer.steps));
  return { trainer, shelf, store, step };
}

/** What a worker that has nothing comes to. */
function followed({ store, shelf, trainer }: ReturnType<typeof scene>): Int32Array {
  const { full, changes } = store.origins;
  let weights: Int32Array | undefined;
  for (const { blob } of [full, ...changes])
    weights = decodeWeights(shelf.blobs.get(blob) as Bytes, trainer.parameters, weights);
  return weights as Int32Array;
}

const present = (trainer: Trainer<never>): number[] => [...copyWeights(trainer)];

describe('the store of weights', () => {
  test('leads to the present ones, step by step, over whole ones too', async () => {
    const all = scene();
    for (let i = 0; i < 40; i++) {
      const digest = await all.store.publish();
      await all.store.tidy();
      expect(digest).toBe(await all.trainer.weightsSha256());
      expect([...followed(all)]).toEqual(present(all.trainer as never));
      if (i < 20) all.step();
    }
    expect(all.shelf.blobs.size).toBeLessThan(20);
  });

  test('puts whole ones again for who misses a blob, but for a step that is over', async () => {
    const all = scene();
    const { shelf, store, step, trainer } = all;
    await store.publish();
    const open = shelf.hold();
    const again = store.putAgain(store.origins.full.blob);
    await shelf.holdsOne();
    step();
    await store.publish();
    open();
    await again;
    expect([...followed(all)]).toEqual(present(trainer as never));
    await store.putAgain(store.origins.full.blob);
    expect(store.origins.changes).toEqual([]);
    expect([...followed(all)]).toEqual(present(trainer as never));
    await store.putAgain('a blob that nobody has put');
    expect([...followed(all)]).toEqual(present(trainer as never));
  });

  test('puts nothing again while the next ones are put', async () => {
    const all = scene();
    const { shelf, store, step, trainer } = all;
    await store.publish();
    step();
    const open = shelf.hold();
    const published = store.publish();
    await store.putAgain(store.origins.full.blob);
    open();
    await published;
    expect(store.origins.changes).toHaveLength(1);
    expect([...followed(all)]).toEqual(present(trainer as never));
  });
});

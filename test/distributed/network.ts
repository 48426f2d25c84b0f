// A courier in memory with a clock of its own, which loses, delays and repeats what it carries, and
// stops and forgets as it is told.

import { setImmediate } from 'node:timers/promises';
import type {
  Clock,
  CoordinatorCourier,
  Desk,
  WorkerCourier,
} from '../../src/distributed/index.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** Random numbers 0..1 of a seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Time that passes when nothing else happens: the next sleeper wakes. */
export class FakeClock implements Clock {
  private time = 0;
  private sleepers: { at: number; wake: () => void }[] = [];
  private isRunning = true;

  now = (): number => this.time;

  sleep = (milliseconds: number): Promise<void> =>
    new Promise((wake) => this.sleepers.push({ at: this.time + milliseconds, wake }));

  /** Lets time pass until `stop` is called. */
  async run(): Promise<void> {
    while (this.isRunning) {
      for (let i = 0; i < 3; i++) await setImmediate();
      const next = this.sleepers.reduce((a, b) => (b.at < a.at ? b : a), {
        at: Infinity,
        wake() {},
      });
      if (next.at === Infinity) continue;
      this.sleepers.splice(this.sleepers.indexOf(next), 1);
      this.time = Math.max(this.time, next.at);
      next.wake();
    }
  }

  stop(): void {
    this.isRunning = false;
  }
}

/** How bad a network is: chances 0..1, and the longest delay in milliseconds. */
export interface Weather {
  loss: number;
  repeat: number;
  delay: number;
}

/** What was lost on the way: who waits hears so after a while. */
const LOST_AFTER = 1000;

export class Network {
  private desk: Desk | undefined;
  readonly blobs = new Map<string, Bytes>();

  constructor(
    readonly clock: Clock,
    private readonly random: () => number,
    readonly weather: Weather,
  ) {}

  /** The coordinator is killed: nobody answers any more. */
  cut(): void {
    this.desk = undefined;
  }

  /** The store is gone. */
  forget(): void {
    this.blobs.clear();
  }

  coordinator(): CoordinatorCourier {
    return {
      serve: async (desk) => {
        this.desk = desk;
      },
      put: async (sha256, bytes) => {
        this.blobs.set(sha256, bytes.slice());
      },
      drop: async (sha256) => {
        this.blobs.delete(sha256);
      },
    };
  }

  worker(
    name: string,
    change = (_: 'ask' | 'report', message: Bytes): Bytes => message,
  ): WorkerCourier {
    const send = async (kind: 'ask' | 'report', given: Bytes): Promise<Bytes> => {
      const { weather, random, clock } = this;
      await clock.sleep(random() * weather.delay);
      const { desk } = this;
      const message = change(kind, given.slice());
      const isLost = desk === undefined || random() < weather.loss;
      if (isLost) {
        await clock.sleep(LOST_AFTER);
        throw new Error('lost');
      }
      if (random() < weather.repeat) void desk[kind](name, message.slice()).catch(() => undefined);
      const answer = await desk[kind](name, message);
      await clock.sleep(random() * weather.delay);
      if (random() < weather.loss) throw new Error('lost');
      return answer;
    };
    return {
      ask: (message) => send('ask', message),
      report: (message) => send('report', message),
      fetch: async (sha256) => {
        await this.clock.sleep(this.random() * this.weather.delay);
        return this.blobs.get(sha256)?.slice();
      },
    };
  }
}

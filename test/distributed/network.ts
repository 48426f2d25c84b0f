// A courier in memory with a clock of its own, which loses, delays and repeats what it carries, and
// stops and forgets as it is told. Everything in it happens in an order that a seed decides.

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

/** Turns without a sleeper after which nothing will happen any more. */
const IDLE = 1000;

/** Time that passes when nothing else happens: the next sleeper wakes. What is awaited beside it
 *  has to be done by the same thread, as by `inOneThread`. */
export class FakeClock implements Clock {
  private time = 0;
  private sleepers: { at: number; wake: () => void }[] = [];
  private isRunning = true;

  now = (): number => this.time;

  sleep = (milliseconds: number): Promise<void> =>
    new Promise((wake) => this.sleepers.push({ at: this.time + milliseconds, wake }));

  /** Lets time pass until `stop` is called; throws when `limit` is reached. */
  async run(limit = Infinity): Promise<void> {
    let idle = 0;
    while (this.isRunning) {
      await setImmediate();
      const next = this.sleepers.reduce((a, b) => (b.at < a.at ? b : a), {
        at: Infinity,
        wake() {},
      });
      if (next.at === Infinity) {
        if (++idle > IDLE) throw new Error('it hangs: nobody waits for anything');
        continue;
      }
      if (next.at > limit) throw new Error(`it hangs: ${this.sleepers.length} sleep`);
      idle = 0;
      this.sleepers.splice(this.sleepers.indexOf(next), 1);
      this.time = Math.max(this.time, next.at);
      next.wake();
    }
  }

  stop(): void {
    this.isRunning = false;
  }
}

/** Without what the runtime does in other threads, whose order no seed decides. */
export async function inOneThread<T>(run: () => Promise<T>): Promise<T> {
  const names = ['crypto', 'CompressionStream'];
  const kept = names.map((name) => Object.getOwnPropertyDescriptor(globalThis, name));
  for (const name of names)
    Object.defineProperty(globalThis, name, { value: undefined, configurable: true });
  try {
    return await run();
  } finally {
    names.forEach((name, i) => {
      Object.defineProperty(globalThis, name, kept[i] as PropertyDescriptor);
    });
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

/** A worker's machine: what it does with a message, and what becomes of it. */
export interface Machine {
  /** Changes what it sends. */
  change?: (kind: 'ask' | 'report', message: Bytes) => Bytes;
  /** Milliseconds that computing a part takes. */
  slowness?: number;
  /** Until then it stands still, as a closed lid does. */
  stoppedUntil?: number;
  isDead?: boolean;
}

const NEVER = new Promise<never>(() => undefined);

export class Network {
  private desk: Desk | undefined;
  readonly blobs = new Map<string, Bytes>();

  constructor(
    readonly clock: Clock,
    private readonly random: () => number,
    readonly weather: Weather,
    private readonly counts = { lost: 0, repeated: 0 },
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

  worker(name: string, machine: Machine = {}): WorkerCourier {
    const { change = (_, message) => message } = machine;
    const on = async <T>(found: Promise<T>): Promise<T> => {
      const value = await found.finally(() => this.awake(machine));
      return value;
    };
    const send = async (kind: 'ask' | 'report', given: Bytes): Promise<Bytes> => {
      await this.awake(machine);
      if (kind === 'report') await this.clock.sleep(machine.slowness ?? 0);
      return on(this.send(name, kind, change(kind, given.slice())));
    };
    return {
      ask: (message) => send('ask', message),
      report: (message) => send('report', message),
      fetch: (sha256) => on(this.fetch(sha256)),
    };
  }

  /** A dead machine does nothing more, a stopped one nothing yet. */
  private async awake(machine: Machine): Promise<void> {
    if (machine.isDead) await NEVER;
    const { stoppedUntil = 0 } = machine;
    if (stoppedUntil > this.clock.now()) await this.clock.sleep(stoppedUntil - this.clock.now());
    if (machine.isDead) await NEVER;
  }

  private async send(name: string, kind: 'ask' | 'report', message: Bytes): Promise<Bytes> {
    const { weather, random, clock } = this;
    await clock.sleep(random() * weather.delay);
    const { desk } = this;
    if (desk === undefined || random() < weather.loss) {
      this.counts.lost++;
      await clock.sleep(LOST_AFTER);
      throw new Error('lost');
    }
    if (random() < weather.repeat) this.repeat(name, kind, message);
    const answer = await desk[kind](name, message);
    await clock.sleep(random() * weather.delay);
    if (this.desk !== desk || random() < weather.loss) throw new Error('lost');
    return answer;
  }

  /** The message once more, at once or later, to whoever is there then. */
  private repeat(name: string, kind: 'ask' | 'report', message: Bytes): void {
    this.counts.repeated++;
    const later = this.random() < 0.5 ? this.random() * this.weather.delay * 5 : 0;
    const again = async (): Promise<void> => {
      if (later > 0) await this.clock.sleep(later);
      await this.desk?.[kind](name, message.slice());
    };
    void again().catch(() => undefined);
  }

  private async fetch(sha256: string): Promise<Bytes | undefined> {
    const { weather, random, clock, blobs } = this;
    await clock.sleep(random() * weather.delay);
    if (random() < weather.loss) throw new Error('lost');
    return blobs.get(sha256)?.slice();
  }
}

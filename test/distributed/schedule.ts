// A run that is computed by others under a schedule of accidents: who joins and leaves when, what
// is lost, who dies. A seed decides all of it, and none of it may change a bit.

import {
  Coordinator,
  type CoordinatorOptions,
  makeRound,
  type WorkReport,
  work,
} from '../../src/distributed/index.ts';
import {
  bdia,
  gpt,
  localSteps,
  type NamedTensor,
  roundsOf,
  type TextBatch,
  Trainer,
  type TrainOptions,
} from '../../src/index.ts';
import { randomTokens } from '../../src/verify/runs.ts';
import { FakeClock, inOneThread, type Machine, Network, randomOf } from './network.ts';

const SHAPE = { vocabulary: 7, layers: 1, channels: 8, heads: 2, context: 4 };
export const STEPS = 4;
export const BATCH = 5;
export const RUN = { run: 'r1', kernels: 'k'.repeat(64) };
export const DONE = 'the run is complete';

export const OPTIONS: TrainOptions<TextBatch> = {
  model: gpt({ ...SHAPE, rule: bdia() }),
  batch: BATCH,
  steps: STEPS,
  seed: 3,
  learningRate: 0.01,
};
/** The same in two rounds of a shard for each sample. */
export const LOCAL: typeof OPTIONS = {
  ...OPTIONS,
  optimizer: localSteps({ shards: BATCH, steps: STEPS / 2 }),
};
export const create = (options = OPTIONS): Trainer<TextBatch> => Trainer.create(options);
export const batchOf = (step: number): TextBatch => randomTokens(SHAPE, BATCH, step);

/** What one machine alone ends with. */
export async function alone(options = OPTIONS): Promise<string> {
  const trainer = create(options);
  const hasRounds = roundsOf(trainer.options) !== undefined;
  while (trainer.steps < STEPS)
    if (hasRounds) await makeRound(trainer, batchOf);
    else trainer.step(batchOf(trainer.steps));
  return trainer.weightsSha256();
}

/** Trainers of workers, to be used again. */
const idle = new Map([OPTIONS, LOCAL].map((options) => [options, [] as Trainer<TextBatch>[]]));

/** Milliseconds of the clock that no schedule may take: 4 steps of which each is begun again a few
 *  times, and waits for workers that are taken for lost after half a minute. */
const LIMIT = 4_000_000;
/** Milliseconds in which the accidents happen. */
const TROUBLE = 30_000;

/** What happened in a schedule, while there was something left to do. */
export interface Accidents {
  kills: number;
  deaths: number;
  stops: number;
  forgotten: number;
  joined: number;
  left: number;
  lost: number;
  repeated: number;
}

const NOTHING: Accidents = {
  ...{ kills: 0, deaths: 0, stops: 0, forgotten: 0 },
  ...{ joined: 0, left: 0, lost: 0, repeated: 0 },
};

class Schedule {
  readonly random: () => number;
  readonly clock = new FakeClock();
  readonly network: Network;
  private readonly about: Partial<CoordinatorOptions> & { readonly replicate: number };
  private readonly working: Promise<WorkReport | undefined>[] = [];
  private state: { tensors: NamedTensor[]; step: number };
  private coordinator: Coordinator<TextBatch> | undefined;
  private workers = 0;
  private isDone = false;
  readonly accidents: Accidents;

  constructor(
    seed: number,
    accidents: Accidents,
    private readonly options: typeof OPTIONS,
  ) {
    this.accidents = accidents;
    const random = randomOf(seed);
    this.random = random;
    const chance = (): number => (random() < 0.4 ? 0 : random() * 0.3);
    const weather = {
      loss: chance(),
      repeat: chance(),
      delay: random() < 0.3 ? 0 : random() * 900,
    };
    this.network = new Network(this.clock, random, weather, accidents);
    this.about = {
      parts: options === LOCAL ? BATCH : 1 + this.below(BATCH),
      replicate: 1 + this.below(2),
      spotChecks: random() < 0.5 ? 0 : random(),
    };
    this.state = this.kept(create(options));
  }

  private below(n: number): number {
    return Math.floor(this.random() * n);
  }

  /** Soon, mostly. */
  private some(): number {
    return TROUBLE * this.random() ** 4;
  }

  private kept(trainer: Trainer<TextBatch>): { tensors: NamedTensor[]; step: number } {
    const tensors = trainer.tensors().map((tensor) => ({ ...tensor, data: tensor.data.slice() }));
    return { tensors, step: trainer.steps };
  }

  /** The digest that the run ends with. */
  async run(): Promise<string> {
    const staying = this.about.replicate + this.below(2);
    const others = this.below(8 - staying);
    for (let i = 0; i < staying; i++) this.join({});
    for (let i = 0; i < others; i++) this.visit();
    this.troubles();
    const ticking = this.clock.run(LIMIT);
    const digest = await Promise.race([this.train(), ticking.then(() => '')]);
    const reports = await Promise.race([Promise.all(this.working), ticking.then(() => [])]);
    this.clock.stop();
    await ticking;
    const ends = new Set(reports.map((report) => report?.ended ?? 'stopped'));
    for (const end of ends) if (![DONE, 'stopped'].includes(end)) throw new Error(`ended: ${end}`);
    return digest;
  }

  /** A worker that stays until the end. */
  private join(machine: Machine, tasks = Infinity): void {
    machine.slowness = this.below(3) * this.below(2000);
    const resting = idle.get(this.options) ?? [];
    const trainer = resting.pop() ?? create(this.options);
    const onTask = (): boolean => {
      if (tasks-- > 0) return true;
      this.accidents.left++;
      return false;
    };
    const courier = this.network.worker(`w${this.workers++}`, machine);
    const about = { ...RUN, courier, name: `w${this.workers - 1}`, clock: this.clock };
    const gone = this.clock.sleep(0).then(() => this.until(() => machine.isDead === true));
    const done = work({ ...about, trainer, batchOf, onTask });
    const end = Promise.race([done, gone.then(() => undefined)]);
    this.working.push(
      end.finally(() => {
        machine.isDead = true;
        resting.push(trainer);
      }),
    );
  }

  private async until(is: () => boolean): Promise<void> {
    while (!is()) await this.clock.sleep(1000);
  }

  /** A worker that comes some time and leaves, dies, or stands still for a while. */
  private visit(): void {
    const machine: Machine = {};
    const way = this.below(4);
    this.later(() => {
      this.accidents.joined++;
      this.join(machine, way === 0 ? this.below(4) : Infinity);
      if (way === 1)
        this.later(() => {
          this.accidents.deaths++;
          machine.isDead = true;
        });
      if (way === 2)
        this.later(() => {
          this.accidents.stops++;
          machine.stoppedUntil = this.clock.now() + this.below(70_000);
        });
    });
  }

  private later(happen: () => void): void {
    void this.clock.sleep(this.some()).then(() => {
      if (!this.isDone) happen();
    });
  }

  private troubles(): void {
    for (let n = this.below(3); n > 0; n--)
      this.later(() => {
        this.accidents.forgotten++;
        this.network.forget();
      });
    for (let n = this.below(4); n > 0; n--) this.later(() => this.kill());
  }

  private kill(): void {
    if (this.coordinator === undefined) return;
    this.accidents.kills++;
    this.network.cut();
    this.coordinator.close('killed');
    this.coordinator = undefined;
  }

  /** Coordinators, one after the other, each from what the one before it has saved. */
  private async train(): Promise<string> {
    for (;;) {
      const found = await this.attempt();
      if (found !== undefined) return found;
      await this.clock.sleep(this.below(4000));
    }
  }

  private async attempt(): Promise<string | undefined> {
    const trainer = create(this.options);
    trainer.restore(this.state.tensors, this.state.step);
    const { clock, random, about } = this;
    const options = { ...RUN, ...about, clock, random };
    const coordinator = new Coordinator(trainer, this.network.coordinator(), options);
    this.coordinator = coordinator;
    const isKilled = (): boolean => this.coordinator !== coordinator;
    await coordinator.open();
    while (trainer.steps < STEPS) {
      await coordinator.step(batchOf).catch((error) => {
        if (!isKilled()) throw error;
      });
      if (isKilled()) return undefined;
      if (this.random() < 0.7) this.state = this.kept(trainer); // others begin further back
    }
    this.isDone = true;
    coordinator.close(DONE);
    return trainer.weightsSha256();
  }
}

/** The digest that the run of a seed ends with, what happened being added to `accidents`. Throws an
 *  error that says so if it hangs. */
export async function runSchedule(
  seed: number,
  accidents = { ...NOTHING },
  options = OPTIONS,
): Promise<string> {
  try {
    return await inOneThread(() => new Schedule(seed, accidents, options).run());
  } catch (error) {
    const { message } = error as Error;
    throw Object.assign(new Error(`schedule ${seed}: ${message}`), { cause: error });
  }
}

/** Runs schedules; throws at the first that hangs or ends otherwise than one machine alone. */
export async function runSchedules(
  seed: number,
  count: number,
  options = OPTIONS,
): Promise<Accidents> {
  const accidents = { ...NOTHING };
  const expected = await alone(options);
  for (let i = seed; i < seed + count; i++) {
    const digest = await runSchedule(i, accidents, options);
    if (digest !== expected) throw new Error(`schedule ${i}: digest ${digest}, not ${expected}`);
  }
  return accidents;
}

// A run with honest workers and liars, in one program with a clock of its own.

import {
  Coordinator,
  type CoordinatorEvent,
  type CoordinatorOptions,
  computePart,
  type GradientPart,
  work,
} from '../../src/distributed/index.ts';
import { packMessage, unpackMessage } from '../../src/distributed/message.ts';
import { packNumbers } from '../../src/distributed/packing.ts';
import { partDigest } from '../../src/distributed/part.ts';
import { readTask, sealOf, type Task, taskId } from '../../src/distributed/task.ts';
import type { TextBatch, Trainer } from '../../src/index.ts';
import { FakeClock, Network } from './network.ts';
import { batchOf, create, DONE, RUN, STEPS } from './schedule.ts';

type Bytes = Uint8Array<ArrayBuffer>;
export type Head = Record<string, unknown>;
const LIMIT = 1e6;

/** What a liar makes of an honest result. */
export type Lie = (honest: Honest) => Promise<Bytes> | Bytes;
export interface Honest {
  head: Head;
  body: Bytes;
  part: GradientPart;
  task: Task;
  name: string;
  trainer: Trainer<TextBatch>;
}

export interface Outcome {
  digest: string;
  wrong: { worker: string; step: number; why: string }[];
  /** Parts that were agreed upon, by worker. */
  agreed: Map<string, number>;
  ends: string[];
}

/** A run with honest workers and liars. */
export class Court {
  readonly clock = new FakeClock();
  readonly network = new Network(this.clock, () => 0.5, { loss: 0, repeat: 0, delay: 10 });
  readonly events: CoordinatorEvent[] = [];
  readonly coordinator: Coordinator<TextBatch>;
  private readonly working: Promise<string>[] = [];

  constructor(
    options: Partial<CoordinatorOptions> = {},
    readonly steps = STEPS,
    readonly trainer = create(),
  ) {
    const onEvent = (event: CoordinatorEvent): number => this.events.push(event);
    const about = { ...RUN, parts: 2, replicate: 2, spotChecks: 0, clock: this.clock, onEvent };
    const courier = this.network.coordinator();
    this.coordinator = new Coordinator(trainer, courier, { ...about, ...options });
  }

  honest(name: string, trainer = create()): void {
    const courier = this.network.worker(name);
    const working = work({ ...RUN, name, courier, clock: this.clock, trainer, batchOf });
    this.working.push(
      working.then(
        ({ ended }) => ended,
        (error) => error.message,
      ),
    );
  }

  /** A worker that does what an honest one does, but says something else. */
  liar(name: string, lie: Lie): void {
    const trainer = create();
    let tasks: Task[] = [];
    const { ask, report, fetch } = this.network.worker(name);
    const change = async (message: Bytes): Promise<Bytes> => {
      const { head, body } = unpackMessage(message);
      const task = tasks.find((each) => taskId(each) === head.task) as Task;
      tasks = tasks.slice(-4);
      const part = computePart(trainer, batchOf(task.step), task);
      return lie({ head: { ...head }, body, part, task, name, trainer });
    };
    const courier = {
      fetch,
      ask: async (message: Bytes) => {
        const answer = await ask(message);
        const { task } = unpackMessage(answer).head;
        if (task !== undefined) tasks.push(readTask(task));
        return answer;
      },
      report: async (message: Bytes) => report(await change(message)),
    };
    const about = { ...RUN, name, courier, clock: this.clock, trainer, batchOf };
    this.working.push(
      work(about).then(
        ({ ended }) => ended,
        (error) => error.message,
      ),
    );
  }

  /** The steps, and what came of them. */
  async judge(): Promise<Outcome> {
    await this.coordinator.open();
    const ticking = this.clock.run(LIMIT);
    const train = async (): Promise<void> => {
      try {
        while (this.trainer.steps < this.steps)
          await this.coordinator.step(batchOf(this.trainer.steps));
      } finally {
        this.coordinator.close(DONE);
      }
    };
    try {
      await Promise.race([train(), ticking]);
      const ends = (await Promise.race([Promise.all(this.working), ticking])) as string[];
      return { ...this.found(), ends, digest: await this.trainer.weightsSha256() };
    } finally {
      this.clock.stop();
      await ticking;
    }
  }

  private found(): Pick<Outcome, 'wrong' | 'agreed'> {
    const wrong: Outcome['wrong'] = [];
    const agreed = new Map<string, number>();
    for (const event of this.events) {
      if (event.kind === 'wrong') wrong.push(event);
      if (event.kind !== 'part') continue;
      for (const name of event.workers) agreed.set(name, (agreed.get(name) ?? 0) + 1);
    }
    return { wrong, agreed };
  }
}

/** A message that has the seal of the part that is in it. */
export async function sealed(
  { head, body, name }: Honest,
  part: GradientPart,
  by = name,
): Promise<Bytes> {
  const { gradients, ...sums } = part;
  const packed = packNumbers(gradients);
  const seal = sealOf(await partDigest(part, packed), by);
  const said = { ...head, ...sums, task: head.task, seal };
  return packMessage(said, body.length > 0 ? packed : body);
}

export const changed = (
  part: GradientPart,
  at: number,
  value: (g: bigint) => bigint,
): GradientPart => {
  const gradients = part.gradients.slice();
  gradients[at] = value(gradients[at]);
  return { ...part, gradients };
};

// Where workers get the weights of a step: whole ones now and then, and since then what each step
// has changed. A worker that has those of the step before fetches one change; one that has just
// joined begins with the whole ones.

import type { Trainer } from '../index.ts';
import { bytesOf } from '../receipt/digests.ts';
import type { CoordinatorCourier } from './courier.ts';
import { digestBytes } from './digest.ts';
import { packNumbers } from './packing.ts';
import { Pool } from './pool.ts';
import type { Source, Task } from './task.ts';
import { gatherWeights, subtract, type Weights } from './weights.ts';

/** Steps between whole weights, which have about as many bytes as one change and a half. */
const EVERY = 16;

export class WeightStore<Batch> {
  /** The latest weights; undefined while others are put. */
  private known: Weights | undefined;
  private readonly rooms: Pool<Weights>;
  private full: Source | undefined;
  private changes: Source[] = [];
  private old: string[] = [];

  constructor(
    private readonly trainer: Trainer<Batch>,
    private readonly courier: CoordinatorCourier,
  ) {
    this.rooms = new Pool(() => new Int32Array(trainer.parameters));
  }

  private get latest(): Source | undefined {
    return this.changes.at(-1) ?? this.full;
  }

  get origins(): Pick<Task, 'full' | 'changes'> {
    return { full: this.full as Source, changes: [...this.changes] };
  }

  /** Puts the trainer's present weights where workers find them; returns their SHA-256. */
  async publish(): Promise<string> {
    const { known, rooms, trainer } = this;
    this.known = undefined;
    const weights = gatherWeights(trainer, rooms.take());
    const digest = digestBytes(bytesOf(weights));
    const isWhole = known === undefined || this.changes.length >= EVERY;
    const bytes = packNumbers(isWhole ? weights : subtract(weights, known));
    if (known !== undefined) rooms.give(known);
    const source = { weights: await digest, blob: await digestBytes(bytes) };
    await this.courier.put(source.blob, bytes);
    this.known = weights;
    if (isWhole) {
      if (this.full !== undefined) this.old.push(this.full.blob);
      this.old.push(...this.changes.map(({ blob }) => blob));
      this.full = source;
      this.changes = [];
    } else this.changes.push(source);
    return source.weights;
  }

  /** Once a step is done nobody needs what was before its weights. */
  async tidy(): Promise<void> {
    const { full, changes } = this.origins;
    const used = new Set([full, ...changes].map(({ blob }) => blob));
    for (const blob of this.old.splice(0))
      if (!used.has(blob)) await this.courier.drop(blob).catch(() => undefined); // room alone
  }

  /** Puts whole weights for who does not find `blob`: the courier has lost it. */
  async putAgain(blob: string): Promise<void> {
    const { known, latest, full, changes } = this;
    if (known === undefined || latest === undefined) return;
    const sources = full === undefined ? changes : [full, ...changes];
    if (!sources.some((source) => source.blob === blob)) return;
    const bytes = packNumbers(known);
    const source = { weights: latest.weights, blob: await digestBytes(bytes) };
    await this.courier.put(source.blob, bytes);
    const isLate = this.latest !== latest; // the next step has begun meanwhile
    this.old.push(...(isLate ? [source] : sources).map((each) => each.blob));
    if (isLate) return;
    this.full = source;
    this.changes = [];
  }
}

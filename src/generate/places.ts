// Whose turn it is: places of sequences, and passes that take what all of them ask for at once.

import type { Run, Tensor } from '../index.ts';
import type { Engine } from './engine.ts';

/** A function for when everything else that waits has been done. */
export const later: (work: () => void) => void =
  typeof setImmediate === 'function'
    ? (work) => void setImmediate(work)
    : (work) => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => {
          port1.close();
          work();
        };
        port2.postMessage(0);
      };

/** Raw numbers of a row of the model's output, and their fraction bits. */
export type RowReader<T> = (row: Int32Array, fraction: number) => T;

/** A sequence that wants the output after its last token. */
interface Request {
  readonly slot: number;
  /** Tokens of the window; those that are kept already come first. */
  readonly window: readonly number[];
  readonly done: RowReader<void>;
  readonly failed: (error: unknown) => void;
}

/** The rows of a tensor of int32, in real units. */
function rowsOf(run: Run, { at, rows, fraction, type: { columns } }: Tensor): Float64Array[] {
  return Array.from({ length: rows }, (_, r) => {
    const raw = run.view(at + r * columns * 4, columns);
    const row = new Float64Array(columns); // Float64Array.from takes ten times as long
    for (let c = 0; c < columns; c++) row[c] = raw[c] / 2 ** fraction;
    return row;
  });
}

/** The last row of an output. */
export function lastRow(run: Run, out: Tensor): { row: Int32Array; fraction: number } {
  const { columns } = out.type;
  const row = run.view(out.at + (out.rows - 1) * columns * 4, columns);
  return { row, fraction: out.fraction };
}

/** Places of sequences: some are in use, others wait for one. */
class Slots {
  private readonly free: number[];
  private readonly waiting: ((slot: number) => void)[] = [];

  constructor(count: number) {
    this.free = Array.from({ length: count }, (_, i) => count - 1 - i);
  }

  take(): Promise<number> {
    const slot = this.free.pop();
    if (slot !== undefined) return Promise.resolve(slot);
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  leave(slot: number): void {
    const next = this.waiting.shift();
    if (next === undefined) this.free.push(slot);
    else next(slot);
  }
}

/** Runs what sequences ask for, in passes of at most `rows` rows. */
export class Passes {
  readonly slots: Slots;
  /** Tokens kept of each slot. */
  private readonly kept: number[];
  private pending: Request[] = [];
  private isComing = false;

  constructor(
    private readonly engine: Engine,
    private readonly rows: number,
    count: number,
  ) {
    this.slots = new Slots(count);
    this.kept = Array.from({ length: count }, () => 0);
  }

  /** Forgets what is kept of a slot. */
  forget(slot: number): void {
    this.kept[slot] = 0;
  }

  /** Forgets what is kept of all. */
  forgetAll(): void {
    this.kept.fill(0);
  }

  /** Does work in a place of its own. */
  async withSlot<T>(work: (slot: number) => T): Promise<T> {
    const slot = await this.slots.take();
    try {
      return work(slot);
    } finally {
      this.slots.leave(slot);
    }
  }

  /** The output after each of some tokens, in real units. */
  outputs(slot: number, tokens: Int32Array): Float64Array[] {
    const { last, run } = this.engine;
    if (!last.isIncremental) return rowsOf(run, this.engine.infer(tokens));
    const rows: Float64Array[] = [];
    this.eachPass(slot, tokens, undefined, (at, count) => {
      const most = last.shape?.outputs ?? 1;
      for (let i = 0; i < count; i += most) {
        const part = Array.from({ length: Math.min(most, count - i) }, (_, j) => i + j);
        rows.push(...rowsOf(run, last.outputs(run, at, part)));
      }
    });
    return rows;
  }

  /** The states after block `to` of each row of a sample, such as tokens, in real units. */
  states(slot: number, sample: unknown, to: number): Float64Array[] {
    const { last, run } = this.engine;
    if (!last.isIncremental) return rowsOf(run, last.states(run, sample, to));
    const rows: Float64Array[] = [];
    this.eachPass(slot, sample as Int32Array, to, (at, count) => {
      rows.push(...rowsOf(run, last.stateAt(at, count)));
    });
    return rows;
  }

  /** Runs tokens from the beginning, a chunk at a time; `use` gets where the states are. */
  private eachPass(
    slot: number,
    tokens: Int32Array,
    to: number | undefined,
    use: (at: number, count: number) => void,
  ): void {
    for (let past = 0; past < tokens.length; past += this.rows) {
      const part = tokens.subarray(past, past + this.rows);
      const count = part.length;
      use(this.engine.extend([{ slot, first: 0, count, past }], [part], to), count);
    }
    this.forget(slot);
  }

  /** What `read` makes of the output after the window's last token. */
  after<T>(slot: number, window: readonly number[], read: RowReader<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const done: RowReader<void> = (row, fraction) => resolve(read(row, fraction));
      this.pending.push({ slot, window, done, failed: reject });
      this.wake();
    });
  }

  private wake(): void {
    if (this.isComing || this.pending.length === 0) return;
    this.isComing = true;
    later(() => {
      this.isComing = false;
      this.pass();
      this.wake();
    });
  }

  private pass(): void {
    const { pending } = this;
    try {
      if (this.engine.last.isIncremental) this.extend(pending);
      else this.whole(pending);
    } catch (error) {
      this.pending = [];
      for (const { failed } of pending) failed(error);
    }
  }

  /** One sequence from its beginning. */
  private whole([first, ...rest]: readonly Request[]): void {
    this.pending = [...rest];
    const out = this.engine.infer(Int32Array.from(first.window));
    const { row, fraction } = lastRow(this.engine.run, out);
    first.done(row, fraction);
  }

  /** As many rows of the sequences that wait as fit, those of which least is missing first. */
  private extend(pending: readonly Request[]): void {
    const { kept, engine } = this;
    const missing = ({ slot, window }: Request): number => window.length - kept[slot];
    const order = [...pending].sort((a, b) => missing(a) - missing(b));
    const spans: { slot: number; first: number; count: number; past: number }[] = [];
    const tokens: Int32Array[] = [];
    const complete: { request: Request; row: number }[] = [];
    let first = 0;
    for (const request of order) {
      const { slot, window } = request;
      const count = Math.min(missing(request), this.rows - first);
      if (count === 0) break;
      const past = kept[slot];
      spans.push({ slot, first, count, past });
      tokens.push(Int32Array.from(window.slice(past, past + count)));
      first += count;
      if (past + count === window.length) complete.push({ request, row: first - 1 });
    }
    const states = engine.extend(spans, tokens);
    for (const { slot, count } of spans) kept[slot] += count;
    this.pending = pending.filter((one) => !complete.some(({ request }) => request === one));
    this.read(states, complete);
  }

  private read(states: number, complete: readonly { request: Request; row: number }[]): void {
    const { run, last } = this.engine;
    const most = last.shape?.outputs ?? 1;
    for (let i = 0; i < complete.length; i += most) {
      const part = complete.slice(i, i + most);
      const rows = part.map(({ row }) => row);
      const out = last.outputs(run, states, rows);
      const { columns } = out.type;
      part.forEach(({ request }, j) => {
        request.done(run.view(out.at + j * columns * 4, columns), out.fraction);
      });
    }
  }
}

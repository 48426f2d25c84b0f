// What may come next in a stream of tokens, as sizes of a table: a model at work, over a window
// that is cut to its half when it is full. Rows that are done are kept (src/generate/cache.ts).
// Which window a token is predicted from depends on its place in the stream alone, and every row
// has the same bits however many go through together: an encoder may take many tokens in one pass,
// where a decoder takes one.

import { Engine } from '../generate/engine.ts';
import { type Backend, type NamedTensor, UsageError } from '../index.ts';
import { logitSizes } from './frequencies.ts';
import { type ByteModel, END, SYMBOLS } from './model-shape.ts';

/** Tokens that go through together at most, and rows whose logits are made together. */
const ROWS = 64;
const OUTPUTS = 16;
const MEMORY_LIMIT = 2 ** 30;

/** What a predictor is made of. */
export interface PredictorSource {
  readonly model: ByteModel;
  readonly tensors: readonly NamedTensor[];
  /** Tokens before every message. */
  readonly beginning: Int32Array;
}

export class Predictor {
  /** Of the next token: sizes that sum to 2^24. */
  readonly sizes = new Float64Array(SYMBOLS);
  /** Bytes of memory in use. */
  readonly bytes: number;
  private readonly engine: Engine;
  private readonly window: Int32Array;
  /** Tokens in the window, and how many of them are kept. */
  private length = 0;
  private kept = 0;
  /** 0 while the window begins with the beginning, which stays there; 1 after it was cut. */
  private slot = 0;
  private isBegun = false;

  constructor(
    private readonly source: PredictorSource,
    makeBackend?: (bytes: number) => Backend,
  ) {
    const { model, tensors } = source;
    const shape = { rows: ROWS, outputs: OUTPUTS, slots: 2 };
    const given = { model: model as never, tensors, memoryLimit: MEMORY_LIMIT };
    this.engine = new Engine(given, shape, makeBackend);
    this.window = new Int32Array(this.engine.last.input.type.rows);
    this.bytes = this.engine.bytes;
  }

  /** Takes other weights of the same model. What was kept is computed again. */
  reload(tensors: readonly NamedTensor[]): void {
    this.engine.reload(tensors);
    this.kept = 0;
    this.isBegun = false;
  }

  /** Begins a message of its own. */
  begin(): void {
    const { beginning } = this.source;
    this.window.set(beginning);
    this.slot = 0;
    this.length = beginning.length;
    this.kept = this.isBegun ? beginning.length : 0;
    this.push(END);
  }

  /** Goes on from some tokens, as if they had been pushed one after the other. */
  resume(tokens: Int32Array): void {
    this.window.set(tokens);
    this.length = tokens.length;
    this.kept = 0;
    this.slot = 1;
  }

  /** The tokens in the window. */
  get tokens(): Int32Array {
    return this.window.slice(0, this.length);
  }

  /** A token that came. */
  push(token: number): void {
    const { window } = this;
    if (this.length === window.length) {
      const half = window.length >> 1;
      window.copyWithin(0, window.length - half);
      this.length = half;
      this.kept = 0;
      this.slot = 1;
    }
    window[this.length++] = token;
  }

  /** Fills `sizes` for the token after those that came. */
  predict(): void {
    const states = this.run(1);
    this.read(states, this.lastRows - 1, 1, () => undefined);
  }

  /** Goes through tokens; `use` is called before each is pushed, with `sizes` filled for it. */
  each(tokens: Int32Array, use: (token: number) => void): void {
    let done = 0;
    while (done < tokens.length) {
      // what is not kept yet, and as many tokens as fit behind it, but the last: nothing follows
      const room = Math.min(this.window.length - this.length, ROWS - 1);
      const more = Math.min(room, tokens.length - done - 1);
      for (let i = 0; i < more; i++) this.push(tokens[done + i]);
      const states = this.run(more + 1);
      const first = this.lastRows - more - 1;
      this.read(states, first, more + 1, (i) => use(tokens[done + i]));
      done += more + 1;
      this.push(tokens[done - 1]);
    }
  }

  /** Rows of the last pass. */
  private lastRows = 0;

  /** Runs what is not kept, in passes of which the last has the last `wanted` tokens; returns where
   *  its states are. */
  private run(wanted: number): number {
    const { window, slot } = this;
    if (this.kept === this.length) throw new UsageError('no token came since the last prediction');
    let states = 0;
    while (this.kept < this.length) {
      const past = this.kept;
      const left = this.length - past;
      const count = left <= ROWS ? left : Math.min(ROWS, left - wanted);
      const tokens = window.slice(past, past + count);
      states = this.engine.extend([{ slot, first: 0, count, past }], [tokens]);
      this.kept += count;
      this.lastRows = count;
    }
    if (slot === 0) this.isBegun = true;
    return states;
  }

  /** Makes the sizes of some rows, one after the other. */
  private read(states: number, first: number, count: number, use: (i: number) => void): void {
    const { run, last } = this.engine;
    for (let i = 0; i < count; i += OUTPUTS) {
      const part = Math.min(OUTPUTS, count - i);
      const rows = Array.from({ length: part }, (_, j) => first + i + j);
      const out = last.outputs(run, states, rows);
      for (let j = 0; j < part; j++) {
        const row = run.view(out.at + j * SYMBOLS * 4, SYMBOLS);
        logitSizes(row, out.fraction, this.sizes);
        use(i + j);
      }
    }
  }
}

// A stream on the way forward alone: input -> layers -> stack -> layers. Where its layers can, rows
// follow rows that are kept, of several sequences in one pass; else a sequence is computed anew,
// whole. Either way a row gets the bits that training's forward pass gives it.

import {
  type AttentionShape,
  type Layer,
  type Memory,
  type Planned,
  type PlannedInput,
  type Planner,
  type Pointer,
  type Run,
  type StackLayer,
  type Stream,
  Tensor,
  type Type,
  tensorBytes,
  UsageError,
} from '../index.ts';
import { KeyValueCache, type Span } from './cache.ts';
import type { Placement, Weights } from './memory.ts';
import { FORWARD, ForwardStack, planChain, sharedSaved } from './stack.ts';

/** How a stream is run: rows that pass through at a time, of so many sequences, and rows whose
 *  output is made at a time. */
export interface StreamShape {
  readonly rows: number;
  readonly outputs: number;
  readonly slots: number;
}

const isStack = (layer: Layer | StackLayer): layer is StackLayer => 'stack' in layer;

/** Weights that are in no block. */
export const REST = '';
/** A forward pass has no gradients. */
const NOWHERE = { at: 0, exponent: 0 };

/** The type of what a chain gives. */
const outputOf = (layers: readonly Layer[], input: Type, wanted: Type['kind']): Type =>
  layers.reduce((type, layer, i) => layer.output(type, layers[i + 1]?.takes[0] ?? wanted), input);

/** Layers with what they keep of a sequence, and their output. */
class Part {
  readonly planned: Planned;
  readonly y: Tensor;
  private readonly saved: unknown;

  constructor(at: Planner, layers: readonly Layer[], input: Type, wanted: Type['kind']) {
    this.planned = planChain(at, layers, input, wanted);
    this.y = new Tensor(outputOf(layers, input, wanted));
    [this.saved] = sharedSaved(at, [this.planned]);
  }

  forward(run: Run, x: Tensor): void {
    this.planned.forward(run, x, this.saved, this.y);
  }
}

export class ForwardStream {
  /** The shapes of the attentions whose keys and values follow-up rows need; undefined: some layer
   *  needs all rows. */
  readonly history: readonly AttentionShape[] | undefined;
  readonly stack: ForwardStack | undefined;
  readonly input: PlannedInput<unknown>;
  private readonly front: Part | undefined;
  private readonly tail: Part;
  private readonly x: Tensor;
  private readonly state: Tensor;
  private readonly picked: Pointer;
  private readonly out: Pointer;
  readonly cache: KeyValueCache | undefined;

  /** shape: undefined for whole sequences. wanted: what the output is for. */
  constructor(
    at: Planner,
    { input, layers }: Stream<unknown>,
    wanted: Type['kind'],
    readonly shape: StreamShape | undefined,
  ) {
    const place = layers.findIndex(isStack);
    const stack = layers.find(isStack);
    const plain = layers.filter((layer): layer is Layer => !isStack(layer));
    this.input = input.plan(at);
    const { type } = this.input;
    this.x = new Tensor(type);
    let state = type;
    if (stack !== undefined) {
      this.front = new Part(at, plain.slice(0, place), type, 'state');
      const rows = shape?.rows ?? this.front.y.type.rows;
      state = { ...this.front.y.type, rows };
      this.stack = new ForwardStack(at, stack.stack, state);
    }
    const last = { ...state, rows: shape?.outputs ?? state.rows };
    this.tail = new Part(at, plain.slice(Math.max(0, place)), last, wanted);
    this.state = new Tensor(last);
    this.picked = at.own(tensorBytes(last));
    this.out = at.own(tensorBytes(this.tail.y.type));
    this.history = stack === undefined ? undefined : this.historyOf();
    if (shape !== undefined && this.history !== undefined)
      this.cache = new KeyValueCache(at, this.history, { ...shape, context: type.rows });
  }

  /** Of all its layers. Rows before the stack are of one sequence; those after it are on their own.
   */
  private historyOf(): readonly AttentionShape[] | undefined {
    const parts = [this.front?.planned, ...(this.stack?.blocks.flat() ?? []), this.tail.planned];
    const all = parts.map((part) => part?.history);
    const outer = [all[0], all[all.length - 1]];
    if (outer.some((each) => each?.length !== 0)) return undefined;
    return all.every((each) => each !== undefined) ? all.flat() : undefined;
  }

  /** Makes the working copies of all weights. memory: what cross-attention will look at. */
  prepare(run: Run, weights: Weights, placement: Placement, memory: Memory | undefined): void {
    const { front, stack, tail, x, state } = this;
    run.memory = memory;
    state.fraction = run.stateFraction;
    this.input.move(run, 0, x);
    front?.planned.prepare(run, x, front.y, FORWARD); // its weights stay
    for (let k = 0; stack !== undefined && k < stack.layers; k++)
      placement.during(run, weights, stack.group(k), () => stack.prepare(run, k));
    placement.during(run, weights, REST, () => {
      tail.planned.prepare(run, stack === undefined ? x : state, tail.y, FORWARD);
    });
  }

  /** Group of a parameter's weights, among those that are prepared together. */
  groupOf(path: string): string | undefined {
    const { stack } = this;
    const all = Array.from({ length: stack?.layers ?? 0 }, (_, k) => stack?.group(k) ?? '');
    return all.find((group) => path.startsWith(group));
  }

  /** Type of its output. */
  get output(): Type {
    return this.tail.y.type;
  }

  /** Its output, as the next stream looks at it. */
  get memory(): Memory {
    return { tensor: this.tail.y, gradient: NOWHERE };
  }

  /** Whether `extend` can be used. */
  get isIncremental(): boolean {
    return this.cache !== undefined;
  }

  /** Brings a sample into memory. */
  private load(run: Run, sample: unknown): void {
    this.input.takeOne(sample);
    this.input.load(run, 0, 1);
    this.input.move(run, 0, this.x);
  }

  /** Runs one whole sample up to block `to`; returns where the state is. */
  private whole(run: Run, sample: unknown, to?: number): Pointer {
    const { front, stack, x, state } = this;
    run.cache = undefined;
    run.past = 0;
    this.load(run, sample);
    state.rows = x.rows;
    if (front === undefined || stack === undefined) return x.at;
    front.y.at = stack.input;
    front.forward(run, x);
    state.rows = front.y.rows;
    return stack.forward(run, state.rows, to);
  }

  /** The states of one sample after block `to`. */
  states(run: Run, sample: unknown, to: number): Tensor {
    return this.stateAt(this.whole(run, sample, to), this.state.rows);
  }

  /** States at an address as a tensor. */
  stateAt(at: Pointer, rows: number): Tensor {
    return Object.assign(this.state, { at, rows });
  }

  /** The output of one sample. */
  infer(run: Run, sample: unknown): Tensor {
    const { tail, state } = this;
    state.at = this.whole(run, sample);
    if (this.stack === undefined) state.fraction = this.x.fraction;
    return this.finish(run, tail);
  }

  private finish(run: Run, tail: Part): Tensor {
    tail.y.at = this.out;
    tail.forward(run, this.state);
    return tail.y;
  }

  /** Runs tokens that follow those kept, `tokens[i]` those of span i. Their states are then at the
   *  address that it returns. */
  extend(run: Run, spans: readonly Span[], tokens: readonly Int32Array[], to?: number): Pointer {
    const { front, stack, cache, x } = this;
    if (front === undefined || stack === undefined || cache === undefined)
      throw new UsageError('this model is computed whole');
    const bytes = front.y.type.columns * 4;
    spans.forEach(({ first, past }, i) => {
      this.load(run, tokens[i]);
      run.past = past;
      front.y.at = stack.input + first * bytes;
      front.forward(run, x);
    });
    run.past = 0;
    cache.spans = spans;
    run.cache = cache;
    const rows = spans.reduce((n, { count }) => n + count, 0);
    const at = stack.forward(run, rows, to);
    run.cache = undefined;
    return at;
  }

  /** The outputs of some rows of the states at an address, at most `outputs`. */
  outputs(run: Run, states: Pointer, rows: readonly number[]): Tensor {
    const { state, picked, tail } = this;
    const bytes = state.type.columns * 4;
    rows.forEach((row, i) => {
      const from = states + row * bytes;
      run.bytes.copyWithin(picked + i * bytes, from, from + bytes);
    });
    state.at = picked;
    state.rows = rows.length;
    return this.finish(run, tail);
  }
}

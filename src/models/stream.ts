// A stream at work: input -> layers -> stack -> layers, sample by sample. What comes before the
// stack makes the first state; the stack runs block by block over all samples; what comes after
// makes the stream's output, which goes to the loss or is looked at by the next stream.

import { having, list, properties, text, whole } from '../core/check.ts';
import { UsageError } from '../core/errors.ts';
import type { Pointer } from '../kernels/kernels.ts';
import { Chain, type ChainSaved } from '../layers/chain.ts';
import { asLayer, describe } from '../layers/check.ts';
import type { Input, PlannedInput } from '../layers/input.ts';
import type { Layer, Preparation } from '../layers/layer.ts';
import type { PlannedLoss, Score } from '../loss/loss.ts';
import { DEFAULT_STATE_FRACTION, INFERENCE_STATE_FRACTION } from '../memory/formats.ts';
import { kept } from '../memory/kept.ts';
import type { Planner, Scratch } from '../memory/planner.ts';
import { type Gradient, type Kind, Tensor, type Type, tensorBytes } from '../memory/tensor.ts';
import { clearGradient } from '../ops/gradient.ts';
import type { Memory, Run } from '../ops/run.ts';
import { asSublayer } from '../reversible/block.ts';
import { checkRule } from '../reversible/rule.ts';
import type { Pass } from '../reversible/site.ts';
import { type ReversibleOptions, Stack, type StackOptions } from '../reversible/stack.ts';

/** Blocks that a residual stream runs through, as one of a stream's layers. */
export interface StackLayer {
  /** What `reversible` was given. */
  readonly stack: ReversibleOptions;
}

/** Blocks as a layer: from a state to a state, each block added to it by the update rule. Throws
 *  UsageError for a depth or a rule that cannot be.
 *  @example
 *  const block = [sublayer(layerNorm(), linear(16, { name: 'up' }), gelu(), linear(4))];
 *  const model = defineModel('classifier', ({ depth }) => ({
 *    input: tokens({ vocabulary: 9, context: 4 }),
 *    layers: [
 *      embedding({ vocabulary: 9, channels: 4 }),
 *      reversible({ depth, rule: bdia(), block }),
 *      meanPool(),
 *      layerNorm(),
 *      linear(2, { name: 'head' }),
 *    ],
 *    loss: crossEntropy(),
 *  }));
 *  console.log(plan({ model: model({ depth: 3 }), batch: 2, steps: 1 }).parameters); // 460
 */
export function reversible(stack: ReversibleOptions): StackLayer {
  const names = ['depth', 'rule', 'block', 'name'] as const;
  const { depth, rule, block, name = 'block' } = properties('stack', stack, names);
  whole('depth', depth, 1, 1024);
  checkRule(rule);
  text('name', name);
  return { stack: { depth, rule, block: list('block', block, asSublayer, 1), name } };
}

/** From an input through layers, of which one may be a stack. */
export interface Stream<Batch> {
  /** What it reads of a batch. */
  readonly input: Input<Batch>;
  /** One after the other; at most one is a stack, which is not the last. */
  readonly layers: readonly (Layer | StackLayer)[];
}

function asStreamLayer(name: string, value: unknown): Layer | StackLayer {
  const { stack } = properties(name, value as StackLayer, ['stack']);
  return stack === undefined ? asLayer(name, value) : reversible(stack);
}

/** A copy of a stream. Throws UsageError for what is none. */
export function asStream<Batch>(name: string, value: unknown): Stream<Batch> {
  const { input, layers } = properties(name, value as Stream<Batch>, ['input', 'layers']);
  having(`the input of ${name}`, input, ['plan']);
  return { input, layers: list(`layers of ${name}`, layers, asStreamLayer, 1) };
}

/** How a pass over the samples in memory is run. */
export interface PassOptions {
  readonly count: number;
  readonly isTraining: boolean;
  readonly seed: number;
  readonly step: number;
  /** Place in the batch of the first sample in memory. */
  readonly first: number;
  readonly gamma8: number;
}

const isStack = (layer: Layer | StackLayer): layer is StackLayer => 'stack' in layer;

/** The layers before a stream's stack, the stack, and the layers after it (all, if there is none).
 */
function split(layers: readonly (Layer | StackLayer)[]): {
  before: readonly Layer[];
  stack: ReversibleOptions | undefined;
  after: readonly Layer[];
} {
  const plain = layers.filter((layer): layer is Layer => !isStack(layer));
  const [first, ...others] = layers.filter(isStack);
  if (others.length > 0)
    throw new UsageError(`a stream has ${others.length + 1} stacks, expected at most one`);
  const at = Math.max(0, layers.findIndex(isStack));
  return { before: plain.slice(0, at), stack: first?.stack, after: plain.slice(at) };
}

/** Layers from the input to the first state. What they keep is kept of every sample. */
class Front {
  readonly chain: Chain;
  private readonly saved: readonly ChainSaved[];
  private readonly y: Tensor;

  constructor(at: Planner, layers: readonly Layer[], input: Type) {
    if (layers.length === 0)
      throw new UsageError(
        `a stack is given ${describe(input)}, expected state`,
        'let layers come before it, such as an embedding',
      );
    this.chain = new Chain(at, layers, input, 'state');
    if (this.chain.output.kind !== 'state')
      throw new UsageError(`a stack is given ${this.chain.output.kind}, expected state`);
    this.saved = kept(at, this.chain, at.layout.sequences);
    this.y = new Tensor(this.chain.output);
  }

  prepare(run: Run, x: Tensor, what: Preparation): void {
    this.chain.prepare(run, x, this.y, what);
  }

  forward(run: Run, s: number, x: Tensor, state: Pointer): void {
    this.y.at = state;
    this.chain.forward(run, x, this.saved[s], this.y);
  }

  backward(run: Run, s: number, x: Tensor, dState: Gradient): void {
    this.chain.backward(run, dState, x, this.saved[s], undefined);
  }
}

/** What a stream gives to the next one, of each sample. */
interface Given {
  readonly output: Pointer;
  readonly gradient: Pointer;
}

/** Layers from the last state to the stream's output. */
class Tail {
  readonly chain: Chain;
  readonly out: Tensor;
  readonly dOut: Gradient = { at: 0, exponent: 0 };
  /** Of every sample, or of one if nothing is given. */
  private readonly saved: readonly ChainSaved[];
  private readonly given: readonly Given[];
  private readonly sums: Scratch;

  /** wanted: by the loss; undefined: the output is kept for the next stream. */
  constructor(
    at: Planner,
    layers: readonly Layer[],
    input: Type,
    wanted: readonly Kind[] | undefined,
  ) {
    if (layers.length === 0)
      throw new UsageError('a stream ends with its stack', 'let layers follow, a layer norm first');
    this.chain = new Chain(at, layers, input, wanted?.[0] ?? 'operand');
    const { output } = this.chain;
    if (!(wanted ?? ['operand']).includes(output.kind))
      throw new UsageError(`a stream ends with ${output.kind}, expected ${wanted ?? 'operand'}`);
    this.out = new Tensor(output);
    const count = wanted === undefined ? at.layout.sequences : 0;
    this.sums = at.scratch('sums', count > 0 ? 0 : tensorBytes(output));
    this.saved = kept(at, this.chain, count);
    this.given = Array.from({ length: count }, () => ({
      output: at.allocate('states', tensorBytes(output)),
      gradient: at.allocate('states', output.rows * output.columns * 4),
    }));
  }

  prepare(run: Run, x: Tensor, what: Preparation): void {
    this.chain.prepare(run, x, this.out, what);
  }

  private savedOf(s: number): ChainSaved {
    return this.saved[s] ?? this.saved[0];
  }

  /** Brings the output and its gradient to sample s; `exponent` of the gradient stays. */
  move(s: number): void {
    const given = this.given[s];
    this.out.at = given?.output ?? this.sums.at;
    this.dOut.at = given?.gradient ?? this.sums.at;
  }

  forward(run: Run, s: number, x: Tensor): void {
    this.move(s);
    this.chain.forward(run, x, this.savedOf(s), this.out);
  }

  backward(run: Run, s: number, x: Tensor, dx: Gradient | undefined): void {
    this.chain.backward(run, this.dOut, x, this.savedOf(s), dx);
  }
}

export class PlannedStream<Batch> implements Pass {
  readonly input: PlannedInput<Batch>;
  count!: number; // of the pass at hand, with what follows
  isTraining!: boolean;
  seed!: number;
  step!: number;
  first!: number;
  gamma8!: number;
  stack: Stack | undefined;
  /** Fraction bits of the state in training. */
  private readonly l: number;
  private readonly parts: ReturnType<typeof split>;
  private readonly x: Tensor;
  private readonly front: Front | undefined;
  private state: Tensor;
  private end!: Tail; // with the next one after planRest
  private known!: Memory;
  private run!: Run;
  private readonly what: Preparation = { copy: true, forward: true, backward: false };

  /** Plans the input and what makes the first state; planRest plans the rest. source: the stream
   *  before, if there is one. */
  constructor(
    at: Planner,
    stream: Stream<Batch>,
    private readonly source: PlannedStream<Batch> | undefined,
  ) {
    this.l = at.layout.fraction ?? DEFAULT_STATE_FRACTION;
    this.parts = split(stream.layers);
    this.input = stream.input.plan(at);
    this.x = new Tensor(this.input.type);
    this.state = this.x;
    if (this.parts.stack !== undefined) this.front = new Front(at, this.parts.before, this.x.type);
  }

  /** wanted: what the loss takes; undefined for a stream that the next one looks at. */
  planRest(at: Planner, options: StackOptions, wanted: readonly Kind[] | undefined): void {
    const { stack, after } = this.parts;
    at.memory = this.source?.output;
    if (stack !== undefined && this.front !== undefined) {
      const { output } = this.front.chain;
      this.stack = new Stack(at, stack, output, options);
      this.state = new Tensor(output);
    }
    this.end = new Tail(at, after, this.state.type, wanted);
    this.known = { tensor: this.end.out, gradient: this.end.dOut };
  }

  get output(): Type {
    return this.end.chain.output;
  }

  // ---- the samples of a pass (reversible/site.ts) ----

  /** Begins a pass. */
  begin(run: Run, options: PassOptions): void {
    this.run = run;
    Object.assign(this, options);
    this.what.backward = options.isTraining;
    run.pass = options;
    const isInference = !options.isTraining && options.gamma8 === 0;
    run.stateFraction = isInference ? INFERENCE_STATE_FRACTION : this.l;
    if (this.stack !== undefined) this.state.fraction = run.stateFraction;
  }

  rows(s: number): number {
    this.moveInput(s);
    return this.front?.chain.rowsOf(this.x.rows) ?? this.x.rows;
  }

  memory(s: number): Memory | undefined {
    return this.source?.moveOutput(s);
  }

  embed(run: Run, s: number, at: Pointer): void {
    this.moveInput(s);
    this.front?.forward(run, s, this.x, at);
  }

  private moveInput(s: number): void {
    this.run.sample = this.first + s;
    this.input.move(this.run, s, this.x);
  }

  /** This stream's output of sample s, as the next one looks at it. */
  private moveOutput(s: number): Memory | undefined {
    const { end } = this;
    end.move(s);
    end.out.rows = end.chain.rowsOf(this.rows(s));
    return this.known;
  }

  private each(run: Run, work: (s: number) => void): void {
    if (this.stack === undefined) run.team.each(this.count, work);
    else this.stack.each(run, this, work);
  }

  /** Brings `state` to sample s: the stack's output, or the input if there is no stack. */
  private moveState(run: Run, s: number): void {
    const { state, stack } = this;
    state.rows = this.rows(s);
    if (stack !== undefined) state.at = stack.output(run, s, this);
  }

  // ---- the passes ----

  /** Makes the first states and runs the stack. */
  start(run: Run): void {
    const { front, stack, x } = this;
    this.moveInput(0);
    if (front === undefined || stack === undefined) return;
    front.prepare(run, x, this.what);
    this.each(run, (s) => this.embed(run, s, stack.input(s)));
    stack.forward(run, this);
  }

  /** Makes the outputs that the next stream looks at. */
  remember(run: Run): void {
    const { end, state } = this;
    end.prepare(run, state, this.what);
    this.each(run, (s) => {
      this.moveState(run, s);
      end.forward(run, s, state);
    });
  }

  /** The output of sample 0, the only one. */
  infer(run: Run): Tensor {
    const { end, state } = this;
    end.prepare(run, state, this.what);
    this.moveState(run, 0);
    end.forward(run, 0, state);
    return end.out;
  }

  /** Output and loss of every sample and, in training, the gradients of the layers after the stack.
   */
  score(run: Run, loss: PlannedLoss<Batch>, sum: Score): void {
    const { end, state, stack, isTraining } = this;
    end.prepare(run, state, this.what);
    this.each(run, (s) => {
      this.moveState(run, s);
      end.forward(run, s, state);
      loss.score(run, end.out, s, sum, isTraining ? end.dOut : undefined);
      if (!isTraining) return;
      end.backward(run, s, state, stack?.gradient(s));
      const memory = this.memory(s);
      if (memory !== undefined) clearGradient(run, memory.gradient, memory.tensor.size);
    });
  }

  /** After the next stream's way back: the gradients of the layers after the stack. */
  scoreMemory(run: Run, next: PlannedStream<Batch>): void {
    const { end, state, stack } = this;
    this.each(run, (s) => {
      this.moveState(run, s);
      next.stack?.take(run, s, next); // with it the exponent of the gradient
      end.backward(run, s, state, stack?.gradient(s));
    });
  }

  /** The way back through the stack and what is before it. */
  backward(run: Run): void {
    const { front, stack, x } = this;
    if (front === undefined || stack === undefined) return;
    stack.backward(run, this);
    this.each(run, (s) => {
      this.moveInput(s);
      front.backward(run, s, x, stack.gradient(s));
    });
  }
}

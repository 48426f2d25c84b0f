// A stack of blocks on the way forward alone. Unlike in training every block is planned on its own,
// so that its packed weights stay. How a block joins the residual stream is the update rule's
// affair, as in training: this is its Site.

import {
  Arena,
  type Gradient,
  type Lane,
  type Layer,
  type Planned,
  type Planner,
  type Pointer,
  type Run,
  type Site,
  type StackLayer,
  type Sublayer,
  sequential,
  Tensor,
  type Type,
  tensorBytes,
} from '../index.ts';

/** What a block is made of: layers to be planned, or planned. */
type Parts = readonly Planned[];

/** Prepared once: copies and panels of the way forward. */
export const FORWARD = { copy: true, forward: true, backward: false };

/** Bytes of what a layer keeps of a sequence. */
function savedBytes(layer: Planned): number {
  const arena = new Arena(0);
  layer.saved(arena);
  return arena.total;
}

/** What layers that work in turn keep, over one memory. */
export function sharedSaved(at: Planner, layers: readonly Planned[]): unknown[] {
  const base = at.own(Math.max(0, ...layers.map(savedBytes)));
  return layers.map((layer) => layer.saved(new Arena(base)));
}

/** Layers as one, planned. */
export const planChain = (
  at: Planner,
  layers: readonly Layer[],
  input: Type,
  wanted: Type['kind'],
): Planned => sequential(...layers).plan(at, input, wanted);

export class ForwardStack implements Site {
  readonly blocks: readonly Parts[];
  readonly layers: number;
  readonly parts: number;
  readonly h: Pointer;
  readonly spare: Pointer;
  readonly lane: Lane;
  readonly isTraining = false;
  readonly seed = 0;
  readonly step = 0;
  readonly sample = 0;
  readonly gamma8 = 0;
  readonly dBranch: Gradient = { at: 0, exponent: 0 };
  k = 0;
  n = 0;
  private readonly branchAt: Pointer;
  private readonly saved: readonly (readonly unknown[])[];
  private readonly x: Tensor;
  private readonly y: Tensor;
  private readonly states: readonly Pointer[];
  private current: Run | undefined;

  /** input: the state, as many rows as pass through at a time. */
  constructor(
    at: Planner,
    private readonly given: StackLayer['stack'],
    input: Type,
  ) {
    const { depth, rule, block, name = 'block' } = given;
    const bytes = tensorBytes(input);
    const n = input.rows * input.columns;
    rule.check?.(depth, block.length);
    this.layers = depth;
    this.parts = block.length;
    this.blocks = Array.from({ length: depth }, (_, k) =>
      at.within(`${name}.${k}`, (inner) => block.map((part) => planPart(inner, part, input))),
    );
    this.saved = this.blocks.map((parts) => sharedSaved(at, parts));
    this.states = [at.own(bytes), at.own(bytes)];
    this.h = at.own(bytes);
    this.spare = at.own(bytes);
    this.branchAt = at.own(bytes);
    const [last, previous] = this.states;
    const side = at.own(rule.sideBytes(n, depth));
    const a = { at: this.spare, exponent: 0 };
    const b = { at: this.branchAt, exponent: 0 };
    this.lane = { last, previous, a, b, bSign: 0, side };
    this.x = new Tensor(input);
    this.y = new Tensor({ ...input, kind: 'branch' });
  }

  /** Of the weights of block k in the names of parameters. */
  group(k: number): string {
    return `${this.given.name ?? 'block'}.${k}.`;
  }

  get run(): Run {
    if (this.current === undefined) throw new Error('a stack that does not run');
    return this.current;
  }

  get l(): number {
    return this.run.stateFraction;
  }

  /** Number of the block, for random draws that inference has none of. */
  get block(): number {
    return this.k;
  }

  prepare(run: Run, k: number): void {
    const { x, y } = this;
    const { fraction } = y;
    run.block = k;
    x.fraction = run.stateFraction;
    for (const part of this.blocks[k]) part.prepare(run, x, y, FORWARD);
    run.block = 0;
    y.fraction = fraction;
  }

  /** Where the first state goes, before `forward`. */
  get input(): Pointer {
    return this.states[0];
  }

  /** Runs blocks from .. to over so many rows; returns where the state is. */
  forward(run: Run, rows: number, to = this.layers): Pointer {
    const { given, lane, states, x } = this;
    const { rule } = given;
    this.current = run;
    this.n = rows * x.type.columns;
    x.rows = rows;
    lane.last = states[0];
    lane.previous = states[1];
    for (this.k = 0; this.k < to; this.k++) {
      if (this.k === 0) rule.begin?.(this);
      run.counts.overflowed += rule.forward(this);
    }
    this.k = to - 1;
    return to > 0 && rule.output !== undefined ? rule.output(this) : lane.last;
  }

  branch(state: Pointer, from = 0, to = this.parts): void {
    const { run, x, y, h, branchAt, k, n } = this;
    x.at = state;
    for (let i = from; i < to; i++) {
      const isFirst = i === from;
      x.before = isFirst ? 0 : h;
      y.at = isFirst ? h : branchAt;
      this.blocks[k][i].forward(run, x, this.saved[k][i], y);
      if (!isFirst) run.kernels.combine_i32(h, 1, 0, branchAt, 1, 0, 0, 0, h, n);
    }
  }

  gradient(): never {
    throw new Error('a forward pass has no gradient');
  }
}

function planPart(at: Planner, { layers, name }: Sublayer, input: Type): Planned {
  const plan = (inner: Planner): Planned => planChain(inner, layers, input, 'branch');
  return name === '' ? plan(at) : at.within(name, plan);
}

// A check that anyone can run on an update rule of their own: that it runs backward exactly, that
// its gradients are those of its forward pass, and that no sample reaches another one. The blocks
// are linear maps, computed in real numbers, so that differences are exact but for the rounding of
// states.

import { fields, whole } from '../core/check.ts';
import { philox4x32 } from '../core/random.ts';
import {
  Arena,
  createWasmBackend,
  type Gradient,
  type Lane,
  RetrogradError,
  Run,
  type Site,
  type UpdateRule,
} from '../index.ts';
import { checkRule as isRule } from '../reversible/rule.ts';
import { Cosine } from './difference.ts';

/** What a rule is checked with. */
export interface RuleCheck {
  /** Blocks (4). */
  depth?: number | undefined;
  /** Of the random states and blocks (1). */
  seed?: number | undefined;
}

/** What was found, if nothing is wrong. */
export interface RuleReport {
  /** States that were rebuilt and compared with those of the forward pass: two a block. */
  rebuilt: number;
  /** Cosine of the angle between the gradient of the first state and differences. */
  cosine: number;
}

/** Elements of a state, sublayers of a block, fraction bits of states and of branches. */
const N = 8;
const PARTS = 2;
const L = 14;
const BRANCH_FRACTION = 16;
/** Bits of a gradient's largest number. */
const GRADIENT_BITS = 25;
const LEAST_COSINE = 0.9999;
const PAGES = 4;
const BYTES = N * 4;

/** Checks a rule. Throws RetrogradError that names what is wrong: a state that is not rebuilt
 *  exactly, a gradient that is not that of the forward pass, a sample that reaches another one.
 *  @example
 *  const report = checkRule(bdia(), { depth: 6 });
 *  console.log(report.rebuilt, report.cosine > 0.9999); // 11 true
 */
export function checkRule(rule: UpdateRule, options: RuleCheck = {}): RuleReport {
  isRule(rule);
  const { depth, seed } = fields('options', options, { depth: 4, seed: 1 });
  whole('depth', depth, 1, 1024);
  whole('seed', seed, 0, 2 ** 32 - 1);
  rule.check?.(depth, PARTS);
  const bench = new RuleBench(rule, depth, seed);
  const rebuilt = rule.inverse === undefined ? 0 : bench.checkInverse();
  bench.checkLanes();
  return { rebuilt, cosine: bench.checkGradient() };
}

/** Uniform real numbers of deviation 1, a function of seed and place. */
function noise(seed: number, stream: number, i: number): number {
  return (philox4x32(i, stream, 0, 0, seed, 2)[0] / 2 ** 31 - 1) * Math.sqrt(3);
}

/** y = A x, or A^T x. */
function multiply(a: Float64Array, x: Float64Array, isTransposed: boolean): Float64Array {
  const at = (r: number, c: number): number => (isTransposed ? a[c * N + r] : a[r * N + c]);
  return Float64Array.from({ length: N }, (_, r) => {
    let sum = 0;
    for (let c = 0; c < N; c++) sum += at(r, c) * x[c];
    return sum;
  });
}

const add = (a: Float64Array, b: Float64Array): Float64Array => a.map((v, i) => v + b[i]);

/** A block at a sequence whose sublayers are linear maps. */
class LinearSite implements Site {
  k = 0;
  block = 0;
  sample = 0;
  readonly n = N;
  readonly l = L;
  readonly parts = PARTS;
  readonly isTraining = true;
  readonly step = 3;
  readonly gamma8 = 0;
  readonly h: number;
  readonly spare: number;
  readonly dBranch: Gradient;

  constructor(
    readonly run: Run,
    arena: Arena,
    readonly layers: number,
    readonly seed: number,
    public lane: Lane,
  ) {
    this.h = arena.allocate('workspace', BYTES);
    this.spare = arena.allocate('workspace', BYTES);
    this.dBranch = { at: arena.allocate('workspace', BYTES), exponent: 0 };
  }

  move(k: number, lane: Lane, sample: number): this {
    this.k = k;
    this.block = k;
    this.lane = lane;
    this.sample = sample;
    return this;
  }

  private map(part: number): Float64Array {
    const stream = 10 + this.block * PARTS + part;
    return Float64Array.from({ length: N * N }, (_, i) => 0.15 * noise(this.seed, stream, i));
  }

  branch(x: number, from = 0, to = PARTS): void {
    const state = Float64Array.from(this.run.view(x, N), (raw) => raw / 2 ** L);
    let h = new Float64Array(N);
    for (let part = from; part < to; part++)
      h = add(h, multiply(this.map(part), add(state, h), false)) as typeof h;
    this.run.view(this.h, N).set(h.map((v) => Math.round(v * 2 ** BRANCH_FRACTION)));
  }

  gradient(from = 0, to = PARTS): void {
    const dh = realOf(this.run, this.dBranch);
    let dx = new Float64Array(N);
    for (let part = to - 1; part >= from; part--)
      dx = add(dx, multiply(this.map(part), add(dh, dx), true)) as typeof dx;
    store(this.run, this.dBranch, dx);
  }
}

const realOf = (run: Run, { at, exponent }: Gradient): Float64Array =>
  Float64Array.from(run.view(at, N), (raw) => raw * 2 ** exponent);

/** Writes real numbers with an exponent that keeps their largest below 2^26. */
function store(run: Run, gradient: Gradient, values: Float64Array): void {
  const largest = values.reduce((max, v) => Math.max(max, Math.abs(v)), 2 ** -60);
  gradient.exponent = Math.ceil(Math.log2(largest)) - GRADIENT_BITS;
  const raw = values.map((v) => Math.round(v / 2 ** gradient.exponent));
  run.view(gradient.at, N).set(raw);
}

class RuleBench {
  private readonly run = new Run(createWasmBackend({ pages: PAGES }));
  private readonly site: LinearSite;
  private readonly lanes: readonly Lane[];
  private readonly buffers: readonly (readonly number[])[];

  constructor(
    private readonly rule: UpdateRule,
    private readonly depth: number,
    private readonly seed: number,
  ) {
    const arena = new Arena(this.run.backend.base);
    const two = [0, 1];
    this.buffers = two.map(() => [0, 1, 2, 3].map(() => arena.allocate('states', BYTES)));
    this.lanes = this.buffers.map(([last, previous, a, b]) => ({
      last,
      previous,
      a: { at: a, exponent: 0 },
      b: { at: b, exponent: 0 },
      bSign: 0,
      side: arena.allocate('sideBits', rule.sideBytes(N, depth)),
    }));
    this.site = new LinearSite(this.run, arena, depth, seed, this.lanes[0]);
  }

  /** A lane before a pass, with a random first state to which `change` is added. */
  private begin(s: number, change?: Float64Array): Lane {
    const lane = this.lanes[s];
    const [last, previous, a, b] = this.buffers[s];
    Object.assign(lane, { last, previous, bSign: 0 });
    Object.assign(lane.a, { at: a, exponent: 0 });
    Object.assign(lane.b, { at: b, exponent: 0 });
    const real = (_: unknown, i: number): number => noise(this.seed, s, i) + (change?.[i] ?? 0);
    this.run
      .view(last, N)
      .set(Int32Array.from({ length: N }, (v, i) => Math.round(real(v, i) * 2 ** L)));
    this.rule.begin?.(this.site.move(0, lane, s));
    return lane;
  }

  /** Both states of a lane, as text. */
  private states({ last, previous }: Lane): string {
    return `${this.run.view(last, N).join()} ${this.run.view(previous, N).join()}`;
  }

  private forward(
    s: number,
    each: (k: number) => void = () => undefined,
    change?: Float64Array,
  ): Lane {
    const lane = this.begin(s, change);
    for (let k = 0; k < this.depth; k++) {
      each(k);
      this.rule.forward(this.site.move(k, lane, s));
    }
    return lane;
  }

  private output(s: number, lane: Lane): Float64Array {
    const { rule, site, depth } = this;
    const at = rule.output?.(site.move(depth - 1, lane, s)) ?? lane.last;
    return Float64Array.from(this.run.view(at, N), (raw) => raw / 2 ** L);
  }

  /** Every pair of states is rebuilt, bit for bit. The second state before block 0 is the rule's
   *  affair. */
  checkInverse(): number {
    const { rule, depth, site } = this;
    const seen: string[] = [];
    const lane = this.forward(0, (k) => {
      seen[k] = this.states(this.lanes[0]);
    });
    for (let k = depth - 1; k >= 0; k--) {
      rule.inverse?.(site.move(k, lane, 0));
      const part = k === 0 ? 0 : undefined;
      const [found, expected] = [this.states(lane), seen[k]].map((both) =>
        part === undefined ? both : both.split(' ')[part],
      );
      if (found === expected) continue;
      throw new RetrogradError(
        `the rule ${rule.name} is not inverse: the states before block ${k} were not rebuilt ` +
          'exactly',
        'inverse must undo every operation of forward, in the opposite order, with the same ' +
          'rounding',
      );
    }
    return 2 * depth - 1;
  }

  /** A lane alone, and the same with another one between its blocks. */
  checkLanes(): void {
    const { rule, depth, site } = this;
    const alone = this.states(this.forward(0));
    const other = this.begin(1);
    const beside = this.states(
      this.forward(0, (k) => {
        rule.forward(site.move(k, other, 1));
      }),
    );
    if (alone !== beside || depth < 1)
      throw new RetrogradError(
        `the rule ${rule.name}: what is computed for a sample depends on another sample`,
        'keep nothing but in the lane',
      );
  }

  /** The gradient of the first state for a random gradient of the output. */
  private gradient(sent: Float64Array): Float64Array {
    const { rule, depth, site, run } = this;
    const lane = this.forward(0);
    this.output(0, lane);
    store(run, lane.a, sent);
    lane.bSign = 0;
    rule.seed?.(site.move(depth - 1, lane, 0));
    for (let k = depth - 1; k >= 0; k--) rule.backward(site.move(k, lane, 0));
    rule.finish?.(site.move(0, lane, 0));
    return realOf(run, lane.a);
  }

  checkGradient(): number {
    const { rule, seed } = this;
    const sent = Float64Array.from({ length: N }, (_, i) => noise(seed, 5, i));
    const found = this.gradient(sent);
    const value = (change: Float64Array): number =>
      this.output(0, this.forward(0, undefined, change)).reduce(
        (sum, v, i) => sum + v * sent[i],
        0,
      );
    const sum = new Cosine();
    for (let i = 0; i < N; i++) {
      const step = new Float64Array(N);
      step[i] = 4;
      sum.add(found[i], (value(step) - value(step.map((v) => -v))) / 8);
    }
    if (sum.value >= LEAST_COSINE) return sum.value;
    throw new RetrogradError(
      `the rule ${rule.name}: its gradient is not that of the forward pass: cosine ` +
        `${sum.value.toFixed(4)} with its differences, expected at least ${LEAST_COSINE}`,
      'backward must pass on every way in which a state reaches the next ones',
    );
  }
}

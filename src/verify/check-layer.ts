// A check that anyone can run on a layer of their own: its gradients against differences of its own
// forward pass, and that nothing of one sample reaches another, whatever thread computes it.

import { callback, choice, fields, properties, real, whole } from '../core/check.ts';
import { philox4x32 } from '../core/random.ts';
import {
  Arena,
  createWasmBackend,
  type Gradient,
  type Kind,
  type Layer,
  type Parameter,
  type Planned,
  Planner,
  RetrogradError,
  Run,
  Tensor,
  type Type,
  tensorBytes,
} from '../index.ts';
import { asLayer } from '../layers/check.ts';
import { Cosine, derivative } from './difference.ts';

/** What a layer is checked with. */
export interface LayerCheck {
  /** Its input. */
  input: Type;
  /** The kind of output that it is asked for ('branch'). */
  wanted?: Kind | undefined;
  /** Of the random input and weights (1). */
  seed?: number | undefined;
  /** What the gradient of an element is to be, by what the outputs that are sent back add up to
   *  with the element moved by x; undefined: that element is passed over (the derivative, by
   *  differences). For gradients that are no derivatives: f => (f(1) - f(-1)) / 2 is the
   *  straight-through one of a sign where it is at most 1. */
  slope?: ((f: (x: number) => number) => number | undefined) | undefined;
}

/** What was found, if nothing is wrong. */
export interface LayerReport {
  /** The layer's output. */
  output: Type;
  /** Cosine of the angle between each gradient and the differences: of the input, and of every
   *  parameter. */
  cosines: Readonly<Record<string, number>>;
}

/** The least cosine that passes. */
const LEAST_COSINE = 0.999;
/** Step of a difference, in real units. */
const STEP = 2 ** -3;
/** Fraction bits of an input of each kind: deviation 1 is far inside every range. */
const FRACTION: Record<Kind, number> = {
  ids: 0,
  operand: 9,
  fine: 11,
  branch: 16,
  state: 9,
  sums: 16,
};
const KINDS = Object.keys(FRACTION) as Kind[];
/** Fraction bits of weights, and of the gradient of the output that is sent back. */
const MASTER_FRACTION = 24;
const SENT_FRACTION = 20;
const WEIGHT_GRADIENT_FRACTION = 28;
const PAGES = 256;
/** Samples that a sample is computed among, and the stream of random numbers of their first: a bit
 *  that is kept of one of them is seen to change. */
const OTHER_SAMPLES = 8;
const FIRST_OTHER = 40;

/** Checks a layer. Throws RetrogradError that names what is wrong: a gradient that is not that of
 *  the forward pass, a sample that reaches another one, a thread that computes something else; and
 *  whatever the layer throws itself, such as a parameter that is planned twice.
 *  @example
 *  const input = { kind: 'operand', rows: 3, columns: 4 };
 *  const { output, cosines } = checkLayer(linear(2), { input });
 *  console.log(output.columns, Object.keys(cosines).join()); // 2 the input,linear.weight
 */
export function checkLayer(layer: Layer, options: LayerCheck): LayerReport {
  asLayer('layer', layer);
  const defaults = { input: undefined, wanted: 'branch', seed: 1, slope: differences } as const;
  const { input: type, wanted, seed, slope } = fields<LayerCheck>('options', options, defaults);
  const input = properties('input', type, ['kind', 'rows', 'columns']);
  for (const kind of [input.kind, wanted]) choice('kind', kind, KINDS);
  whole('rows', input.rows, 1, 4096);
  whole('columns', input.columns, 1, 4096);
  whole('seed', seed, 0, 2 ** 32 - 1);
  callback('slope', slope);
  const bench = new Bench(layer, input, { wanted, seed, slope });
  const cosines = bench.gradients();
  for (const [what, cosine] of Object.entries(cosines))
    if (!(cosine >= LEAST_COSINE))
      throw new RetrogradError(
        `the gradient of ${what} is not that of the forward pass: cosine ` +
          `${cosine.toFixed(4)} with ` +
          `its differences, expected at least ${LEAST_COSINE}`,
        'look for a term that backward leaves out',
      );
  bench.checkSamples();
  bench.checkThreads();
  return { output: bench.output, cosines };
}

type Slope = NonNullable<LayerCheck['slope']>;
const differences: Slope = (f) => derivative(f, STEP);

/** Real numbers of about a standard deviation, a function of seed and place. */
function noise(seed: number, stream: number, i: number): number {
  const [a, b] = philox4x32(i, stream, 0, 0, seed, 0);
  return ((a + b) / 2 ** 32 - 1) * Math.sqrt(6);
}

/** One thread's instance of a layer, with room for samples. */
class Instance {
  readonly planned: Planned;
  readonly parameters: readonly Parameter[];
  readonly x: Tensor;
  readonly y: Tensor;
  readonly dy: Gradient;
  readonly dx: Gradient;
  readonly samples: readonly { readonly at: number; readonly saved: unknown }[];
  readonly end: number;

  constructor(
    readonly layer: Layer,
    input: Type,
    wanted: Kind,
    place: { readonly base: number; readonly rank: number },
  ) {
    const arena = new Arena(place.base);
    const { rank } = place;
    const at = Planner.create(arena, { rank, threads: 2, sequences: 2, fraction: FRACTION.state });
    this.planned = layer.plan(at, input, wanted);
    const output = layer.output(input, wanted);
    this.x = new Tensor(input);
    this.y = new Tensor(output);
    this.y.at = at.own(tensorBytes(output));
    const widest = Math.max(
      tensorBytes({ ...input, kind: 'sums' }),
      output.rows * output.columns * 4,
    );
    this.dy = { at: at.own(widest), exponent: 0 };
    this.dx = { at: at.own(widest), exponent: 0 };
    this.samples = [0, 1].map(() => ({
      at: at.allocate('workspace', tensorBytes(input)),
      saved: this.planned.saved(arena),
    }));
    this.parameters = at.finish([]);
    this.end = arena.end;
    this.x.fraction = FRACTION[input.kind];
    this.x.range.deviation = 1;
  }

  /** Elements of the output. */
  get outputs(): number {
    return this.y.type.rows * this.y.type.columns;
  }
}

class Bench {
  readonly output: Type;
  private readonly run: Run;
  private readonly one: Instance;
  private readonly two: Instance;
  private readonly hasGradient: boolean;

  constructor(
    layer: Layer,
    private readonly input: Type,
    private readonly given: Readonly<{ wanted: Kind; seed: number; slope: Slope }>,
  ) {
    this.run = new Run(createWasmBackend({ pages: PAGES }));
    this.run.stateFraction = FRACTION.state;
    const { base } = this.run.backend;
    const { wanted } = given;
    this.one = new Instance(layer, input, wanted, { base, rank: 0 });
    this.two = new Instance(layer, input, wanted, { base, rank: 1 });
    const { end } = this.two;
    const { length } = this.run.bytes;
    if (end > length) throw new RetrogradError(`the layer needs ${end} bytes, ${length} are there`);
    this.output = layer.output(input, wanted);
    this.hasGradient = input.kind !== 'ids';
    this.one.parameters.forEach((parameter, p) => {
      this.fillWeights(parameter, p);
    });
  }

  /** Weights large enough for differences: matrices of deviation 0.3, others near their start. */
  private fillWeights({ master, size, init, decays }: Parameter, p: number): void {
    const { seed } = this.given;
    const start = 'value' in init ? init.value : 0;
    const spread = decays ? 0.3 : 0.1;
    const view = this.run.view(master, size);
    for (let i = 0; i < size; i++)
      view[i] = Math.round((start + spread * noise(seed, 100 + p, i)) * 2 ** MASTER_FRACTION);
  }

  private viewOf(at: number, { kind, rows, columns }: Type): Int16Array | Int32Array {
    const { int16, int32 } = this.run;
    const n = rows * columns;
    const isShort = kind === 'operand' || kind === 'fine';
    return isShort ? int16.subarray(at / 2, at / 2 + n) : int32.subarray(at / 4, at / 4 + n);
  }

  private inputOf(instance: Instance, s: number): Int16Array | Int32Array {
    return this.viewOf(instance.samples[s].at, this.input);
  }

  /** Fills sample s of an instance with random numbers. */
  private fill(instance: Instance, s: number, stream: number): void {
    const { kind } = this.input;
    const view = this.inputOf(instance, s);
    for (let i = 0; i < view.length; i++) {
      const value = noise(this.given.seed, stream, i);
      view[i] =
        kind === 'ids'
          ? Math.abs(Math.round(value * 2)) % 3
          : Math.round(value * 2 ** FRACTION[kind]);
    }
  }

  /** The output of sample s in real units. */
  private forward(instance: Instance, s: number): Float64Array {
    const { planned, x, y } = instance;
    const { at, saved } = instance.samples[s];
    planned.prepare(this.run, x, y, { copy: true, forward: true, backward: true });
    x.at = at;
    x.rows = this.input.rows;
    const place = y.at;
    planned.forward(this.run, x, saved, y);
    const out = Float64Array.from(this.viewOf(y.at, this.output), (raw) => raw / 2 ** y.fraction);
    y.at = place;
    return out;
  }

  /** What is sent back: 1 or -1 for every output. */
  private weightOf(i: number): number {
    return noise(this.given.seed, 7, i) < 0 ? -1 : 1;
  }

  /** The gradient of the input; those of the parameters are added to. */
  private backward(instance: Instance, s: number): Float64Array {
    const { planned, x, dy, dx } = instance;
    const { at, saved } = instance.samples[s];
    const sent = this.run.view(dy.at, instance.outputs);
    for (let i = 0; i < sent.length; i++) sent[i] = this.weightOf(i) * 2 ** SENT_FRACTION;
    dy.exponent = -SENT_FRACTION;
    x.at = at;
    x.rows = this.input.rows;
    planned.backward(this.run, dy, x, saved, this.hasGradient ? dx : undefined);
    if (!this.hasGradient) return new Float64Array(0);
    const n = this.input.rows * this.input.columns;
    return Float64Array.from(this.run.view(dx.at, n), (raw) => raw * 2 ** dx.exponent);
  }

  private clearGradients(): void {
    for (const { gradient, size } of this.one.parameters) this.run.clear(gradient, size * 8);
  }

  private gradientOf({ gradient, size }: Parameter): Float64Array {
    const view = this.run.int64.subarray(gradient / 8, gradient / 8 + size);
    return Float64Array.from(view, (raw) => Number(raw) / 2 ** WEIGHT_GRADIENT_FRACTION);
  }

  /** What the outputs that are sent back add up to. */
  private value(): number {
    const out = this.forward(this.one, 0);
    return out.reduce((sum, v, i) => sum + this.weightOf(i) * v, 0);
  }

  private cosine(array: Int16Array | Int32Array, gradient: Float64Array, fraction: number): number {
    const cosine = new Cosine();
    gradient.forEach((found, i) => {
      const before = array[i];
      const at = (x: number): number => {
        array[i] = before + Math.round(x * 2 ** fraction);
        return this.value();
      };
      const expected = this.given.slope(at);
      array[i] = before;
      if (expected === undefined) return;
      cosine.add(found, real('what slope gives', expected, -Number.MAX_VALUE, Number.MAX_VALUE));
    });
    return cosine.value;
  }

  gradients(): Record<string, number> {
    const { one } = this;
    this.fill(one, 0, 1);
    this.clearGradients();
    this.forward(one, 0);
    const dx = this.backward(one, 0);
    const found = one.parameters.map((parameter) => this.gradientOf(parameter));
    const cosines: Record<string, number> = {};
    if (this.hasGradient)
      cosines['the input'] = this.cosine(this.inputOf(one, 0), dx, FRACTION[this.input.kind]);
    one.parameters.forEach(({ path, master, size }, p) => {
      cosines[path] = this.cosine(this.run.view(master, size), found[p], MASTER_FRACTION);
    });
    return cosines;
  }

  /** Output, gradient of the input and of the parameters of one sample, as text. */
  private all(instance: Instance, s: number, before: () => void): string {
    this.clearGradients();
    const out = this.forward(instance, s);
    before();
    const dx = this.backward(instance, s);
    const gradients = this.one.parameters.map((parameter) => this.gradientOf(parameter));
    return JSON.stringify([out, dx, ...gradients].map((part) => Array.from(part)));
  }

  /** A sample alone, and the same with others before it, between its two passes and beside it. */
  checkSamples(): void {
    const { one } = this;
    this.fill(one, 0, 1);
    const alone = this.all(one, 0, () => undefined);
    for (let other = 0; other < OTHER_SAMPLES; other++) {
      this.fill(one, 1, FIRST_OTHER + other);
      this.forward(one, 1);
      this.backward(one, 1);
      const after = this.all(one, 0, () => void this.forward(one, 1));
      this.fill(one, 1, FIRST_OTHER - 1 - other);
      const beside = this.all(one, 0, () => undefined);
      if (alone === after && alone === beside) continue;
      throw new RetrogradError(
        'what is computed for a sample depends on another sample',
        'keep what backward needs in `saved`, and look at no other place',
      );
    }
  }

  /** The same sample by another thread's instance. */
  checkThreads(): void {
    const { one, two } = this;
    this.fill(one, 0, 1);
    const first = this.all(one, 0, () => undefined);
    this.fill(two, 0, 1);
    if (first !== this.all(two, 0, () => undefined))
      throw new RetrogradError(
        'another thread computes something else',
        'ask for memory of each thread by own() or scratch(), not by allocate()',
      );
  }
}

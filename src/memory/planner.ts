// The planner: gives layers their memory and their parameters. It is the only one who writes a
// parameter's path, decides its place in the table and gives it a lock.

import { UsageError } from '../core/errors.ts';
import type { Arena, Pointer, Purpose } from './arena.ts';
import { Parameter, type ParameterSpec } from './parameter.ts';
import type { Type } from './tensor.ts';

/** Makes a matrix of weights another one, or leaves it (undefined). */
export interface MatrixMaker {
  /** Instead of a matrix of such a shape. */
  matrix?(at: Planner, shape: never): unknown;
}

/** What a layout depends on beside the model. */
export interface Layout {
  /** This thread, 0..threads - 1. */
  readonly rank: number;
  /** Threads that share the memory. */
  readonly threads: number;
  /** Sequences held at a time. */
  readonly sequences: number;
  /** l: fraction bits of the residual state in training (9). */
  readonly fraction?: number | undefined;
  /** Which parameters stay as they are, by their paths (none). */
  readonly freeze?: { fits(path: string): boolean } | undefined;
  /** The way forward is all there is: what only the way back needs has no memory (src/generate/).
   */
  readonly forward?: boolean;
  /** Most keys of causal attention, where more rows are kept than pass through at a time. */
  readonly keys?: number;
  /** Makes matrices of weights others, such as one with an adapter (layers/lora.ts). */
  readonly adapter?: MatrixMaker | undefined;
  /** The same, asked second: the format of the operands of products (layers/int8.ts). */
  readonly operands?: MatrixMaker | undefined;
}

/** Memory that layers of a thread use in turn. It has an address when everything is planned. */
export interface Scratch {
  /** Its address, once everything is planned. */
  at: Pointer;
}

/** What all planners of a model share. */
class Plan {
  readonly paths = new Map<string, readonly Parameter[]>();
  readonly scratch = new Map<string, { place: Scratch; bytes: number }>();
  locks = 0;
  /** Blocks of all stacks so far: the number of the next one, for random draws. */
  blocks = 0;
  /** Number of the lowest block with something that learns, in it or between it and the last. */
  lowest = Infinity;
  memory: Type | undefined;
}

const ALIGNMENT = 64;

/** Gives layers their memory and their parameters. What a layer's `plan` is given.
 *  @example
 *  const layout = { rank: 0, threads: 1, sequences: 2, fraction: 9 };
 *  const at = Planner.create(new Arena(0), layout);
 *  const spec = { name: 'weight', shape: [2, 3], init: { deviation: 0.02 }, decays: true };
 *  at.parameter(spec);
 *  console.log(at.finish([4, 4]).map(({ path, size }) => `${path} ${size}`).join()); // weight 6
 */
export class Planner {
  /** Kept by bundlers. @internal */
  static readonly name: string = 'Planner';
  private constructor(
    /** What it lays out in. */
    readonly arena: Arena,
    /** What the layout depends on. */
    readonly layout: Layout,
    private readonly plan: Plan,
    /** In front of a name: one, or one for each block of a stack. */
    private readonly prefixes: readonly string[],
    /** Parameters in the order of forward, each with one instance for each prefix. */
    private readonly groups: (readonly Parameter[])[],
  ) {}

  /** A planner that lays out in an arena.
   *  @example
   *  const layout = { rank: 0, threads: 1, sequences: 2, fraction: 9 };
   *  const at = Planner.create(new Arena(0), layout);
   *  console.log(at.layout.sequences); // 2
   */
  static create(arena: Arena, layout: Layout): Planner {
    return new Planner(arena, layout, new Plan(), [''], []);
  }

  /** A parameter of the layer being planned: one for each block of a stack, one outside. Throws
   *  UsageError if its path is taken.
   *  @example
   *  const layout = { rank: 0, threads: 1, sequences: 2, fraction: 9 };
   *  const at = Planner.create(new Arena(0), layout);
   *  const spec = { name: 'weight', shape: [2, 3], init: { deviation: 0.02 }, decays: true };
   *  console.log(at.parameter(spec).length); // 1
   */
  parameter(spec: ParameterSpec): readonly Parameter[] {
    const { plan } = this;
    const lock = plan.locks++;
    const group = this.prefixes.map((prefix, k) => {
      const path = prefix + spec.name;
      const frozen = this.layout.freeze?.fits(path);
      if (!frozen) plan.lowest = Math.min(plan.lowest, plan.blocks + k);
      return new Parameter(path, spec, lock, frozen);
    });
    for (const { path } of group) {
      if (plan.paths.has(path))
        throw new UsageError(`parameter ${path} is planned twice`, 'name one of the two layers');
      plan.paths.set(path, group);
    }
    this.groups.push(group);
    return group;
  }

  /** A parameter that another layer has planned, by its whole path. Throws UsageError if there is
   *  none.
   *  @example
   *  const layout = { rank: 0, threads: 1, sequences: 2, fraction: 9 };
   *  const at = Planner.create(new Arena(0), layout);
   *  const spec = { name: 'weight', shape: [2, 3], init: { deviation: 0.02 }, decays: true };
   *  at.parameter(spec);
   *  console.log(at.find('weight')[0].shape); // [ 2, 3 ]
   */
  find(path: string): readonly Parameter[] {
    const found = this.plan.paths.get(path);
    if (found === undefined)
      throw new UsageError(`parameter ${path} is not planned yet`, 'a later layer can share it');
    return found;
  }

  /** Plans with `name.` in front of every parameter's name.
   *  @example
   *  const layout = { rank: 0, threads: 1, sequences: 2, fraction: 9 };
   *  const at = Planner.create(new Arena(0), layout);
   *  const spec = { name: 'weight', shape: [2, 3], init: { deviation: 0.02 }, decays: true };
   *  const [{ path }] = at.within('head', (inner) => inner.parameter(spec));
   *  console.log(path); // head.weight
   */
  within<T>(name: string, work: (at: Planner) => T): T {
    const prefixes = this.prefixes.map((prefix) => `${prefix}${name}.`);
    return work(new Planner(this.arena, this.layout, this.plan, prefixes, this.groups));
  }

  /** Plans the blocks of a stack, which are alike: `name.0.`, `name.1.` ...
   *  @example
   *  const layout = { rank: 0, threads: 1, sequences: 2, fraction: 9 };
   *  const at = Planner.create(new Arena(0), layout);
   *  const spec = { name: 'weight', shape: [2, 3], init: { deviation: 0.02 }, decays: true };
   *  const group = at.repeated('block', 2, (inner) => inner.parameter(spec));
   *  console.log(group.map(({ path }) => path).join()); // block.0.weight,block.1.weight
   */
  repeated<T>(name: string, depth: number, work: (at: Planner) => T): T {
    const blocks = Array.from({ length: depth }, (_, k) => `${name}.${k}.`);
    const prefixes = this.prefixes.flatMap((prefix) => blocks.map((block) => prefix + block));
    const groups: (readonly Parameter[])[] = [];
    const result = work(new Planner(this.arena, this.layout, this.plan, prefixes, groups));
    for (let k = 0; k < depth; k++)
      for (const group of groups)
        this.groups.push(this.prefixes.map((_, p) => group[p * depth + k]));
    return result;
  }

  /** What cross-attention can look at: the output of the stream before. */
  get memory(): Type | undefined {
    return this.plan.memory;
  }

  set memory(type: Type | undefined) {
    this.plan.memory = type;
  }

  /** Number of the lowest block in which a parameter that is planned so far learns, or before which
   *  one does; infinite if none does. Gradients of what is below have nowhere to go. */
  get lowest(): number {
    return this.plan.lowest;
  }

  /** Numbers of the next `count` blocks; returns the first.
   *  @example
   *  const layout = { rank: 0, threads: 1, sequences: 2, fraction: 9 };
   *  const at = Planner.create(new Arena(0), layout);
   *  at.takeBlocks(3);
   *  console.log(at.takeBlocks(2)); // 3
   */
  takeBlocks(count: number): number {
    this.plan.blocks += count;
    return this.plan.blocks - count;
  }

  /** Memory of each thread; returns this one's.
   *  @example
   *  const layout = { rank: 0, threads: 1, sequences: 2, fraction: 9 };
   *  const at = Planner.create(new Arena(0), layout);
   *  console.log(at.own(100), at.own(100)); // 0 128
   */
  own(bytes: number): Pointer {
    const { rank, threads } = this.layout;
    const stride = Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
    const first = this.arena.allocate('workspace', (threads - 1) * stride + bytes);
    // what is counted has no padding
    this.arena.bytes.workspace -= (threads - 1) * (stride - bytes);
    return first + rank * stride;
  }

  /** Memory of all threads; returns its address.
   *  @example
   *  const layout = { rank: 0, threads: 1, sequences: 2, fraction: 9 };
   *  const at = Planner.create(new Arena(0), layout);
   *  console.log(at.allocate('states', 100), at.arena.bytes.states); // 0 100
   */
  allocate(purpose: Purpose, bytes: number): Pointer {
    return this.arena.allocate(purpose, bytes);
  }

  /** Memory of each thread under a name: layers that use the same name use it in turn.
   *  @example
   *  const layout = { rank: 0, threads: 1, sequences: 2, fraction: 9 };
   *  const at = Planner.create(new Arena(0), layout);
   *  const sums = at.scratch('sums', 100);
   *  console.log(at.scratch('sums', 300) === sums); // true
   */
  scratch(name: string, bytes: number): Scratch {
    const found = this.plan.scratch.get(name);
    const entry = found ?? { place: { at: 0 }, bytes: 0 };
    entry.bytes = Math.max(entry.bytes, bytes);
    this.plan.scratch.set(name, entry);
    return entry.place;
  }

  /** When every layer is planned: gives scratch and parameters their places. `slots`: bytes an
   *  element of each of the optimizer's tensors. Returns the table of parameters.
   *  @example
   *  const layout = { rank: 0, threads: 1, sequences: 2, fraction: 9 };
   *  const at = Planner.create(new Arena(0), layout);
   *  const spec = { name: 'weight', shape: [2, 3], init: { deviation: 0.02 }, decays: true };
   *  at.parameter(spec);
   *  const [{ gradient, slots }] = at.finish([4]);
   *  console.log(gradient, slots.length, at.arena.bytes.gradients); // 64 1 48
   */
  finish(slots: readonly number[]): readonly Parameter[] {
    const { arena } = this;
    const all = this.groups.flat();
    for (const { place, bytes } of this.plan.scratch.values()) place.at = this.own(bytes);
    for (const p of all) p.master = arena.allocate('weights', p.size * 4);
    const trained = all.filter(({ frozen }) => !frozen);
    for (const p of trained) p.gradient = arena.allocate('gradients', p.size * 8);
    for (const width of slots)
      for (const p of trained) p.slots.push(arena.allocate('optimizer', p.size * width));
    return all;
  }
}

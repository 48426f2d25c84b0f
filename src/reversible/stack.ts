// A stack of blocks for up to `sequences` sequences at a time, each in a lane of two states and two
// gradients. It is a layer of layers and knows nothing of what they compute. What is kept of the
// forward pass is one of three:
//   nothing      each earlier state is rebuilt exactly by the rule's inverse, which computes the
//                block again (rule.inverse)
//   activations  everything the backward pass needs, of every block
//   states       segments of ceil(sqrt L) blocks: the state before each, and the activations of
//                one, which is run forward again when its turn comes, all but the last (Chen, Xu,
//                Zhang, Guestrin, "Training Deep Nets with Sublinear Memory Cost", 2016)

import { OverflowError, ReconstructionError, UsageError } from '../core/errors.ts';
import type { Pointer } from '../kernels/kernels.ts';
import type { Preparation } from '../layers/layer.ts';
import { STATE_LIMIT_BITS } from '../memory/formats.ts';
import { kept } from '../memory/kept.ts';
import type { Planner } from '../memory/planner.ts';
import type { Gradient, Type } from '../memory/tensor.ts';
import type { Run } from '../ops/run.ts';
import { Block, type BlockSaved, type Sublayer } from './block.ts';
import { Lanes } from './lanes.ts';
import type { Noise } from './noise.ts';
import type { UpdateRule } from './rule.ts';
import { BlockSite, type Pass } from './site.ts';

export type Keeps = 'nothing' | 'activations' | 'states';

/** Blocks that a residual stream runs through. */
export interface ReversibleOptions {
  /** L: blocks, 1..1024. */
  readonly depth: number;
  /** How a block changes the stream: bdia(), plain(), leapfrog(), momentum(), coupling(), or your
   *  own. */
  readonly rule: UpdateRule;
  /** What a block is made of. */
  readonly block: readonly Sublayer[];
  /** In front of the blocks' numbers in the names of parameters (block). */
  readonly name?: string | undefined;
}

/** How a stack is run. */
export interface StackOptions {
  /** What is kept, for a rule that can run backward or not. */
  readonly keeps: (canInvert: boolean) => Keeps;
  readonly noise: Noise;
  /** Compare every rebuilt state with a hash of the forward pass. */
  readonly verify: boolean;
}

export class Stack {
  private readonly lanes: Lanes;
  private readonly block: Block;
  /** The lowest block with which the way back has something to do. */
  private readonly lowest: number;
  private readonly site: BlockSite;
  private readonly kept: readonly BlockSaved[];
  /** Blocks of a segment (all of them, without checkpoints), and the states before each segment but
   *  the last, lane by lane. */
  private readonly segmentDepth: number;
  private readonly checkpoints: Pointer;
  /** int32 [layers, sequences]: fingerprints of every lane before every block, if they are
   *  compared. */
  private readonly hashes: Pointer;
  private readonly isVerified: boolean;
  private readonly keeps: Keeps;
  private readonly sequences: number;
  private readonly stateBytes: number;
  /** The block whose weights this thread's copies are of, or -1. */
  private prepared = -1;
  private readonly what: Preparation = { copy: true, forward: true, backward: false };

  constructor(
    at: Planner,
    private readonly given: ReversibleOptions,
    input: Type,
    options: StackOptions,
  ) {
    const { depth, rule, block, name = 'block' } = given;
    const { verify } = options;
    const { sequences } = at.layout;
    const n = input.rows * input.columns;
    rule.check?.(depth, block.length);
    const keeps = options.keeps(rule.inverse !== undefined);
    this.keeps = keeps;
    if (keeps === 'nothing' && rule.inverse === undefined)
      throw new UsageError(`the rule ${rule.name} has no inverse, so activations must be stored`);
    const bytes = n * 4;
    this.sequences = sequences;
    this.stateBytes = bytes;
    this.lanes = new Lanes(at.arena, sequences, bytes, rule.sideBytes(n, depth));
    this.isVerified = verify && keeps === 'nothing';
    this.hashes = at.allocate('workspace', this.isVerified ? depth * sequences * 4 : 0);
    this.segmentDepth = keeps === 'states' ? Math.ceil(Math.sqrt(depth)) : depth;
    const checkpoints = (Math.ceil(depth / this.segmentDepth) - 1) * sequences;
    this.checkpoints = at.allocate('states', checkpoints * bytes);
    this.block = at.repeated(name, depth, (inner) => new Block(inner, block, input));
    const firstBlock = at.takeBlocks(depth);
    this.lowest = Math.max(0, at.lowest - firstBlock);
    this.kept = kept(at, this.block, keeps === 'nothing' ? 0 : this.segmentDepth * sequences);
    this.site = new BlockSite(this.block, options.noise, {
      layers: depth,
      channels: input.columns,
      firstBlock,
      h: at.own(bytes),
      dBranch: at.own(bytes),
    });
  }

  get rule(): UpdateRule {
    return this.given.rule;
  }

  /** Runs work(s) of each lane of a pass by whichever thread is free (threads/team.ts), which
   *  thereby has the lane as the last one left it. Whatever touches a lane does so in here. */
  each(run: Run, pass: Pass, work: (s: number) => void): void {
    run.team.each(pass.count, (s) => {
      this.take(run, s, pass);
      work(s);
      this.lanes.leave(run, s, pass.memory(s)?.gradient);
    });
  }

  /** Brings lane s, and the gradient of its memory, to where the last thread left them. */
  take(run: Run, s: number, pass: Pass): void {
    this.lanes.take(run, s, pass.memory(s)?.gradient);
  }

  /** Where x_0 of lane s goes, before `forward`. */
  input(s: number): Pointer {
    return this.lanes.begin(s).last;
  }

  /** The stack's output of lane s, after `forward`. */
  output(run: Run, s: number, pass: Pass): Pointer {
    const { rule, depth } = this.given;
    if (rule.output === undefined) return this.lanes.get(s).last;
    return rule.output(this.at(run, depth - 1, s, pass));
  }

  /** Where dL/d output of lane s goes, before `backward`, with its exponent. After: dL/dx_0. */
  gradient(s: number): Gradient {
    return this.lanes.get(s).a;
  }

  private at(run: Run, k: number, s: number, pass: Pass): BlockSite {
    const { site, kept, sequences, segmentDepth } = this;
    const slot = (pass.isTraining ? k % segmentDepth : 0) * sequences + s;
    site.k = k;
    const saved = this.keeps === 'nothing' ? kept[0] : kept[slot];
    return site.move(run, this.lanes.get(s), saved, s, pass);
  }

  private hashAt(k: number, s: number): number {
    return this.hashes / 4 + k * this.sequences + s;
  }

  private stateBefore(run: Run, k: number, s: number, n: number): Int32Array {
    const index = (k / this.segmentDepth) * this.sequences + s;
    return run.view(this.checkpoints + index * this.stateBytes, n);
  }

  /** Brings the weights of block k into this thread's copies: what is not there and, on the way
   *  back, panels of the forward pass only for a stack that computes its blocks again. */
  private prepare(run: Run, k: number, pass: Pass, backward: boolean): void {
    const { what } = this;
    what.copy = this.prepared !== k;
    what.forward = what.copy && (!backward || this.keeps === 'nothing');
    what.backward = backward;
    this.prepared = -1;
    run.block = k;
    run.memory = pass.memory(0);
    this.block.prepare(run, what);
    this.prepared = k;
  }

  /** Runs the blocks over the lanes of a pass. */
  forward(run: Run, pass: Pass): void {
    const { depth, rule } = this.given;
    const { segmentDepth: segment } = this;
    this.prepared = -1; // the weights may have changed
    for (let k = 0; k < depth; k++) {
      this.prepare(run, k, pass, false);
      const isKept = pass.isTraining && k % segment === 0 && k + segment < depth;
      this.each(run, pass, (s) => {
        const site = this.at(run, k, s, pass);
        if (k === 0) rule.begin?.(site);
        if (pass.isTraining && this.isVerified)
          run.int32[this.hashAt(k, s)] = rule.fingerprint?.(site) ?? 0;
        const { lane, n } = site;
        if (isKept) this.stateBefore(run, k, s, n).set(run.view(lane.last, n));
        this.step(run, site, pass);
      });
    }
    run.block = 0;
  }

  private step(run: Run, site: BlockSite, { isTraining, step }: Pass): void {
    const beyond = this.given.rule.forward(site);
    run.counts.overflowed += beyond;
    if (beyond > 0 && isTraining)
      throw new OverflowError(
        `the residual state left +-2^${STATE_LIMIT_BITS} in ${beyond} elements: block ${site.k}, ` +
          `sample ${site.sample}, step ${step + 1}; no weight was changed`,
        'lower the learning rate or lengthen the warm-up',
      );
  }

  /** The way back of a training pass: adds every block's weight gradients and leaves dL/dx_0 in
   *  gradient(s), unless nothing learns there: it ends with the lowest block that does. */
  backward(run: Run, pass: Pass): void {
    const { depth, rule } = this.given;
    for (let k = depth - 1; k >= this.lowest; k--) {
      if (k < depth - 1 && (k + 1) % this.segmentDepth === 0) this.again(run, pass, k);
      this.prepare(run, k, pass, true);
      this.each(run, pass, (s) => {
        const site = this.at(run, k, s, pass);
        if (k === depth - 1) {
          site.lane.bSign = 0;
          rule.seed?.(site);
        }
        if (this.keeps === 'nothing') rule.inverse?.(site);
        if (this.isVerified) this.check(run, site, s, pass);
        rule.backward(site);
        if (k === 0) rule.finish?.(site);
      });
    }
    run.block = 0;
  }

  /** Runs the segment that ends with block `end` forward again, from its checkpoint. */
  private again(run: Run, pass: Pass, end: number): void {
    const first = end - (end % this.segmentDepth);
    for (let k = first; k <= end; k++) {
      this.prepare(run, k, pass, false);
      this.each(run, pass, (s) => {
        const site = this.at(run, k, s, pass);
        const { lane, n } = site;
        if (k === first) run.view(lane.last, n).set(this.stateBefore(run, k, s, n));
        this.given.rule.forward(site);
      });
    }
  }

  /** Compares what was rebuilt before a block with the fingerprint of the forward pass. */
  private check(run: Run, site: BlockSite, s: number, pass: Pass): void {
    const { k, n, sample } = site;
    const now = this.given.rule.fingerprint?.(site);
    if (now === undefined) return;
    run.counts.checkedStates++;
    if ((now | 0) === run.int32[this.hashAt(k, s)]) return;
    const { first, count } = this.locate(run, k, s, pass);
    run.counts.mismatchedElements += count;
    this.prepare(run, k, pass, true); // for what is left of this block
    throw new ReconstructionError(
      `the states before block ${k} of sample ${sample} were not rebuilt exactly in step ` +
        `${pass.step + 1}: ${count} of ${n} elements differ, the first is element ${first}; ` +
        'no weight was changed',
    );
  }

  /** Runs the forward pass of lane s again up to block k, in the buffers of its gradients, which
   *  the step has no more use for: which element is the first that differs, and how many do. */
  private locate(run: Run, k: number, s: number, pass: Pass): { first: number; count: number } {
    const { rule } = this.given;
    const lane = this.lanes.get(s);
    const { last, previous } = lane;
    const { n } = this.site;
    const rebuilt = [run.view(last, n), run.view(previous, n)];
    lane.last = lane.a.at;
    lane.previous = lane.b.at;
    pass.embed(run, s, lane.last);
    rule.begin?.(this.at(run, 0, s, pass));
    for (let j = 0; j < k; j++) {
      this.prepare(run, j, pass, false);
      rule.forward(this.at(run, j, s, pass));
    }
    const expected = [run.view(lane.last, n), run.view(lane.previous, n)];
    lane.last = last;
    lane.previous = previous;
    let first = -1;
    let count = 0;
    for (let i = 0; i < n; i++) {
      if (rebuilt[0][i] === expected[0][i] && rebuilt[1][i] === expected[1][i]) continue;
      if (first < 0) first = i;
      count++;
    }
    return { first, count };
  }
}

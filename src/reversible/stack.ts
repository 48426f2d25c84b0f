// A stack of blocks for up to `sequences` sequences at a time, each in a lane of two states and two gradients. What is kept of the
// forward pass is one of three:
//   nothing      each earlier state is rebuilt exactly by the rule's inverse, which computes the block again (rule.inverse)
//   activations  everything the backward pass needs, of every block
//   states       segments of ceil(sqrt L) blocks: the state before each, and the activations of one, which is run forward again when its
//                turn comes, all but the last (Chen, Xu, Zhang, Guestrin, "Training Deep Nets with Sublinear Memory Cost", 2016)

import { OverflowError, ReconstructionError } from '../errors.ts';
import type { Device } from '../kernels/device.ts';
import type { Pointer } from '../kernels/kernels.ts';
import { ActivationSlab, type Block } from '../nn/block.ts';
import type { ParameterStore } from '../nn/parameters.ts';
import type { Scaled } from '../ops/gradient.ts';
import type { Arena } from '../tensor/arena.ts';
import { STATE_LIMIT_BITS } from '../tensor/formats.ts';
import { Lanes } from './lanes.ts';
import type { Noise } from './noise.ts';
import type { UpdateRule } from './rule.ts';
import { BlockSite, type Pass, type StackShape } from './site.ts';

export type { Pass, StackShape };

export type Keeps = 'nothing' | 'activations' | 'states';

/** How a stack is run. */
export interface StackOptions {
  readonly rule: UpdateRule;
  readonly keeps: Keeps;
  readonly noise: Noise;
  /** Compare every rebuilt state with a hash of the forward pass. */
  readonly verify: boolean;
}

/** Checked states of a step, and elements that differed. */
export interface Reconstruction {
  checkedStates: number;
  mismatchedElements: number;
}

export class Stack {
  private readonly lanes: Lanes;
  private readonly kept: ActivationSlab;
  /** Blocks of a segment (all of them, without checkpoints), and the states before each segment but the last, lane by lane. */
  private readonly segment: number;
  private readonly checkpoints: Pointer;
  private readonly sites: BlockSite[];
  /** int32 [layers, sequences]: fingerprints of every lane before every block, if they are compared. */
  private readonly hashes: Pointer;
  private readonly isVerified: boolean;
  /** The block whose weights this thread's copies are of, or -1. */
  private prepared = -1;
  readonly reconstruction: Reconstruction = { checkedStates: 0, mismatchedElements: 0 };

  /** blocks: one of each thread. */
  constructor(arena: Arena, private readonly shape: StackShape, private readonly options: StackOptions, private readonly blocks: readonly Block[]) {
    const { context, channels, layers, sequences } = shape, { rule, keeps, verify } = options, bytes = context * channels * 4;
    this.lanes = new Lanes(arena, sequences, bytes, rule.sideBytes(context * channels, layers));
    this.isVerified = verify && keeps === 'nothing';
    this.hashes = arena.allocate('workspace', this.isVerified ? layers * sequences * 4 : 0);
    this.segment = keeps === 'states' ? Math.ceil(Math.sqrt(layers)) : layers;
    this.checkpoints = arena.allocate('states', (Math.ceil(layers / this.segment) - 1) * sequences * bytes);
    this.kept = keeps === 'nothing' ? new ActivationSlab(arena, 'workspace', blocks[0], blocks.length) : new ActivationSlab(arena, 'states', blocks[0], this.segment * sequences);
    this.sites = blocks.map((block) => new BlockSite(block, options.noise, shape, arena.allocate('workspace', bytes), arena.allocate('workspace', bytes)));
  }

  resetReconstruction(): void {
    this.reconstruction.checkedStates = this.reconstruction.mismatchedElements = 0;
  }

  /** Runs work(s) of each lane of a pass by whichever thread is free (kernels/team.ts), which thereby has the lane as the last one left it.
   *  Whatever touches a lane does so in here. */
  each(d: Device, pass: Pass, work: (s: number) => void): void {
    d.team.each(pass.count, (s) => {
      this.take(d, s, pass);
      work(s);
      this.lanes.leave(d, s, pass.memory?.(s).gradient);
    });
  }

  /** Brings lane s, and the gradient of its memory, to where the last thread left them. */
  take(d: Device, s: number, pass: Pass): void {
    this.lanes.take(d, s, pass.memory?.(s).gradient);
  }

  /** Where x_0 of lane s goes, before `forward`. */
  input(s: number): Pointer {
    return this.lanes.begin(s).last;
  }

  /** The stack's output of lane s, after `forward`. */
  output(d: Device, s: number, pass: Pass): Pointer {
    const { rule } = this.options;
    return rule.output === undefined ? this.lanes.get(s).last : rule.output(this.site(d, this.shape.layers - 1, s, pass));
  }

  /** Where dL/d output of lane s goes, before `backward`, with its exponent. After: dL/dx_0. */
  gradient(s: number): Scaled {
    return this.lanes.get(s).a;
  }

  private site(d: Device, k: number, s: number, pass: Pass): BlockSite {
    const { keeps } = this.options, { rank } = d.team, place = pass.training === undefined ? 0 : k % this.segment;
    return this.sites[rank].at(d, this.lanes.get(s), k, s, pass, this.kept.get(keeps === 'nothing' ? rank : place * this.shape.sequences + s));
  }

  private hash(d: Device, k: number, s: number): Int32Array {
    return d.view(this.hashes + (k * this.shape.sequences + s) * 4, 1);
  }

  private checkpoint(d: Device, k: number, s: number, n: number): Int32Array {
    const { context, channels, sequences } = this.shape;
    return d.view(this.checkpoints + ((k / this.segment) * sequences + s) * context * channels * 4, n);
  }

  /** Brings the weights of block k into this thread's copies: what is not there and, on the way back, panels of the forward pass only for a
   *  stack that computes its blocks again. */
  private prepare(d: Device, store: ParameterStore, k: number, backward: boolean): void {
    const copy = this.prepared !== k;
    this.prepared = -1;
    this.blocks[d.team.rank].prepare(d, store, k, { copy, forward: copy && (!backward || this.options.keeps === 'nothing'), backward });
    this.prepared = k;
  }

  /** Runs the blocks over the lanes of a pass. */
  forward(d: Device, store: ParameterStore, pass: Pass): void {
    const { layers } = this.shape, { rule } = this.options, { segment } = this, isTraining = pass.training !== undefined;
    this.prepared = -1; // the weights may have changed
    for (let k = 0; k < layers; k++) {
      this.prepare(d, store, k, false);
      this.each(d, pass, (s) => {
        const site = this.site(d, k, s, pass);
        if (k === 0) rule.begin?.(site);
        if (isTraining && this.isVerified) this.hash(d, k, s)[0] = rule.fingerprint?.(site) ?? 0;
        if (isTraining && k % segment === 0 && k + segment < layers) this.checkpoint(d, k, s, site.n).set(d.view(site.lane.last, site.n));
        this.step(d, site, pass);
      });
    }
  }

  private step(d: Device, site: BlockSite, { training }: Pass): void {
    const beyond = this.options.rule.forward(site);
    d.counts.overflowed += beyond;
    if (beyond > 0 && training)
      throw new OverflowError(`the residual state left +-2^${STATE_LIMIT_BITS} in ${beyond} elements: block ${site.k}, sample ${site.sample}, step ${training.step + 1}; no weight was changed`,
        'lower the learning rate or lengthen the warm-up');
  }

  /** The way back of a training pass: adds every block's weight gradients and leaves dL/dx_0 in gradient(s). */
  backward(d: Device, store: ParameterStore, pass: Pass): void {
    const { layers } = this.shape, { rule, keeps } = this.options;
    for (let k = layers - 1; k >= 0; k--) {
      if (k < layers - 1 && (k + 1) % this.segment === 0) this.again(d, store, pass, k);
      this.prepare(d, store, k, true);
      this.each(d, pass, (s) => {
        const site = this.site(d, k, s, pass);
        if (k === layers - 1) {
          site.lane.bSign = 0;
          rule.seed?.(site);
        }
        if (keeps === 'nothing') {
          rule.inverse?.(site);
          this.check(d, store, site, s, pass);
        }
        rule.backward(site);
        if (k === 0) rule.finish?.(site);
      });
    }
  }

  /** Runs the segment that ends with block `end` forward again, from its checkpoint. */
  private again(d: Device, store: ParameterStore, pass: Pass, end: number): void {
    const first = end - (end % this.segment);
    for (let k = first; k <= end; k++) {
      this.prepare(d, store, k, false);
      this.each(d, pass, (s) => {
        const site = this.site(d, k, s, pass);
        if (k === first) d.view(site.lane.last, site.n).set(this.checkpoint(d, k, s, site.n));
        this.options.rule.forward(site);
      });
    }
  }

  /** Compares what was rebuilt before a block with the fingerprint of the forward pass. */
  private check(d: Device, store: ParameterStore, site: BlockSite, s: number, pass: Pass): void {
    const { k, n, sample } = site, { reconstruction } = this, now = this.isVerified ? this.options.rule.fingerprint?.(site) : undefined;
    if (now === undefined) return;
    reconstruction.checkedStates++;
    if ((now | 0) === this.hash(d, k, s)[0]) return;
    const { first, count } = this.locate(d, store, k, s, n, pass);
    reconstruction.mismatchedElements += count;
    this.prepare(d, store, k, true); // for what is left of this block
    throw new ReconstructionError(`the states before block ${k} of sample ${sample} were not rebuilt exactly in step ${pass.training!.step + 1}: ` +
      `${count} of ${n} elements differ, the first is element ${first}; no weight was changed`);
  }

  /** Runs the forward pass of lane s again up to block k, in the buffers of its gradients, which the step has no more use for: which
   *  element is the first that differs, and how many do. */
  private locate(d: Device, store: ParameterStore, k: number, s: number, n: number, pass: Pass): { first: number; count: number } {
    const { rule } = this.options, lane = this.lanes.get(s), { last, previous } = lane, rebuilt = [d.view(last, n), d.view(previous, n)];
    Object.assign(lane, { last: lane.a.at, previous: lane.b.at });
    pass.training!.embed(s, lane.last);
    rule.begin?.(this.site(d, 0, s, pass));
    for (let j = 0; j < k; j++) {
      this.prepare(d, store, j, false);
      rule.forward(this.site(d, j, s, pass));
    }
    const expected = [d.view(lane.last, n), d.view(lane.previous, n)];
    Object.assign(lane, { last, previous });
    const differing = Array.from({ length: n }, (_, i) => i).filter((i) => rebuilt.some((state, which) => state[i] !== expected[which][i]));
    return { first: differing[0] ?? -1, count: differing.length };
  }
}

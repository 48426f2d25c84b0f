// The lanes of a stack: the buffers of each sequence's two states and two gradients, and which of
// them is which at the moment. The latter is written down in memory that all threads share, so that
// any thread can go on with a sequence where another has left it.

import type { Pointer } from '../kernels/kernels.ts';
import type { Arena } from '../memory/arena.ts';
import type { Gradient } from '../memory/tensor.ts';
import type { Run } from '../ops/run.ts';
import type { Lane } from './rule.ts';

/** Words of a lane: last, previous, a, its exponent, b, its exponent, bSign, the exponent of its
 *  memory's gradient. Addresses are multiples of 64 (memory/arena.ts); in that unit they fit int32.
 */
const WORDS = 8;
const UNIT = 64;

export class Lanes {
  private readonly lanes: readonly Lane[];
  /** The four buffers of each lane. */
  private readonly buffers: readonly (readonly Pointer[])[];
  private readonly words: Pointer;

  /** `count` lanes of states of `bytes` bytes, with `sideBytes` each to undo updates. */
  constructor(arena: Arena, count: number, bytes: number, sideBytes: number) {
    const each = <T>(make: () => T): T[] => Array.from({ length: count }, make);
    this.buffers = each(() => Array.from({ length: 4 }, () => arena.allocate('states', bytes)));
    this.lanes = each(() => ({
      last: 0,
      previous: 0,
      a: { at: 0, exponent: 0 },
      b: { at: 0, exponent: 0 },
      bSign: 0,
      side: arena.allocate('sideBits', sideBytes),
    }));
    this.words = arena.allocate('workspace', count * WORDS * 4);
  }

  /** Lane s as this thread knows it: right between `take` and `leave`. */
  get(s: number): Lane {
    return this.lanes[s];
  }

  /** Lane s before a pass. */
  begin(s: number): Lane {
    const lane = this.lanes[s];
    const [last, previous, a, b] = this.buffers[s];
    lane.last = last;
    lane.previous = previous;
    setGradient(lane.a, a, 0);
    setGradient(lane.b, b, 0);
    lane.bSign = 0;
    return lane;
  }

  /** Reads where the last thread left lane s; `memory`: the gradient of what its cross-attention
   *  looks at. */
  take(run: Run, s: number, memory: Gradient | undefined): void {
    const lane = this.lanes[s];
    const [last, previous, a, aExponent, b, bExponent, bSign, exponent] = this.wordsOf(run, s);
    lane.last = last * UNIT;
    lane.previous = previous * UNIT;
    setGradient(lane.a, a * UNIT, aExponent);
    setGradient(lane.b, b * UNIT, bExponent);
    lane.bSign = bSign;
    if (memory !== undefined) memory.exponent = exponent;
  }

  /** Writes it down for the next one. */
  leave(run: Run, s: number, memory: Gradient | undefined): void {
    const { last, previous, a, b, bSign } = this.lanes[s];
    const states = [last / UNIT, previous / UNIT];
    const gradients = [a.at / UNIT, a.exponent, b.at / UNIT, b.exponent];
    this.wordsOf(run, s).set([...states, ...gradients, bSign, memory?.exponent ?? 0]);
  }

  private wordsOf(run: Run, s: number): Int32Array {
    return run.view(this.words + s * WORDS * 4, WORDS);
  }
}

function setGradient(gradient: Gradient, at: Pointer, exponent: number): void {
  gradient.at = at;
  gradient.exponent = exponent;
}

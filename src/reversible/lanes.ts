// The lanes of a stack: the buffers of each sequence's two states and two gradients, and which of them is which at the moment. The latter
// is written down in memory that all threads share, so that any thread can go on with a sequence where another has left it.

import type { Device } from '../kernels/device.ts';
import type { Pointer } from '../kernels/kernels.ts';
import type { Scaled } from '../ops/gradient.ts';
import type { Arena } from '../tensor/arena.ts';
import type { Lane } from './rule.ts';

/** Words of a lane: last, previous, a, its exponent, b, its exponent, bSign, the exponent of its memory's gradient. Addresses are multiples
 *  of 64 (tensor/arena.ts); in that unit they fit int32. */
const WORDS = 8, UNIT = 64;

export class Lanes {
  private readonly lanes: Lane[];
  /** The four buffers of each lane. */
  private readonly buffers: readonly (readonly Pointer[])[];
  private readonly words: Pointer;

  /** `count` lanes of states of `bytes` bytes, with `sideBytes` each to undo updates. */
  constructor(arena: Arena, count: number, bytes: number, sideBytes: number) {
    const each = <T>(make: (s: number) => T): T[] => Array.from({ length: count }, (_, s) => make(s));
    this.buffers = each(() => Array.from({ length: 4 }, () => arena.allocate('states', bytes)));
    this.lanes = each((s) => ({ ...this.begun(s), side: arena.allocate('sideBits', sideBytes) }));
    this.words = arena.allocate('workspace', count * WORDS * 4);
  }

  /** Lane s as this thread knows it: right between `take` and `leave`. */
  get(s: number): Lane {
    return this.lanes[s];
  }

  private begun(s: number): Omit<Lane, 'side'> {
    const [last, previous, a, b] = this.buffers[s];
    return { last, previous, a: { at: a, exponent: 0 }, b: { at: b, exponent: 0 }, bSign: 0 };
  }

  /** Lane s before a pass. */
  begin(s: number): Lane {
    return Object.assign(this.lanes[s], this.begun(s));
  }

  private wordsOf(d: Device, s: number): Int32Array {
    return d.view(this.words + s * WORDS * 4, WORDS);
  }

  /** Reads where the last thread left lane s; `memory`: the gradient of what its cross-attention looks at. */
  take(d: Device, s: number, memory: Scaled | undefined): void {
    const [last, previous, a, aExponent, b, bExponent, bSign, memoryExponent] = this.wordsOf(d, s);
    Object.assign(this.lanes[s], { last: last * UNIT, previous: previous * UNIT, a: { at: a * UNIT, exponent: aExponent }, b: { at: b * UNIT, exponent: bExponent }, bSign });
    if (memory !== undefined) memory.exponent = memoryExponent;
  }

  /** Writes it down for the next one. */
  leave(d: Device, s: number, memory: Scaled | undefined): void {
    const { last, previous, a, b, bSign } = this.lanes[s];
    this.wordsOf(d, s).set([last / UNIT, previous / UNIT, a.at / UNIT, a.exponent, b.at / UNIT, b.exponent, bSign, memory?.exponent ?? 0]);
  }
}

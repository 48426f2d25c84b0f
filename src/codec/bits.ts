// Small numbers in a range coder, with probabilities that learn: a number of n bits is n decisions
// down a binary tree, each with a probability of its own (as the bit trees of LZMA).

import { CodecError } from './errors.ts';
import type { RangeEncoder } from './range-coder.ts';
import type { SymbolSource } from './strict-decoder.ts';

/** Probabilities are of 16 bits, kept from 2^5 away from 0 and 1. */
const ONE = 2 ** 16;
const RATE = 5;
/** From 16 bits to a table's 24. */
const UP = 2 ** 8;

/** Numbers 0 .. 2^bits - 1. */
export class BitTree {
  /** Of a 0, at each node. */
  private readonly zeros: Uint16Array;

  constructor(readonly bits: number) {
    this.zeros = new Uint16Array(2 ** bits).fill(ONE / 2);
  }

  private learn(node: number, bit: number): void {
    const zero = this.zeros[node];
    this.zeros[node] = bit === 0 ? zero + ((ONE - zero) >> RATE) : zero - (zero >> RATE);
  }

  encode(encoder: RangeEncoder, value: number): void {
    let node = 1;
    for (let shift = this.bits - 1; shift >= 0; shift--) {
      const bit = (value >> shift) & 1;
      const zero = this.zeros[node] * UP;
      if (bit === 0) encoder.put(0, zero);
      else encoder.put(zero, ONE * UP - zero);
      this.learn(node, bit);
      node = 2 * node + bit;
    }
  }

  decode(decoder: SymbolSource): number {
    let node = 1;
    for (let i = 0; i < this.bits; i++) {
      const zero = this.zeros[node] * UP;
      const bit = decoder.target() < zero ? 0 : 1;
      if (bit === 0) decoder.skip(0, zero);
      else decoder.skip(zero, ONE * UP - zero);
      this.learn(node, bit);
      node = 2 * node + bit;
    }
    return node - 2 ** this.bits;
  }
}

/** Digits of a number: below 2^49. */
const DIGITS = 7;

/** Whole numbers 0 .. 2^49 - 1, as LEB128 writes them, each of its bytes down a tree of its own. */
export class NumberTrees {
  private readonly trees = Array.from({ length: DIGITS }, () => new BitTree(8));

  encode(encoder: RangeEncoder, value: number): void {
    let rest = value;
    for (const tree of this.trees) {
      tree.encode(encoder, (rest % 128) + (rest < 128 ? 0 : 128));
      if (rest < 128) return;
      rest = Math.floor(rest / 128);
    }
  }

  /** Throws CodecError (damaged) for what `encode` does not write. */
  decode(decoder: SymbolSource): number {
    let value = 0;
    for (const [i, tree] of this.trees.entries()) {
      const byte = tree.decode(decoder);
      value += (byte % 128) * 128 ** i;
      if (byte === 0 && i > 0) break;
      if (byte < 128) return value;
    }
    throw new CodecError('damaged', 'a coded number is one that nobody writes');
  }
}

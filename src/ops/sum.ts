// Sums of gradients that have exponents of their own:  run.sum.of(n).add(a, 2).add(b).into(out).

import type { Run } from './run.ts';
import { STREAM_GRADIENT_BITS } from '../memory/formats.ts';
import type { Gradient } from '../memory/tensor.ts';
import { ZERO_EXPONENT, bits } from './gradient.ts';

/** Terms that combine_i32 takes; the third has no factor. */
const MAX_TERMS = 3;

export class Sum {
  private readonly at = [0, 0, 0];
  private readonly exponents = [0, 0, 0];
  private readonly factors = [0, 0, 0];
  /** Exponent of the first bit above each term; -Infinity for zero. */
  private readonly tops = [0, 0, 0];
  private count = 0;
  private n = 0;

  constructor(private readonly d: Run) {}

  /** A sum of tensors of n int32 elements. */
  of(n: number): this {
    this.n = n;
    this.count = 0;
    this.factors.fill(0);
    this.at.fill(0);
    return this;
  }

  /** One more term: factor * gradient, factor -9..9, 1 for the third. */
  add(gradient: Gradient, factor = 1): this {
    const i = this.count++;
    if (i >= MAX_TERMS || (i === MAX_TERMS - 1 && factor !== 1))
      throw new Error('a sum has at most three terms, the third without a factor');
    const max = this.d.kernels.max_abs_i32(gradient.at, this.n, 1, this.n) * Math.abs(factor);
    this.at[i] = gradient.at;
    this.exponents[i] = gradient.exponent;
    this.factors[i] = factor;
    this.tops[i] = max === 0 ? -Infinity : bits(max) + gradient.exponent;
    return this;
  }

  /** Writes the sum, rounded to one exponent such that |out| < 2^26; out may be any of the terms. */
  into(out: Gradient): void {
    const { count } = this;
    let highest = -Infinity;
    for (let i = 0; i < count; i++) highest = Math.max(highest, this.tops[i]);
    const exponent =
      highest === -Infinity ? ZERO_EXPONENT : highest + count - 1 - STREAM_GRADIENT_BITS;
    const { at, factors } = this;
    const shift = (i: number): number =>
      i < count ? Math.max(-31, Math.min(31, exponent - this.exponents[i])) : 0;
    const to = out.at;
    this.d.kernels.combine_i32(
      at[0], factors[0], shift(0), at[1], factors[1], shift(1), at[2], shift(2), to, this.n,
    );
    out.exponent = exponent;
  }
}

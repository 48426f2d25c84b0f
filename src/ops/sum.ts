// Sums of gradients that have exponents of their own:  run.sum.of(n).add(a, 2).add(b).into(out).

import type { Kernels } from '../kernels/kernels.ts';
import { STREAM_GRADIENT_BITS } from '../memory/formats.ts';
import type { Gradient } from '../memory/tensor.ts';
import { bits, ZERO_EXPONENT } from './gradient.ts';

/** Terms that combine_i32 takes; the third has no factor. */
const MAX_TERMS = 3;

/** Sums of gradients of different exponents; a Run has one.
 *  @example
 *  const run = new Run(createWasmBackend({ pages: 1 }));
 *  const { base } = run.backend;
 *  run.view(base, 2).set([3, -4]);
 *  const gradient = { at: base, exponent: -2 };
 *  const out = { at: base + 64, exponent: 0 };
 *  run.sum.of(2).add(gradient, 2).add(gradient).into(out);
 *  console.log(Array.from(run.view(out.at, 2), (raw) => raw * 2 ** out.exponent)); // [ 2.25, -3 ]
 */
export class Sum {
  /** Kept by bundlers. @internal */
  static readonly name: string = 'Sum';
  private readonly at = [0, 0, 0];
  private readonly exponents = [0, 0, 0];
  private readonly factors = [0, 0, 0];
  /** Exponent of the first bit above each term; -Infinity for zero. */
  private readonly tops = [0, 0, 0];
  private count = 0;
  private n = 0;

  constructor(private readonly kernels: Kernels) {}

  /** A sum of tensors of n int32 elements.
   *  @example
   *  const run = new Run(createWasmBackend({ pages: 1 }));
   *  const { base } = run.backend;
   *  run.view(base, 2).set([3, -4]);
   *  const gradient = { at: base, exponent: -2 };
   *  const out = { at: base + 64, exponent: 0 };
   *  run.sum.of(2).add(gradient, 2).add(gradient).into(out);
   *  console.log(Array.from(run.view(out.at, 2), (raw) => raw * 2 ** out.exponent));
   *  // [ 2.25, -3 ]
   */
  of(n: number): this {
    this.n = n;
    this.count = 0;
    this.factors.fill(0);
    this.at.fill(0);
    return this;
  }

  /** One more term: factor * gradient, factor -15..15, 1 for the third. Products that combine_i32
   *  could not form, which only the first gradient of a stack has, as a head's layer norm gives it,
   *  are made to fit: the gradient loses low bits, in place.
   *  @example
   *  const run = new Run(createWasmBackend({ pages: 1 }));
   *  const { base } = run.backend;
   *  run.view(base, 2).set([3, -4]);
   *  const gradient = { at: base, exponent: -2 };
   *  const out = { at: base + 64, exponent: 0 };
   *  run.sum.of(2).add(gradient, 2).add(gradient).into(out);
   *  console.log(Array.from(run.view(out.at, 2), (raw) => raw * 2 ** out.exponent));
   *  // [ 2.25, -3 ]
   */
  add(gradient: Gradient, factor = 1): this {
    const i = this.count++;
    if (i >= MAX_TERMS || (i === MAX_TERMS - 1 && factor !== 1))
      throw new Error('a sum has at most three terms, the third without a factor');
    const digits = this.fit(gradient, factor);
    this.at[i] = gradient.at;
    this.exponents[i] = gradient.exponent;
    this.factors[i] = factor;
    this.tops[i] = digits === 0 ? -Infinity : digits + gradient.exponent;
    return this;
  }

  /** Bits of the largest |factor * gradient|, after what combine_i32 could not form was made to
   *  fit. */
  private fit(gradient: Gradient, factor: number): number {
    const { kernels } = this;
    const { at } = gradient;
    const { n } = this;
    const digits = bits(kernels.max_abs_i32(at, n, 1, n) * Math.abs(factor));
    if (digits < 32) return digits;
    const shift = digits - 30;
    kernels.combine_i32(at, 1, shift, 0, 0, 0, 0, 0, at, n);
    gradient.exponent += shift;
    return this.fit(gradient, factor);
  }

  /** Writes the sum, rounded to one exponent such that |out| <= 2^26; out may be any of the terms.
   *  @example
   *  const run = new Run(createWasmBackend({ pages: 1 }));
   *  const { base } = run.backend;
   *  run.view(base, 2).set([3, -4]);
   *  const gradient = { at: base, exponent: -2 };
   *  const out = { at: base + 64, exponent: 0 };
   *  run.sum.of(2).add(gradient, 2).add(gradient).into(out);
   *  console.log(Array.from(run.view(out.at, 2), (raw) => raw * 2 ** out.exponent));
   *  // [ 2.25, -3 ]
   */
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
    this.kernels.combine_i32(
      at[0],
      factors[0],
      shift(0),
      at[1],
      factors[1],
      shift(1),
      at[2],
      shift(2),
      to,
      this.n,
    );
    out.exponent = exponent;
  }
}

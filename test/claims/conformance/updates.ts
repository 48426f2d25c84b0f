// Kernels of update rules, of the optimizer, and of random numbers, written from
// docs/conformance.md.

import {
  absolute,
  clamp,
  count,
  type Elements,
  floorDivide,
  halfEven,
  halfUp,
  int32,
  type Kernel,
  modulo,
  root2,
  saturated,
  sum,
  two,
  uint32,
} from './arithmetic.ts';
import { philox } from './page.ts';

/** R(X, h) of the reversible update. */
function known(X: bigint, h: bigint, l: number, sigma: number, m: number): bigint {
  const s = 16 - l + m;
  const g = BigInt(sigma);
  const v = int32((two(m) + g) * h - g * modulo(X, m) * two(16 - l));
  const base = int32(X - g * (X >> BigInt(m)) + (v >> BigInt(s)));
  return int32(base + ((modulo(v, s) + two(s - 1) - 1n + (base & 1n)) >> BigInt(s)));
}

/** In the order of the page. */
export const updateKernels: Record<string, Kernel> = {
  bdia_step_i32: (
    prev: Elements,
    x: Elements,
    h: Elements,
    next: Elements,
    side: Elements,
    n,
    l,
    sigma,
    m,
  ) => {
    let beyond = 0;
    if (sigma !== 0) for (const i of count(m * Math.ceil(n / 8))) side[i] = 0n;
    for (const i of count(n)) {
      if (sigma === 0) next[i] = known(x[i], h[i], l, 0, 0);
      else {
        const b = modulo(-prev[i], m);
        next[i] = int32(
          BigInt(sigma) * ((prev[i] >> BigInt(m)) + (b !== 0n ? 1n : 0n)) +
            known(x[i], h[i], l, sigma, m),
        );
        for (const j of count(m))
          side[j * Math.ceil(n / 8) + (i >> 3)] |= ((b >> BigInt(j)) & 1n) << BigInt(i & 7);
      }
      if (absolute(next[i]) > two(14 + l)) beyond++;
    }
    return beyond;
  },
  bdia_inverse_i32: (
    next: Elements,
    x: Elements,
    h: Elements,
    side: Elements,
    prev: Elements,
    n,
    l,
    sigma,
    m,
  ) => {
    for (const i of count(n)) {
      const b = sum(
        count(m).map(
          (j) => ((side[j * Math.ceil(n / 8) + (i >> 3)] >> BigInt(i & 7)) & 1n) << BigInt(j),
        ),
      );
      prev[i] = int32(
        int32(BigInt(sigma) * (next[i] - known(x[i], h[i], l, sigma, m))) * two(m) - b,
      );
    }
  },

  sum_squares_i64: (g: Elements, n, shift, out: Elements) => {
    out[0] = sum(count(n).map((i) => halfUp(g[i], shift) ** 2n));
  },
  adamw_i64: (
    w: Elements,
    g: Elements,
    m: Elements,
    r: Elements,
    n,
    shift,
    factor,
    factorShift,
    k1,
    k2,
    rate,
    epsilon,
    decay,
    bound,
  ) => {
    let changed = 0;
    for (const i of count(n)) {
      const ghat = clamp(halfUp(halfUp(g[i], shift) * BigInt(factor), factorShift), two(30));
      m[i] = ((two(k1) - 1n) * m[i] + ghat) / two(k1);
      r[i] = root2(r[i] ** 2n - ((r[i] ** 2n) >> BigInt(k2)) + ((ghat ** 2n) >> BigInt(k2)));
      const exact = (m[i] * BigInt(rate)) / (r[i] + BigInt(epsilon));
      const update = saturated(exact, 32);
      const wanted = w[i] - halfUp(update, 8) - halfUp(w[i] * BigInt(decay), 32);
      w[i] = clamp(wanted, BigInt(bound));
      changed += (update !== exact ? 1 : 0) + (w[i] !== wanted ? 1 : 0);
    }
    return changed;
  },

  random_u32: (out: Elements, n, ...words: number[]) => {
    const [c1, c2, c3, key0, key1] = words.map(BigInt);
    for (const b of count(n / 4))
      philox([BigInt(b), c1, c2, c3], [key0, key1]).forEach((word, i) => {
        out[4 * b + i] = word;
      });
  },
  random_normal_i32: (out: Elements, n, ...words: number[]) => {
    const [c1, c2, c3, key0, key1, scale] = words.map(BigInt);
    for (const i of count(n))
      out[i] = halfUp(
        (sum(
          philox([BigInt(i), c1, c2, c3], [key0, key1]).map(
            (word) => (word & 0xffffn) + (word >> 16n),
          ),
        ) -
          262140n) *
          scale,
        16,
      );
  },
  dropout_i32: (x: Elements, n, ...words: number[]) => {
    const [c1, c2, c3, key0, key1, threshold, factor, bound] = words.map(BigInt);
    const blocks = count(Math.ceil(n / 4)).map((b) =>
      philox([BigInt(b), c1, c2, c3], [key0, key1]),
    );
    let changed = 0;
    for (const i of count(n)) {
      const exact = halfUp(x[i] * factor, 15);
      const isKept = blocks[i >> 2][i & 3] >= threshold;
      x[i] = isKept ? clamp(exact, bound) : 0n;
      if (isKept && x[i] !== exact) changed++;
    }
    return changed;
  },

  add_rounded_i32: (x: Elements, h: Elements, y: Elements, n, factor, shift, bound) => {
    for (const i of count(n)) y[i] = int32(x[i] + halfEven(h[i] * BigInt(factor), shift));
    return y.filter((one) => absolute(one) > BigInt(bound)).length;
  },
  exchange_radix_i32u32: (v: Elements, digits: Elements, n, ...words: number[]) => {
    const [from, to, signIn, signOut] = words.map(BigInt);
    let lost = 0;
    for (const i of count(n)) {
      const t = int32(signIn * v[i]);
      const q = floorDivide(t, from);
      const B = uint32(digits[i]) * from + t - q * from;
      v[i] = int32(signOut * (q * to + (B % to)));
      digits[i] = uint32(B / to);
      if (B / to >= two(32)) lost++;
    }
    return lost;
  },
};

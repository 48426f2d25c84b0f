// docs/conformance.md suffices: an implementation of every kernel and of the random generator that
// is written from that page alone, in plain BigInt, with its tables and constants read from the
// page, gives every digest of src/verify/published/conformance.json. Nothing of src is imported.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/conformance.md'), 'utf8');
type Buffered = {
  type: string;
  length: number;
  low?: number;
  high?: number;
  bits?: number;
  output?: boolean;
};
type Case = { stream: number; args: (number | Buffered)[]; digest: string };
const golden = JSON.parse(
  readFileSync(join(root, 'src/verify/published/conformance.json'), 'utf8'),
) as {
  digest: string;
  kernels: Record<string, { digest: string; cases: Case[] }>;
  runs: Record<string, Record<string, string>>;
};
const sha256 = (data: Uint8Array | string): Uint8Array =>
  createHash('sha256').update(data).digest();
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

// ---- notation -----------------------------------------------------------------------------------

const two = (s: number): bigint => 1n << BigInt(s);
/** floor(a 2^s), s of any sign. */
const scaled = (a: bigint, s: number): bigint => (s >= 0 ? a << BigInt(s) : a >> BigInt(-s));
const floorDivide = (a: bigint, b: bigint): bigint => (a < 0n && a % b !== 0n ? a / b - 1n : a / b);
const halfUp = (a: bigint, s: number): bigint =>
  s > 0 ? (a + two(s - 1)) >> BigInt(s) : a << BigInt(-s);
/** a / 2^s, ties to even. */
function halfEven(a: bigint, s: number): bigint {
  const floor = a >> BigInt(s);
  const rest = 2n * (a - floor * two(s));
  return rest > two(s) || (rest === two(s) && floor % 2n !== 0n) ? floor + 1n : floor;
}
const modulo = (a: bigint, s: number): bigint => BigInt.asUintN(s, a);
function limit(a: bigint, low: bigint, high: bigint): bigint {
  if (a < low) return low;
  return a > high ? high : a;
}
const clamp = (a: bigint, b: bigint): bigint => limit(a, -b, b);
const saturated = (a: bigint, bits: number): bigint => limit(a, -two(bits - 1), two(bits - 1) - 1n);
const int32 = (a: bigint): bigint => BigInt.asIntN(32, a);
const uint32 = (a: bigint): bigint => BigInt.asUintN(32, a);
const q15 = (a: bigint, b: bigint): bigint => saturated(halfUp(a * b, 15), 16);
const absolute = (a: bigint): bigint => (a < 0n ? -a : a);
const bits = (a: bigint): number => (a === 0n ? 0 : absolute(a).toString(2).length);
const sum = (list: bigint[]): bigint => list.reduce((a, b) => a + b, 0n);
function largest(list: bigint[]): bigint {
  let most = list[0];
  for (const one of list) if (one > most) most = one;
  return most;
}
/** floor(sqrt(a)), digit by digit. */
function root2(a: bigint): bigint {
  let r = 0n;
  for (let b = BigInt(bits(a) >> 1); b >= 0n; b--) if ((r | (1n << b)) ** 2n <= a) r |= 1n << b;
  return r;
}
const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

// ---- what the page gives as data ----------------------------------------------------------------

/** The rows of a table of the page. */
const table = (name: string): bigint[][] =>
  new RegExp(`^${name} \\(.*\\)\\n([^\`]*)\`\`\``, 'm')
    .exec(page)![1]
    .trim()
    .split('\n')
    .map((row) => row.split(' ').map(BigInt));
const [EXP2] = table('EXP2_Q30');
const GAP = table('GELU_GAP_Q17');
const SLOPE = table('GELU_SLOPE_Q15');
const [M0, M1, W0, W1] = ['P = ', 'Q = ', 'k0 = \\(k0 \\+ ', 'k1 = \\(k1 \\+ '].map((before) =>
  BigInt(new RegExp(`${before}(0x[0-9a-f]{8})`).exec(page)![1]),
);

function philox(counter: bigint[], key: bigint[]): bigint[] {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const P = M0 * c0;
    const Q = M1 * c2;
    [c0, c1, c2, c3] = [(Q >> 32n) ^ c1 ^ k0, uint32(Q), (P >> 32n) ^ c3 ^ k1, uint32(P)];
    k0 = uint32(k0 + W0);
    k1 = uint32(k1 + W1);
  }
  return [c0, c1, c2, c3];
}

// ---- the kernels, from the page: buffers are arrays of elements, undefined for a pointer of 0 ---

type Elements = bigint[];
type Kernel = ((...args: any[]) => number | bigint) | ((...args: any[]) => void);

/** Where B[p][j] is, in int16s from the start of a packed matrix whose panels are `stride` bytes
 *  apart. */
const packedAt = (stride: number, p: number, j: number): number =>
  (Math.floor(j / 16) * stride + 64 * Math.floor(p / 2) + 4 * (j % 16) + 2 * (p % 2)) / 2;
const panelStride = (k: number): number => Math.ceil(k / 2) * 64;
function pack(
  k: number,
  n: number,
  packed: Elements,
  element: (row: number, column: number) => bigint,
): void {
  for (const row of count(2 * Math.ceil(k / 2)))
    for (const column of count(16 * Math.ceil(n / 16)))
      packed[packedAt(panelStride(k), row, column)] =
        row < k && column < n ? element(row, column) : 0n;
}

/** Stores clamp(value, bound) for every element of a matrix; the count of those that it changed. */
function clamped(
  rows: number,
  columns: number,
  bound: number,
  value: (r: number, c: number) => bigint,
  store: (r: number, c: number, v: bigint) => void,
): number {
  let changed = 0;
  for (const r of count(rows))
    for (const c of count(columns)) {
      const exact = value(r, c);
      const v = clamp(exact, BigInt(bound));
      if (v !== exact) changed++;
      store(r, c, v);
    }
  return changed;
}

/** Softmax's shared part, of the elements of a row that take part. */
function exponentials(
  s: bigint[],
  scale: number,
): { t: bigint[]; e: bigint[]; Z: bigint; R: bigint } {
  const max = largest(s);
  const t = s.map((one) => ((max - one) * BigInt(scale)) >> 32n);
  const e = t.map((one) => {
    const n = one >> 15n;
    const f = modulo(one, 15);
    let y = EXP2[5];
    for (let i = 4; i >= 0; i--) y = EXP2[i] - ((y * f) >> 15n);
    return n > 30n ? 0n : y >> n;
  });
  return { t, e, Z: sum(e), R: two(61) / sum(e) };
}

function cubic(T: bigint[][], u: bigint): bigint {
  const a = limit(absolute(u), 0n, 10239n);
  const w = 3n * a + q15(a, 6554n);
  const f = modulo(w, 11) << 4n;
  const [T0, T1, T2, T3] = T.map((row) => row[Number(w >> 11n)]);
  return q15(q15(q15(T3, f) + T2, f) + T1, f) + T0;
}

/** R(X, h) of the reversible update. */
function known(X: bigint, h: bigint, l: number, sigma: number, m: number): bigint {
  const s = 16 - l + m;
  const g = BigInt(sigma);
  const v = int32((two(m) + g) * h - g * modulo(X, m) * two(16 - l));
  const base = int32(X - g * (X >> BigInt(m)) + (v >> BigInt(s)));
  return int32(base + ((modulo(v, s) + two(s - 1) - 1n + (base & 1n)) >> BigInt(s)));
}

const KERNELS: Record<string, Kernel> = {
  pack_nn_i16: (b: Elements, ldb, k, n, packed: Elements) =>
    pack(k, n, packed, (row, column) => b[row * ldb + column]),
  pack_nt_i16: (bt: Elements, ldb, k, n, packed: Elements) =>
    pack(k, n, packed, (row, column) => bt[column * ldb + row]),
  transpose_i16: (a: Elements, lda, rows, columns, out: Elements, ldo) => {
    for (const r of count(rows)) for (const c of count(columns)) out[c * ldo + r] = a[r * lda + c];
  },
  gemm_i16i16i32: (a: Elements, lda, b: Elements, stride, c: Elements, ldc, m, n, k) => {
    for (const i of count(m))
      for (const j of count(n))
        c[i * ldc + j] = int32(
          sum(count(k).map((p) => a[i * lda + p] * b[packedAt(stride, p, j)])),
        );
  },
  gemm_i16i16i64: (
    a: Elements,
    lda,
    b: Elements,
    stride,
    c: Elements,
    ldc,
    m,
    n,
    k,
    chunk,
    shift,
  ) => {
    for (const i of count(m))
      for (const j of count(n))
        for (let from = 0; from < k; from += chunk)
          c[i * ldc + j] += halfUp(
            sum(
              count(Math.min(chunk, k - from)).map(
                (p) => a[i * lda + from + p] * b[packedAt(stride, from + p, j)],
              ),
            ),
            -shift,
          );
  },

  requantize_i32i16: (
    a: Elements,
    lda,
    out: Elements,
    ldo,
    rows,
    columns,
    shift,
    bound,
    bias?: Elements,
  ) =>
    clamped(
      rows,
      columns,
      bound,
      (r, c) => halfUp(a[r * lda + c] + (bias?.[c] ?? 0n) * two(shift - Math.min(6, shift)), shift),
      (r, c, v) => {
        out[r * ldo + c] = v;
      },
    ),
  requantize_i32i32: (
    a: Elements,
    lda,
    out: Elements,
    ldo,
    rows,
    columns,
    shift,
    bound,
    bias?: Elements,
  ) =>
    clamped(
      rows,
      columns,
      bound,
      (r, c) => halfUp(a[r * lda + c], shift) + (bias?.[c] ?? 0n),
      (r, c, v) => {
        out[r * ldo + c] = v;
      },
    ),
  narrow_i64i32: (a: Elements, lda, out: Elements, ldo, rows, columns, shift) => {
    for (const r of count(rows))
      for (const c of count(columns)) out[r * ldo + c] = halfUp(a[r * lda + c], shift);
  },
  max_abs_i32: (a: Elements, lda, rows, columns) =>
    largest([
      0n,
      ...count(rows).flatMap((r) => count(columns).map((c) => absolute(a[r * lda + c]))),
    ]),
  max_bits_i64: (a: Elements, n) => bits(largest([0n, ...count(n).map((i) => absolute(a[i]))])),
  quantize_i32i16: (a: Elements, out: Elements, n, shift, bound) =>
    clamped(
      1,
      n,
      bound,
      (_, i) => halfUp(a[i], shift),
      (_, i, v) => {
        out[i] = v;
      },
    ),
  l1_max_i16: (w: Elements, rows, columns) =>
    largest([
      ...count(rows).map((r) => sum(count(columns).map((c) => absolute(w[r * columns + c])))),
      ...count(columns).map((c) => sum(count(rows).map((r) => absolute(w[r * columns + c])))),
    ]),
  row_norm_max_i16: (w: Elements, rows, columns) =>
    largest(
      count(rows).map((r) => root2(sum(count(columns).map((c) => w[r * columns + c] ** 2n)))),
    ),

  combine_i32: (
    a: Elements,
    aFactor,
    aShift,
    b: Elements | undefined,
    bFactor,
    bShift,
    c: Elements | undefined,
    cShift,
    out: Elements,
    n,
  ) => {
    for (const i of count(n))
      out[i] = int32(
        halfUp(a[i] * BigInt(aFactor), aShift) +
          halfUp((b?.[i] ?? 0n) * BigInt(bFactor), bShift) +
          halfUp(c?.[i] ?? 0n, cShift),
      );
  },
  sum_rows_i16i64: (a: Elements, lda, rows, columns, out: Elements, shift) => {
    for (const c of count(columns))
      out[c] += halfUp(sum(count(rows).map((r) => a[r * lda + c])), -shift);
  },
  accumulate_i64: (a: Elements, out: Elements, n, shift) => {
    for (const i of count(n)) out[i] += halfUp(a[i], -shift);
  },
  hash_i32: (a: Elements, n) => {
    const lanes = [0x9e3779b9n, 0x85ebca6bn, 0xc2b2ae35n, 0x27d4eb2fn];
    for (const i of count(n)) {
      const mixed = lanes[i & 3] ^ uint32(a[i]);
      lanes[i & 3] = uint32(uint32((mixed << 13n) | (mixed >> 19n)) * 0x9e3779b1n + 0x85ebca77n);
    }
    return lanes.reduce((r, h) => {
      const product = uint32((r ^ h) * 0x01000193n);
      return product ^ (product >> 15n);
    }, BigInt(n));
  },

  layer_norm_forward_i32i16: (
    x: Elements,
    shift,
    y: Elements | undefined,
    gain: Elements,
    bias: Elements | undefined,
    out: Elements,
    xhat: Elements | undefined,
    rstd: Elements | undefined,
    rows,
    columns,
  ) => {
    const C = BigInt(columns);
    const normal: bigint[] = [];
    for (const r of count(rows)) {
      const z = count(columns).map((i) =>
        int32(x[r * columns + i] * two(shift) + (y?.[r * columns + i] ?? 0n)),
      );
      const mean = floorDivide(2n * sum(z) + C, 2n * C);
      const d = z.map((one) => int32(one - mean));
      const max = largest(d.map(absolute));
      let row = d.map(() => 0n);
      let root = 1326350334n;
      if (max > 0n) {
        const s = Math.max(bits(max) - 20, -15);
        const e = d.map((one) => halfUp(one, s));
        const N = sum(e.map((one) => one * one)) + scaled(42950n * C, -2 * s);
        const u = Math.floor((63 - bits(N)) / 2) * 2;
        const S = root2((N * two(u)) / C);
        const M = two(43 + u / 2) / S;
        row = e.map((one) => saturated((one * M + two(31)) >> 32n, 16));
        root = two(38 + u / 2 - s) / S;
      }
      normal.push(...row);
      if (rstd !== undefined) rstd[r] = root;
    }
    if (xhat !== undefined)
      normal.forEach((one, i) => {
        xhat[i] = one;
      });
    return clamped(
      rows,
      columns,
      4095,
      (r, i) => halfUp(normal[r * columns + i] * gain[i] + (bias?.[i] ?? 0n), 14),
      (r, i, v) => {
        out[r * columns + i] = v;
      },
    );
  },
  layer_norm_backward_i16i32: (
    dy: Elements,
    xhat: Elements,
    gain: Elements,
    rstd: Elements,
    dz: Elements,
    dGain: Elements,
    dBias: Elements | undefined,
    rows,
    columns,
    shift,
  ) => {
    const C = BigInt(columns);
    let changed = 0;
    for (const r of count(rows)) {
      const at = r * columns;
      const w = count(columns).map((i) => dy[at + i] * gain[i]);
      const A = floorDivide(2n * sum(w) + C, 2n * C);
      const slope = saturated(
        halfUp(floorDivide(sum(w.map((one, i) => one * xhat[at + i])), C), 11),
        32,
      );
      w.forEach((one, i) => {
        const v = saturated(one - A - halfUp(xhat[at + i] * slope, 11), 32);
        const exact = halfUp(v * rstd[r], shift);
        dz[at + i] = saturated(exact, 32);
        if (dz[at + i] !== exact) changed++;
        dGain[i] += dy[at + i] * xhat[at + i];
        if (dBias !== undefined) dBias[i] += dy[at + i];
      });
    }
    return changed;
  },

  softmax_forward_i32i16: (
    s: Elements,
    lds,
    p: Elements,
    ldp,
    rows,
    columns,
    valid,
    causal,
    scale,
  ) => {
    for (const i of count(rows)) {
      const v = valid + i * causal;
      const { e, R } = exponentials(s.slice(i * lds, i * lds + v), scale);
      for (const j of count(columns))
        p[i * ldp + j] = j < v ? limit((e[j] * R + two(45)) >> 46n, 0n, 32767n) : 0n;
    }
  },
  softmax_backward_i16i32: (
    p: Elements,
    ldp,
    dp: Elements,
    lddp,
    ds: Elements,
    ldds,
    rows,
    columns,
    valid,
    causal,
    factor,
  ) => {
    for (const i of count(rows)) {
      const v = valid + i * causal;
      const d = count(v).map((j) => halfUp(dp[i * lddp + j], 2));
      const dot = halfUp(sum(d.map((one, j) => one * p[i * ldp + j])), 15);
      for (const j of count(columns))
        ds[i * ldds + j] =
          j < v ? saturated(halfUp((d[j] - dot) * p[i * ldp + j] * BigInt(factor), 28), 32) : 0n;
    }
  },
  cross_entropy_i32: (
    logits: Elements,
    ldl,
    targets: Elements,
    dLogits: Elements | undefined,
    lddl,
    losses: Elements,
    rows,
    columns,
    scale,
  ) => {
    for (const r of count(rows)) {
      const { t, e, Z, R } = exponentials(logits.slice(r * ldl, r * ldl + columns), scale);
      const target = Number(targets[r]);
      const k = bits(Z) - 1;
      if (dLogits !== undefined)
        for (const j of count(columns))
          dLogits[r * lddl + j] = ((e[j] * R + two(36)) >> 37n) - (j === target ? two(24) : 0n);
      let y = scaled(Z, 31 - k);
      let L = BigInt(k - 30) * two(16);
      for (let b = 15; b >= 0; b--) {
        y = (y * y) >> 31n;
        if (y >= two(32)) [y, L] = [y >> 1n, L + two(b)];
      }
      losses[r] = limit(((L + 2n * t[target]) * 45426n + two(15)) >> 16n, -two(31), two(31) - 1n);
    }
  },

  gelu_forward_i16i16: (u: Elements, act: Elements, n, shift) =>
    clamped(
      1,
      n,
      4095,
      (_, i) => halfUp((u[i] > 0n ? u[i] : 0n) - ((cubic(GAP, u[i]) + 32n) >> 6n), shift),
      (_, i, v) => {
        act[i] = v;
      },
    ),
  gelu_backward_i32: (dAct: Elements, u: Elements, du: Elements, n) => {
    for (const i of count(n)) {
      const g = (cubic(SLOPE, u[i]) + 1n) >> 1n;
      du[i] = halfUp(dAct[i] * (u[i] < 0n ? g : 16384n - g), 15);
    }
  },

  embedding_forward_i32: (
    ids: Elements,
    token: Elements,
    position: Elements,
    out: Elements,
    rows,
    columns,
    l,
  ) => {
    for (const r of count(rows))
      for (const c of count(columns))
        out[r * columns + c] = halfUp(
          token[Number(ids[r]) * columns + c] + position[r * columns + c],
          24 - l,
        );
  },
  embedding_backward_i32i64: (
    ids: Elements,
    dx: Elements,
    dToken: Elements,
    dPosition: Elements,
    rows,
    columns,
    shift,
  ) => {
    for (const r of count(rows))
      for (const c of count(columns)) {
        dToken[Number(ids[r]) * columns + c] += halfUp(dx[r * columns + c], -shift);
        dPosition[r * columns + c] += halfUp(dx[r * columns + c], -shift);
      }
  },

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

// ---- the vectors, from the page -----------------------------------------------------------------

const width = (type: string): number => Number(/\d+/.exec(type)![0]);

function fill(
  { type, length, low, high, bits: b = 64 }: Buffered,
  stream: number,
  argument: number,
): Elements {
  const n = width(type);
  const from = BigInt(low ?? (type === 'uint8' ? 0n : -two(n - 1)));
  const to = BigInt(high ?? (type === 'uint8' ? 255n : two(n - 1) - 1n));
  return count(length).map((i) => {
    const [w0, w1] = philox([BigInt(i), BigInt(argument), 0n, 0n], [BigInt(stream), 0n]);
    return type === 'int64'
      ? BigInt.asIntN(64, (w1 << 32n) + w0) >> BigInt(64 - b)
      : from + ((w0 * (to - from + 1n)) >> 32n);
  });
}

const littleEndian = (values: Elements, n: number): number[] =>
  values.flatMap((value) =>
    count(n / 8).map((i) => Number((BigInt.asUintN(n, value) >> BigInt(8 * i)) & 0xffn)),
  );

function answer(kernel: Kernel, { stream, args }: Case): Uint8Array {
  const filled = args.map((argument, i) =>
    typeof argument === 'number' ? argument : fill(argument, stream, i),
  );
  // A number where the kernel has a pointer is 0: the implementations above take undefined for it.
  const result = kernel(
    ...filled.map((argument, i) => (argument === 0 && isPointer(kernel, i) ? undefined : argument)),
  );
  return sha256(
    Uint8Array.from([
      ...littleEndian([BigInt(result ?? 0)], 64),
      ...args.flatMap((argument, i) =>
        typeof argument !== 'number' && argument.output
          ? littleEndian(filled[i] as Elements, width(argument.type))
          : [],
      ),
    ]),
  );
}

/** Whether an argument is a pointer by the page's signature, where pointers have a star. */
const signatures = new Map(
  [...page.matchAll(/^(\w+)\(([*\w, ]+)\)(?: -> number)?$/gm)].map(([, name, list]) => [
    KERNELS[name],
    list.split(', '),
  ]),
);
const isPointer = (kernel: Kernel, i: number): boolean =>
  signatures.get(kernel)![i].startsWith('*');

describe('docs/conformance.md', () => {
  test('is up to date', () => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['bench/conformance-page.mjs', '--check'],
      { cwd: root, encoding: 'utf8' },
    );
    expect(stderr.slice(-1000) + stdout).toBe('docs/conformance.md is up to date\n');
    expect(status).toBe(0);
  });

  test('the generator gives the 3 known answers that the page publishes', () => {
    const rows = [
      ...page.matchAll(/^\| `([0-9a-f ]{35})` \| `([0-9a-f ]{17})` \| `([0-9a-f ]{35})` \|$/gm),
    ].map((row) => row.slice(1).map((cell) => cell.split(' ').map((word) => BigInt(`0x${word}`))));
    expect(rows.length).toBe(3);
    for (const [counter, key, block] of rows) expect(philox(counter, key)).toEqual(block);
  });

  test('the page and this file have the same kernels as the vectors', () => {
    expect([...page.matchAll(/^#### (\w+)$/gm)].map(([, name]) => name)).toEqual(
      Object.keys(golden.kernels),
    );
    expect(Object.keys(KERNELS)).toEqual(Object.keys(golden.kernels));
    expect(signatures.size).toBe(Object.keys(golden.kernels).length);
  });

  test.each(Object.entries(golden.kernels))(
    '%s, written from the page, gives every digest',
    (name, { digest, cases }) => {
      const answers = cases.map((one) => answer(KERNELS[name], one));
      expect(answers.map((one) => hex(one).slice(0, 16))).toEqual(cases.map((one) => one.digest));
      expect(hex(sha256(Buffer.concat(answers)))).toBe(digest);
    },
  );

  test('the digest of everything is that of the kernels and the runs, in order', () => {
    const all = [
      ...Object.values(golden.kernels).map(({ digest }) => digest),
      ...Object.values(golden.runs).flatMap((stages) => Object.values(stages)),
    ];
    expect(hex(sha256(all.join('')))).toBe(golden.digest);
    for (const digest of all) expect(page).toContain(digest);
  });

  test('GELU: no sum within the cubic leaves int16', () => {
    for (const T of [GAP, SLOPE])
      for (let u = 0n; u <= 10239n; u++) {
        const w = 3n * u + q15(u, 6554n);
        const f = modulo(w, 11) << 4n;
        const [T0, T1, T2, T3] = T.map((row) => row[Number(w >> 11n)]);
        for (const one of [
          q15(T3, f) + T2,
          q15(q15(T3, f) + T2, f) + T1,
          q15(q15(q15(T3, f) + T2, f) + T1, f) + T0,
        ])
          if (saturated(one, 16) !== one) expect.fail(`u = ${u}`);
      }
  });
});

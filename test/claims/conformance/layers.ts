// Kernels of layers: norms, softmax, the loss, activation functions, embeddings, written from
// docs/conformance.md.

import {
  absolute,
  bits,
  clamped,
  count,
  type Elements,
  floorDivide,
  halfUp,
  int32,
  type Kernel,
  largest,
  limit,
  modulo,
  q15,
  root2,
  saturated,
  scaled,
  sum,
  two,
} from './arithmetic.ts';
import { EXP2, GAP, SLOPE } from './page.ts';

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

/** In the order of the page. */
export const layerKernels: Record<string, Kernel> = {
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
    f,
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
        const M = two(32 + f + u / 2) / S;
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
      (r, i) => halfUp(normal[r * columns + i] * gain[i] + (bias?.[i] ?? 0n), f + 3),
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
    f,
  ) => {
    const C = BigInt(columns);
    let changed = 0;
    for (const r of count(rows)) {
      const at = r * columns;
      const w = count(columns).map((i) => dy[at + i] * gain[i]);
      const A = floorDivide(2n * sum(w) + C, 2n * C);
      const slope = saturated(
        halfUp(floorDivide(sum(w.map((one, i) => one * xhat[at + i])), C), f),
        32,
      );
      w.forEach((one, i) => {
        const v = saturated(one - A - halfUp(xhat[at + i] * slope, f), 32);
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
      for (const j of count(Math.min(columns, Math.ceil(v / 8) * 8)))
        s[i * lds + j] = j < v ? e[j] : 0n;
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
};

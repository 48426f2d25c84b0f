// Layer norm (Ba, Kiros & Hinton 2016), forward and backward. The deviations are scaled by a power
// of two to at most 2^20, so the sum of their squares is exact; then one integer square root and
// one reciprocal a row.

import { OPERAND_MAX } from '../../memory/formats.ts';
import type { Kernels, Pointer } from '../kernels.ts';
import {
  bits,
  bitsBig,
  clamp,
  floorDivide,
  floorDivideBig,
  halfUp,
  halfUpBig,
  isqrt,
  saturateInt16,
  saturateInt32,
  saturateInt32Big,
  shiftRightFloor,
  wrapInt32,
} from './fixed.ts';
import type { Memory } from './memory.ts';

/** Epsilon, 1e-5, with 32 fraction bits as the squares of z have. */
const EPSILON_Q32 = 42950n;
/** 1/sigma of a row of equal values: floor(sqrt(2^76 / 42950)), 22 fraction bits. */
const RSTD_OF_CONSTANT_ROW = 1326350334;

/** floor(a * 2^s) for any sign of s. */
const shiftLeft = (a: bigint, s: number): bigint => (s >= 0 ? a << BigInt(s) : a >> BigInt(-s));

/** Normalises one row of z (16 fraction bits): x-hat (`fraction`) and 1/sigma (22). */
function normalise(z: number[], fraction: number): { xhat: number[]; rstd: number } {
  const columns = z.length;
  const sum = z.reduce((total, value) => total + value, 0); // below 2^43
  const mean = floorDivide(2 * sum + columns, 2 * columns);
  const d = z.map((value) => wrapInt32(value - mean));
  const max = d.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  if (max === 0) return { xhat: d, rstd: RSTD_OF_CONSTANT_ROW };

  const s = Math.max(bits(max) - 20, -15);
  const e = d.map((value) => halfUp(value, s));
  // at most 4096 * 2^40 = 2^52
  const sumOfSquares = e.reduce((total, value) => total + value * value, 0);
  const N = BigInt(sumOfSquares) + shiftLeft(EPSILON_Q32 * BigInt(columns), -2 * s);
  const u = floorDivide(63 - bitsBig(N), 2) * 2;
  const S = isqrt((N << BigInt(u)) / BigInt(columns));
  const M = Number((1n << BigInt(32 + fraction + u / 2)) / S);
  // e^2 <= N, so e M is at most about 2^43 sqrt(columns) <= 2^49: exact in a double.
  const xhat = e.map((value) => saturateInt16(shiftRightFloor(value * M + 2 ** 31, 32)));
  return { xhat, rstd: Number((1n << BigInt(38 + u / 2 - s)) / S) };
}

/** The int32s at a pointer that may be 0. */
const optional = (memory: Memory, at: Pointer): Int32Array | undefined =>
  at === 0 ? undefined : memory.int32(at);

export function layerNormKernels(
  memory: Memory,
): Pick<Kernels, 'layer_norm_forward_i32i16' | 'layer_norm_backward_i16i32'> {
  return {
    layer_norm_forward_i32i16(x, shift, y, gain, bias, out, xhat, rstd, rows, columns, fraction) {
      const X = memory.int32(x);
      const Y = optional(memory, y);
      const Gain = memory.int16(gain);
      const Bias = optional(memory, bias);
      const O = memory.int16(out);
      const Xhat = xhat === 0 ? undefined : memory.int16(xhat);
      const Rstd = optional(memory, rstd);
      // a power of two times an integer is exact
      const z = (i: number): number => wrapInt32(wrapInt32(X[i] * 2 ** shift) + (Y?.[i] ?? 0));
      let clamped = 0;
      for (let r = 0; r < rows; r++) {
        const at = r * columns;
        const row = normalise(
          Array.from({ length: columns }, (_, i) => z(at + i)),
          fraction,
        );
        for (let i = 0; i < columns; i++) {
          const value = halfUp(row.xhat[i] * Gain[i] + (Bias?.[i] ?? 0), fraction + 3);
          O[at + i] = clamp(value, OPERAND_MAX);
          if (Math.abs(value) > OPERAND_MAX) clamped++;
        }
        Xhat?.set(row.xhat, at);
        Rstd?.fill(row.rstd, r, r + 1);
      }
      return clamped;
    },

    layer_norm_backward_i16i32(
      dy,
      xhat,
      gain,
      rstd,
      dz,
      dGain,
      dBias,
      rows,
      columns,
      shift,
      fraction,
    ) {
      const Dy = memory.int16(dy);
      const Xhat = memory.int16(xhat);
      const Gain = memory.int16(gain);
      const Rstd = memory.int32(rstd);
      const Dz = memory.int32(dz);
      const DGain = memory.int64(dGain);
      const DBias = dBias === 0 ? undefined : memory.int64(dBias);
      /** A and B of a row. */
      const means = (at: number): [number, number] => {
        let sumW = 0;
        let sumWX = 0n; // up to 4096 * 2^44
        for (let i = 0; i < columns; i++) {
          const w = Dy[at + i] * Gain[i];
          sumW += w;
          sumWX += BigInt(w * Xhat[at + i]);
        }
        const mean = halfUpBig(floorDivideBig(sumWX, BigInt(columns)), fraction);
        return [floorDivide(2 * sumW + columns, 2 * columns), Number(saturateInt32Big(mean))];
      };
      let saturated = 0;
      for (let r = 0; r < rows; r++) {
        const at = r * columns;
        const [A, B] = means(at);
        for (let i = 0; i < columns; i++) {
          const v = saturateInt32(Dy[at + i] * Gain[i] - A - halfUp(Xhat[at + i] * B, fraction));
          const value = halfUpBig(BigInt(v) * BigInt(Rstd[r]), shift);
          const stored = saturateInt32Big(value);
          Dz[at + i] = Number(stored);
          if (stored !== value) saturated++;
          DGain[i] += BigInt(Dy[at + i] * Xhat[at + i]);
          if (DBias !== undefined) DBias[i] += BigInt(Dy[at + i]);
        }
      }
      return saturated;
    },
  };
}

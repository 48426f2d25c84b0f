// A layer norm's forward pass as a call that is compared on every back end.

import { xhatFraction } from '../../src/memory/formats.ts';
import { input, output } from './calls.ts';
import type { Check } from './suite.ts';

/** Epsilon as the kernel has it. */
export const EPSILON = 42950 / 2 ** 32;

export interface Forward {
  out: Int16Array;
  xhat: Int16Array;
  rstd: Int32Array;
  clamped: number;
}

/** x-hat has the fraction bits of the columns unless others are given. */
export function forward(
  check: Check,
  x: Int32Array,
  shift: number,
  y: Int32Array | undefined,
  gain: Int16Array,
  bias: Int32Array | undefined,
  columns: number,
  fraction = xhatFraction(columns),
): Forward {
  const rows = x.length / columns;
  const out = output(new Int16Array(x.length));
  const xhat = output(new Int16Array(x.length));
  const rstd = output(new Int32Array(rows));
  const outcome = check({
    kernel: 'layer_norm_forward_i32i16',
    args: [
      input(x),
      shift,
      y ? input(y) : 0,
      input(gain),
      bias ? input(bias) : 0,
      out,
      xhat,
      rstd,
      rows,
      columns,
      fraction,
    ],
  });
  return {
    out: outcome.of(out),
    xhat: outcome.of(xhat),
    rstd: outcome.of(rstd),
    clamped: outcome.result as number,
  };
}

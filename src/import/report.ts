// What calibrating found, and what it chose.

import type { Scales } from './decide.ts';
import type { Measures } from './measure.ts';
import { ACTIVATION, BRANCH, STATE } from './ranges.ts';

/** What calibrating found. */
export interface ImportReport {
  /** Channels of each place whose values leave the chosen range: every one must be 0. */
  readonly saturated: Readonly<Record<string, number>>;
  /** The largest |value| of each place on the text, in the program's own units. */
  readonly largest: Readonly<Record<string, number>>;
  /** Neurons with products of their own, of each block. */
  readonly outliers: readonly number[];
  /** The residual stream holds 2^-residual of its values. */
  readonly residual: number;
  /** Of the layer norms: that of the program, or one that gives the same on these samples. */
  readonly epsilon: number;
}

const most = (values: Float64Array): number => values.reduce((a, b) => Math.max(a, b), 0);
const beyond = (values: Float64Array, limit: (i: number) => number): number =>
  values.reduce((n, value, i) => (value > limit(i) ? n + 1 : n), 0);

export function reportOf(measures: Measures, scales: Scales): ImportReport {
  const saturated: Record<string, number> = {};
  const largest: Record<string, number> = {};
  const put = (name: string, values: Float64Array, limit: (i: number) => number): void => {
    saturated[name] = beyond(values, limit);
    largest[name] = most(values);
  };
  const unit = 2 ** scales.residual;
  const branch = (name: string, value: number): void =>
    put(name, Float64Array.of(value), () => BRANCH * unit);
  if (measures.input !== undefined) branch('patches', measures.input);
  put('embeddings', Float64Array.of(measures.residual), () => STATE * unit);
  measures.blocks.forEach((block, k) => {
    const { norm1, norm2, wide, balance, value, isKeyBare, outliers } = scales.blocks[k];
    const isOutlier = new Set(outliers.map(([n]) => n));
    const at =
      (powers: Int8Array, more = 0) =>
      (c: number) =>
        ACTIVATION * 2 ** (powers[c] + more);
    put(`block.${k}.norm1`, block.norm1.most, at(norm1, wide[0]));
    put(`block.${k}.query`, block.query, (c) => ACTIVATION * 2 ** -balance[c]);
    put(`block.${k}.key`, isKeyBare ? block.bareKey : block.key, at(balance));
    put(`block.${k}.value`, block.value, at(value));
    branch(`block.${k}.attention`, block.attention);
    put(`block.${k}.norm2`, block.norm2.most, at(norm2, wide[1]));
    put(`block.${k}.up`, block.argument, (n) => (isOutlier.has(n) ? Infinity : ACTIVATION));
    branch(`block.${k}.mlp`, block.mlp);
    put(`block.${k}`, Float64Array.of(block.residual), () => STATE * unit);
  });
  put('norm', measures.norm, () => ACTIVATION * 2 ** scales.last);
  const outliers = scales.blocks.map((block) => block.outliers.length);
  const { residual, magnified } = scales;
  return { saturated, largest, outliers, residual, epsilon: 1e-5 * 4 ** (residual - magnified) };
}

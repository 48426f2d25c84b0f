// Which powers of two bring imported weights within the engine's formats, from what was measured.
// All are exact; each is applied only where a value would leave its range, so weights that fit
// already stay as they are, bit for bit.
//
//   residual   the stream and all that is added to it times 2^-k: branches end at +-1024
//   gains      a channel of a layer norm times 2^-a, the columns that read it times 2^a: +-16, or
//              2^wide times that with as many fraction bits fewer (width.ts)
//   balance    a channel of the queries times 2^b, of the keys times 2^-b: +-16 each
//   values     a channel of the values times 2^-e, the projection's column times 2^e: +-16
//   outliers   neurons beyond +-16, or whose weights would take the others' bits, are products of
//              their own (layers/outliers.ts)
//   logits     the last layer norm times 2^-s, logits times 2^s, and 2^k if the head is tied
//   epsilon    1e-5 times 4^-m: the nearest, or as near as tells on the rows that were seen, and as
//              states times 2^m stay below 2^15 (layers/rescaled.ts)

import type { ImportedFormats, NormWidths, OutlierNeuron } from '../index.ts';
import type { BlockMeasures, Measures } from './measure.ts';
import { outliersOf } from './neurons.ts';
import { ACTIVATION, BRANCH, fits, floorLog2, HEADROOM, STATE, toFit } from './ranges.ts';

/** Largest activation of an outlier neuron (layers/outliers.ts). */
const OUTLIER = 128;
const MASTER = 16;

/** Powers of two of one block; of each channel or neuron. */
export interface BlockScales {
  readonly norm1: Int8Array;
  readonly norm2: Int8Array;
  readonly wide: NormWidths;
  readonly balance: Int8Array;
  readonly value: Int8Array;
  /** The keys lose their bias, which softmax does not see. */
  readonly isKeyBare: boolean;
  readonly outliers: readonly OutlierNeuron[];
}

/** All powers of two of a model. */
export interface Scales {
  readonly residual: number;
  /** Of the last layer norm, and of the logits. */
  readonly last: number;
  readonly logits: number;
  readonly magnified: number;
  readonly blocks: readonly BlockScales[];
}

/** b of a channel: query times 2^b and key times 2^-b, the larger of which is the least there is.
 */
export function balanceOf(query: number, key: number): number {
  const isWide = Math.max(query, key) * HEADROOM > ACTIVATION;
  if (!isWide || query === 0 || key === 0) return 0;
  const larger = (b: number): number => Math.max(query * 2 ** b, key * 2 ** -b);
  const half = Math.floor((floorLog2(key) - floorLog2(query)) / 2);
  return [half, half + 1].reduce((best, b) => (larger(b) < larger(best) ? b : best));
}

const isBeyond = (query: Float64Array, key: Float64Array, balance: Int8Array): boolean =>
  query.some(
    (q, c) => Math.max(q * 2 ** balance[c], key[c] * 2 ** -balance[c]) * HEADROOM > ACTIVATION,
  );

function balances({ query, key, bareKey }: BlockMeasures) {
  const of = (keys: Float64Array) => Int8Array.from(query, (q, c) => balanceOf(q, keys[c]));
  const balance = of(key);
  if (!isBeyond(query, key, balance)) return { balance, isKeyBare: false };
  return { balance: of(bareKey), isKeyBare: true };
}

/** The scales of an outlier: its row as large as u within +-1024 lets it be; its column 1 to 2, so
 *  that all have the same bits, or as much larger as its activation within +-128 asks for. */
export function scaleOutlier(block: BlockMeasures, n: number, residual: number): OutlierNeuron {
  const { argument, activation, row, column, bias } = block;
  let i = -24;
  const isTooSmall = (): boolean =>
    argument[n] * HEADROOM > BRANCH * 2 ** i || Math.max(2 * row[n], bias[n]) >= MASTER * 2 ** i;
  while (isTooSmall()) i++;
  const weight = column[n] * 2 ** -residual;
  const most = activation[n] === 0 ? 24 : floorLog2(OUTLIER / (HEADROOM * activation[n]));
  const j = weight === 0 ? most : Math.min(most, floorLog2(weight));
  return [n, i, Math.max(-24, Math.min(24, j))];
}

/** k: the largest branch, neuron's write and state all fit. */
function residualOf(
  { blocks, residual, input = 0 }: Measures,
  outliers: readonly number[][],
): number {
  const branches = blocks.flatMap(({ attention, mlp, activation, column }, k) => [
    attention,
    mlp,
    ...outliers[k].map((n) => activation[n] * column[n]),
  ]);
  const states = [residual, ...blocks.map((block) => block.residual)];
  return Math.max(toFit(Math.max(input, ...branches), BRANCH), toFit(Math.max(...states), STATE));
}

/** k with 1e-5 * 4^-k nearest to epsilon, by its logarithm. */
function epsilonShift(epsilon: number): number {
  let shift = 0;
  while (epsilon < 0.5e-5 * 4 ** -shift && shift < 12) shift++;
  while (epsilon > 2e-5 * 4 ** -shift && shift > -2) shift--;
  return shift;
}

/** Most that an epsilon may be of a row's variance: 1 / sigma is then off by 2^-13. */
const EPSILON_PART = 2 ** -12;
/** Beyond which a state that is multiplied overflows, and most that it may be multiplied by. */
const MAGNIFIED = 2 ** 15;
const MOST_MAGNIFIED = 12;

/** The same where a greater epsilon does as well, or where states leave no room for a smaller one.
 */
function measuredShift(base: number, measures: Measures, residual: number): number {
  const states = [measures.residual, ...measures.blocks.map((block) => block.residual)];
  const { variance = 0 } = measures;
  let needed = 0;
  while (1e-5 * 4 ** -needed > variance * EPSILON_PART && needed < base) needed++;
  const most = Math.max(...states) * HEADROOM;
  const room = most === 0 ? base : Math.max(0, floorLog2(MAGNIFIED / most));
  return Math.min(needed, room, MOST_MAGNIFIED - residual);
}

/** The scales that a model needs. Without measures: those of its epsilon alone. */
export function decide(
  shape: { readonly epsilon: number; readonly tied: boolean },
  measures: Measures | undefined,
): Scales {
  const base = epsilonShift(shape.epsilon);
  if (measures === undefined)
    return { residual: 0, last: 0, logits: 0, magnified: base, blocks: [] };
  const outliers = measures.blocks.map(outliersOf);
  const residual = residualOf(measures, outliers);
  const last = toFit(Math.max(...measures.norm), ACTIVATION);
  const blocks = measures.blocks.map(
    (block, k): BlockScales => ({
      norm1: block.norm1.powers,
      norm2: block.norm2.powers,
      wide: [block.norm1.wide, block.norm2.wide],
      ...balances(block),
      value: fits(block.value),
      outliers: outliers[k].map((n) => scaleOutlier(block, n, residual)),
    }),
  );
  const logits = last + (shape.tied ? residual : 0);
  const shift = base > 0 ? measuredShift(base, measures, residual) : base;
  return { residual, last, logits, magnified: shift + residual, blocks };
}

/** What of it the model must know; undefined: it is a GPT like any other. */
export function formatsOf({ residual, logits, magnified, blocks }: Scales) {
  const outliers = blocks.map((block) => block.outliers);
  const norms = blocks.map(({ wide }) => wide);
  const isPlain = [residual, logits, magnified, ...norms.flat()].every((k) => k === 0);
  if (isPlain && outliers.every(({ length }) => length === 0)) return undefined;
  return { residual, magnified, logits, outliers, norms } satisfies ImportedFormats;
}

// Which neurons of an MLP get products of their own (layers/outliers.ts).

import { ACTIVATION, HEADROOM } from './ranges.ts';

/** A weight this many times larger than its tensor's usual largest one is an outlier. */
const WIDE = 16;
/** Most of a block. */
const MOST_OUTLIERS = 1024;

/** Of each neuron: its largest |argument|, the largest |weight| of its row once the layer norm's
 *  channels are within their range, and of its column. */
export interface Neurons {
  readonly argument: Float64Array;
  readonly row: Float64Array;
  readonly column: Float64Array;
}

const median = (values: Float64Array): number =>
  Float64Array.from(values).sort()[Math.floor(values.length / 2)];

/** The neurons beyond +-16, and those whose weights would take the others' bits: those with the
 *  largest arguments, if too many. */
export function outliersOf({ argument, row, column }: Neurons): number[] {
  const usualRow = median(row);
  const usualColumn = median(column);
  const found = [...argument.keys()].filter(
    (n) =>
      argument[n] * HEADROOM > ACTIVATION ||
      row[n] > WIDE * usualRow ||
      column[n] > WIDE * usualColumn,
  );
  found.sort((a, b) => argument[b] - argument[a] || a - b);
  return found.slice(0, MOST_OUTLIERS).sort((a, b) => a - b);
}

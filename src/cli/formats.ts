// The formats of an imported model as people read them: what is wider than in a model of one's own,
// of the whole and block by block.

import { count, table } from './format.ts';
import type { ImportedFormats } from './library.ts';

/** Ranges of a layer norm's output, and of an outlier neuron's argument at scale 1. */
const NORM = 16;
const ARGUMENT = 1024;

const power = (exponent: number): string => `2^${exponent}`;
const range = (most: number): string => `±${count(most)}`;

/** A row for each of so many blocks. */
function blockRows({ norms = [], outliers }: ImportedFormats, blocks: number): string[][] {
  return Array.from({ length: blocks }, (_, k) => {
    const [attention, mlp] = norms[k] ?? [0, 0];
    const neurons = outliers[k] ?? [];
    const widest = Math.max(...neurons.map(([, row]) => row));
    return [
      `block ${k}`,
      range(NORM * 2 ** attention),
      range(NORM * 2 ** mlp),
      count(neurons.length),
      neurons.length === 0 ? '' : range(ARGUMENT * 2 ** widest),
    ];
  });
}

/** The page of a model's formats. */
export function formatsPage(formats: ImportedFormats, blocks: number): string {
  const { residual, magnified, logits } = formats;
  const whole = [
    ['residual stream', `${power(-residual)} of its values`],
    ['epsilon of layer norms', `1e-5 times ${power(2 * (residual - magnified))}`],
    ['logits', `${power(logits)} times the products`],
  ];
  const head = ['', 'attention reads', 'MLP reads', 'outlier neurons', 'arguments'];
  const rows = table([head, ...blockRows(formats, blocks)], [1, 2, 3, 4]);
  return `formats of imported weights:\n${table(whole)}\n\n${rows}`;
}

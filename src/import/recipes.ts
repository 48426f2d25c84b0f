// The recipes of a model's parameters: which tensors, and which powers of two on rows and columns.

import type { BlockScales, Scales } from './decide.ts';
import type { ForeignModel } from './foreign.ts';
import type { BlockShape } from './paths.ts';
import type { Axis, Recipe } from './recipe.ts';

/** Rows of queries, keys and values. */
function qkvRows({ balance, value, isKeyBare }: BlockScales, isBias: boolean): Axis {
  const C = balance.length;
  const exponents = new Int8Array(3 * C);
  for (let c = 0; c < C; c++) {
    exponents[c] = balance[c];
    exponents[C + c] = -balance[c];
    exponents[2 * C + c] = -value[c];
  }
  if (!isBias || !isKeyBare) return { exponents };
  const isKey = (c: number): boolean => c >= C && c < 2 * C;
  return { exponents, places: Int32Array.from(exponents, (_, c) => (isKey(c) ? -1 : c)) };
}

/** Everything but the outlier neurons stays where it is. */
function without({ outliers }: BlockScales, neurons: number): Axis {
  if (outliers.length === 0) return {};
  const places = Int32Array.from({ length: neurons }, (_, n) => n);
  for (const [n] of outliers) places[n] = -1;
  return { places };
}

/** Only the outlier neurons stay, one after the other. */
function only({ outliers }: BlockScales, neurons: number, which: 1 | 2): Axis {
  const places = new Int32Array(neurons).fill(-1);
  const exponents = new Int8Array(neurons);
  outliers.forEach((neuron, i) => {
    places[neuron[0]] = i;
    exponents[neuron[0]] = -neuron[which];
  });
  return { places, exponents };
}

const negative = (exponents: Int8Array): Int8Array => exponents.map((n) => -n);

/** What becomes of a block's parameter. */
function changesOf(
  name: string,
  block: BlockScales,
  { residual }: Scales,
  neurons: number,
): Pick<Recipe, 'exponent' | 'onRows' | 'onColumns'> {
  const { norm1, norm2, value } = block;
  const isBias = name.endsWith('.bias');
  const changes: Record<string, Pick<Recipe, 'exponent' | 'onRows' | 'onColumns'>> = {
    norm1: { onRows: { exponents: negative(norm1) } },
    qkv: { onRows: qkvRows(block, isBias), onColumns: isBias ? {} : { exponents: norm1 } },
    projection: { exponent: -residual, onColumns: isBias ? {} : { exponents: value } },
    norm2: { onRows: { exponents: negative(norm2) } },
    up: { onRows: without(block, neurons), onColumns: isBias ? {} : { exponents: norm2 } },
    down: { exponent: -residual, onColumns: isBias ? {} : without(block, neurons) },
    'outlier.up': {
      onRows: only(block, neurons, 1),
      onColumns: isBias ? {} : { exponents: norm2 },
    },
    'outlier.down': { exponent: -residual, onColumns: only(block, neurons, 2) },
  };
  return changes[name.replace(/\.[a-z]+$/, '')];
}

/** The parameters of outlier neurons: name, shape, of which of the block's own. */
function outlierPaths(
  k: number,
  { channels: C, inner: M, bias }: BlockShape,
  count: number,
): { path: string; shape: number[]; of: string; size: number; columns: number }[] {
  const block = `block.${k}.`;
  const up = { path: `${block}outlier.up.weight`, of: `${block}up.weight`, size: M };
  const down = { path: `${block}outlier.down.weight`, of: `${block}down.weight`, size: C };
  const biases = { path: `${block}outlier.up.bias`, of: `${block}up.bias`, size: M };
  return [
    { ...up, shape: [count, C], columns: C },
    ...(bias ? [{ ...biases, shape: [count], columns: 1 }] : []),
    { ...down, shape: [C, count], columns: M },
  ];
}

/** Recipes of all parameters, in the order of forward. */
export function recipesOf(model: ForeignModel, scales: Scales): Recipe[] {
  const { shape, paths } = model;
  const count = Math.max(0, ...scales.blocks.map(({ outliers }) => outliers.length));
  const recipes: Recipe[] = [];
  const push = (
    path: string,
    sides: readonly number[],
    of: string,
    rows: number,
    columns: number,
  ): void => {
    const parts = model.parts(of, rows);
    const changes = { ...changeOf(path), ...model.placing?.(path) };
    recipes.push({ path, shape: sides, parts, columns, ...changes });
  };
  const changeOf = (path: string): Partial<Recipe> => {
    const [, k, name] = /^block\.(\d+)\.(.+)$/.exec(path) ?? [];
    const block = scales.blocks[Number(k)];
    if (block !== undefined) return changesOf(name, block, scales, shape.inner);
    if (/^(token|position|patch|class)\./.test(path)) return { exponent: -scales.residual };
    return path.startsWith('norm.') ? { exponent: -scales.last } : {};
  };
  for (const [path, sides] of paths) {
    push(path, sides, path, sides[0], sides[1] ?? 1);
    const [, k] = /^block\.(\d+)\.down\./.exec(path) ?? [];
    const isLastOfBlock = path.endsWith(shape.bias ? 'down.bias' : 'down.weight');
    if (count === 0 || k === undefined || !isLastOfBlock) continue;
    for (const one of outlierPaths(Number(k), shape, count))
      push(one.path, one.shape, one.of, one.size, one.columns);
  }
  return recipes;
}

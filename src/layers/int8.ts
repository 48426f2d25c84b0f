// The format of the operands of a model's products, as a choice: `operands` in its configuration.

import { choice, fields, list, text } from '../core/check.ts';
import { UsageError } from '../core/errors.ts';
import { INT8_BUILDS, type Int8Build } from '../kernels/int8.ts';
import { chooseInt8, whyNoRelaxed } from '../kernels/int8-wasm.ts';
import type { Planner } from '../memory/planner.ts';
import type { MatrixShape } from './columns.ts';
import { Int8Matrix } from './int8-matrix.ts';
import type { Matrix } from './matrix.ts';

/** The format of the operands of products. */
export interface Operands {
  /** By which it is found again. */
  readonly name: string;
  /** What it is made of again. */
  readonly options: object;
  /** Which kernels compute the products, and why these; no bit depends on it. */
  readonly kernels: string;
  /** Instead of a matrix of such a shape; undefined: just that. */
  matrix(at: Planner, shape: MatrixShape): Matrix | undefined;
  /** Throws UsageError if it has no place among these. */
  check(parameters: readonly { readonly path: string }[]): void;
}

/** Operands of 13 bits, kept as int16: what a model has that says nothing.
 *  @example
 *  console.log(int16().name); // int16
 */
export const int16 = (): Operands => ({
  name: 'int16',
  options: {},
  kernels: 'int16',
  matrix: () => undefined,
  check: () => {},
});

/** Of operands of 8 bits. */
export interface Int8Options {
  /** The matrices that have them, by the last part of their names before `.weight`: qkv,
   *  projection, up, down of a transformer (all but those whose sums are logits). */
  on?: readonly string[] | undefined;
  /** Forces the kernels: 'relaxed', 'pairs' or 'baseline'; 'auto' takes the fastest ones. Any value
   *  gives the same bits ('auto'). */
  build?: 'auto' | Int8Build | undefined;
}

/** Operands of 8 bits with scales of their own for rows and columns, where products are linear
 *  layers': faster where the runtime has WebAssembly's relaxed SIMD in its fast form, and the same
 *  bits where it has not. In the configuration of a model (`operands`). Throws
 *  UsageError if the runtime cannot run the build that is asked for, and where a model is planned
 *  for a name that none of its matrices has.
 *  @example
 *  const shape = { vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 };
 *  const model = gpt({ ...shape, operands: int8({ on: ['up', 'down'] }) });
 *  console.log(model.config.operands?.name); // int8
 */
export function int8(given: Int8Options = {}): Operands {
  const full = fields<Int8Options>('options', given, { on: undefined, build: 'auto' });
  choice('build', full.build, ['auto', ...INT8_BUILDS]);
  const on = full.on === undefined ? undefined : list('on', full.on, text, 1);
  const { build, why } = chosen(full.build);
  const fits = ({ name, kind, isLarge }: MatrixShape): boolean =>
    !isLarge && (on === undefined ? kind !== 'sums' : on.includes(name.slice(0, -1)));
  return {
    name: 'int8',
    options: { on, build },
    kernels: `int8 ${build}: ${why}`,
    matrix: (at, shape) => (fits(shape) ? new Int8Matrix(at, shape, build) : undefined),
    check(parameters) {
      const names = new Set(parameters.map(({ path }) => path.split('.').at(-2) ?? ''));
      const missing = on?.find((name) => !names.has(name));
      if (missing !== undefined)
        throw new UsageError(
          `int8 operands are on ${JSON.stringify(missing)}, which none of the model's matrices is`,
          `they are ${[...names].join(', ')}`,
        );
    },
  };
}

/** The fastest one, or what was asked for, as threads ask for what their trainer has: no clock. */
function chosen(build: Int8Options['build']): { build: Int8Build; why: string } {
  if (build === 'auto' || build === undefined) return chooseInt8();
  const reason = build === 'baseline' ? '' : whyNoRelaxed();
  if (reason !== '')
    throw new UsageError(`the ${build} build cannot be had: ${reason}`, "leave it to 'auto'");
  return { build, why: 'as asked for' };
}

// Types of product.mjs for the TypeScript contenders.
type Shape = readonly [m: number, n: number, k: number];
type Integers<T> = {
  from(source: { length: number }, value: (_: unknown, i: number) => number): T;
};
export const SHAPES: readonly Shape[];
export function leftOperand<T>(m: number, k: number, type: Integers<T>): T;
export function rightOperand<T>(k: number, n: number, type: Integers<T>): T;
export function fingerprint(values: ArrayLike<number>): number;
export function expectedFingerprint(shape: Shape): number;

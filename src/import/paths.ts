// The parameters of a transformer's blocks: paths and shapes in the order of forward.

/** The shape of the blocks. */
export interface BlockShape {
  readonly layers: number;
  readonly channels: number;
  readonly heads: number;
  /** Width of the MLP. */
  readonly inner: number;
  /** Whether linear layers and layer norms have biases. */
  readonly bias: boolean;
  /** Of layer norms. */
  readonly epsilon: number;
  /** Whether a row sees only the rows before it. */
  readonly causal: boolean;
}

/** A parameter's path and shape. */
export type ParameterPath = readonly [path: string, shape: readonly number[]];

/** Of a layer norm. */
export const normPaths = (name: string, { channels, bias }: BlockShape): ParameterPath[] => [
  [`${name}.gain`, [channels]],
  ...(bias ? [[`${name}.bias`, [channels]] as const] : []),
];

/** Of a linear layer. */
export const linearPaths = (
  name: string,
  out: number,
  into: number,
  bias: boolean,
): ParameterPath[] => [
  [`${name}.weight`, [out, into]],
  ...(bias ? [[`${name}.bias`, [out]] as const] : []),
];

/** Of all blocks. */
export function blockPaths(shape: BlockShape): ParameterPath[] {
  const { layers, channels: C, inner: M, bias } = shape;
  return Array.from({ length: layers }, (_, k) => [
    ...normPaths(`block.${k}.norm1`, shape),
    ...linearPaths(`block.${k}.qkv`, 3 * C, C, bias),
    ...linearPaths(`block.${k}.projection`, C, C, bias),
    ...normPaths(`block.${k}.norm2`, shape),
    ...linearPaths(`block.${k}.up`, M, C, bias),
    ...linearPaths(`block.${k}.down`, C, M, bias),
  ]).flat();
}

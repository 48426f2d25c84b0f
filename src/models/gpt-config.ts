// The GPT-2 architecture as a configuration and a table of parameters (name, shape, kind). Everything that walks over the
// parameters (memory plan, optimizer, checkpoint, digest) walks over this table, in this order.

import { UsageError } from '../errors.ts';
import type { Parameter } from '../nn/parameters.ts';

/** The shape of a GPT-2: B batch, T context, C channels, H heads, D = C / H (at most 128), V vocabulary, L layers. All whole numbers. */
export interface GptConfig {
  /** V: number of tokens, 2..65536. */
  vocabulary: number;
  /** L, 1..1024. */
  layers: number;
  /** C, 4..4096, a multiple of heads. */
  channels: number;
  /** H: attention heads, a divisor of channels. */
  heads: number;
  /** T: longest sequence, 1..4096. */
  context: number;
  /** Width of the MLP in units of C, 1..8 (4). */
  mlpRatio?: number;
  /** Biases in linear layers and layer norms (false). */
  bias?: boolean;
  /** The head shares the token embedding (true). */
  tied?: boolean;
}

const whole = (name: string, value: number, low: number, high: number): void => {
  if (!Number.isInteger(value) || value < low || value > high)
    throw new UsageError(`${name} is ${value}, expected a whole number from ${low} to ${high}`);
};

/** Checks a configuration. Throws UsageError with the first thing that is wrong; returns the configuration with its defaults filled in.
 *  @example
 *  const { mlpRatio, bias, tied } = checkGptConfig({ vocabulary: 96, layers: 2, channels: 64, heads: 4, context: 32 });
 *  console.log(mlpRatio, bias, tied); // 4 false true
 */
export function checkGptConfig(config: GptConfig): Required<GptConfig> {
  const full = { ...config, mlpRatio: config.mlpRatio ?? 4, bias: config.bias ?? false, tied: config.tied ?? true };
  whole('vocabulary', full.vocabulary, 2, 65536);
  whole('layers', full.layers, 1, 1024);
  whole('channels', full.channels, 4, 4096);
  whole('heads', full.heads, 1, full.channels);
  whole('context', full.context, 1, 4096);
  whole('mlpRatio', full.mlpRatio, 1, 8);
  if (full.channels % full.heads !== 0)
    throw new UsageError(`channels ${full.channels} is not divisible by heads ${full.heads}`,
      `choose heads among the divisors of ${full.channels}`);
  if (full.channels / full.heads > 128)
    throw new UsageError(`head size ${full.channels / full.heads} (channels / heads) is larger than 128`,
      `use at least ${Math.ceil(full.channels / 128)} heads; 128 products of 13-bit operands are the most that fit int32`);
  return full;
}

/** The table of parameters, in the order of the forward pass: the order of `tensors()`, of checkpoints and of the weights' digest. Residual
 *  projections start smaller by sqrt(2 L) (GPT-2). Throws UsageError for a wrong configuration.
 *  @example
 *  const table = gptParameters({ vocabulary: 96, layers: 1, channels: 64, heads: 4, context: 32 });
 *  console.log(table.length, table[3].name, table[3].shape); // 9 block.0.qkv.weight [ 192, 64 ]
 */
export function gptParameters(config: GptConfig): Parameter[] {
  const { vocabulary: V, layers, channels: C, context: T, mlpRatio, bias, tied } = checkGptConfig(config);
  const deviation = 0.02, residual = 0.02 / Math.sqrt(2 * layers), M = mlpRatio * C;
  const table: Parameter[] = [
    { name: 'token.weight', shape: [V, C], kind: 'embedding', deviation },
    { name: 'position.weight', shape: [T, C], kind: 'embedding', deviation },
  ];
  const norm = (name: string): void => {
    table.push({ name: `${name}.gain`, shape: [C], kind: 'gain', deviation: 0 });
    if (bias) table.push({ name: `${name}.bias`, shape: [C], kind: 'bias', deviation: 0 });
  };
  const linear = (name: string, out: number, into: number, spread: number): void => {
    table.push({ name: `${name}.weight`, shape: [out, into], kind: 'matrix', deviation: spread });
    if (bias) table.push({ name: `${name}.bias`, shape: [out], kind: 'bias', deviation: 0 });
  };
  for (let k = 0; k < layers; k++) {
    norm(`block.${k}.norm1`);
    linear(`block.${k}.qkv`, 3 * C, C, deviation);
    linear(`block.${k}.projection`, C, C, residual);
    norm(`block.${k}.norm2`);
    linear(`block.${k}.up`, M, C, deviation);
    linear(`block.${k}.down`, C, M, residual);
  }
  norm('norm');
  if (!tied) table.push({ name: 'head.weight', shape: [V, C], kind: 'matrix', deviation });
  return table;
}

// What the models' configurations and tables of parameters have in common.

import { UsageError } from '../errors.ts';
import type { Parameter } from '../nn/parameters.ts';

/** Standard deviation of initial matrices and embeddings (GPT-2). */
const DEVIATION = 0.02;

export function checkHeads(channels: number, heads: number): void {
  if (channels % heads !== 0)
    throw new UsageError(`channels ${channels} is not divisible by heads ${heads}`, `choose heads among the divisors of ${channels}`);
  if (channels / heads > 128)
    throw new UsageError(`head size ${channels / heads} (channels / heads) is larger than 128`,
      `use at least ${Math.ceil(channels / 128)} heads; 128 products of 13-bit operands are the most that fit int32`);
}

/** Collects a model's parameters in the order of its forward pass. */
export class ParameterTable {
  readonly rows: Parameter[] = [];
  constructor(private readonly bias: boolean) {}

  embedding(name: string, count: number, channels: number, deviation = DEVIATION): void {
    this.rows.push({ name: `${name}.weight`, shape: [count, channels], kind: 'embedding', deviation });
  }

  norm(name: string, channels: number): void {
    this.rows.push({ name: `${name}.gain`, shape: [channels], kind: 'gain', deviation: 0 });
    if (this.bias) this.rows.push({ name: `${name}.bias`, shape: [channels], kind: 'bias', deviation: 0 });
  }

  /** A matrix without a bias. */
  matrix(name: string, out: number, into: number, deviation = DEVIATION): void {
    this.rows.push({ name: `${name}.weight`, shape: [out, into], kind: 'matrix', deviation });
  }

  linear(name: string, out: number, into: number, deviation = DEVIATION): void {
    this.matrix(name, out, into, deviation);
    if (this.bias) this.rows.push({ name: `${name}.bias`, shape: [out], kind: 'bias', deviation: 0 });
  }

  /** A block's sublayers; `branches`: how many the residual stream adds up, so that projections start smaller by its root (GPT-2). */
  block(name: string, C: number, hidden: number, branches: number, hasCross = false): void {
    const residual = DEVIATION / Math.sqrt(branches);
    this.norm(`${name}.norm1`, C);
    this.linear(`${name}.qkv`, 3 * C, C);
    this.linear(`${name}.projection`, C, C, residual);
    if (hasCross) {
      this.norm(`${name}.cross.norm`, C);
      this.linear(`${name}.cross.query`, C, C);
      this.linear(`${name}.cross.keyValue`, 2 * C, C);
      this.linear(`${name}.cross.projection`, C, C, residual);
    }
    this.norm(`${name}.norm2`, C);
    this.linear(`${name}.up`, hidden, C);
    this.linear(`${name}.down`, C, hidden, residual);
  }
}

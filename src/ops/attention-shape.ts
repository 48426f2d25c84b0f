// What an attention is of, and where its matrices lie.

import type { Pointer } from '../kernels/kernels.ts';

/** The size of an attention. */
export interface AttentionShape {
  /** T: most queries. */
  readonly rows: number;
  /** S: most keys (causal: S = T, but where rows follow others that are kept). */
  readonly keys: number;
  /** C: of queries, keys and values. */
  readonly channels: number;
  /** H: a divisor of the channels. */
  readonly heads: number;
  /** Row t sees the keys 0..t only. */
  readonly causal: boolean;
}

/** Where the three matrices of an attention lie, int16. */
export interface AttentionInput {
  /** Queries [T, C]. */
  readonly q: Pointer;
  /** Keys [S, C]. */
  readonly k: Pointer;
  /** Values [S, C]. */
  readonly v: Pointer;
  /** Row distance of q. */
  readonly ldq: number;
  /** Row distance of k and v. */
  readonly ldk: number;
  /** q, k and v are the thirds of one matrix: their gradients share an exponent. */
  readonly isOne: boolean;
}

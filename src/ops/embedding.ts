// Embedding of one sequence into the residual state (token + position), and its gradients.

import type { Device } from '../kernels/device.ts';
import type { Pointer } from '../kernels/kernels.ts';
import { STREAM_GRADIENT_BITS, WEIGHT_GRADIENT_FRACTION } from '../tensor/formats.ts';
import { GRADIENT_LIMIT_BITS, type Scaled, gradientTooLarge } from './gradient.ts';
import { LOCK } from './locks.ts';

/** State int32 [rows, C] with l fraction bits from int32 masters. ids: int32[rows] in memory. */
export function embeddingForward(d: Device, ids: Pointer, token: Pointer, position: Pointer, state: Pointer, rows: number, channels: number, l: number): void {
  d.kernels.embedding_forward_i32(ids, token, position, state, rows, channels, l);
}

/** Adds dState to the int64 gradients of the embeddings. */
export function embeddingBackward(d: Device, ids: Pointer, dState: Scaled, dToken: Pointer, dPosition: Pointer, rows: number, channels: number): void {
  // No activation multiplies here, so its 4 bits are free (ops/gradient.ts).
  if (dState.exponent + STREAM_GRADIENT_BITS > GRADIENT_LIMIT_BITS + 4) throw gradientTooLarge();
  const shift = Math.max(-31, dState.exponent + WEIGHT_GRADIENT_FRACTION);
  d.team.exclusive(LOCK.embeddings, () => d.kernels.embedding_backward_i32i64(ids, dState.at, dToken, dPosition, rows, channels, shift));
}

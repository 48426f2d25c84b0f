// What an update rule of the residual stream is. The stack owns the order of blocks and the two states it holds; a rule says
// with which gamma = sigma 2^-m a block joins them:
//   x_{k+1} = gamma x_{k-1} + (1 - gamma) x_k + (1 + gamma) h_k(x_k)        (docs/reversibility.md; gamma = 0: the plain residual)
// and whether the states are rebuilt on the way back or the activations kept.

export interface UpdateRule {
  readonly name: 'bdia' | 'none';
  /** True: the backward pass inverts each update and recomputes the block. False: every block's activations are stored. */
  readonly rebuilds: boolean;
  /** m: bits of side information an element and block need. */
  readonly shift: number;
  /** sigma of block k (1..L-1) for a sample of a step: 1, -1, or 0 for gamma = 0. Block 0 is always plain. */
  sigma(step: number, sample: number, block: number): number;
}

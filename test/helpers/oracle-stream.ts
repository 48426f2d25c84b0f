// The residual stream of the float64 oracle: every update rule in double precision, forward and
// backward.

import type { Matrix } from './float64.ts';

/** How blocks join the residual stream: an update rule with its numbers, block by block. gammas[k],
 *  betas[k]: those of block k (0: plain). */
export type Update = { gammas: readonly number[] } | { betas: readonly number[] } | 'coupling';

/** A function's value and its gradient: back(dL/dy) gives dL/dx and adds the parameters' gradients.
 */
export interface Result {
  y: Matrix;
  back: (dy: Matrix) => Matrix;
}
export type Branch = (k: number, x: Matrix) => Result;

export const add = (...terms: [number, Matrix][]): Matrix =>
  Float64Array.from(terms[0][1], (_, i) => terms.reduce((sum, [f, m]) => sum + f * m[i], 0));

/** The residual stream of L blocks from x_0 to what the head sees. */
export function streamOf(
  update: Update,
  L: number,
  x0: Matrix,
  rounded: (m: Matrix) => Matrix,
  { block, attend, feed }: Record<'block' | 'attend' | 'feed', Branch>,
): Result {
  const zero = new Float64Array(x0.length);
  const backs: Result['back'][] = [];
  if (update === 'coupling') {
    // y1 = x1 + A(x2), y2 = x2 + F(y1); the head sees y1 + y2
    let x1 = x0;
    let x2 = x0;
    const second: Result['back'][] = [];
    for (let k = 0; k < L; k++) {
      const one = attend(k, x2);
      x1 = rounded(add([1, x1], [1, one.y]));
      const two = feed(k, x1);
      x2 = rounded(add([1, x2], [1, two.y]));
      backs.push(one.back);
      second.push(two.back);
    }
    return {
      y: add([1, x1], [1, x2]),
      back: (dy) => {
        let a = dy;
        let b = dy;
        for (let k = L - 1; k >= 0; k--) {
          a = add([1, a], [1, second[k](b)]);
          b = add([1, b], [1, backs[k](a)]);
        }
        return add([1, a], [1, b]);
      },
    };
  }
  if ('betas' in update) {
    // v_{k+1} = beta v_k + (1 - beta) h, x_{k+1} = x_k + v_{k+1}
    let x = x0;
    let v: Matrix = zero;
    for (let k = 0; k < L; k++) {
      const beta = update.betas[k];
      const h = block(k, x);
      v = add([beta, v], [1 - beta, h.y]);
      x = rounded(add([1, x], [1, v]));
      backs.push(h.back);
    }
    return {
      y: x,
      back: (dy) => {
        let dx = dy;
        let dv: Matrix = zero;
        for (let k = L - 1; k >= 0; k--) {
          const beta = update.betas[k];
          const sum = add([1, dv], [1, dx]);
          dx = add([1, dx], [1, backs[k](add([1 - beta, sum]))]);
          dv = add([beta, sum]);
        }
        return dx;
      },
    };
  }
  let x = x0;
  let previous: Matrix = zero; // x_{k+1} = gamma x_{k-1} + (1 - gamma) x_k + (1 + gamma) h
  for (let k = 0; k < L; k++) {
    const gamma = update.gammas[k];
    const h = block(k, x);
    [x, previous] = [rounded(add([gamma, previous], [1 - gamma, x], [1 + gamma, h.y])), x];
    backs.push(h.back);
  }
  return {
    y: x,
    back: (dy) => {
      let a = dy;
      let b: Matrix = zero;
      for (let k = L - 1; k >= 0; k--) {
        const gamma = update.gammas[k];
        [a, b] = [add([1, b], [1 - gamma, a], [1, backs[k](add([1 + gamma, a]))]), add([gamma, a])];
      }
      return a;
    },
  };
}

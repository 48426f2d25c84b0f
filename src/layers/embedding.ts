// Tokens (and their positions) as a residual state: row t is token[ids[t]] + position[t].

import type { Filled } from '../core/check.ts';
import { STREAM_GRADIENT_BITS, WEIGHT_GRADIENT_FRACTION } from '../memory/formats.ts';
import type { Parameter } from '../memory/parameter.ts';
import type { Planner } from '../memory/planner.ts';
import type { Gradient, Tensor, Type } from '../memory/tensor.ts';
import { GRADIENT_LIMIT_BITS, gradientTooLarge } from '../ops/gradient.ts';
import type { Run } from '../ops/run.ts';
import { layerOptions, refuse } from './check.ts';
import type { Layer, Planned } from './layer.ts';
import { DEVIATION } from './linear.ts';

/** Of an embedding. */
export interface EmbeddingOptions {
  /** V: rows of the table. */
  vocabulary: number;
  /** C: columns of the table. */
  channels: number;
  /** Name of the table: `name.weight` (token). */
  name?: string | undefined;
  /** Name of the learned positions (position). */
  positions?: string | undefined;
  /** Standard deviation of the initial values (0.02). */
  deviation?: number | undefined;
  /** Path of a table to share instead of one of its own. */
  shares?: string | undefined;
}

/** Token and learned position embeddings: ids [T, 1] to state [T, C].
 *  @example
 *  const layer = embedding({ vocabulary: 96, channels: 8 });
 *  console.log(layer.output({ kind: 'ids', rows: 6, columns: 1 }, 'state').columns); // 8
 */
export function embedding(given: EmbeddingOptions): Layer {
  const needed = { vocabulary: undefined, channels: undefined };
  const named = { name: 'token', positions: 'position', deviation: DEVIATION, shares: '' };
  const options = layerOptions(given, { ...needed, ...named });
  const { channels: columns } = options;
  return {
    takes: ['ids'],
    output(input) {
      if (input.kind !== 'ids') refuse('embedding', input, 'ids');
      return { kind: 'state', rows: input.rows, columns };
    },
    plan: (at, input) => new PlannedEmbedding(at, input, options),
  };
}

class PlannedEmbedding implements Planned<undefined> {
  readonly needsInput = true;
  readonly history = [];
  private readonly token: Parameter;
  private readonly position: Parameter;

  constructor(at: Planner, { rows }: Type, options: Filled<EmbeddingOptions>) {
    const { vocabulary, channels, name, positions, shares, deviation } = options;
    const table = (of: string, count: number): Parameter => {
      const shape = [count, channels];
      const init = { deviation };
      return at.parameter({ name: `${of}.weight`, shape, init, decays: true })[0];
    };
    this.token = shares === '' ? table(name, vocabulary) : at.find(shares)[0];
    this.position = table(positions, rows);
    if (shares !== '') this.token.rows += 2 * rows; // both that share it add to one gradient
  }

  saved(): undefined {
    return undefined;
  }

  prepare(run: Run, _x: Tensor, y: Tensor): void {
    y.fraction = run.stateFraction;
  }

  forward(run: Run, x: Tensor, _: undefined, y: Tensor): void {
    const { token, position } = this;
    const { columns } = y.type;
    y.rows = x.rows;
    run.kernels.embedding_forward_i32(
      x.at,
      token.master,
      position.master + run.past * columns * 4,
      y.at,
      x.rows,
      columns,
      y.fraction,
    );
  }

  backward(run: Run, dy: Gradient, x: Tensor): void {
    const { token, position } = this;
    const shift = embeddingShift(dy.exponent);
    const columns = token.shape[1];
    if (token.gradient + position.gradient === 0) return; // frozen
    run.team.exclusive(token.lock, () =>
      run.kernels.embedding_backward_i32i64(
        x.at,
        dy.at,
        token.gradient,
        position.gradient,
        x.rows,
        columns,
        shift,
      ),
    );
  }
}

/** The shift with which a state's gradient is added to an embedding's. No activation multiplies
 *  here, so its 4 bits are free (ops/gradient.ts). */
export function embeddingShift(exponent: number): number {
  if (exponent + STREAM_GRADIENT_BITS > GRADIENT_LIMIT_BITS + 4) throw gradientTooLarge();
  return Math.max(-31, exponent + WEIGHT_GRADIENT_FRACTION);
}

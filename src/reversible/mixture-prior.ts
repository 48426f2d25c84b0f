// What the last elements of a flow are expected to be: for each place and channel a mixture of
// discretised logistics, which is learned.

import { fields, text, whole } from '../core/check.ts';
import type { Pointer } from '../kernels/kernels.ts';
import { embeddingShift } from '../layers/embedding.ts';
import { BRANCH_FRACTION, MASTER_FRACTION } from '../memory/formats.ts';
import type { Parameter } from '../memory/parameter.ts';
import type { Planner, Scratch } from '../memory/planner.ts';
import type { Gradient } from '../memory/tensor.ts';
import type { Run } from '../ops/run.ts';
import type { Flow, FlowShape, PlannedFlow, Prior } from './flow.ts';

/** What a mixture is. */
export interface MixturePriorOptions {
  /** Logistics of an element, 2..16 (5: Hoogeboom et al.). */
  components?: number | undefined;
  /** In front of the names of its parameters (prior). */
  name?: string | undefined;
}

/** Standard deviation of the first means: half of what a byte has, as a state of +-1. */
const DEVIATION = 0.5;

/** A mixture of discretised logistics for every element that is left. It changes no element.
 *  @example
 *  const shape = { height: 4, width: 4, channels: 48, fraction: 7 };
 *  console.log(mixturePrior().prior(shape).components); // 5
 */
export function mixturePrior(
  options: MixturePriorOptions = {},
): Flow & Required<Pick<Flow, 'prior'>> {
  const defaults = { components: 5, name: 'prior' };
  const { components, name } = fields<MixturePriorOptions>('options', options, defaults);
  whole('components', components, 2, 16);
  text('name', name);
  const prior = ({ height, width, channels: columns }: FlowShape): Prior => ({
    first: 0,
    rows: height * width,
    columns,
    components,
  });
  return {
    output: (shape) => shape,
    prior,
    plan: (at, shape) => at.within(name, (inner) => new MixturePrior(inner, prior(shape))),
  };
}

class MixturePrior implements PlannedFlow<undefined> {
  /** Logits, means and logarithms of scales, each [rows, components * columns]. */
  private readonly parameters: readonly Parameter[];
  private readonly numbers: Scratch;
  private readonly width: number;

  constructor(
    at: Planner,
    private readonly prior: Prior,
  ) {
    const { rows, columns, components } = prior;
    this.width = components * columns;
    const shape = [rows, this.width];
    const make = (name: string, init: { deviation: number } | { value: number }): Parameter =>
      at.parameter({ name, shape, init, decays: false })[0];
    this.parameters = [
      make('logits', { value: 0 }),
      make('means', { deviation: DEVIATION }),
      make('scales', { value: 0 }),
    ];
    this.numbers = at.scratch('mixture', rows * this.width * 3 * 4);
  }

  saved(): undefined {
    return undefined;
  }

  prepare(): void {}

  forward(run: Run, _x: Pointer, _saved: undefined, prior: Pointer): void {
    const { parameters, width } = this;
    const { combine_i32: combine } = run.kernels;
    const shift = MASTER_FRACTION - BRANCH_FRACTION;
    for (let r = 0; r < this.prior.rows; r++)
      parameters.forEach(({ master }, i) => {
        const from = master + r * width * 4;
        combine(from, 1, shift, 0, 0, 0, 0, 0, prior + (r * 3 + i) * width * 4, width);
      });
  }

  inverse(run: Run, x: Pointer, saved: undefined, fill?: (numbers: Pointer) => void): void {
    if (fill === undefined) return;
    const { at } = this.numbers;
    this.forward(run, x, saved, at);
    fill(at);
  }

  /** Adds to the gradients, of 28 fraction bits. */
  backward(run: Run, _dx: Gradient, _saved: undefined, dPrior: Gradient): void {
    const { parameters, width } = this;
    const shift = embeddingShift(dPrior.exponent);
    const { embedding_backward_i32i64: add } = run.kernels;
    parameters.forEach(({ gradient, lock }, i) => {
      if (gradient === 0) return;
      run.team.exclusive(lock, () => {
        for (let r = 0; r < this.prior.rows; r++) {
          const from = dPrior.at + (r * 3 + i) * width * 4;
          add(0, from, 0, gradient + r * width * 8, 1, width, shift);
        }
      });
    });
  }
}

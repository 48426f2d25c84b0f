// The bits that a coder needs for the elements of a flow: -log2 of their whole frequencies, of
// discretised logistics and mixtures of them (Hoogeboom et al. 2019; Salimans, Karpathy, Chen,
// Kingma, "PixelCNN++", ICLR 2017).

import { fields, list, MAX_LENGTH, properties, whole } from '../core/check.ts';
import { UsageError } from '../core/errors.ts';
import type { Planner } from '../memory/planner.ts';
import type { Gradient, Tensor, Type } from '../memory/tensor.ts';
import { bitsOf } from '../ops/logistic.ts';
import type { Run } from '../ops/run.ts';
import { type FlowShape, numbersOf, type Prior, sizeOf } from '../reversible/flow.ts';
import { checkShape, type FlowLayer } from '../reversible/flow-stack.ts';
import { PRIOR_GRADIENT_FRACTION, PriorElement } from '../reversible/prior-element.ts';
import type { Loss, PlannedLoss, Score } from './loss.ts';

/** Of what elements and priors are. */
export interface DiscretisedLogisticOptions {
  /** The flows that the output is of. */
  flows: FlowLayer;
}

/** Bits per dimension of an image, by the frequencies that a coder has: no target but the image
 *  itself. Throws UsageError if the priors do not say something of each element once.
 *  @example
 *  const shape = { height: 2, width: 2, channels: 1, fraction: 7 };
 *  const flows = flowStack({ shape, flows: [squeeze(), mixturePrior()] });
 *  console.log(discretisedLogistic({ flows }).takes.join()); // sums
 */
export function discretisedLogistic(options: DiscretisedLogisticOptions): Loss<unknown> {
  const given = fields<DiscretisedLogisticOptions>('options', options, { flows: undefined });
  const names = ['priors', 'shape'] as const;
  const flows = properties('flows', given.flows, names);
  const shape = checkShape(flows.shape);
  const priors = list('priors', flows.priors, checkPrior, 0);
  const told = priors.reduce((n, { rows, columns }) => n + rows * columns, 0);
  if (told !== sizeOf(shape))
    throw new UsageError(
      `the priors are of ${told} elements, the image has ${sizeOf(shape)}`,
      'let each split have one, and mixturePrior() be the last flow',
    );
  return {
    takes: ['sums'],
    plan: (_: Planner, input: Type) => new DiscretisedLogistic(priors, shape, input),
  };
}

/** A copy of a prior. Throws UsageError for what is none. */
function checkPrior(name: string, given: unknown): Prior {
  const names = ['first', 'rows', 'columns', 'components'] as const;
  const { first, rows, columns, components } = properties(name, given as Prior, names);
  whole(`first of ${name}`, first, 0, MAX_LENGTH);
  whole(`rows of ${name}`, rows, 1, MAX_LENGTH);
  whole(`columns of ${name}`, columns, 1, MAX_LENGTH);
  whole(`components of ${name}`, components, 1, 16);
  return { first, rows, columns, components };
}

/** A prior with what computes its elements. */
interface Told {
  readonly prior: Prior;
  readonly element: PriorElement;
  /** Where its numbers begin in the output. */
  readonly at: number;
}

class DiscretisedLogistic implements PlannedLoss<unknown> {
  private readonly told: readonly Told[];
  private readonly size: number;

  constructor(priors: readonly Prior[], shape: FlowShape, input: Type) {
    this.size = sizeOf(shape);
    let at = this.size;
    this.told = priors.map((prior) => {
      const begin = at;
      at += numbersOf(prior);
      return { prior, element: new PriorElement(prior, shape.fraction), at: begin };
    });
    if (input.rows !== 1 || input.columns !== at)
      throw new UsageError(`the loss is given ${input.columns} columns, expected ${at} of flows`);
  }

  take(_: unknown, count: number): number {
    return count * this.size;
  }

  load(): void {}

  score({ int32 }: Run, x: Tensor, _: number, sum: Score, dx: Gradient | undefined): void {
    const from = x.at / 4;
    const to = (dx?.at ?? 0) / 4;
    for (const { prior, element, at } of this.told)
      for (let i = 0; i < prior.rows * prior.columns; i++) {
        const raw = int32[from + prior.first + i];
        element.move(int32, from + at, i);
        sum.loss += bitsOf(element.frequency(raw));
        if (dx === undefined) continue;
        const value = element.gradient(raw, int32, to + at, i);
        int32[to + prior.first + i] = value;
      }
    if (dx !== undefined) dx.exponent = -PRIOR_GRADIENT_FRACTION;
  }
}

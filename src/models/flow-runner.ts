// A model's flows at work outside of training: from an image's whole numbers to the last state and
// the numbers of its priors, and back. What codes images, and what rebuilds them.

import { callback, list, properties, text, typed } from '../core/check.ts';
import { UsageError } from '../core/errors.ts';
import { createWasmBackend } from '../kernels/wasm.ts';
import { Arena } from '../memory/arena.ts';
import type { Parameter } from '../memory/parameter.ts';
import { Planner } from '../memory/planner.ts';
import { Tensor } from '../memory/tensor.ts';
import { Run } from '../ops/run.ts';
import { numbersOf, type Prior, sizeOf } from '../reversible/flow.ts';
import type { FlowLayer, FlowStackSaved, PlannedFlows } from '../reversible/flow-stack.ts';

/** A tensor of weights by its name, int32 with 24 fraction bits: what `tensors()` of a trainer
 *  gives. */
export interface NamedWeights {
  /** Its path. */
  readonly name: string;
  /** Its elements. */
  readonly data: Int32Array;
}

const PAGE = 65536;
/** Pages in front of the first free byte, and one for rounding. */
const FIRST_PAGES = 4;

/** Writes the elements that a prior is of, of its numbers: both are views, for the moment. */
export type FillElements = (prior: Prior, numbers: Int32Array, elements: Int32Array) => void;

/** Flows with weights: forward, and back bit for bit. Throws UsageError for weights that are not
 *  those of the flows.
 *  @example
 *  const config = { width: 4, height: 4, colours: 1, levels: 1, flows: 1, channels: 4 };
 *  const trainer = Trainer.create({ model: idf(config), batch: 1, steps: 1 });
 *  const runner = new FlowRunner(idfFlows(config), trainer.tensors());
 *  const image = Int32Array.from({ length: 16 }, (_, i) => 8 * i - 128);
 *  const state = runner.forward(image).slice(0, 16);
 *  console.log(runner.inverse(state).join() === image.join()); // true
 */
export class FlowRunner {
  /** Kept by bundlers. @internal */
  static readonly name: string = 'FlowRunner';
  /** Bytes of memory in use. */
  readonly bytes: number;
  private readonly run: Run;
  private readonly stack: PlannedFlows;
  private readonly kept: FlowStackSaved;
  private readonly input: Tensor;
  private readonly output: Tensor;
  private readonly size: number;

  constructor(layer: FlowLayer, tensors: readonly NamedWeights[]) {
    const { height, width, channels } = layer.shape;
    const type = { kind: 'ids', rows: height * width, columns: channels } as const;
    this.size = sizeOf(layer.shape);
    this.input = new Tensor(type);
    this.output = new Tensor(layer.output(type, 'sums'));
    const lay = (base: number) => {
      const arena = new Arena(base);
      const at = Planner.create(arena, { rank: 0, threads: 1, sequences: 1, fraction: 9 });
      const stack = layer.plan(at, type, 'sums');
      this.input.at = at.own(this.size * 4);
      this.output.at = at.own(this.output.type.rows * this.output.type.columns * 4);
      return { stack, kept: stack.saved(arena), parameters: at.finish([]), end: arena.end };
    };
    const pages = Math.ceil(lay(0).end / PAGE) + FIRST_PAGES;
    this.bytes = pages * PAGE;
    this.run = new Run(createWasmBackend({ pages }));
    const { stack, kept, parameters } = lay(this.run.backend.base);
    this.stack = stack;
    this.kept = kept;
    this.input.rows = type.rows;
    load(this.run, parameters, tensors);
    const what = { copy: true, forward: true, backward: false };
    stack.prepare(this.run, this.input, this.output, what);
  }

  /** The last state's elements and then the numbers of every prior (a copy), of an image's numbers.
   *  @example
   *  const layer = flowStack({
   *    shape: { height: 2, width: 2, channels: 1, fraction: 7 },
   *    flows: [squeeze()],
   *  });
   *  console.log(new FlowRunner(layer, []).forward(Int32Array.of(1, 2, 3, 4)).join()); // 1,2,3,4
   */
  forward(numbers: Int32Array): Int32Array {
    const { run, stack, input, output, kept, size } = this;
    run.view(input.at, size).set(typed('numbers', numbers, 'Int32Array', size, size));
    stack.forward(run, input, kept, output);
    return run.view(output.at, output.size).slice();
  }

  /** The image of a last state (a copy). fill: for decoding, told what each prior says as soon as
   *  all is there that it depends on, writes the elements.
   *  @example
   *  const layer = flowStack({
   *    shape: { height: 2, width: 2, channels: 1, fraction: 7 },
   *    flows: [squeeze(), shuffleChannels(1)],
   *  });
   *  const runner = new FlowRunner(layer, []);
   *  console.log(runner.inverse(runner.forward(Int32Array.of(1, 2, 3, 4))).join()); // 1,2,3,4
   */
  inverse(state: Int32Array, fill?: FillElements): Int32Array {
    const { run, stack, kept, size } = this;
    const elements = run.view(kept.state, size);
    elements.set(typed('state', state, 'Int32Array', size, size));
    if (fill !== undefined) callback('fill', fill);
    const read = (prior: Prior, at: number): void => {
      const { first, rows, columns } = prior;
      const own = elements.subarray(first, first + rows * columns);
      fill?.(prior, run.view(at, numbersOf(prior)), own);
    };
    stack.inverse(run, kept, fill === undefined ? undefined : read);
    return elements.slice();
  }
}

function load(run: Run, parameters: readonly Parameter[], tensors: unknown): void {
  const given = list('tensors', tensors as readonly NamedWeights[], (what, tensor) => {
    const { name, data } = properties(what, tensor as NamedWeights, ['name', 'data']);
    return { name: text(`name of ${what}`, name), data };
  });
  for (const { path, master, size } of parameters) {
    const found = given.find(({ name }) => name === path);
    if (found === undefined) throw new UsageError(`the weights have no ${path}`);
    run.view(master, size).set(typed(path, found.data, 'Int32Array', size, size));
  }
}

// Cross entropy in nats of the softmax of each row's logits against a target class.

import type { Filled } from '../core/check.ts';
import type { Pointer } from '../kernels/kernels.ts';
import { allRows, IntegerRows, layerOptions } from '../layers/check.ts';
import { LOGIT_GRADIENT_FRACTION } from '../memory/formats.ts';
import type { Planner, Scratch } from '../memory/planner.ts';
import type { Gradient, Tensor, Type } from '../memory/tensor.ts';
import type { Run } from '../ops/run.ts';
import type { Loss, PlannedLoss, Score } from './loss.ts';

/** floor(log2(e) * 2^62): distances of logits are measured in powers of two. */
const LOG2E_Q62 = 6653256548922161245n;

/** Where the targets are, and which count. */
export interface CrossEntropyOptions<Batch> {
  /** The targets in a batch, int32 [samples, rows] (its `targets`). */
  targets?: ((batch: Batch) => Int32Array) | undefined;
  /** Rows of each sample, if not all of them: int32 [samples]. */
  lengths?: ((batch: Batch) => Int32Array) | undefined;
  /** What a batch calls those, for errors (lengths). */
  lengthsName?: string | undefined;
  /** What a batch calls the targets, for errors (targets). */
  name?: string | undefined;
  /** Leave out rows whose target is -1: masked language models (false). */
  ignores?: boolean | undefined;
  /** Count the rows whose largest logit is the target's (false). */
  counts?: boolean | undefined;
}

/** The field of a batch that has the targets if none is named. */
const targetsOf = (batch: unknown): Int32Array => Object(batch).targets;

/** The mean cross entropy of each row's softmax against its target, in nats.
 *  @example
 *  const model = defineModel('softmax', ({ classes }) => ({
 *    input: features({ count: 2 }),
 *    layers: [linear(classes)],
 *    loss: crossEntropy({ counts: true }),
 *  }));
 *  const trainer = Trainer.create({ model: model({ classes: 3 }), batch: 1, steps: 1 });
 *  const { loss } = trainer.evaluate({ values: [1, -1], targets: Int32Array.of(2) });
 *  console.log(loss.toFixed(2), Math.log(3).toFixed(2)); // 1.11 1.10
 */
export function crossEntropy<Batch = { targets: Int32Array }>(
  given: CrossEntropyOptions<Batch> = {},
): Loss<Batch> {
  const options = layerOptions<CrossEntropyOptions<Batch>>(given, {
    targets: targetsOf,
    lengths: allRows,
    lengthsName: 'lengths',
    name: 'targets',
    ignores: false,
    counts: false,
  });
  return {
    takes: ['sums', 'branch'],
    plan: (at, input) => new CrossEntropy(at, input, options),
  };
}

class CrossEntropy<Batch> implements PlannedLoss<Batch> {
  private readonly targets: Pointer;
  private readonly lossScratch: Scratch;
  private readonly known: Scratch;
  private readonly taken = new IntegerRows();
  /** The smallest target that there can be. */
  private readonly least: number;

  constructor(
    at: Planner,
    private readonly input: Type,
    private readonly options: Filled<CrossEntropyOptions<Batch>>,
  ) {
    this.targets = at.allocate('workspace', at.layout.sequences * input.rows * 4);
    this.lossScratch = at.scratch('losses', input.rows * 4);
    this.known = at.scratch('known targets', options.ignores ? input.rows * 4 : 0);
    this.least = options.ignores ? -1 : 0;
  }

  take(batch: Batch, count: number): number {
    const { rows, columns } = this.input;
    const { targets, lengths, lengthsName, name } = this.options;
    const shape = { count, width: rows, low: this.least, high: columns - 1 };
    const given = lengths === allRows ? undefined : { name: lengthsName, values: lengths(batch) };
    this.taken.take({ name, values: targets(batch) }, given, shape);
    const total = this.taken.lengths.reduce((a, b) => a + b, 0);
    const ignored = this.taken.values.reduce((n, target) => (target < 0 ? n + 1 : n), 0);
    return Math.max(1, total - ignored);
  }

  load(run: Run, first: number, count: number): void {
    const { rows } = this.input;
    const { taken } = this;
    const values = taken.values.subarray(first * rows, (first + count) * rows);
    run.view(this.targets, count * rows).set(values);
  }

  score(run: Run, x: Tensor, s: number, sum: Score, dx: Gradient | undefined): void {
    const { columns, rows: most } = this.input;
    const { rows, at } = x;
    const { int32, kernels } = run;
    const targets = this.targets + s * most * 4;
    const losses = this.lossScratch.at;
    const known = this.knownTargets(run, targets, rows);
    if (this.options.counts) sum.correct += countRight(int32, at, targets, rows, columns);
    // log2(e) * 2^(47 - fraction): distances with 15 fraction bits
    const scale = Number(LOG2E_Q62 >> BigInt(15 + x.fraction));
    const to = dx?.at ?? 0;
    kernels.cross_entropy_i32(at, columns, known, to, columns, losses, rows, columns, scale);
    for (let i = 0; i < rows; i++) {
      if (int32[targets / 4 + i] >= 0) sum.loss += int32[losses / 4 + i];
      else if (dx !== undefined) run.clear(to + i * columns * 4, columns * 4);
    }
    if (dx !== undefined) dx.exponent = -LOGIT_GRADIENT_FRACTION;
  }

  /** Where the targets are, with 0 instead of those that are left out. */
  private knownTargets({ int32 }: Run, targets: Pointer, rows: number): Pointer {
    if (this.least === 0) return targets;
    const to = this.known.at;
    for (let i = 0; i < rows; i++) int32[to / 4 + i] = Math.max(0, int32[targets / 4 + i]);
    return to;
  }
}

/** Rows whose first largest logit is the target's. */
function countRight(
  int32: Int32Array,
  logits: Pointer,
  targets: Pointer,
  rows: number,
  columns: number,
): number {
  let right = 0;
  for (let r = 0; r < rows; r++) {
    const row = logits / 4 + r * columns;
    let best = 0;
    for (let c = 1; c < columns; c++) if (int32[row + c] > int32[row + best]) best = c;
    if (best === int32[targets / 4 + r]) right++;
  }
  return right;
}

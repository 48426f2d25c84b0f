// The weights of one run as the beginning of another: learning on. The optimizer begins anew, and
// so does the schedule.

import { fields, instance, list, text } from '../core/check.ts';
import { loraOf } from '../layers/lora.ts';
import { OPTIMIZER_FRACTION } from '../memory/formats.ts';
import { matching } from '../memory/names.ts';
import { isWeight, type NamedTensor, readTensor } from '../train/tensors.ts';
import { Trainer } from '../train/trainer.ts';

/** How weights are loaded. */
export interface LoadOptions {
  /** Tensors that keep what the trainer has, given or not, as those of adapters that are not given
   *  do: their names, in which * stands for anything ([]). Of a head for other classes:
   *  `['head.*']`. */
  fresh?: readonly string[] | undefined;
}

/** Begins a run with weights that exist: of a checkpoint, or of any tensors of the same names and
 *  shapes. The optimizer's tensors are 0, and the step is 0: the schedule begins anew. What of the
 *  optimizer is among `tensors` is left out. Throws CheckpointError naming the first difference of
 *  name, shape or fraction bits, and UsageError for a name in `fresh` that fits no weight; nothing
 *  is changed then.
 *  @example
 *  const model = gpt({ vocabulary: 4, layers: 1, channels: 8, heads: 2, context: 4 });
 *  const first = Trainer.create({ model, batch: 1, steps: 10 });
 *  const batch = { inputs: Int32Array.of(0, 1, 2, 3), targets: Int32Array.of(1, 2, 3, 0) };
 *  while (first.steps < 10) first.step(batch);
 *  const second = Trainer.create({ model, batch: 1, steps: 5, learningRate: 0.0003 });
 *  loadWeights(second, first.tensors());
 *  console.log(second.steps, second.evaluate(batch).loss === first.evaluate(batch).loss); // 0 true
 */
export function loadWeights<Batch>(
  trainer: Trainer<Batch>,
  tensors: readonly NamedTensor[],
  options: LoadOptions = {},
): void {
  const { fresh: patterns } = fields<LoadOptions>('options', options, { fresh: [] });
  const fresh = matching(list('fresh', patterns, text));
  instance<object>('trainer', trainer, Trainer, 'a Trainer');
  const own = trainer.tensors();
  const weights = own.filter(isWeight);
  fresh.check(
    weights.map(({ name: path }) => ({ path })),
    'fresh',
  );
  const given = list('tensors', tensors, readTensor).filter(
    (tensor) => isWeight(tensor) && !fresh.fits(tensor.name),
  );
  const names = new Set(given.map(({ name }) => name));
  const isKept = (name: string): boolean =>
    fresh.fits(name) || (loraOf(name) !== undefined && !names.has(name));
  const kept = weights.filter(({ name }) => isKept(name));
  const zeros = new Int32Array(Math.max(...own.map(({ data }) => data.length)));
  const optimizer = own
    .filter((tensor) => !isWeight(tensor))
    .map((tensor) => ({
      ...tensor,
      data: zeros.subarray(0, tensor.data.length),
      fraction: OPTIMIZER_FRACTION,
    }));
  trainer.restore([...given, ...kept, ...optimizer], 0);
}

// One layer alone, outside of any network: for tests of what it computes to the bit.

import { Arena, createWasmBackend, Planner, Run, Tensor, tensorBytes } from 'retrograd';

/** The int32 outputs (a branch) of a layer for int16 operands of 9 fraction bits. `weightOf` gives
 *  weight i of a parameter by its path, in real units. */
export function apply(layer, input, values, weightOf) {
  const run = new Run(createWasmBackend({ pages: 64 }));
  const layout = { rank: 0, threads: 1, sequences: 1, fraction: 9 };
  const at = Planner.create(new Arena(run.backend.base), layout);
  const planned = layer.plan(at, input, 'branch');
  const x = Object.assign(new Tensor(input), { rows: input.rows, fraction: 9 });
  const y = new Tensor(layer.output(input, 'branch'));
  x.range.deviation = 1;
  for (const tensor of [x, y]) tensor.at = at.own(tensorBytes(tensor.type));
  const saved = planned.saved(at.arena);
  for (const { path, master, size } of at.finish([]))
    for (let i = 0; i < size; i++)
      run.int32[master / 4 + i] = Math.round(weightOf(path, i) * 2 ** 24);
  run.int16.set(values, x.at / 2);
  planned.prepare(run, x, y, { copy: true, forward: true, backward: true });
  planned.forward(run, x, saved, y);
  return Array.from(run.view(y.at, y.size));
}

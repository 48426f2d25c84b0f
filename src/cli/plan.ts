// retrograd plan: the memory of a training run, without running it.

import { asFlags } from './argv.ts';
import { pathsOf } from './data-paths.ts';
import { bytes, count, table } from './format.ts';
import type { SomeKind } from './kinds/kinds.ts';
import { type RunValues, runNames } from './options.ts';
import { planEvent, print, printJson } from './reporters.ts';

const MEANING: Record<string, string> = {
  weights: 'int32 master weights', gradients: 'exact int64 sums', optimizer: 'two int32 moments',
  states: 'kept of the forward pass', sideBits: 'one bit an activation a block', workspace: 'one block at a time',
};

export async function plan(kind: SomeKind, values: RunValues): Promise<number> {
  const { options, note } = await kind.planned(values);
  const memory = asFlags(runNames(kind.rows), () => kind.plan(options));
  if (values.json === true) {
    printJson(planEvent(memory, pathsOf(kind.rows.data, values)));
    return 0;
  }
  const rows = Object.entries(memory.bytes).map(([purpose, size]) => [purpose === 'sideBits' ? 'side bits' : purpose, bytes(size), count(size), MEANING[purpose] ?? '']);
  print(table([...rows, ['all', bytes(memory.total), count(memory.total), 'with alignment']], [1, 2]));
  print(`\n${count(memory.parameters)} parameters, ${note}; storing the states would need ${bytes(memory.storedStatesWouldBe)}`);
  return 0;
}

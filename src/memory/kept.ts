// What a layer, or several, keep of the forward pass for the backward pass.

import { Arena } from './arena.ts';
import type { Planner } from './planner.ts';

/** What `planned` keeps of `count` samples; for 0, of one on each thread. */
export function kept<Saved>(
  at: Planner,
  planned: { saved(slot: Arena): Saved },
  count: number,
): Saved[] {
  const one = new Arena(0);
  planned.saved(one);
  const bytes = one.total;
  const first = count === 0 ? at.own(bytes) : at.allocate('states', bytes * count);
  return Array.from({ length: count || 1 }, (_, i) => planned.saved(new Arena(first + i * bytes)));
}

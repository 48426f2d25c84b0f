// Beginnings of a sequence, as a search asks for them: each goes on from the one with which it
// shares most, of those that are kept.

import type { Tensor } from '../index.ts';
import type { Engine } from './engine.ts';

/** A beginning whose rows are kept. */
interface Kept {
  readonly slot: number;
  tokens: Int32Array;
}

const NOTHING = new Int32Array(0);

/** Tokens with which both begin. */
function sharedBy(a: Int32Array, b: Int32Array): number {
  let n = 0;
  while (n < a.length && n < b.length && a[n] === b[n]) n++;
  return n;
}

export class Prefixes {
  /** Those that were used longest ago first. */
  private kept: readonly Kept[];

  constructor(
    private readonly engine: Engine,
    private readonly rows: number,
    slots: number,
  ) {
    this.kept = Array.from({ length: slots }, (_, slot) => ({ slot, tokens: NOTHING }));
  }

  /** Forgets what is kept. */
  forget(): void {
    for (const one of this.kept) one.tokens = NOTHING;
  }

  /** The output after the last of some tokens. */
  output(tokens: Int32Array): Tensor {
    const { run, last } = this.engine;
    const shared = this.kept.map((one) => sharedBy(one.tokens, tokens));
    const most = Math.max(...shared);
    const one = this.room(this.kept[shared.indexOf(most)], most);
    const { slot } = one;
    let past = Math.min(most, tokens.length - 1);
    for (;;) {
      const part = tokens.subarray(past, past + this.rows);
      const count = part.length;
      const states = this.engine.extend([{ slot, first: 0, count, past }], [part]);
      past += count;
      if (past < tokens.length) continue;
      one.tokens = tokens;
      return last.outputs(run, states, [count - 1]);
    }
  }

  /** A place that has the first `shared` tokens of a beginning: its own, if it ends there, or else
   *  the one that was used longest ago. */
  private room(best: Kept, shared: number): Kept {
    const { run, last } = this.engine;
    const one = shared < best.tokens.length ? this.kept[0] : best;
    if (one !== best) last.cache?.copy(run, best.slot, one.slot);
    this.kept = [...this.kept.filter((other) => other !== one), one];
    one.tokens = NOTHING; // until its rows are there
    return one;
  }
}

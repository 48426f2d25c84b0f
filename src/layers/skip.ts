// A connection around layers: y = x + f(x), operand to operand.

import { list } from '../core/check.ts';
import type { Pointer } from '../kernels/kernels.ts';
import type { Arena } from '../memory/arena.ts';
import { OPERAND_MAX } from '../memory/formats.ts';
import type { Planner, Scratch } from '../memory/planner.ts';
import { type Gradient, Tensor, type Type, tensorBytes } from '../memory/tensor.ts';
import { activationFraction } from '../ops/range.ts';
import type { Run } from '../ops/run.ts';
import { Chain, type ChainSaved, typesOf } from './chain.ts';
import { asLayer, refuse } from './check.ts';
import type { Layer, Planned, Preparation } from './layer.ts';

/** The input plus what layers make of it, rounded half up and clamped: operand to operand of the
 *  same shape. Throws UsageError for layers that change it.
 *  @example
 *  const layer = skip(linear(8), relu());
 *  console.log(layer.output({ kind: 'operand', rows: 2, columns: 8 }, 'operand').columns); // 8
 */
export function skip(...layers: readonly Layer[]): Layer {
  list('layers', layers, asLayer, 1);
  const output = (input: Type): Type => {
    const made = typesOf(layers, input, 'operand')[layers.length];
    const isSame = made.rows === input.rows && made.columns === input.columns;
    if (input.kind !== 'operand') refuse('skip', input, 'operand');
    if (!isSame || made.kind !== 'operand') refuse('skip', made, 'what it is given, back');
    return input;
  };
  return {
    takes: ['operand'],
    output,
    plan: (at, input) => new Skip(at, layers, output(input)),
  };
}

/** What the layers keep, and where the gradient of y waits for theirs. */
interface SkipSaved {
  readonly kept: ChainSaved;
  readonly waits: Pointer;
}

class Skip implements Planned<SkipSaved> {
  readonly needsInput: boolean;
  private readonly chain: Chain;
  private readonly made: Tensor;
  private readonly place: Scratch;
  private readonly gradient: Gradient = { at: 0, exponent: 0 };
  private readonly bytes: number;

  constructor(at: Planner, layers: readonly Layer[], type: Type) {
    this.chain = new Chain(at, layers, type, 'operand');
    this.needsInput = this.chain.needsInput;
    this.made = new Tensor(type);
    this.place = at.scratch('skipped', tensorBytes(type));
    this.bytes = at.layout.forward ? 0 : type.rows * type.columns * 4;
  }

  saved(arena: Arena): SkipSaved {
    return { kept: this.chain.saved(arena), waits: arena.allocate('states', this.bytes) };
  }

  prepare(run: Run, x: Tensor, y: Tensor, what: Preparation): void {
    const { made, chain } = this;
    chain.prepare(run, x, made, what);
    y.range.deviation = x.range.deviation + made.range.deviation;
    y.range.offset = x.range.offset + made.range.offset;
    y.fraction = Math.min(activationFraction(y.range), x.fraction, made.fraction);
  }

  forward(run: Run, x: Tensor, saved: SkipSaved, y: Tensor): void {
    const { made, chain } = this;
    made.at = this.place.at;
    chain.forward(run, x, saved.kept, made);
    y.rows = x.rows;
    const { int16, counts } = run;
    const [a, b, to] = [x.at / 2, made.at / 2, y.at / 2];
    const [first, second] = [x.fraction - y.fraction, made.fraction - y.fraction];
    const n = x.size;
    for (let i = 0; i < n; i++) {
      const sum = rounded(int16[a + i], first) + rounded(int16[b + i], second);
      const kept = Math.min(Math.max(sum, -OPERAND_MAX), OPERAND_MAX);
      if (kept !== sum) counts.saturated++;
      int16[to + i] = kept;
    }
  }

  backward(run: Run, dy: Gradient, x: Tensor, saved: SkipSaved, dx: Gradient | undefined): void {
    const { gradient, chain } = this;
    const at = saved.waits;
    if (dx === undefined) {
      chain.backward(run, dy, x, saved.kept, undefined);
      return;
    }
    run.bytes.copyWithin(at, dy.at, dy.at + x.size * 4);
    gradient.at = at;
    gradient.exponent = dy.exponent;
    chain.backward(run, dy, x, saved.kept, dx);
    run.sum.of(x.size).add(gradient).add(dx).into(dx);
  }
}

/** Half up, by 0 to 8 bits. */
const rounded = (a: number, shift: number): number => (a + ((1 << shift) >> 1)) >> shift;

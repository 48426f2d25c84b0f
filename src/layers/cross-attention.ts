// Attention from one sequence to another, with its projections: queries from x, keys and values
// from run.memory, which gets a gradient too (Vaswani et al. 2017).

import { UsageError } from '../core/errors.ts';
import type { Pointer } from '../kernels/kernels.ts';
import type { Arena } from '../memory/arena.ts';
import { OPERAND_MAX } from '../memory/formats.ts';
import type { Planner, Scratch } from '../memory/planner.ts';
import { type Gradient, type Range, Tensor, type Type } from '../memory/tensor.ts';
import { Attention } from '../ops/attention.ts';
import { probabilityBytes } from '../ops/attention-parts.ts';
import type { AttentionInput, AttentionShape } from '../ops/attention-shape.ts';
import { toOperand } from '../ops/gradient.ts';
import { activationFraction } from '../ops/range.ts';
import type { Memory, Run } from '../ops/run.ts';
import { type AttentionOptions, checkHeads } from './attention.ts';
import { layerOptions, refuse } from './check.ts';
import { Columns } from './columns.ts';
import type { Layer, Planned, Preparation } from './layer.ts';
import { DEVIATION } from './linear.ts';
import type { Matrix } from './matrix.ts';
import { matrixOf } from './matrix-of.ts';

/** Attention to the rows of the stream before: operand [T, C] to branch [T, C]. Throws UsageError
 *  where there is none.
 *  @example
 *  const input = { kind: 'operand', rows: 6, columns: 8 };
 *  console.log(crossAttention({ heads: 2 }).output(input, 'branch').kind); // branch
 */
export function crossAttention(given: Omit<AttentionOptions, 'causal'>): Layer {
  const defaults = { heads: undefined, bias: false, deviation: DEVIATION };
  const options = layerOptions(given, defaults);
  const output = (input: Type): Type => {
    if (input.kind !== 'operand') refuse('cross-attention', input, 'operand');
    checkHeads(input.columns, options.heads);
    return { ...input, kind: 'branch' };
  };
  return {
    takes: ['operand'],
    output,
    plan(at, input) {
      output(input);
      const { memory } = at;
      if (memory === undefined)
        throw new UsageError(
          'cross-attention has nothing to look at',
          'use it in a stream that comes after another one',
        );
      return new CrossAttention(at, input, memory, options);
    },
  };
}

interface CrossSaved {
  readonly input: AttentionInput;
  readonly probabilities: Pointer;
  readonly attended: Pointer;
}

const inputOf = (q: Pointer, keyValue: Pointer, C: number): AttentionInput => ({
  q,
  k: keyValue,
  v: keyValue + C * 2,
  ldq: C,
  ldk: 2 * C,
  isOne: false,
});

class CrossAttention implements Planned<CrossSaved> {
  readonly needsInput = true;
  readonly history: readonly AttentionShape[];
  private readonly query: Matrix;
  private readonly keyValue: Matrix;
  private readonly projection: Matrix;
  private readonly core: Attention;
  private readonly ofQuery: Columns;
  private readonly ofKey: Columns;
  private readonly ofValue: Columns;
  private readonly attended: Tensor;
  private readonly queryRange: Range = { deviation: 0, offset: 0 };
  private readonly range: Range = { deviation: 0, offset: 0 };
  private readonly dOut: Gradient = { at: 0, exponent: 0 };
  private readonly flow: Gradient = { at: 0, exponent: 0 };
  /** int16 [T, C] and [S, 2C]; int32 [S, C]. */
  private readonly dInput: AttentionInput;
  private readonly dQuery: Gradient;
  private readonly dKeyValue: Gradient;
  private readonly dMemory: Gradient = { at: 0, exponent: 0 };
  private readonly memoryScratch: Scratch;

  constructor(
    at: Planner,
    private readonly input: Type,
    private readonly memory: Type,
    { heads, bias, deviation }: Required<Omit<AttentionOptions, 'causal'>>,
  ) {
    const { rows, columns: C } = input;
    const { rows: keys, columns: into } = memory;
    const usual = { rows, bias, deviation: DEVIATION };
    this.query = matrixOf(at, { ...usual, out: C, into: C, name: 'query.' });
    this.keyValue = matrixOf(at, {
      ...usual,
      rows: keys,
      out: 2 * C,
      into,
      name: 'keyValue.',
    });
    this.projection = matrixOf(at, {
      ...usual,
      out: C,
      into: C,
      name: 'projection.',
      deviation,
    });
    this.core = new Attention(at, { rows, keys, channels: C, heads, causal: false });
    this.history = [this.core.shape];
    this.ofQuery = new Columns(0, C, OPERAND_MAX);
    this.ofKey = new Columns(0, C, OPERAND_MAX);
    this.ofValue = new Columns(C, 2 * C, OPERAND_MAX);
    this.attended = new Tensor(input);
    this.dInput = inputOf(at.own(rows * C * 2), at.own(keys * 2 * C * 2), C);
    this.dQuery = { at: this.dInput.q, exponent: 0 };
    this.dKeyValue = { at: this.dInput.k, exponent: 0 };
    this.memoryScratch = at.scratch('memory gradient', keys * into * 4);
  }

  saved(arena: Arena): CrossSaved {
    const { rows, columns: C } = this.input;
    const query = arena.allocate('states', rows * C * 2);
    const keyValue = arena.allocate('states', this.memory.rows * 2 * C * 2);
    return {
      input: inputOf(query, keyValue, C),
      probabilities: arena.allocate('states', probabilityBytes(this.core.shape)),
      attended: arena.allocate('states', rows * C * 2),
    };
  }

  prepare(run: Run, x: Tensor, _: Tensor, what: Preparation): void {
    const { query, keyValue, projection, core, attended, queryRange, range } = this;
    const { tensor } = run.memory as Memory;
    query.prepare(run, x, what);
    keyValue.prepare(run, tensor, what);
    query.range(run, this.ofQuery, x.range, queryRange);
    keyValue.range(run, this.ofKey, tensor.range, range);
    core.queryKey = Math.min(activationFraction(queryRange), activationFraction(range));
    keyValue.range(run, this.ofValue, tensor.range, attended.range);
    core.value = activationFraction(attended.range);
    attended.fraction = core.value;
    projection.prepare(run, attended, what);
    query.format(run, this.ofQuery, core.queryKey);
    keyValue.format(run, this.ofKey, core.queryKey);
    keyValue.format(run, this.ofValue, core.value);
    projection.formatBranch(run, this.ofQuery);
  }

  forward(run: Run, x: Tensor, saved: CrossSaved, y: Tensor): void {
    const { query, core, attended } = this;
    const { tensor } = run.memory as Memory;
    const { input } = saved;
    y.rows = x.rows;
    query.multiply(run, x, query.sums.at);
    query.roundColumns(run, this.ofQuery, input.q, x.rows);
    if (run.cache?.needs(core) ?? true) this.lookAt(run, tensor, input.k);
    core.resize(x.rows, tensor.rows);
    (run.cache ?? core).forward(run, input, saved.probabilities, saved.attended, core);
    attended.at = saved.attended;
    attended.rows = x.rows;
    this.projection.branch(run, attended, y.at);
  }

  /** Keys and values of the other sequence. */
  private lookAt(run: Run, tensor: Tensor, to: Pointer): void {
    const { keyValue } = this;
    keyValue.multiply(run, tensor, keyValue.sums.at);
    keyValue.roundColumns(run, this.ofKey, to, tensor.rows);
    keyValue.roundColumns(run, this.ofValue, to, tensor.rows);
  }

  backward(run: Run, dy: Gradient, x: Tensor, saved: CrossSaved, dx: Gradient | undefined): void {
    const { query, keyValue, projection, core, attended, dOut, flow, dMemory } = this;
    const { tensor, gradient } = run.memory as Memory;
    const n = x.size;
    attended.at = saved.attended;
    attended.rows = x.rows;
    dOut.at = projection.operand.at;
    flow.at = projection.sums.at;
    dMemory.at = this.memoryScratch.at;
    toOperand(run, dy, dOut, n);
    projection.backward(run, dOut, attended, flow);
    toOperand(run, flow, dOut, n);
    core.resize(x.rows, tensor.rows);
    core.backward(run, dOut, saved.input, saved.probabilities, this.dInput);
    this.dKeyValue.exponent = core.keyValueExponent;
    keyValue.backward(run, this.dKeyValue, tensor, dMemory);
    run.sum.of(tensor.size).add(gradient).add(dMemory).into(gradient);
    this.dQuery.exponent = core.queryExponent;
    query.backward(run, this.dQuery, x, dx);
  }
}

// Multi-head self-attention with its projections:  y = W_o attention(x W_q, x W_k, x W_v), on one
// sequence (Vaswani et al. 2017). `causal`: row t sees rows 0..t; otherwise every row sees all.

import { UsageError } from '../core/errors.ts';
import type { Pointer } from '../kernels/kernels.ts';
import type { Arena } from '../memory/arena.ts';
import { OPERAND_MAX } from '../memory/formats.ts';
import type { Planner } from '../memory/planner.ts';
import { type Gradient, type Range, Tensor, type Type } from '../memory/tensor.ts';
import { Attention } from '../ops/attention.ts';
import { probabilityBytes } from '../ops/attention-parts.ts';
import type { AttentionInput, AttentionShape } from '../ops/attention-shape.ts';
import { toOperand } from '../ops/gradient.ts';
import { activationFraction } from '../ops/range.ts';
import type { Run } from '../ops/run.ts';
import { layerOptions, refuse } from './check.ts';
import { Columns } from './columns.ts';
import type { Layer, Planned, Preparation } from './layer.ts';
import { DEVIATION } from './linear.ts';
import type { Matrix } from './matrix.ts';
import { matrixOf } from './matrix-of.ts';

/** Of attention. */
export interface AttentionOptions {
  /** H, a divisor of the channels; a head has at most 128. */
  heads: number;
  /** Row t sees rows 0..t only (false). */
  causal?: boolean | undefined;
  /** Biases of the projections (false). */
  bias?: boolean | undefined;
  /** Standard deviation of the initial output projection (0.02). */
  deviation?: number | undefined;
}

/** Throws UsageError unless the channels can be shared by such heads. */
export function checkHeads(channels: number, heads: number): void {
  if (channels % heads !== 0)
    throw new UsageError(
      `channels ${channels} is not divisible by heads ${heads}`,
      `choose heads among the divisors of ${channels}`,
    );
  if (channels / heads > 128)
    throw new UsageError(
      `head size ${channels / heads} (channels / heads) is larger than 128`,
      `use at least ${Math.ceil(channels / 128)} heads`,
    );
}

/** Softmax attention of all rows to all, or to those before: operand [T, C] to branch [T, C].
 *  Throws UsageError for heads that do not divide the channels.
 *  @example
 *  const input = { kind: 'operand', rows: 6, columns: 8 };
 *  console.log(attention({ heads: 2, causal: true }).output(input, 'branch').kind); // branch
 */
export function attention(given: AttentionOptions): Layer {
  const defaults = { heads: undefined, causal: false, bias: false, deviation: DEVIATION };
  const options = layerOptions(given, defaults);
  const output = (input: Type): Type => {
    if (input.kind !== 'operand') refuse('attention', input, 'operand');
    checkHeads(input.columns, options.heads);
    return { ...input, kind: 'branch' };
  };
  return {
    takes: ['operand'],
    output,
    plan(at, input) {
      output(input);
      return new SelfAttention(at, input, options);
    },
  };
}

/** What the backward pass needs: q, k, v as thirds of the rows of one matrix. */
interface AttentionSaved {
  readonly qkv: AttentionInput;
  readonly probabilities: Pointer;
  readonly attended: Pointer;
}

const thirds = (q: Pointer, channels: number): AttentionInput => {
  const ld = 3 * channels;
  return { q, k: q + channels * 2, v: q + channels * 4, ldq: ld, ldk: ld, isOne: true };
};

class SelfAttention implements Planned<AttentionSaved> {
  readonly needsInput = true;
  readonly history: readonly AttentionShape[] | undefined;
  private readonly qkv: Matrix;
  private readonly projection: Matrix;
  private readonly core: Attention;
  private readonly queryKey: Columns;
  private readonly value: Columns;
  private readonly whole: Columns;
  private readonly attended: Tensor;
  private readonly range: Range = { deviation: 0, offset: 0 };
  /** int16 [T, C], then int16 [T, 3C]. */
  private readonly dOut: Gradient = { at: 0, exponent: 0 };
  private readonly dQkv: AttentionInput;
  private readonly dInput: Gradient;
  private readonly flow: Gradient = { at: 0, exponent: 0 };

  constructor(
    at: Planner,
    private readonly input: Type,
    { heads, causal, bias, deviation }: Required<AttentionOptions>,
  ) {
    const { rows, columns: C } = input;
    const shape = { into: C, rows, bias };
    const keys = Math.max(rows, at.layout.keys ?? 0);
    this.qkv = matrixOf(at, { ...shape, out: 3 * C, name: 'qkv.', deviation: DEVIATION });
    this.projection = matrixOf(at, { ...shape, out: C, name: 'projection.', deviation });
    this.core = new Attention(at, { rows, keys, channels: C, heads, causal });
    if (causal) this.history = [this.core.shape];
    this.queryKey = new Columns(0, 2 * C, OPERAND_MAX);
    this.value = new Columns(2 * C, 3 * C, OPERAND_MAX);
    this.whole = new Columns(0, C, OPERAND_MAX);
    this.attended = new Tensor(input);
    this.dQkv = thirds(at.own(rows * 3 * C * 2), C);
    this.dInput = { at: this.dQkv.q, exponent: 0 };
  }

  saved(arena: Arena): AttentionSaved {
    const { rows, columns: C } = this.input;
    return {
      qkv: thirds(arena.allocate('states', rows * 3 * C * 2), C),
      probabilities: arena.allocate('states', probabilityBytes(this.core.shape)),
      attended: arena.allocate('states', rows * C * 2),
    };
  }

  prepare(run: Run, x: Tensor, _: Tensor, what: Preparation): void {
    const { qkv, projection, core, queryKey, value, attended, range } = this;
    qkv.prepare(run, x, what);
    qkv.range(run, queryKey, x.range, range);
    core.queryKey = activationFraction(range);
    qkv.range(run, value, x.range, attended.range);
    core.value = activationFraction(attended.range);
    attended.fraction = core.value;
    projection.prepare(run, attended, what);
    qkv.format(run, queryKey, core.queryKey);
    qkv.format(run, value, core.value);
    projection.formatBranch(run, this.whole);
  }

  forward(run: Run, x: Tensor, saved: AttentionSaved, y: Tensor): void {
    const { qkv, core, attended } = this;
    const { rows } = x;
    y.rows = rows;
    qkv.multiply(run, x, qkv.sums.at);
    qkv.roundColumns(run, this.queryKey, saved.qkv.q, rows);
    qkv.roundColumns(run, this.value, saved.qkv.q, rows);
    core.resize(rows, rows);
    (run.cache ?? core).forward(run, saved.qkv, saved.probabilities, saved.attended, core);
    attended.at = saved.attended;
    attended.rows = rows;
    this.projection.branch(run, attended, y.at);
  }

  backward(
    run: Run,
    dy: Gradient,
    x: Tensor,
    saved: AttentionSaved,
    dx: Gradient | undefined,
  ): void {
    const { projection, core, attended, dOut, flow, dInput } = this;
    const n = x.size;
    attended.at = saved.attended;
    attended.rows = x.rows;
    dOut.at = projection.operand.at;
    flow.at = projection.sums.at;
    toOperand(run, dy, dOut, n);
    projection.backward(run, dOut, attended, flow);
    toOperand(run, flow, dOut, n);
    core.resize(x.rows, x.rows);
    core.backward(run, dOut, saved.qkv, saved.probabilities, this.dQkv);
    dInput.exponent = core.queryExponent;
    this.qkv.backward(run, dInput, x, dx);
  }
}

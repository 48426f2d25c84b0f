// One half of a block: y = A(LN z), multi-head attention with its projections, on one sequence. `causal`: GPT's, row t sees rows 0..t;
// otherwise every row sees all (ViT, encoder).

import type { Device } from '../kernels/device.ts';
import type { Pointer } from '../kernels/kernels.ts';
import { type AttentionInput, type AttentionScratch, type AttentionShape, attentionBackward, attentionForward, layoutAttentionScratch, probabilityBytes } from '../ops/attention.ts';
import { type Scaled, toOperand } from '../ops/gradient.ts';
import { type NormSaved, layoutNormSaved } from '../ops/layer-norm.ts';
import { LOCK } from '../ops/locks.ts';
import { type Preparation, layoutWeight } from '../ops/weight.ts';
import type { Arena } from '../tensor/arena.ts';
import { NORM_FRACTION, OPERAND_MAX } from '../tensor/formats.ts';
import { LayerNorm } from './layer-norm.ts';
import { Linear } from './linear.ts';
import type { ParameterStore } from './parameters.ts';
import type { BlockShape, Place, Sublayer, SublayerScratch } from './sublayer.ts';

/** What the backward pass needs of the forward pass, for one sequence. */
interface AttentionSaved {
  readonly norm: NormSaved;
  readonly qkv: Pointer;
  readonly probabilities: Pointer;
  readonly attended: Pointer;
}

/** q, k, v as thirds of the rows of one matrix. */
const thirds = (at: Pointer, channels: number): AttentionInput => ({ q: at, k: at + channels * 2, v: at + channels * 4, ldq: 3 * channels, ldk: 3 * channels });

export class SelfAttention implements Sublayer {
  private readonly norm: LayerNorm;
  private readonly qkv: Linear;
  private readonly projection: Linear;
  private readonly scratch: AttentionScratch;
  /** int16 [T, 3C]. */
  private readonly dQkv: Pointer;
  private queryKey = 0;
  private value = 0;

  constructor(arena: Arena, private readonly shape: BlockShape, private readonly shared: SublayerScratch) {
    const { context: T, channels: C } = shape;
    this.norm = new LayerNorm(arena, C, shared.norm);
    this.qkv = new Linear(arena, layoutWeight(arena, 3 * C, C), LOCK.qkv, shared.linear);
    this.projection = new Linear(arena, layoutWeight(arena, C, C), LOCK.projection, shared.linear);
    this.scratch = layoutAttentionScratch(arena, this.attentionShape(T));
    this.dQkv = arena.allocate('workspace', T * 3 * C * 2);
  }

  private attentionShape(rows: number): AttentionShape {
    return { rows, keys: rows, channels: this.shape.channels, heads: this.shape.heads, causal: this.shape.causal };
  }

  layout(arena: Arena): AttentionSaved {
    const { context: T, channels: C, heads } = this.shape;
    return {
      norm: layoutNormSaved(arena, T, C), qkv: arena.allocate('states', T * 3 * C * 2),
      probabilities: arena.allocate('states', probabilityBytes(T, T, heads)), attended: arena.allocate('states', T * C * 2),
    };
  }

  prepare(d: Device, store: ParameterStore, block: string, what: Preparation): void {
    this.norm.prepare(d, store, `${block}.norm1`);
    this.qkv.load(store, `${block}.qkv`);
    this.projection.load(store, `${block}.projection`);
    this.qkv.prepare(d, what);
    this.projection.prepare(d, what);
    const { channels: C } = this.shape, scale = this.norm.scale(d);
    this.queryKey = this.qkv.fractionOf(d, 0, 2 * C, scale);
    this.value = this.qkv.fractionOf(d, 2 * C, 3 * C, scale);
  }

  forward(d: Device, { x, shift, before, rows }: Place, saved: AttentionSaved, y: Pointer): void {
    const { channels: C } = this.shape, { queryKey, value } = this;
    this.norm.forward(d, x, shift, before, saved.norm, rows);
    this.qkv.sums(d, saved.norm.out, rows);
    this.qkv.round(d, saved.qkv, 0, 2 * C, NORM_FRACTION, queryKey, OPERAND_MAX, rows);
    this.qkv.round(d, saved.qkv, 2 * C, 3 * C, NORM_FRACTION, value, OPERAND_MAX, rows);
    attentionForward(d, thirds(saved.qkv, C), saved.probabilities, saved.attended, this.attentionShape(rows), { queryKey, value }, this.scratch);
    this.projection.forwardBranch(d, saved.attended, value, y, rows);
  }

  backward(d: Device, dy: Scaled, { rows }: Place, saved: AttentionSaved, dz: Pointer): Scaled {
    const { channels: C } = this.shape, { queryKey, value, shared: { dOut, linear: { sums } } } = this;
    const dProjected: Scaled = { at: dOut, exponent: toOperand(d, dy, dOut, rows, C, OPERAND_MAX) };
    const dSum = this.projection.backward(d, dProjected, saved.attended, value, sums, rows);
    const dAttended: Scaled = { at: dOut, exponent: toOperand(d, dSum, dOut, rows, C, OPERAND_MAX) };
    const { query } = attentionBackward(d, dAttended, thirds(saved.qkv, C), saved.probabilities, thirds(this.dQkv, C), this.attentionShape(rows), { queryKey, value }, this.scratch);
    const dNorm = this.qkv.backward(d, { at: this.dQkv, exponent: query }, saved.norm.out, NORM_FRACTION, sums, rows);
    return { at: dz, exponent: this.norm.backward(d, dNorm, saved.norm, dz, rows) };
  }
}

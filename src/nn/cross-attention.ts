// The sublayer in which a decoder looks at the encoder's output: y = A(LN z, memory), queries from z, keys and values from memory, with
// its projections, on one sequence. It also adds to the gradient of memory.

import type { Device } from '../kernels/device.ts';
import type { Pointer } from '../kernels/kernels.ts';
import { type AttentionInput, type AttentionScratch, type AttentionShape, attentionBackward, attentionForward, layoutAttentionScratch, probabilityBytes } from '../ops/attention.ts';
import { type Scaled, combine, toOperand } from '../ops/gradient.ts';
import { type NormSaved, layoutNormSaved } from '../ops/layer-norm.ts';
import { LOCK } from '../ops/locks.ts';
import { type Preparation, layoutWeight } from '../ops/weight.ts';
import type { Arena } from '../tensor/arena.ts';
import { NORM_FRACTION, OPERAND_MAX } from '../tensor/formats.ts';
import { LayerNorm } from './layer-norm.ts';
import { Linear } from './linear.ts';
import type { ParameterStore } from './parameters.ts';
import type { BlockShape, Memory, Place, Sublayer, SublayerScratch } from './sublayer.ts';

interface CrossSaved {
  readonly norm: NormSaved;
  readonly query: Pointer;
  readonly keyValue: Pointer;
  readonly probabilities: Pointer;
  readonly attended: Pointer;
}

/** The parameter that memory was normalised with: it decides the range of keys and values. */
const MEMORY_NORM = 'encoder.norm';

export class CrossAttention implements Sublayer {
  private readonly norm: LayerNorm;
  private readonly memoryNorm: LayerNorm;
  private readonly query: Linear;
  private readonly keyValue: Linear;
  private readonly projection: Linear;
  private readonly scratch: AttentionScratch;
  /** int16 [T, C], [S, 2C]; int32 [S, C]. */
  private readonly dQuery: Pointer;
  private readonly dKeyValue: Pointer;
  private readonly dMemory: Pointer;
  private queryKey = 0;
  private value = 0;

  constructor(arena: Arena, private readonly shape: BlockShape, private readonly shared: SublayerScratch) {
    const { context: T, channels: C, memory: S } = shape, workspace = (bytes: number): Pointer => arena.allocate('workspace', bytes);
    this.norm = new LayerNorm(arena, C, shared.norm);
    this.memoryNorm = new LayerNorm(arena, C, shared.norm);
    this.query = new Linear(arena, layoutWeight(arena, C, C), LOCK.query, shared.linear);
    this.keyValue = new Linear(arena, layoutWeight(arena, 2 * C, C), LOCK.keyValue, shared.linear);
    this.projection = new Linear(arena, layoutWeight(arena, C, C), LOCK.mix, shared.linear);
    this.scratch = layoutAttentionScratch(arena, this.attentionShape(T, S));
    [this.dQuery, this.dKeyValue, this.dMemory] = [workspace(T * C * 2), workspace(S * 2 * C * 2), workspace(S * C * 4)];
  }

  private attentionShape(rows: number, keys: number): AttentionShape {
    return { rows, keys, channels: this.shape.channels, heads: this.shape.heads, causal: false };
  }

  private input(query: Pointer, keyValue: Pointer): AttentionInput {
    const { channels: C } = this.shape;
    return { q: query, k: keyValue, v: keyValue + C * 2, ldq: C, ldk: 2 * C };
  }

  layout(arena: Arena): CrossSaved {
    const { context: T, channels: C, heads, memory: S } = this.shape, int16 = (n: number): Pointer => arena.allocate('states', n * 2);
    return { norm: layoutNormSaved(arena, T, C), query: int16(T * C), keyValue: int16(S * 2 * C), probabilities: arena.allocate('states', probabilityBytes(T, S, heads)), attended: int16(T * C) };
  }

  prepare(d: Device, store: ParameterStore, block: string, what: Preparation): void {
    const { channels: C } = this.shape;
    this.norm.prepare(d, store, `${block}.cross.norm`);
    this.memoryNorm.prepare(d, store, MEMORY_NORM);
    for (const part of ['query', 'keyValue', 'projection'] as const) {
      this[part].load(store, `${block}.cross.${part}`);
      this[part].prepare(d, what);
    }
    const scale = this.memoryNorm.scale(d);
    this.queryKey = Math.min(this.query.fractionOf(d, 0, C, this.norm.scale(d)), this.keyValue.fractionOf(d, 0, C, scale));
    this.value = this.keyValue.fractionOf(d, C, 2 * C, scale);
  }

  forward(d: Device, { x, shift, before, rows, memory }: Place, saved: CrossSaved, y: Pointer): void {
    const { channels: C } = this.shape, { queryKey, value } = this, { at, rows: keys } = memory as Memory;
    this.norm.forward(d, x, shift, before, saved.norm, rows);
    this.query.sums(d, saved.norm.out, rows);
    this.query.round(d, saved.query, 0, C, NORM_FRACTION, queryKey, OPERAND_MAX, rows);
    this.keyValue.sums(d, at, keys);
    this.keyValue.round(d, saved.keyValue, 0, C, NORM_FRACTION, queryKey, OPERAND_MAX, keys);
    this.keyValue.round(d, saved.keyValue, C, 2 * C, NORM_FRACTION, value, OPERAND_MAX, keys);
    attentionForward(d, this.input(saved.query, saved.keyValue), saved.probabilities, saved.attended, this.attentionShape(rows, keys), { queryKey, value }, this.scratch);
    this.projection.forwardBranch(d, saved.attended, value, y, rows);
  }

  backward(d: Device, dy: Scaled, { rows, memory }: Place, saved: CrossSaved, dz: Pointer): Scaled {
    const { channels: C } = this.shape, { queryKey, value, shared: { dOut, linear: { sums } } } = this, { at, rows: keys, gradient } = memory as Memory;
    const dProjected: Scaled = { at: dOut, exponent: toOperand(d, dy, dOut, rows, C, OPERAND_MAX) };
    const dSum = this.projection.backward(d, dProjected, saved.attended, value, sums, rows);
    const dAttended: Scaled = { at: dOut, exponent: toOperand(d, dSum, dOut, rows, C, OPERAND_MAX) };
    const exponents = attentionBackward(d, dAttended, this.input(saved.query, saved.keyValue), saved.probabilities, this.input(this.dQuery, this.dKeyValue),
      this.attentionShape(rows, keys), { queryKey, value }, this.scratch);
    const dMemory = this.keyValue.backward(d, { at: this.dKeyValue, exponent: exponents.keyValue }, at, NORM_FRACTION, this.dMemory, keys);
    gradient.exponent = combine(d, gradient, 1, dMemory, 1, undefined, gradient.at, keys * C);
    const dNorm = this.query.backward(d, { at: this.dQuery, exponent: exponents.query }, saved.norm.out, NORM_FRACTION, sums, rows);
    return { at: dz, exponent: this.norm.backward(d, dNorm, saved.norm, dz, rows) };
  }
}

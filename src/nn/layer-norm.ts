// A layer norm with the working copies of its gain (int16) and bias; like Linear, one instance serves every block in turn.

import type { Device } from '../kernels/device.ts';
import type { Pointer } from '../kernels/kernels.ts';
import { type NormSaved, type NormScratch, layerNormBackward } from '../ops/layer-norm.ts';
import { normScale } from '../ops/activation-format.ts';
import type { Scaled } from '../ops/gradient.ts';
import type { Arena } from '../tensor/arena.ts';
import { GAIN_FRACTION, MASTER_FRACTION, PROBABILITY_MAX, XHAT_FRACTION } from '../tensor/formats.ts';
import type { ParameterStore, StoredParameter } from './parameters.ts';

export class LayerNorm {
  private readonly gainCopy: Pointer;
  private readonly biasCopy: Pointer;
  private gain!: StoredParameter;
  private bias: StoredParameter | undefined;

  constructor(arena: Arena, private readonly channels: number, private readonly scratch: NormScratch) {
    this.gainCopy = arena.allocate('workspace', channels * 2);
    this.biasCopy = arena.allocate('workspace', channels * 4);
  }

  prepare(d: Device, store: ParameterStore, name: string): void {
    this.gain = store.get(`${name}.gain`);
    this.bias = store.find(`${name}.bias`);
    d.kernels.quantize_i32i16(this.gain.master, this.gainCopy, this.channels, MASTER_FRACTION - GAIN_FRACTION, PROBABILITY_MAX);
    if (this.bias !== undefined)
      d.kernels.combine_i32(this.bias.master, 1, MASTER_FRACTION - XHAT_FRACTION - GAIN_FRACTION, 0, 0, 0, 0, 0, this.biasCopy, this.channels);
  }

  /** The largest |gain| + |bias|: how large the output's standard deviation can be. */
  scale(d: Device): number {
    return normScale(d, this.gainCopy, this.bias?.master ?? 0, this.channels);
  }

  /** Normalises x * 2^shift + y (16 fraction bits; y = 0: none) into saved.out (int16 operand, 8 fraction bits). */
  forward(d: Device, x: Pointer, shift: number, y: Pointer, saved: NormSaved, rows: number): void {
    d.counts.saturated += d.kernels.layer_norm_forward_i32i16(x, shift, y, this.gainCopy, this.bias === undefined ? 0 : this.biasCopy,
      saved.out, saved.xhat, saved.rstd, rows, this.channels);
  }

  /** dz int32 from dOut int32; adds to the gradients of gain and bias. Returns dz's exponent. */
  backward(d: Device, dOut: Scaled, saved: NormSaved, dz: Pointer, rows: number): number {
    return layerNormBackward(d, dOut, saved, this.gainCopy, this.gain.gradient, this.bias?.gradient ?? 0, this.scratch, dz, rows, this.channels);
  }
}

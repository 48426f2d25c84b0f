// A vision transformer in float64, written from the published architecture (Dosovitskiy et al.,
// ICLR 2021; the names of Hugging Face's ViTForImageClassification and ViTImageProcessor). It reads
// a directory, config.json, preprocessor_config.json and model.safetensors, and knows nothing of
// this library: what it computes is what the files mean.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ACTIVATIONS, type Gpt2Weights, readWeights } from './gpt2-float64.ts';

/** The fields of config.json that decide what is computed. */
export interface VitJson {
  image_size: number | readonly [height: number, width: number];
  patch_size: number;
  num_channels: number;
  hidden_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  intermediate_size: number;
  hidden_act: string;
  layer_norm_eps: number;
}
/** Those of preprocessor_config.json. */
export interface ProcessorJson {
  rescale_factor: number;
  image_mean: readonly number[];
  image_std: readonly number[];
}

export class Vit {
  constructor(
    readonly config: VitJson,
    readonly processor: ProcessorJson,
    readonly weights: Gpt2Weights,
  ) {}

  static load(directory: string): Vit {
    const json = (name: string) => JSON.parse(readFileSync(join(directory, name), 'utf8'));
    const weights = readWeights(join(directory, 'model.safetensors'), /^vit\./);
    return new Vit(json('config.json'), json('preprocessor_config.json'), weights);
  }

  /** W x + b; W is [out, in]. */
  private linear(x: Float64Array, name: string): Float64Array {
    const { [`${name}.weight`]: weight, [`${name}.bias`]: bias } = this.weights;
    return Float64Array.from({ length: weight.length / x.length }, (_, o) => {
      let sum = bias?.[o] ?? 0;
      for (let i = 0; i < x.length; i++) sum += weight[o * x.length + i] * x[i];
      return sum;
    });
  }

  private layerNorm(x: Float64Array, name: string): Float64Array {
    const { [`${name}.weight`]: gain, [`${name}.bias`]: bias } = this.weights;
    const mean = x.reduce((a, b) => a + b) / x.length;
    const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length;
    const scale = 1 / Math.sqrt(variance + this.config.layer_norm_eps);
    return x.map((value, i) => (value - mean) * scale * gain[i] + bias[i]);
  }

  /** Patches of bytes [height, width, channels] as the convolution sees them: [channel, y, x]. */
  private patches(image: Uint8Array): Float64Array[] {
    const { image_size: given, patch_size: P, num_channels: channels } = this.config;
    const { rescale_factor: rescale, image_mean: mean, image_std: deviation } = this.processor;
    const [height, width] = typeof given === 'number' ? [given, given] : given;
    const across = width / P;
    const pixel = (y: number, x: number, c: number): number =>
      (image[(y * width + x) * channels + c] * rescale - mean[c]) / deviation[c];
    return Array.from({ length: (height / P) * across }, (_, n) => {
      const [top, left] = [Math.floor(n / across) * P, (n % across) * P];
      return Float64Array.from({ length: channels * P * P }, (_unused, i) =>
        pixel(top + (Math.floor(i / P) % P), left + (i % P), Math.floor(i / P / P)),
      );
    });
  }

  /** What every row attends to. */
  private attention(x: readonly Float64Array[], name: string): Float64Array[] {
    const { hidden_size: C, num_attention_heads: heads } = this.config;
    const D = C / heads;
    const [q, k, v] = ['query', 'key', 'value'].map((part) =>
      x.map((row) => this.linear(row, `${name}.attention.${part}`)),
    );
    const dot = (a: Float64Array, b: Float64Array, at: number): number => {
      let sum = 0;
      for (let d = at; d < at + D; d++) sum += a[d] * b[d];
      return sum / Math.sqrt(D);
    };
    const attended = q.map((row) => {
      const y = new Float64Array(C);
      for (let at = 0; at < C; at += D) {
        const scores = k.map((key) => dot(row, key, at));
        const most = Math.max(...scores);
        const shares = scores.map((score) => Math.exp(score - most));
        const total = shares.reduce((a, b) => a + b);
        shares.forEach((share, s) => {
          for (let d = at; d < at + D; d++) y[d] += (share / total) * v[s][d];
        });
      }
      return y;
    });
    return attended.map((row) => this.linear(row, `${name}.output.dense`));
  }

  /** The logits of an image. */
  logits(image: Uint8Array): Float64Array {
    const { hidden_size: C, num_hidden_layers: layers, hidden_act: act } = this.config;
    const { 'embeddings.cls_token': token, 'embeddings.position_embeddings': positions } =
      this.weights;
    const add = (a: Float64Array, b: Float64Array) => a.map((value, i) => value + b[i]);
    const rows = this.patches(image).map((patch) =>
      this.linear(patch, 'embeddings.patch_embeddings.projection'),
    );
    let x = [token, ...rows].map((row, t) => add(row, positions.subarray(t * C, (t + 1) * C)));
    for (let n = 0; n < layers; n++) {
      const name = `encoder.layer.${n}`;
      const read = x.map((row) => this.layerNorm(row, `${name}.layernorm_before`));
      const attended = this.attention(read, `${name}.attention`);
      x = x.map((row, t) => add(row, attended[t]));
      x = x.map((row) => {
        const inner = this.layerNorm(row, `${name}.layernorm_after`);
        const up = this.linear(inner, `${name}.intermediate.dense`).map(ACTIVATIONS[act]);
        return add(row, this.linear(up, `${name}.output.dense`));
      });
    }
    return this.linear(this.layerNorm(x[0], 'layernorm'), 'classifier');
  }
}

// GPT-2 in float64, written from the published architecture (Radford et al. 2019; the names of
// Hugging Face's GPT2LMHeadModel). It reads a directory, config.json and model.safetensors, and
// knows nothing of this library: what it computes is what the files mean.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The fields of config.json that decide what is computed. */
export interface Gpt2Config {
  n_embd: number;
  n_head: number;
  n_layer: number;
  n_inner?: number | null;
  activation_function: string;
  layer_norm_epsilon: number;
}
export type Gpt2Weights = Readonly<Record<string, Float64Array>>;

/** Float32 tensors of a safetensors file, without the prefix that a name may have. */
export function readWeights(path: string, prefix: RegExp): Gpt2Weights {
  const file = readFileSync(path);
  const begin = 8 + Number(file.readBigUInt64LE(0));
  const { __metadata__: _, ...table } = JSON.parse(file.toString('utf8', 8, begin));
  const weights: Record<string, Float64Array> = {};
  for (const [name, entry] of Object.entries(table)) {
    const { dtype, data_offsets: at } = entry as { dtype: string; data_offsets: number[] };
    if (dtype !== 'F32') throw new Error(`${name} is ${dtype}`);
    const bytes = file.subarray(begin + at[0], begin + at[1]);
    const floats = new Float32Array(Uint8Array.from(bytes).buffer);
    weights[name.replace(prefix, '')] = Float64Array.from(floats);
  }
  return weights;
}

/** Those of a GPT-2, with and without the prefix of the language model. */
export const readGpt2Weights = (path: string): Gpt2Weights => readWeights(path, /^transformer\./);

/** The error function by its series, or 1 where it is that to 16 digits. */
function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}
export const ACTIVATIONS: Record<string, (u: number) => number> = {
  gelu: (u) => (u / 2) * (1 + erf(u / Math.SQRT2)),
  gelu_new: (u) => (u / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (u + 0.044715 * u ** 3))),
};

/** GPT-2 of a configuration and weights. */
export class Gpt2 {
  constructor(
    readonly config: Gpt2Config,
    readonly weights: Gpt2Weights,
    /** What becomes of a row of the residual stream whenever something was added to it. */
    private readonly state: (row: Float64Array) => Float64Array = (row) => row,
  ) {}

  static load(directory: string): Gpt2 {
    const config = JSON.parse(readFileSync(join(directory, 'config.json'), 'utf8')) as Gpt2Config;
    return new Gpt2(config, readGpt2Weights(join(directory, 'model.safetensors')));
  }

  /** x W + b; W is [in, out]. */
  private conv1d(x: Float64Array, name: string): Float64Array {
    const { [`${name}.weight`]: weight, [`${name}.bias`]: bias } = this.weights;
    const y = Float64Array.from(bias);
    for (let i = 0; i < x.length; i++) {
      const row = weight.subarray(i * y.length, (i + 1) * y.length);
      for (let j = 0; j < y.length; j++) y[j] += x[i] * row[j];
    }
    return y;
  }

  private layerNorm(x: Float64Array, name: string): Float64Array {
    const { [`${name}.weight`]: gain, [`${name}.bias`]: bias } = this.weights;
    const mean = x.reduce((a, b) => a + b) / x.length;
    const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length;
    const scale = 1 / Math.sqrt(variance + this.config.layer_norm_epsilon);
    return x.map((value, i) => (value - mean) * scale * gain[i] + bias[i]);
  }

  /** Of queries, keys and values side by side in each row: what row t attends to. */
  private attention(qkv: readonly Float64Array[], t: number): Float64Array {
    const { n_embd: C, n_head: heads } = this.config;
    const D = C / heads;
    const y = new Float64Array(C);
    for (let at = 0; at < C; at += D) {
      const scores = qkv.slice(0, t + 1).map((row) => {
        let sum = 0;
        for (let d = 0; d < D; d++) sum += qkv[t][at + d] * row[C + at + d];
        return sum / Math.sqrt(D);
      });
      const most = Math.max(...scores);
      const shares = scores.map((score) => Math.exp(score - most));
      const total = shares.reduce((a, b) => a + b);
      shares.forEach((share, s) => {
        for (let d = 0; d < D; d++) y[at + d] += (share / total) * qkv[s][2 * C + at + d];
      });
    }
    return y;
  }

  /** The logits after each of the tokens. */
  logits(tokens: ArrayLike<number>): Float64Array[] {
    const { n_embd: C, n_layer: layers, activation_function: name } = this.config;
    const { 'wte.weight': wte, 'wpe.weight': wpe, 'lm_head.weight': head = wte } = this.weights;
    const activation = ACTIVATIONS[name];
    const add = (x: Float64Array, y: Float64Array) => this.state(x.map((value, i) => value + y[i]));
    let x = Array.from(tokens, (token, t) =>
      add(wte.subarray(token * C, (token + 1) * C), wpe.subarray(t * C, (t + 1) * C)),
    );
    for (let k = 0; k < layers; k++) {
      const h = `h.${k}`;
      const qkv = x.map((row) => this.conv1d(this.layerNorm(row, `${h}.ln_1`), `${h}.attn.c_attn`));
      x = x.map((row, t) => add(row, this.conv1d(this.attention(qkv, t), `${h}.attn.c_proj`)));
      x = x.map((row) => {
        const up = this.conv1d(this.layerNorm(row, `${h}.ln_2`), `${h}.mlp.c_fc`).map(activation);
        return add(row, this.conv1d(up, `${h}.mlp.c_proj`));
      });
    }
    return x.map((row) => {
      const last = this.layerNorm(row, 'ln_f');
      return Float64Array.from({ length: head.length / C }, (_, v) => {
        let sum = 0;
        for (let c = 0; c < C; c++) sum += last[c] * head[v * C + c];
        return sum;
      });
    });
  }
}

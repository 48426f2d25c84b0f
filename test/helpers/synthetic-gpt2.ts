// A GPT-2 with random weights of its own initialisation (normal, 0.02, projections smaller by the
// root of their number), and outliers planted as trained ones have them:
//   - at token 0 the residual stream reaches about 3,000 in coordinates 138, 378 and 447 (of 768),
//     by one neuron of an early MLP that writes 1,900, and one of the next that writes the rest;
//   - gains of layer norms from 0.1 to 10;
//   - one neuron whose row is as wide as 300 deviations of its tensor.

import type { Generator } from '../../src/generate/index.ts';
import type { TextBatch, Trainer } from '../../src/index.ts';
import type { Plain, Shape } from './foreign-files.ts';
import { Gpt2 } from './gpt2-float64.ts';

/** What is planted. */
export interface Outliers {
  /** Largest gain, and one over the least (10). */
  gain: number;
  /** What the neurons write (1,900 and 1,100). */
  writes: readonly [number, number];
  /** Width of the wide row in deviations (300). */
  row: number;
}
export const PLANTED: Outliers = { gain: 10, writes: [1900, 1100], row: 300 };
export const NONE: Outliers = { gain: 1, writes: [0, 0], row: 0 };

/** Numbers that depend on their seed alone, on every machine: xorshift32, and nearly normal ones as
 *  sums of twelve. */
export class Numbers {
  private state: number;
  constructor(seed: number) {
    this.state = (seed * 2654435761 + 12345) >>> 0 || 1;
  }
  uniform(): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return ((this.state >>> 0) + 0.5) / 2 ** 32;
  }
  normal(): number {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += this.uniform();
    return sum;
  }
  /** From 1 / most to most. */
  gain(most: number): number {
    const value = 1 + (most - 1) * this.uniform() ** 2;
    return this.uniform() < 0.5 ? value : 1 / value;
  }
}

/** Where residuals become massive, in a model of so many channels. */
export const massive = (channels: number): number[] =>
  [138, 378, 447].map((c) => Math.floor((c * channels) / 768));

/** Tensors of Hugging Face's names, matrices [in, out]; float32. */
export function syntheticGpt2(shape: Shape, planted: Outliers, seed = 1): Plain[] {
  const { vocab_size: V, n_positions: T, n_layer: L, n_embd: C } = shape;
  const M = 4 * C;
  const numbers = new Numbers(seed);
  const normal = (size: number, deviation: number): Float32Array =>
    Float32Array.from({ length: size }, () => deviation * numbers.normal());
  const gains = (): Float32Array =>
    Float32Array.from({ length: C }, () => numbers.gain(planted.gain));
  const tensors = new Map<string, Plain>();
  const put = (name: string, sides: number[], values: Float32Array): Float32Array => {
    tensors.set(name, { name, shape: sides, values });
    return values;
  };
  put('wte.weight', [V, C], normal(V * C, 0.02));
  const positions = put('wpe.weight', [T, C], normal(T * C, 0.02));
  const small = 0.02 / Math.sqrt(2 * L);
  for (let k = 0; k < L; k++) {
    const h = `h.${k}`;
    put(`${h}.ln_1.weight`, [C], gains());
    put(`${h}.ln_1.bias`, [C], normal(C, 0.02));
    put(`${h}.attn.c_attn.weight`, [C, 3 * C], normal(C * 3 * C, 0.02));
    put(`${h}.attn.c_attn.bias`, [3 * C], normal(3 * C, 0.02));
    put(`${h}.attn.c_proj.weight`, [C, C], normal(C * C, small));
    put(`${h}.attn.c_proj.bias`, [C], normal(C, 0.02));
    put(`${h}.ln_2.weight`, [C], gains());
    put(`${h}.ln_2.bias`, [C], normal(C, 0.02));
    put(`${h}.mlp.c_fc.weight`, [C, M], normal(C * M, 0.02));
    put(`${h}.mlp.c_fc.bias`, [M], normal(M, 0.02));
    put(`${h}.mlp.c_proj.weight`, [M, C], normal(M * C, small));
    put(`${h}.mlp.c_proj.bias`, [C], normal(C, 0.02));
  }
  put('ln_f.weight', [C], gains());
  put('ln_f.bias', [C], normal(C, 0.02));
  const of = (name: string): Float32Array => tensors.get(name)?.values as Float32Array;
  if (planted.writes[0] > 0) for (let c = 0; c < C; c++) positions[c] *= 20;
  if (planted.writes[0] > 0) plantWriters(of, positions.subarray(0, C), C, planted.writes);
  if (planted.row > 0) widen(of(`h.${L - 1}.mlp.c_fc.weight`), M, 5, planted.row * 0.02);
  return [...tensors.values()];
}

/** A neuron of the first MLP that is open at position 0 alone, and one of the next that is open
 *  where the first one has written. */
function plantWriters(
  of: (name: string) => Float32Array,
  first: Float32Array,
  C: number,
  [write, more]: readonly [number, number],
): void {
  const M = 4 * C;
  const neuron = 7;
  const open = (h: string, direction: (c: number) => number, bias: number): void => {
    const gain = of(`${h}.ln_2.weight`);
    const weights = of(`${h}.mlp.c_fc.weight`);
    for (let c = 0; c < C; c++) weights[c * M + neuron] = direction(c) / gain[c];
    of(`${h}.mlp.c_fc.bias`)[neuron] = bias;
  };
  const close = (h: string, values: readonly number[]): void => {
    const weights = of(`${h}.mlp.c_proj.weight`);
    massive(C).forEach((c, i) => {
      weights[neuron * C + c] = values[i];
    });
  };
  // position 0 has a direction of its own: u is about 84 there, and -56 elsewhere
  const length = Math.sqrt(first.reduce((sum, value) => sum + value * value, 0));
  const rest = 0.92 * Math.sqrt(C); // of x-hat along it
  const steep = 5.5 * Math.sqrt(768 / C);
  const offset = 0.4 * steep * rest;
  open('h.0', (c) => (steep * first[c]) / length, -offset);
  const u = steep * rest - offset;
  close('h.0', [write / u, -write / u / 2, write / u / 3]);
  // there x-hat is 0.8 sqrt(C) at the first coordinate, elsewhere below 5
  const there = 0.85 * Math.sqrt(C);
  open('h.1', (c) => (c === massive(C)[0] ? 60 / (there - 6) : 0), (-60 * 6) / (there - 6));
  close('h.1', [more / 60, -more / 200, more / 200]);
}

/** Makes a neuron's row so wide that its largest weight is `most`. */
function widen(weights: Float32Array, M: number, neuron: number, most: number): void {
  let largest = 0;
  for (let i = neuron; i < weights.length; i += M)
    largest = Math.max(largest, Math.abs(weights[i]));
  for (let i = neuron; i < weights.length; i += M) weights[i] *= most / largest;
}

/** Sequences of a synthetic GPT-2: to calibrate with, and others to judge by. */
export interface Sequences {
  calibrate?: number;
  texts?: number;
}

/** A synthetic GPT-2 with text to calibrate with, other text, and what float64 makes of that. */
export function synthetic(shape: Shape, planted: Outliers, seed = 1, given: Sequences = {}) {
  const tensors = syntheticGpt2(shape, planted, seed);
  const numbers = new Numbers(seed + 77);
  const { n_positions: T, vocab_size: V } = shape;
  const sequence = (): Int32Array =>
    Int32Array.from({ length: T + 1 }, () => Math.floor(numbers.uniform() * V));
  const calibrate = Array.from({ length: given.calibrate ?? 2 }, () => sequence().subarray(0, T));
  const texts = Array.from({ length: given.texts ?? 2 }, sequence);
  const weights = Object.fromEntries(
    tensors.map(({ name, values }) => [name, new Float64Array(values)]),
  );
  const config = { ...shape, activation_function: 'gelu_new', layer_norm_epsilon: 1e-5 };
  const reference = new Gpt2(config, weights);
  const logits = texts.map((tokens) => reference.logits(tokens.subarray(0, T)));
  const join = (from: number) =>
    Int32Array.from(texts.slice(0, 2).flatMap((tokens) => [...tokens.subarray(from, from + T)]));
  return { shape, tensors, calibrate, texts, logits, batch: { inputs: join(0), targets: join(1) } };
}

/** A mean and its standard error. */
export interface Mean {
  mean: number;
  error: number;
}

function meanOf(values: readonly number[]): Mean {
  const n = values.length;
  const mean = values.reduce((a, b) => a + b) / n;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  return { mean, error: Math.sqrt(variance / n) };
}

/** What an import is judged by, in nats a token: what its loss is above that of float64, pair by
 *  pair on the same tokens; and the divergence of its distributions from those of float64, which is
 *  what that loss would be above on text that the model itself has drawn. */
export interface Judged {
  tokens: number;
  /** Of all tokens, and of each half of the texts. */
  loss: Mean;
  halves: Mean[];
  divergence: Mean;
  /** The loss that the trainer says, less that of float64. */
  evaluated: number;
}

function logOfSoftmax(logits: Float64Array): Float64Array {
  const most = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit - most), 0);
  return logits.map((logit) => logit - most - Math.log(total));
}

/** Judges a trainer by the other text of a synthetic model; `generator` is one of its weights. */
export async function judge(
  trainer: Trainer<TextBatch>,
  generator: Generator,
  { shape, texts, logits }: ReturnType<typeof synthetic>,
): Promise<Judged> {
  const { n_positions: T } = shape;
  const above: number[] = [];
  const divergences: number[] = [];
  let evaluated = 0;
  for (const [s, text] of texts.entries()) {
    const [inputs, targets] = [text.slice(0, T), text.slice(1)];
    const rows = await generator.logits(inputs);
    evaluated += trainer.evaluate({ inputs, targets }).loss / texts.length;
    for (let t = 0; t < T; t++) {
      const [expected, own] = [logits[s][t], rows[t]].map(logOfSoftmax);
      above.push(expected[targets[t]] - own[targets[t]]);
      divergences.push(expected.reduce((sum, p, v) => sum + Math.exp(p) * (p - own[v]), 0));
      evaluated += expected[targets[t]] / T / texts.length;
    }
  }
  const half = above.length / 2;
  return {
    tokens: above.length,
    loss: meanOf(above),
    halves: [meanOf(above.slice(0, half)), meanOf(above.slice(half))],
    divergence: meanOf(divergences),
    evaluated,
  };
}

// A vision transformer under the names of Hugging Face's ViTForImageClassification, with random
// weights of its own initialisation (normal, 0.02), biases that are not 0, and the outliers of
// synthetic-gpt2.ts: its class token is that one's first token.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Plain, safetensorsFile, transposed } from './foreign-files.ts';
import { massive, Numbers, type Outliers, syntheticGpt2 } from './synthetic-gpt2.ts';
import type { ProcessorJson, VitJson } from './vit-float64.ts';

/** What a directory of it has. */
export interface SyntheticVit {
  config: VitJson & Record<string, unknown>;
  processor: ProcessorJson & Record<string, unknown>;
  tensors: Plain[];
}

/** Sizes of a synthetic one. */
export interface VitSize {
  height: number;
  width: number;
  patch: number;
  colours: number;
  channels: number;
  layers: number;
  heads: number;
  classes: number;
}

const BLOCK: Readonly<Record<string, string>> = {
  ln_1: 'layernorm_before',
  'attn.c_proj': 'attention.output.dense',
  ln_2: 'layernorm_after',
  'mlp.c_fc': 'intermediate.dense',
  'mlp.c_proj': 'output.dense',
};

/** A block's tensor of a GPT-2 (matrices [in, out]) as a ViT has it: [out, in], and queries, keys
 *  and values apart. */
function asVit(tensor: Plain): Plain[] {
  const [, block, layer, kind] = /^h\.(\d+)\.(.+)\.(weight|bias)$/.exec(tensor.name) ?? [];
  const turned = tensor.shape.length === 2 ? transposed(tensor) : tensor;
  const name = `vit.encoder.layer.${block}`;
  if (layer !== 'attn.c_attn') return [{ ...turned, name: `${name}.${BLOCK[layer]}.${kind}` }];
  const values = Float64Array.from(turned.values);
  const third = values.length / 3;
  return ['query', 'key', 'value'].map((part, i) => ({
    name: `${name}.attention.attention.${part}.${kind}`,
    shape: [turned.shape[0] / 3, ...turned.shape.slice(1)],
    values: values.slice(i * third, (i + 1) * third),
  }));
}

export function syntheticVit(size: VitSize, planted: Outliers, seed = 1): SyntheticVit {
  const { height, width, patch: P, colours, channels: C, layers, heads, classes } = size;
  const rows = 1 + (height / P) * (width / P);
  const numbers = new Numbers(seed + 1000);
  const normal = (count: number, deviation: number) =>
    Float32Array.from({ length: count }, () => deviation * numbers.normal());
  const gpt = syntheticGpt2(
    { vocab_size: 2, n_positions: rows, n_layer: layers, n_head: heads, n_embd: C },
    planted,
    seed,
  );
  const of = (name: string) => gpt.find((tensor) => tensor.name === name)?.values ?? [];
  const embeddings = 'vit.embeddings';
  const projection = `${embeddings}.patch_embeddings.projection`;
  const ofKernel = C * colours * P * P;
  const tensors: Plain[] = [
    { name: `${embeddings}.cls_token`, shape: [1, 1, C], values: normal(C, 0.02) },
    {
      name: `${embeddings}.position_embeddings`,
      shape: [1, rows, C],
      values: of('wpe.weight'),
    },
    {
      name: `${projection}.weight`,
      shape: [C, colours, P, P],
      values: normal(ofKernel, 0.02),
    },
    { name: `${projection}.bias`, shape: [C], values: normal(C, 0.02) },
    ...gpt.filter(({ name }) => name.startsWith('h.')).flatMap(asVit),
    { name: 'vit.layernorm.weight', shape: [C], values: of('ln_f.weight') },
    { name: 'vit.layernorm.bias', shape: [C], values: of('ln_f.bias') },
    { name: 'classifier.weight', shape: [classes, C], values: normal(classes * C, 0.1) },
    { name: 'classifier.bias', shape: [classes], values: normal(classes, 0.5) },
  ];
  const config = {
    model_type: 'vit',
    image_size: height === width ? height : ([height, width] as const),
    patch_size: P,
    num_channels: colours,
    hidden_size: C,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    intermediate_size: 4 * C,
    hidden_act: 'gelu',
    layer_norm_eps: 1e-12,
    qkv_bias: true,
    id2label: Object.fromEntries(Array.from({ length: classes }, (_, i) => [i, `class ${i}`])),
  };
  const processor = {
    image_processor_type: 'ViTImageProcessor',
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: Array.from({ length: colours }, () => 0.5),
    image_std: Array.from({ length: colours }, () => 0.5),
  };
  return { config, processor, tensors };
}

/** Coordinates of the residual stream that become massive. */
export const massiveOf = ({ channels }: VitSize): number[] => massive(channels);

/** Images with light and dark shapes and some noise, each another. */
export function syntheticImages(size: VitSize, count: number, seed = 7): Uint8Array[] {
  const { height, width, colours } = size;
  const numbers = new Numbers(seed);
  return Array.from({ length: count }, () => {
    const [fx, fy, phase] = [numbers.uniform(), numbers.uniform(), 6 * numbers.uniform()];
    const tint = Array.from({ length: colours }, () => 255 * numbers.uniform());
    return Uint8Array.from({ length: height * width * colours }, (_, i) => {
      const [c, x] = [i % colours, Math.floor(i / colours) % width];
      const y = Math.floor(i / colours / width);
      const wave = (fx * x + fy * y + phase) % 6 < 3 ? 90 : -90;
      return Math.max(0, Math.min(255, Math.round(tint[c] + wave + 20 * numbers.normal())));
    });
  });
}

/** Writes the directory of a model. */
export function writeVit(path: string, { config, processor, tensors }: SyntheticVit): void {
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'config.json'), JSON.stringify(config));
  writeFileSync(join(path, 'preprocessor_config.json'), JSON.stringify(processor));
  writeFileSync(join(path, 'model.safetensors'), safetensorsFile(tensors));
}

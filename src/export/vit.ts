// A vision transformer as transformers' ViTForImageClassification. Its pixels are ours times
// 128 / 255; preprocessor_config.json says so, and the weights stay what they are.

import { list, show, text } from '../core/check.ts';
import { UsageError } from '../core/errors.ts';
import { type ImportedVitConfig, importedVit } from '../index.ts';
import { mlpWidth } from './gpt2.ts';
import { Naming } from './naming.ts';
import type { Source } from './source.ts';
import { filled, type OutTensor, patchKernel, weights } from './values.ts';

type VitShape = Required<Omit<ImportedVitConfig, 'formats' | 'headBias'>> &
  Pick<ImportedVitConfig, 'headBias'>;

/** The configuration of a vision transformer, every value checked. */
export const vitConfig = ({ config }: Source): VitShape =>
  importedVit(config as ImportedVitConfig).config as VitShape;

/** Rows of the state: the class token and the patches. */
export const vitRows = ({ width, height, patch }: VitShape): number =>
  1 + (width / patch) * (height / patch);

/** The weights, under ViT's names. */
export function vitTensors(source: Source): OutTensor[] {
  const config = vitConfig(source);
  const { channels: C, colours, patch, classes, layers } = config;
  const M = mlpWidth(config);
  const rows = vitRows(config);
  const naming = new Naming(source);
  const block = (k: number): OutTensor[] => {
    const [to, own] = [`vit.encoder.layer.${k}`, `block.${k}`];
    const part = (name: string, i: number): OutTensor[] =>
      naming.part(`${to}.attention.attention.${name}`, `${own}.qkv`, [3 * C, C], i * C, C);
    return [
      ...naming.norm(`${to}.layernorm_before`, `${own}.norm1`, C),
      ...['query', 'key', 'value'].flatMap(part),
      ...naming.linear(`${to}.attention.output.dense`, `${own}.projection`, C, C),
      ...naming.norm(`${to}.layernorm_after`, `${own}.norm2`, C),
      ...naming.linear(`${to}.intermediate.dense`, `${own}.up`, M, C),
      ...naming.linear(`${to}.output.dense`, `${own}.down`, C, M),
    ];
  };
  const embeddings = 'vit.embeddings';
  const projection = `${embeddings}.patch_embeddings.projection`;
  const size = patch * patch * colours;
  const [, bias] = naming.linear(projection, 'patch', C, size);
  const headBias =
    config.headBias === true ? weights(source.weight('head.bias', classes)) : filled(classes);
  return [
    naming.tensor(`${embeddings}.cls_token`, 'class.weight', [1, C], [1, 1, C]),
    naming.tensor(`${embeddings}.position_embeddings`, 'position.weight', [rows, C], [1, rows, C]),
    {
      name: `${projection}.weight`,
      shape: [C, colours, patch, patch],
      values: patchKernel(source.weight('patch.weight', C, size), patch * patch, colours),
    },
    bias,
    ...Array.from({ length: layers }, (_, k) => block(k)).flat(),
    ...naming.norm('vit.layernorm', 'norm', C),
    naming.tensor('classifier.weight', 'head.weight', [classes, C]),
    { name: 'classifier.bias', shape: [classes], values: headBias },
  ];
}

/** Names of the classes: those given, those of the checkpoint, or their numbers. */
export function labelsOf({ vocabulary }: Source, given: unknown, classes: number): string[] {
  const saved = (Object(vocabulary) as { names?: unknown }).names;
  const value = given ?? saved;
  if (value === undefined) return Array.from({ length: classes }, (_, i) => String(i));
  const labels = list('labels', value as string[], text);
  if (labels.length === classes && new Set(labels).size === classes) return labels;
  throw new UsageError(
    `labels are ${labels.length} names (${show(labels.join(', '))}), expected ${classes} ` +
      'different ones',
    'give the names of the classes in their order',
  );
}

/** config.json. */
export function vitJson(source: Source, labels: readonly string[]): object {
  const config = vitConfig(source);
  const { width, height, colours, patch, channels, layers, heads } = config;
  return {
    model_type: 'vit',
    architectures: ['ViTForImageClassification'],
    image_size: width === height ? width : [height, width],
    num_channels: colours,
    patch_size: patch,
    hidden_size: channels,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    intermediate_size: mlpWidth(config),
    hidden_act: 'gelu',
    layer_norm_eps: source.epsilon,
    hidden_dropout_prob: 0,
    attention_probs_dropout_prob: 0,
    qkv_bias: true,
    id2label: Object.fromEntries(labels.map((label, i) => [String(i), label])),
    label2id: Object.fromEntries(labels.map((label, i) => [label, i])),
    torch_dtype: 'float32',
    'transformers.js_config': { dtype: 'fp32' },
  };
}

/** preprocessor_config.json: a byte p becomes (p / 255 - 1 / 2) / (64 / 255) = (2 p - 255) / 128.
 */
export function vitPreprocessor(source: Source): object {
  const { width, height, colours } = vitConfig(source);
  return {
    image_processor_type: 'ViTImageProcessor',
    do_resize: true,
    size: { height, width },
    resample: 2,
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: Array.from({ length: colours }, () => 0.5),
    image_std: Array.from({ length: colours }, () => 64 / 255),
    do_convert_rgb: colours === 3,
  };
}

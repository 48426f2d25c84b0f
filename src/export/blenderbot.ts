// A translator as transformers' BlenderbotForConditionalGeneration: layer norms first, learned
// positions, one embedding for both sides and the head, as it is here.

import { SPECIAL, type TranslatorConfig, translator } from '../index.ts';
import { mlpWidth } from './gpt2.ts';
import { Naming } from './naming.ts';
import type { Source } from './source.ts';
import { filled, type OutTensor } from './values.ts';

/** The configuration of a translator, every value checked. */
export const translatorConfig = ({ config }: Source): Required<TranslatorConfig> =>
  translator(config as TranslatorConfig).config as Required<TranslatorConfig>;

/** The weights, under Blenderbot's names. */
export function blenderbotTensors(source: Source): OutTensor[] {
  const config = translatorConfig(source);
  const { vocabulary: V, context: T, channels: C, layers } = config;
  const M = mlpWidth(config);
  const naming = new Naming(source);
  const parts = (to: string, own: string, names: readonly string[], rows: number): OutTensor[] =>
    names.flatMap((name, i) => naming.part(`${to}.${name}`, own, [rows, C], i * C, C));
  const own = (to: string, from: string): OutTensor[] => [
    ...parts(`${to}.self_attn`, `${from}.qkv`, ['q_proj', 'k_proj', 'v_proj'], 3 * C),
    ...naming.linear(`${to}.self_attn.out_proj`, `${from}.projection`, C, C),
    ...naming.norm(`${to}.self_attn_layer_norm`, `${from}.norm1`, C),
  ];
  const cross = (to: string, from: string): OutTensor[] => [
    ...naming.linear(`${to}.encoder_attn.q_proj`, `${from}.query`, C, C),
    ...parts(`${to}.encoder_attn`, `${from}.keyValue`, ['k_proj', 'v_proj'], 2 * C),
    ...naming.linear(`${to}.encoder_attn.out_proj`, `${from}.projection`, C, C),
    ...naming.norm(`${to}.encoder_attn_layer_norm`, `${from}.norm`, C),
  ];
  const mlp = (to: string, from: string): OutTensor[] => [
    ...naming.linear(`${to}.fc1`, `${from}.up`, M, C),
    ...naming.linear(`${to}.fc2`, `${from}.down`, C, M),
    ...naming.norm(`${to}.final_layer_norm`, `${from}.norm2`, C),
  ];
  const stack = (side: 'encoder' | 'decoder', norm: string, positions: string): OutTensor[] => [
    naming.tensor(`model.${side}.embed_positions.weight`, positions, [T, C]),
    ...Array.from({ length: layers }, (_, k) => {
      const [to, from] = [`model.${side}.layers.${k}`, `${side}.${k}`];
      const between = side === 'decoder' ? cross(to, `${from}.cross`) : [];
      return [...own(to, from), ...between, ...mlp(to, from)];
    }).flat(),
    ...naming.norm(`model.${side}.layer_norm`, norm, C),
  ];
  return [
    naming.tensor('model.shared.weight', 'token.weight', [V, C]),
    ...stack('encoder', 'encoder.norm', 'source.position.weight'),
    ...stack('decoder', 'norm', 'target.position.weight'),
    { name: 'final_logits_bias', shape: [1, V], values: filled(V) },
  ];
}

/** How a translation begins and ends; nothing is forced or forbidden. */
export const translationEnds = {
  bos_token_id: SPECIAL.begin,
  eos_token_id: SPECIAL.end,
  pad_token_id: SPECIAL.padding,
  decoder_start_token_id: SPECIAL.begin,
  forced_eos_token_id: null,
  encoder_no_repeat_ngram_size: 0,
};

/** config.json. */
export function blenderbotJson(source: Source): object {
  const config = translatorConfig(source);
  const { vocabulary, context, channels, layers, heads } = config;
  const M = mlpWidth(config);
  return {
    model_type: 'blenderbot',
    architectures: ['BlenderbotForConditionalGeneration'],
    vocab_size: vocabulary,
    max_position_embeddings: context,
    d_model: channels,
    encoder_layers: layers,
    decoder_layers: layers,
    encoder_attention_heads: heads,
    decoder_attention_heads: heads,
    encoder_ffn_dim: M,
    decoder_ffn_dim: M,
    activation_function: 'gelu',
    dropout: 0,
    attention_dropout: 0,
    activation_dropout: 0,
    encoder_layerdrop: 0,
    decoder_layerdrop: 0,
    scale_embedding: false,
    is_encoder_decoder: true,
    tie_word_embeddings: true,
    ...translationEnds,
    torch_dtype: 'float32',
    'transformers.js_config': { dtype: 'fp32' },
  };
}

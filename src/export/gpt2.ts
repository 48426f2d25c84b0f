// A GPT as transformers' GPT2LMHeadModel: names, shapes and configuration. A block is GPT-2's own
// (docs/architecture.md), so no number changes: matrices are transposed where GPT-2 has them
// [in, out], and a model without biases gets zeros.

import { type GptConfig, gpt } from '../index.ts';
import { Naming } from './naming.ts';
import type { Source } from './source.ts';
import type { OutTensor } from './values.ts';

/** The configuration of a GPT, every value checked. */
export function gptConfig({ config }: Source): Required<GptConfig> {
  return gpt(config as GptConfig).config as Required<GptConfig>;
}

/** The width of the MLP. */
export const mlpWidth = ({ channels, mlpRatio }: { channels: number; mlpRatio: number }): number =>
  channels * mlpRatio;

/** The weights, under GPT-2's names; matrices as [in, out] (turned) or [out, in]. */
export function gpt2Tensors(source: Source, matrices: 'turned' | 'linear'): OutTensor[] {
  const config = gptConfig(source);
  const { vocabulary: V, context: T, channels: C, layers, tied } = config;
  const M = mlpWidth(config);
  const naming = new Naming(source);
  const block = (k: number): OutTensor[] => {
    const [to, own] = [`transformer.h.${k}`, `block.${k}`];
    return [
      ...naming.norm(`${to}.ln_1`, `${own}.norm1`, C),
      ...naming[matrices](`${to}.attn.c_attn`, `${own}.qkv`, 3 * C, C),
      ...naming[matrices](`${to}.attn.c_proj`, `${own}.projection`, C, C),
      ...naming.norm(`${to}.ln_2`, `${own}.norm2`, C),
      ...naming[matrices](`${to}.mlp.c_fc`, `${own}.up`, M, C),
      ...naming[matrices](`${to}.mlp.c_proj`, `${own}.down`, C, M),
    ];
  };
  return [
    naming.tensor('transformer.wte.weight', 'token.weight', [V, C]),
    naming.tensor('transformer.wpe.weight', 'position.weight', [T, C]),
    ...Array.from({ length: layers }, (_, k) => block(k)).flat(),
    ...naming.norm('transformer.ln_f', 'norm', C),
    ...(tied ? [] : [naming.tensor('lm_head.weight', 'head.weight', [V, C])]),
  ];
}

/** config.json. `end`: the token that ends a text, if there is one. */
export function gpt2Config(source: Source, end: number | undefined): object {
  const config = gptConfig(source);
  const { vocabulary, context, channels, layers, heads, tied } = config;
  return {
    model_type: 'gpt2',
    architectures: ['GPT2LMHeadModel'],
    vocab_size: vocabulary,
    n_positions: context,
    n_ctx: context,
    n_embd: channels,
    n_layer: layers,
    n_head: heads,
    n_inner: mlpWidth(config),
    activation_function: 'gelu',
    layer_norm_epsilon: source.epsilon,
    initializer_range: 0.02,
    resid_pdrop: 0,
    embd_pdrop: 0,
    attn_pdrop: 0,
    scale_attn_weights: true,
    scale_attn_by_inverse_layer_idx: false,
    reorder_and_upcast_attn: false,
    tie_word_embeddings: tied,
    bos_token_id: end ?? null,
    eos_token_id: end ?? null,
    use_cache: true,
    torch_dtype: 'float32',
    'transformers.js_config': { dtype: 'fp32' },
  };
}

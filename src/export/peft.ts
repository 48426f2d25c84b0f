// An adapter as PEFT loads it on top of GPT2LMHeadModel: A written out, in float32. The formats of
// imported weights are undone: they are powers of two, of which B takes its part.

import { fields, text } from '../core/check.ts';
import { type AdapterPart, readAdapter, UsageError, withoutFormats } from '../index.ts';
import { jsonFile } from './file.ts';
import type { ExportedFiles } from './hf.ts';
import { refuseModel } from './model.ts';
import { safetensorsFile } from './safetensors.ts';
import { checkRuleOf, type ExportSource } from './source.ts';
import { type OutTensor, type Values, weights } from './values.ts';

/** What PEFT needs to know beside the adapter. */
export interface PeftOptions {
  /** What the base is found by: a directory of `exportHf`, or a name on the hub (''). */
  base?: string | undefined;
}

/** GPT-2's names of a block's matrices. */
const MODULES: Readonly<Record<string, string>> = {
  qkv: 'attn.c_attn',
  projection: 'attn.c_proj',
  up: 'mlp.c_fc',
  down: 'mlp.c_proj',
};

function moduleOf(name: string): string {
  if (Object.hasOwn(MODULES, name)) return MODULES[name];
  throw new UsageError(
    `the adapter is on ${JSON.stringify(name)}, which PEFT has no place for in a GPT-2`,
    `it has for ${Object.keys(MODULES).join(', ')}; other exports merge the adapter`,
  );
}

const real = (data: Float32Array): Values => ({
  size: data.length,
  read: (from, out) => out.set(data.subarray(from, from + out.length)),
});

function tensorsOf({ matrix, a, b }: AdapterPart): OutTensor[] {
  const [, block, name] = matrix.name.split('.');
  const prefix = `base_model.model.transformer.h.${block}.${moduleOf(name)}`;
  const [, into] = matrix.shape;
  const [, rank] = b.shape;
  return [
    { name: `${prefix}.lora_A.weight`, shape: [rank, into], values: real(a) },
    { name: `${prefix}.lora_B.weight`, shape: b.shape, values: weights(b) },
  ];
}

/** The adapter of a GPT as the files of a directory that PEFT loads on top of GPT2LMHeadModel:
 *  `adapter_config.json` and `adapter_model.safetensors`. The base itself leaves by `exportHf` of
 *  the run that the adapter began with. Throws UsageError for a model without an adapter, for one
 *  that is no GPT, and for an adapter on anything but qkv, projection, up and down of blocks.
 *  @example
 *  const shape = { vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 };
 *  const model = gpt({ ...shape, adapter: lora({ rank: 2, on: ['qkv'] }) });
 *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
 *  const files = exportPeft(trainer, { base: 'gpt2' });
 *  const config = JSON.parse(new TextDecoder().decode(files['adapter_config.json'].bytes()));
 *  console.log(config.r, config.target_modules); // 2 [ 'attn.c_attn' ]
 */
export function exportPeft(given: ExportSource, options: PeftOptions = {}): ExportedFiles {
  const { base } = fields<PeftOptions>('options', options, { base: '' });
  text('base', base);
  const { model, options: adapter, parts } = readAdapter(given);
  if (model.name !== 'gpt') refuseModel({ model: model.name }, 'gpt');
  checkRuleOf(model.config);
  const modules = adapter.on.map(moduleOf);
  const all = parts.map(({ b }) => b);
  const { tensors: plain } = withoutFormats(model.config, all);
  const tensors = parts.flatMap((part, i) => tensorsOf({ ...part, b: plain[i] }));
  return {
    'adapter_config.json': jsonFile({
      peft_type: 'LORA',
      task_type: 'CAUSAL_LM',
      base_model_name_or_path: base === '' ? null : base,
      r: adapter.rank,
      lora_alpha: adapter.rank, // their quotient is the factor of B A: 1
      lora_dropout: 0,
      bias: 'none',
      fan_in_fan_out: true, // GPT-2's matrices are [in, out]
      target_modules: modules,
      modules_to_save: null,
      inference_mode: true,
    }),
    'adapter_model.safetensors': safetensorsFile(tensors, { format: 'pt' }),
  };
}

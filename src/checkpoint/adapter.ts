// Low-rank adapters as files: B alone, as a trainer has it, with the seed of A and the SHA-256 of
// the weights that it was trained on; merged into those weights; and as PEFT loads it.

import { instance, text, typed } from '../core/check.ts';
import { hex, sha256 } from '../core/digest.ts';
import { CheckpointError, UsageError } from '../core/errors.ts';
import { type FullLora, loraOf, loraShift, loraSigns } from '../layers/lora.ts';
import { MASTER_FRACTION, WEIGHT_LIMIT } from '../memory/formats.ts';
import { isWeight, type NamedTensor } from '../train/tensors.ts';
import { Trainer } from '../train/trainer.ts';
import { int32FromLittleEndian, toLittleEndian } from './bytes.ts';
import { parseJson } from './json.ts';
import { loadWeights } from './load.ts';
import { decodeSafetensors, encodeSafetensors, type RawTensor } from './safetensors.ts';

const FORMAT = 'retrograd-adapter';
const VERSION = '1';

/** The weights of a model with an adapter: the base's, the adapter's, and how that is made. */
interface Split {
  readonly base: readonly NamedTensor[];
  readonly adapter: readonly NamedTensor[];
  readonly options: FullLora;
}

function split(trainer: Trainer<never>): Split {
  instance<object>('trainer', trainer, Trainer, 'a Trainer');
  const { adapter } = trainer.options.model.config as { adapter?: { options: FullLora } };
  if (adapter === undefined)
    throw new UsageError('the model has no adapter', 'make it with adapter: lora({ ... })');
  const weights = trainer.tensors().filter(isWeight);
  return {
    base: weights.filter(({ name }) => loraOf(name) === undefined),
    adapter: weights.filter(({ name }) => loraOf(name) !== undefined),
    options: adapter.options,
  };
}

const digestOf = (tensors: readonly NamedTensor[]): string =>
  hex(sha256(tensors.map(({ data }) => toLittleEndian(data))));

/** The adapter of a trainer's model as a file (safetensors): B of every matrix, how A is drawn, and
 *  the SHA-256 of the weights below it, which is that of the run that they are from. Throws
 *  UsageError for a model without one.
 *  @example
 *  const shape = { vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 };
 *  const model = gpt({ ...shape, adapter: lora({ rank: 2, on: ['qkv'] }) });
 *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
 *  const other = Trainer.create({ model, batch: 1, steps: 10 });
 *  const batch = { inputs: Int32Array.of(0, 1, 2, 3), targets: Int32Array.of(1, 2, 3, 0) };
 *  while (trainer.steps < 10) trainer.step(batch);
 *  loadAdapter(other, exportAdapter(trainer, '0.1.0'));
 *  console.log(other.evaluate(batch).loss === trainer.evaluate(batch).loss); // true
 */
export function exportAdapter<Batch>(
  trainer: Trainer<Batch>,
  libraryVersion: string,
): Uint8Array<ArrayBuffer> {
  const { base, adapter, options } = split(trainer as unknown as Trainer<never>);
  return encodeSafetensors({
    metadata: {
      format: FORMAT,
      version: VERSION,
      library: text('libraryVersion', libraryVersion),
      base: digestOf(base),
      adapter: JSON.stringify(options),
    },
    tensors: adapter.map(({ name, shape, data }) => ({
      name,
      dtype: 'I32' as const,
      shape,
      bytes: toLittleEndian(data),
    })),
  });
}

/** Brings an adapter that `exportAdapter` wrote into a trainer that has the weights that it was
 *  trained on and an adapter of the same rank, names and seed; the optimizer begins anew. Throws
 *  CheckpointError for a file that is none or of other weights; nothing is changed then.
 *  @example
 *  const shape = { vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 };
 *  const model = gpt({ ...shape, adapter: lora({ rank: 2, on: ['qkv'] }) });
 *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
 *  loadAdapter(trainer, exportAdapter(trainer, '0.1.0'));
 *  console.log(trainer.steps); // 0
 */
export function loadAdapter<Batch>(trainer: Trainer<Batch>, file: Uint8Array): void {
  const { base, options } = split(trainer as unknown as Trainer<never>);
  const { tensors, metadata } = decodeSafetensors(typed('file', file, 'Uint8Array'));
  const { format, version, base: wanted, adapter = '' } = metadata;
  if (format !== FORMAT) throw new CheckpointError('a safetensors file, but not an adapter');
  if (version !== VERSION)
    throw new CheckpointError(`its format has version ${version}, this library reads ${VERSION}`);
  const own = digestOf(base);
  if (wanted !== own)
    throw new CheckpointError(
      `it is an adapter of weights with SHA-256 ${wanted}, these have ${own}`,
      'load the weights that it was trained on first',
    );
  if (JSON.stringify(parseJson(adapter, 'its field adapter')) !== JSON.stringify(options))
    throw new CheckpointError(
      `it is ${adapter}, the model's adapter is ${JSON.stringify(options)}`,
      'give the model the same adapter: lora({ ... })',
    );
  const given = tensors.map(({ name, shape, bytes }) => {
    const data = int32FromLittleEndian(bytes);
    return { name, shape, data, fraction: MASTER_FRACTION };
  });
  loadWeights(trainer, [...base, ...given]);
}

/** The weights of the model without an adapter that does what this one does: W + B A, rounded half
 *  up to 24 fraction bits. For `loadWeights` into a trainer of the base's model. Its bits are other
 *  ones than with the adapter, as W has a copy of 13 bits; it needs no adapter and no time for it.
 *  @example
 *  const shape = { vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 };
 *  const model = gpt({ ...shape, adapter: lora({ rank: 2, on: ['qkv'] }) });
 *  const trainer = Trainer.create({ model, batch: 1, steps: 10 });
 *  const plainly = Trainer.create({ model: gpt(shape), batch: 1, steps: 10 });
 *  loadWeights(plainly, mergeAdapter(trainer));
 *  console.log(plainly.parameters, trainer.parameters); // 1640 1736
 */
export function mergeAdapter<Batch>(trainer: Trainer<Batch>): NamedTensor[] {
  const { base, adapter, options } = split(trainer as unknown as Trainer<never>);
  const merged = new Map(base.map((tensor) => [tensor.name, tensor.data.slice()]));
  for (const b of adapter) {
    const [out] = b.shape;
    const into = matrixOf(b, base).shape[1];
    const data = merged.get(loraOf(b.name) as string) as Int32Array;
    const signs = loraSigns(b.name, into, options);
    const step = 2 ** loraShift(into);
    for (let o = 0; o < out; o++)
      for (let i = 0; i < into; i++) {
        let sum = 0; // below 2^35: exact
        for (let r = 0; r < options.rank; r++)
          sum += b.data[o * options.rank + r] * signs[r * into + i];
        const value = data[o * into + i] + Math.floor(sum / step + 0.5);
        data[o * into + i] = Math.min(WEIGHT_LIMIT, Math.max(-WEIGHT_LIMIT, value));
      }
  }
  return base.map((tensor) => ({ ...tensor, data: merged.get(tensor.name) as Int32Array }));
}

/** The matrix that B is the adapter of. */
function matrixOf({ name }: NamedTensor, base: readonly NamedTensor[]): NamedTensor {
  const found = base.find((tensor) => tensor.name === loraOf(name));
  if (found === undefined)
    throw new UsageError(`${name} is the adapter of a matrix that shares its weights`);
  return found;
}

/** GPT-2's names of a block's matrices. */
const GPT2: Readonly<Record<string, string>> = {
  qkv: 'attn.c_attn',
  projection: 'attn.c_proj',
  up: 'mlp.c_fc',
  down: 'mlp.c_proj',
};

/** The adapter of a GPT as PEFT loads it on top of GPT2LMHeadModel: `adapter_config.json` and
 *  `adapter_model.safetensors`, A written out, float32. `base`: what PEFT finds the model by.
 *  Throws UsageError for an adapter on anything but qkv, projection, up and down of blocks.
 *  @example
 *  const shape = { vocabulary: 4, layers: 2, channels: 8, heads: 2, context: 4 };
 *  const model = gpt({ ...shape, adapter: lora({ rank: 2, on: ['qkv'] }) });
 *  const files = exportPeft(Trainer.create({ model, batch: 1, steps: 10 }), 'gpt2');
 *  console.log(JSON.parse(files['adapter_config.json']).target_modules); // [ 'attn.c_attn' ]
 */
export function exportPeft<Batch>(
  trainer: Trainer<Batch>,
  base: string,
): { 'adapter_config.json': string; 'adapter_model.safetensors': Uint8Array<ArrayBuffer> } {
  const { base: weights, adapter, options } = split(trainer as unknown as Trainer<never>);
  const { rank, on } = options;
  const modules = on.map((name) => moduleOf(name));
  const float32 = (values: ArrayLike<number>, unit: number): Uint8Array =>
    toLittleEndian(Float32Array.from(values, (value) => value * unit));
  const tensors = adapter.flatMap((b): RawTensor[] => {
    const [, block, name] = /^block\.(\d+)\.(\w+)\.lora\.weight$/.exec(b.name) ?? [];
    const prefix = `base_model.model.transformer.h.${block}.${moduleOf(name)}`;
    const into = matrixOf(b, weights).shape[1];
    const a = float32(loraSigns(b.name, into, options), 2 ** -loraShift(into));
    const ofB = float32(b.data, 2 ** -MASTER_FRACTION);
    const dtype = 'F32' as const;
    return [
      { name: `${prefix}.lora_A.weight`, dtype, shape: [rank, into], bytes: a },
      { name: `${prefix}.lora_B.weight`, dtype, shape: b.shape, bytes: ofB },
    ];
  });
  const config = {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: text('base', base),
    r: rank,
    lora_alpha: rank, // their quotient is the factor of B A: 1
    lora_dropout: 0,
    bias: 'none',
    fan_in_fan_out: true, // GPT-2's matrices are [in, out]
    target_modules: modules,
    modules_to_save: null,
    inference_mode: true,
  };
  return {
    'adapter_config.json': `${JSON.stringify(config, null, 2)}\n`,
    'adapter_model.safetensors': encodeSafetensors({ tensors, metadata: { format: 'pt' } }),
  };
}

function moduleOf(name: string): string {
  if (Object.hasOwn(GPT2, name)) return GPT2[name];
  throw new UsageError(
    `the adapter is on ${JSON.stringify(name)}, which PEFT has no place for in a GPT-2`,
    `it has for ${Object.keys(GPT2).join(', ')}; merge the others`,
  );
}

// PEFT's LoRA in float64, written from its file format (adapter_config.json and
// adapter_model.safetensors of peft 0.11 and later, LoraConfig and LoraLayer). It reads a base
// directory and an adapter directory, and knows nothing of this library: what it computes is what
// the files mean. What PEFT would refuse, leave out or do otherwise is an error here.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Gpt2 } from './gpt2-float64.ts';

/** The fields of adapter_config.json that decide what is computed. */
interface LoraConfig {
  peft_type: string;
  task_type: string;
  base_model_name_or_path: string | null;
  r: number;
  lora_alpha: number;
  lora_dropout: number;
  bias: string;
  fan_in_fan_out: boolean;
  target_modules: string[];
  modules_to_save: string[] | null;
  inference_mode: boolean;
}
const TYPES: Record<keyof LoraConfig, (value: unknown) => boolean> = {
  peft_type: (value) => value === 'LORA',
  task_type: (value) => value === 'CAUSAL_LM',
  base_model_name_or_path: (value) => value === null || typeof value === 'string',
  r: (value) => Number.isInteger(value),
  lora_alpha: (value) => Number.isInteger(value),
  lora_dropout: (value) => typeof value === 'number',
  bias: (value) => value === 'none',
  fan_in_fan_out: (value) => typeof value === 'boolean',
  target_modules: (value) => Array.isArray(value) && value.length > 0,
  modules_to_save: (value) => value === null,
  inference_mode: (value) => value === true,
};

interface Matrix {
  shape: number[];
  values: Float64Array;
}

function readConfig(directory: string): LoraConfig {
  const config = JSON.parse(readFileSync(join(directory, 'adapter_config.json'), 'utf8'));
  for (const [name, isRight] of Object.entries(TYPES))
    if (!isRight(config[name])) throw new Error(`${name} is ${JSON.stringify(config[name])}`);
  const other = Object.keys(config).find((name) => !Object.hasOwn(TYPES, name));
  if (other !== undefined) throw new Error(`LoraConfig has no ${other}`);
  return config;
}

function readMatrices(directory: string): Map<string, Matrix> {
  const file = readFileSync(join(directory, 'adapter_model.safetensors'));
  const begin = 8 + Number(file.readBigUInt64LE(0));
  const { __metadata__: metadata, ...table } = JSON.parse(file.toString('utf8', 8, begin));
  if (metadata.format !== 'pt') throw new Error(`format is ${metadata.format}`);
  return new Map(
    Object.entries(table).map(([name, entry]) => {
      const {
        dtype,
        shape,
        data_offsets: at,
      } = entry as {
        dtype: string;
        shape: number[];
        data_offsets: [number, number];
      };
      if (dtype !== 'F32') throw new Error(`${name} is ${dtype}`);
      const bytes = Uint8Array.from(file.subarray(begin + at[0], begin + at[1]));
      const values = Float64Array.from(new Float32Array(bytes.buffer));
      if (shape.length !== 2 || shape[0] * shape[1] !== values.length)
        throw new Error(`${name} is [${shape}] of ${values.length} numbers`);
      return [name, { shape, values }];
    }),
  );
}

/** Modules of the base that PEFT gives an adapter: those whose names end with a target. */
const targeted = (names: readonly string[], { target_modules: targets }: LoraConfig): string[] =>
  names
    .filter((name) => name.endsWith('.weight'))
    .map((name) => name.slice(0, -'.weight'.length))
    .filter((module) => targets.some((one) => module === one || module.endsWith(`.${one}`)));

/** W [in, out] += alpha / r (B A)^T. */
function add(weights: Float64Array, a: Matrix, b: Matrix, { r, lora_alpha }: LoraConfig): void {
  const [out] = b.shape;
  const [, into] = a.shape;
  if (a.shape[0] !== r || b.shape[1] !== r || weights.length !== into * out)
    throw new Error(`A is [${a.shape}], B [${b.shape}], r ${r}, W has ${weights.length}`);
  for (let i = 0; i < into; i++)
    for (let o = 0; o < out; o++) {
      let sum = 0;
      for (let k = 0; k < r; k++) sum += b.values[o * r + k] * a.values[k * into + i];
      weights[i * out + o] += (lora_alpha / r) * sum;
    }
}

/** GPT-2 of a directory with the adapter of another one, and how many matrices it is added to. */
export function loadPeft(base: string, adapter: string): { gpt2: Gpt2; matrices: number } {
  const files = readdirSync(adapter).sort().join();
  if (files !== 'adapter_config.json,adapter_model.safetensors') throw new Error(files);
  const config = readConfig(adapter);
  const left = readMatrices(adapter);
  const gpt2 = Gpt2.load(base);
  const take = (name: string): Matrix => {
    const found = left.get(name);
    if (found === undefined || !left.delete(name)) throw new Error(`${name} is missing`);
    return found;
  };
  if (!config.fan_in_fan_out) throw new Error('Conv1D needs fan_in_fan_out');
  const modules = targeted(Object.keys(gpt2.weights), config);
  for (const module of modules) {
    const prefix = `base_model.model.transformer.${module}`;
    const [a, b] = ['A', 'B'].map((one) => take(`${prefix}.lora_${one}.weight`));
    add(gpt2.weights[`${module}.weight`], a, b, config);
  }
  if (left.size > 0) throw new Error(`unexpected: ${[...left.keys()]}`);
  return { gpt2, matrices: modules.length };
}

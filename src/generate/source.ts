// What a generator can be made of, checked.

import { list, properties, typed } from '../core/check.ts';
import {
  type CheckedOptions,
  type ConfiguredModel,
  type NamedTensor,
  UsageError,
} from '../index.ts';
import type { EngineSource } from './engine.ts';

/** What a generator is made of: a trainer, a checkpoint, or a model and its weights. */
export type GeneratorSource =
  | {
      /** Of the run: its model. */
      readonly options: Pick<CheckedOptions<never>, 'model'>;
      /** Its weights; what the optimizer keeps is not looked at. */
      readonly tensors: readonly NamedTensor[] | (() => readonly NamedTensor[]);
    }
  | {
      /** The model. */
      readonly model: ConfiguredModel<unknown, never>;
      /** Its weights, int32 with 24 fraction bits. */
      readonly tensors: readonly NamedTensor[];
    };

const MODEL = ['name', 'config', 'streams', 'loss'] as const;

/** The model and the weights of a source. Throws UsageError for what is none. */
export function readSource(given: GeneratorSource): Omit<EngineSource, 'memoryLimit'> {
  const keys = ['options', 'model', 'tensors'] as const;
  type Any = { options?: unknown; model?: unknown; tensors: unknown };
  const own = properties<Any>('the source', Object(given) as Any, keys);
  const run = own.options === undefined ? own : (own.options as Any);
  const about = properties<Any>('its options', Object(run) as Any, ['model']);
  const tensors =
    typeof own.tensors === 'function'
      ? (given as unknown as { tensors: () => NamedTensor[] }).tensors()
      : own.tensors;
  const read = (name: string, value: unknown): NamedTensor => {
    const tensor = properties(name, Object(value) as NamedTensor, [
      'name',
      'shape',
      'data',
      'fraction',
    ]);
    typed(name, tensor.data, 'Int32Array');
    return tensor;
  };
  const model = properties('model', about.model as ConfiguredModel<unknown, never>, MODEL);
  if (model.streams === undefined || model.loss === undefined)
    throw new UsageError(
      'model is no model',
      'make one with gpt(), vit(), translator() or your own',
    );
  return {
    model,
    tensors: list('tensors', tensors as NamedTensor[], read, 1),
  };
}

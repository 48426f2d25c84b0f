// The options of a run as data: for threads, checkpoints and receipts.

import { show } from '../core/check.ts';
import { UsageError } from '../core/errors.ts';
import type { Int8Options } from '../layers/int8.ts';
import type { AnyDefinition, Makers } from '../models/define.ts';
import { fromData, toData } from './choices.ts';
import type { CheckedOptions } from './options.ts';

/** Options as what can be sent to another thread or kept in a file. */
export function optionsToData({ worker: _, model, ...rest }: CheckedOptions): object {
  return { ...(toData(rest) as object), model: toData({ name: model.name, config: model.config }) };
}

/** The opposite. Throws UsageError for a model or a choice that is not known here. */
export function optionsFromData(
  data: object,
  definitions: readonly AnyDefinition[],
  makers: Makers,
): CheckedOptions {
  const { model, ...rest } = fromData(data, makers) as CheckedOptions;
  const definition = definitions.find(({ modelName }) => modelName === Object(model).name);
  if (definition === undefined)
    throw new UsageError(
      `the model ${show(Object(model).name)} is not known here, expected one of ` +
        definitions.map(({ modelName }) => modelName).join(', '),
      'give its definition',
    );
  return { ...rest, model: definition(model.config), worker: undefined };
}

/** What a file keeps of the options: not which kernels compute with int8 operands, for each machine
 *  chooses its own. */
function kept(_: string, value: unknown): unknown {
  const { choice, options } = Object(value) as { choice?: unknown; options?: Int8Options };
  return choice === 'int8' ? { choice, options: { on: options?.on } } : value;
}

/** Options as a file keeps them, in JSON. */
export const keptOptions = (options: CheckedOptions): string =>
  JSON.stringify(optionsToData(options), kept);

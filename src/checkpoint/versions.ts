// Options as checkpoints keep them. Version 3: the model's name and configuration, and choices by
// name and options. Versions 1 and 2 had one flat record of three kinds of model, which is read for
// ever.

import { show } from '../core/check.ts';
import { CheckpointError } from '../core/errors.ts';
import type { AnyDefinition, Makers } from '../models/define.ts';
import { type CheckedOptions, checkTrainOptions } from '../train/options.ts';
import { optionsFromData } from '../train/options-data.ts';

/** The options of versions 1 and 2. */
interface FlatOptions {
  model: { kind?: string } & Record<string, unknown>;
  learningRate: number;
  warmup: number;
  decay: 'cosine' | 'constant';
  weightDecay: number;
  reversible: string;
  gammaShift: number;
  momentum: number;
  randomMomentum: boolean;
  storeActivations: boolean;
}

const choiceOf = (choice: string, options: object = {}): object => ({ choice, options });

function ruleOf({ reversible, gammaShift, momentum, randomMomentum }: FlatOptions): object {
  if (reversible === 'bdia') return choiceOf('bdia', { gammaShift });
  if (reversible === 'momentum')
    return choiceOf('momentum', { beta: momentum, isRandom: randomMomentum });
  return choiceOf(reversible === 'none' || reversible === 'checkpointing' ? 'plain' : reversible);
}

function keepOf({ reversible, storeActivations }: FlatOptions): string | undefined {
  if (reversible === 'checkpointing') return 'states';
  return storeActivations ? 'activations' : undefined;
}

/** Options of versions 1 and 2 as those of version 3. */
function fromFlat(flat: FlatOptions): object {
  const {
    model: { kind = 'gpt', ...config },
    learningRate: peak,
    warmup,
    decay,
    weightDecay,
    reversible: _rule,
    gammaShift: _shift,
    momentum: _momentum,
    randomMomentum: _random,
    storeActivations: _store,
    ...rest
  } = flat;
  return {
    ...rest,
    model: { name: kind, config: { ...config, rule: ruleOf(flat) } },
    learningRate: choiceOf(decay, { peak, warmup }),
    optimizer: choiceOf('adamw', { weightDecay }),
    keep: keepOf(flat),
  };
}

/** The options of a file of some version. Throws CheckpointError for what no run can have. */
export function readOptions(
  value: unknown,
  version: number,
  definitions: readonly AnyDefinition[],
  makers: Makers,
): CheckedOptions {
  const { model } = Object(value);
  if (Object(model) !== model)
    throw new CheckpointError(`its options cannot be used: the model is ${show(model)}`);
  const data = version < 3 ? fromFlat(value as FlatOptions) : (value as object);
  try {
    return checkTrainOptions(optionsFromData(data, definitions, makers));
  } catch (error) {
    throw new CheckpointError(`its options cannot be used: ${(error as Error).message}`);
  }
}

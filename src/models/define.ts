// A model of one's own: a function from a configuration to an input, layers and a loss, with the
// name by which threads and checkpoints find it again.

import { text } from '../core/check.ts';
import type { Input } from '../layers/input.ts';
import type { Layer } from '../layers/layer.ts';
import type { Loss } from '../loss/loss.ts';
import type { Model } from './model.ts';
import type { StackLayer, Stream } from './stream.ts';

/** What a model is made of: one stream, or several of which each may look at the one before. */
export type Parts<A, B> = {
  readonly loss: Loss<B>;
  /** The configuration with its defaults, which a checkpoint keeps (what was given). */
  readonly config?: unknown;
} & (
  | { readonly input: Input<A>; readonly layers: readonly (Layer | StackLayer)[] }
  | { readonly streams: readonly Stream<A>[] }
);

/** A model with a configuration. */
export interface ConfiguredModel<Config = unknown, Batch = unknown> extends Model<Batch> {
  readonly name: string;
  readonly config: Config;
}

/** Makes a model of a configuration. */
export interface Definition<Config, Batch> {
  (config: Config): ConfiguredModel<Config, Batch>;
  readonly modelName: string;
}

/** A value that can be made again of its name and options: an update rule, an optimizer, a
 *  schedule. */
export interface Choice {
  readonly name: string;
  readonly options: object;
}

/** Makes a choice of its options. */
export type Maker = (options: never) => Choice;
/** By name. */
export type Makers = Readonly<Record<string, Maker>>;

/** Any definition. */
// biome-ignore lint/suspicious/noExplicitAny: of whatever configuration and batch
export type AnyDefinition = Definition<any, any>;

/** Defines a model. `name` is its name in checkpoints; `build` must give the same for the same
 *  configuration, which is data and choices (rules, optimizers: what has a name and options). */
export function defineModel<Config, A, B>(
  name: string,
  build: (config: Config) => Parts<A, B>,
): Definition<Config, A & B> {
  text('name', name);
  const make = (config: Config): ConfiguredModel<Config, A & B> => {
    const parts = build(config);
    const streams = 'streams' in parts ? parts.streams : [parts];
    const complete = (parts.config ?? config) as Config;
    return { name, config: complete, streams, loss: parts.loss };
  };
  return Object.assign(make, { modelName: name });
}

// A model of one's own: a function from a configuration to an input, layers and a loss, with the
// name by which threads and checkpoints find it again.

import { callback, properties, text } from '../core/check.ts';
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
  /** Of its definition. */
  readonly name: string;
  /** With its defaults: what a checkpoint keeps. */
  readonly config: Config;
  /** Not of the library: threads of the library do not have it, whatever its name. @internal */
  readonly isOwn?: boolean | undefined;
}

/** Makes a model of a configuration. */
export interface Definition<Config, Batch> {
  /** Makes the model. Throws what the definition throws for a wrong configuration. */
  (config: Config): ConfiguredModel<Config, Batch>;
  /** Its name in checkpoints and messages to threads. */
  readonly modelName: string;
}

/** A value that can be made again of its name and options: an update rule, an optimizer, a
 *  schedule. */
export interface Choice {
  /** By which it is found again. */
  readonly name: string;
  /** What it is made of again, as data. */
  readonly options: object;
}

/** Makes a choice of its options. */
export type Maker = (options: never) => Choice;
/** By name. */
export type Makers = Readonly<Record<string, Maker>>;

/** Any definition. */
// biome-ignore lint/suspicious/noExplicitAny: of whatever configuration and batch
export type AnyDefinition = Definition<any, any>;

/** Defines a model. `name` is its name in checkpoints, better unlike the library's gpt, vit and
 *  translator; `build` must give the same for the same configuration, which is data and choices
 *  (rules, optimizers: what has a name and options). An
 *  `adapter` in it, as lora({ ... }), is added to the model's matrices.
 *  @example
 *  const model = defineModel('exclusive or', ({ width }) => ({
 *    input: features({ count: 2 }),
 *    layers: [
 *      linear(width, { name: 'in', bias: true, deviation: 1 }),
 *      gelu(),
 *      linear(2, { name: 'out', bias: true, deviation: 1 }),
 *    ],
 *    loss: crossEntropy({ counts: true }),
 *  }));
 *  const options = { model: model({ width: 8 }), batch: 4, steps: 200, learningRate: 0.02 };
 *  const trainer = Trainer.create(options);
 *  const batch = { values: [-1, -1, -1, 1, 1, -1, 1, 1], targets: Int32Array.of(0, 1, 1, 0) };
 *  while (trainer.steps < 200) trainer.step(batch);
 *  console.log(trainer.parameters, trainer.evaluate(batch).accuracy); // 42 1
 */
export function defineModel<Config, A, B>(
  name: string,
  build: (config: Config) => Parts<A, B>,
): Definition<Config, A & B> {
  text('name', name);
  callback('build', build);
  return definition(name, build, true);
}

/** A definition, unchecked: those of the library have no third argument. */
export function definition<Config, A, B>(
  name: string,
  build: (config: Config) => Parts<A, B>,
  isOwn?: boolean,
): Definition<Config, A & B> {
  const make = (config: Config): ConfiguredModel<Config, A & B> => {
    type All = Parts<A, B> & Stream<A> & { readonly streams?: readonly Stream<A>[] };
    const keys = ['config', 'streams', 'input', 'layers', 'loss'] as const;
    const parts = properties(`what ${name} is built of`, build(config) as All, keys);
    const { input, layers, streams = [{ input, layers }], loss } = parts;
    return { name, config: (parts.config ?? config) as Config, streams, loss, isOwn };
  };
  return Object.assign(make, { modelName: name });
}

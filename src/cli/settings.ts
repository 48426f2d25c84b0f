// What the options of the command line say, as one flat record, and the library's options of it.
// A checkpoint keeps the library's options; what the commands show and compare is this record.

import {
  type Adapter,
  adamw,
  bdia,
  type CheckedOptions,
  type ConfiguredModel,
  checkTrainOptions,
  constant,
  cosine,
  coupling,
  type Definition,
  type FullLora,
  type Int8Options,
  int8,
  int16,
  type JoinedOptions,
  type LocalStepsOptions,
  leapfrog,
  localSteps,
  lora,
  matching,
  momentum,
  type Operands,
  type Optimizer,
  plain,
  roundsOf,
  type Schedule,
  type UpdateRule,
  UsageError,
} from './library.ts';
import { loraOptions, wordOfLora } from './lora.ts';

/** The rules that a run can choose, and whether states can be rebuilt by them. */
const RULES = {
  bdia: true,
  none: false,
  coupling: true,
  momentum: true,
  leapfrog: true,
  checkpointing: false,
};
export type RuleName = keyof typeof RULES;

/** How products of int8 operands are computed: no option of the library's run, for no bit depends
 *  on it. */
export type Kernels = NonNullable<Int8Options['build']>;

/** Every option of a run but those of its data, by the names of the command line. */
export interface Settings<Model = Record<string, unknown>> {
  batch: number;
  steps: number;
  seed: number;
  /** Steps that the run had before it was extended, each time. */
  extended?: number[];
  learningRate: number;
  warmup: number;
  decay: 'cosine' | 'constant';
  weightDecay: number;
  clip: number | 'none';
  /** Of rounds: K and H. */
  shards?: number | undefined;
  localSteps?: number | undefined;
  reversible: RuleName;
  gammaShift: number;
  momentum: number;
  randomMomentum: boolean;
  dropout: number;
  stochasticDepth: number;
  fractionBits: number;
  operands: 'int16' | 'int8';
  /** The matrices that have them, where a program has chosen (all that can). */
  operandsOn?: readonly string[] | undefined;
  /** Patterns of names of frozen tensors. */
  freeze?: readonly string[] | undefined;
  /** Of an adapter its rank and its matrices: 8:qkv,down. */
  lora?: string | undefined;
  microBatch: number;
  storeActivations: boolean;
  verify: boolean;
  threads: number;
  memoryLimit: number;
  /** Of a model that is no GPT: its name as `kind` too. */
  model: Model;
}

/** Settings as given; what is left out has the library's default. */
export type GivenSettings<Model> = Pick<Settings<Model>, 'batch' | 'steps' | 'model'> & {
  [K in keyof Settings]?: Settings<Model>[K] | undefined;
} & { kernels?: Kernels | undefined };

/** What the configurations of all kinds of models have. */
export interface ModelConfig {
  layers: number;
  channels: number;
  rule?: UpdateRule | undefined;
  adapter?: Adapter | undefined;
  operands?: Operands | undefined;
}

/** The library's options of a run of a known model. */
export interface RunOptions<Config = ModelConfig, Batch = never> extends CheckedOptions<Batch> {
  readonly model: ConfiguredModel<Required<Config>, Batch>;
}

/** The configuration of a model whose kind the caller knows. */
export const configOf = <Config>({ model }: CheckedOptions<never>): Required<Config> =>
  model.config as Required<Config>;

/** The format of the operands of a run's products. */
export const operandsOf = (options: CheckedOptions<never>): Operands =>
  configOf<ModelConfig>(options).operands ?? int16();

/** The rule that is chosen. The options of the others are checked, too. */
function ruleOf({
  reversible = 'bdia',
  gammaShift,
  momentum: beta,
  randomMomentum,
}: Partial<Settings>): UpdateRule {
  const isRandom = randomMomentum === true && reversible === 'momentum';
  const rules: Record<RuleName, UpdateRule> = {
    bdia: bdia({ gammaShift }),
    none: plain(),
    coupling: coupling(),
    momentum: momentum({ beta, isRandom }),
    leapfrog: leapfrog(),
    checkpointing: plain(),
  };
  return rules[reversible];
}

function keepOf({ reversible, storeActivations }: Partial<Settings>): CheckedOptions['keep'] {
  if (reversible === 'checkpointing') return 'states';
  return storeActivations === true ? 'activations' : undefined;
}

/** The schedule. Throws UsageError for a warm-up that the run has not the steps for. */
export function scheduleOf(given: Partial<Settings> & { steps: number }): Schedule {
  const { steps, learningRate = 0.001, warmup = Math.min(100, steps), decay } = given;
  const schedule = decay === 'constant' ? constant : cosine;
  if (!Number.isInteger(steps) || steps < 1) return schedule(learningRate); // will be refused
  if (!Number.isInteger(warmup) || warmup < 0 || warmup > steps)
    throw new UsageError(
      `warmup is ${warmup}, expected a whole number from 0 to ${steps}`,
      'warm-up cannot be longer than the run',
    );
  return schedule(learningRate, { warmup });
}

/** AdamW, or rounds of it. Throws UsageError if only one of their numbers is given. */
function optimizerOf({ weightDecay, shards, localSteps: steps }: Partial<Settings>): Optimizer {
  const optimizer = adamw({ weightDecay });
  if (shards === undefined && steps === undefined) return optimizer;
  if (shards === undefined || steps === undefined)
    throw new UsageError(
      shards === undefined
        ? `--local-steps is ${steps}, but there are no --shards, expected both or none`
        : `--shards is ${shards}, but there are no --local-steps, expected both or none`,
      'shards exchange weights after so many steps: for instance --shards 4 --local-steps 16',
    );
  return localSteps({ optimizer, shards, steps });
}

type GivenChoices = Pick<
  GivenSettings<never>,
  'lora' | 'seed' | 'operands' | 'operandsOn' | 'kernels'
>;

/** The adapter and the operands that are chosen, if any. */
function matrixChoices({ lora: word, seed, operands, operandsOn: on, kernels }: GivenChoices) {
  return {
    adapter: word === undefined ? undefined : lora({ ...loraOptions(word), seed }),
    operands: operands === 'int8' ? int8({ on, build: kernels }) : undefined,
  };
}

/** The library's options, checked, of a model that `define` makes. Throws UsageError. */
export function optionsOf<Config extends ModelConfig, Batch>(
  define: Definition<Config, Batch>,
  given: GivenSettings<Omit<Config, 'rule' | 'adapter' | 'operands'>>,
): RunOptions<Config, Batch> {
  const flat = given as Partial<Settings> & { steps: number };
  const { batch, steps, seed, clip, dropout, stochasticDepth, fractionBits } = given;
  const { microBatch, verify = RULES[given.reversible ?? 'bdia'], threads, memoryLimit } = given;
  const { freeze } = given;
  const config = { ...given.model, rule: ruleOf(flat), ...matrixChoices(given) };
  const options = checkTrainOptions({
    model: define(config as unknown as Config),
    batch,
    steps,
    seed,
    learningRate: scheduleOf(flat),
    optimizer: optimizerOf(flat),
    clip,
    dropout,
    stochasticDepth,
    fractionBits,
    freeze: freeze && matching(freeze),
    microBatch,
    keep: keepOf(flat),
    verify,
    threads,
    memoryLimit,
  });
  roundsOf(options); // refuses those that do not fit
  return options as RunOptions<Config, Batch>;
}

/** The name of a rule on the command line. */
function nameOf({ name }: UpdateRule, keep: CheckedOptions['keep']): RuleName {
  if (name !== 'plain') return name as RuleName;
  return keep === 'states' ? 'checkpointing' : 'none';
}

/** What a model's configuration says, in the order in which it is shown. */
const MODEL = [
  'vocabulary',
  'width',
  'height',
  'colours',
  'classes',
  'patch',
  'layers',
  'channels',
  'heads',
  'context',
  'mlpRatio',
  'bias',
  'tied',
];

function modelOf({ name, config }: CheckedOptions['model']): Record<string, unknown> {
  const values = new Map(Object.entries(config as object));
  const shown = MODEL.filter((key) => values.has(key)).map((key) => [key, values.get(key)]);
  return Object.fromEntries(name === 'gpt' ? shown : [['kind', name], ...shown]);
}

/** The part of a schedule that comes last, and the steps before which another one does: those that
 *  the run had before it was extended. */
export function lastOf(schedule: Schedule): { last: Schedule; extended: number[] } {
  if (schedule.name !== 'joined') return { last: schedule, extended: [] };
  const { first, steps, after } = schedule.options as unknown as JoinedOptions;
  const { last, extended } = lastOf(after);
  const later = extended.map((step) => steps + step);
  return { last, extended: [...lastOf(first).extended, steps, ...later] };
}

/** The optimizer of a run, of its local steps if it has rounds; and those. */
function optimizerIn({ optimizer }: CheckedOptions<never>): {
  optimizer: Optimizer;
  shards?: number;
  localSteps?: number;
} {
  if (optimizer.name !== 'localSteps') return { optimizer };
  const { optimizer: own, shards, steps } = optimizer.options as unknown as LocalStepsOptions;
  return { optimizer: own as Optimizer, shards, localSteps: steps };
}

/** What the options of a run say, of a checkpoint of whatever version too. What a rule does not
 *  have has its default. A run of another program may have an optimizer that the command line has
 *  not: it is named beside. */
export function settingsOf(options: CheckedOptions<never>): Settings {
  const { model, batch, steps, seed, clip, dropout, stochasticDepth, fractionBits } = options;
  const { microBatch, keep, verify, threads, memoryLimit } = options;
  const { optimizer, ...rounds } = optimizerIn(options);
  const { rule, adapter } = configOf<ModelConfig>(options);
  const operands = operandsOf(options);
  const { on } = operands.options as Int8Options;
  const { last, extended } = lastOf(options.learningRate);
  const { peak, warmup } = last.options as { peak: number; warmup: number };
  const ofRule = rule.options as { gammaShift?: number; beta?: number; isRandom?: boolean };
  return {
    batch,
    steps,
    seed,
    ...(extended.length === 0 ? {} : { extended }),
    learningRate: peak,
    warmup: Math.min(warmup, steps - (extended.at(-1) ?? 0)),
    decay: last.name as Settings['decay'],
    ...(optimizer.name === 'adamw' ? {} : { optimizer: optimizer.name }),
    weightDecay: optimizer.options.weightDecay as number,
    clip,
    ...rounds,
    reversible: nameOf(rule, keep),
    gammaShift: ofRule.gammaShift ?? 1,
    momentum: ofRule.beta ?? 0.875,
    randomMomentum: ofRule.isRandom ?? false,
    dropout,
    stochasticDepth,
    fractionBits,
    operands: operands.name as Settings['operands'],
    ...(on === undefined ? {} : { operandsOn: on }),
    ...(options.freeze === undefined ? {} : { freeze: options.freeze.options.patterns }),
    ...(adapter?.name === 'lora' ? { lora: wordOfLora(adapter.options as FullLora) } : {}),
    microBatch,
    storeActivations: keep === 'activations',
    verify,
    threads,
    memoryLimit,
    model: modelOf(model),
  };
}

// Lockstep: while random configurations train, every kernel call is repeated by the plain
// TypeScript reference on a copy of the same memory, and the whole memory and the return value are
// compared. A configuration is a function of (seed, number).

import {
  isWeight,
  type NamedTensor,
  OverflowError,
  type Trainer,
  UsageError,
} from '../../src/index.ts';
import type { Backend, Kernels } from '../../src/kernels/kernels.ts';
import { createReferenceBackend } from '../../src/kernels/reference/index.ts';
import { OPTIMIZER_FRACTION, WEIGHT_LIMIT } from '../../src/memory/formats.ts';
import { Source } from './data.ts';
import { createGpt, type FlatChoices, type RuleName } from './flat.ts';
import { createTranslator, createVit } from './model-batches.ts';

type Name = keyof Kernels;
export type MakeBackend = (bytes: number) => Backend;

/** What a kernel may leave in its scratch is its own affair: address and bytes. */
const SCRATCH: Partial<Record<Name, (args: readonly number[]) => [at: number, bytes: number]>> = {
  l1_max_i16: ([, , columns, scratch]) => [scratch, columns * 4],
  adamw_i64: (args) => [args[14], 512],
};

/** A call that the reference does otherwise, or a step that may not fail so. */
export class Difference extends Error {}

/** Wraps back ends so that every call is repeated; counts the calls of each kernel. */
export class Lockstep {
  readonly calls = new Map<string, number>();
  total = 0;

  constructor(private readonly makeBackend: MakeBackend) {}

  readonly backend = (bytes: number): Backend => {
    const actual = this.makeBackend(bytes);
    const { buffer } = actual.memory;
    const reference = createReferenceBackend(buffer.byteLength - 64);
    const own = reference.memory.buffer;
    if (own.byteLength !== buffer.byteLength) throw new Error('the memories differ in size');
    const memory = new Uint8Array(buffer);
    const expected = new Uint8Array(own);
    const repeated =
      (name: Name) =>
      (...args: number[]): number | undefined => {
        const call = `${name}(${args.join(', ')})`;
        expected.set(memory);
        const result = calling(actual, name, args, call);
        const wanted = calling(reference, name, args, `reference ${call}`);
        this.total++;
        this.calls.set(name, (this.calls.get(name) ?? 0) + 1);
        const [at, size] = SCRATCH[name]?.(args) ?? [0, 0];
        expected.set(memory.subarray(at, at + size), at);
        if (result !== wanted)
          throw new Difference(`${call} returned ${result}, expected ${wanted}`);
        if (Buffer.compare(memory, expected) !== 0)
          throw new Difference(`${call}: ${firstDifference(memory, expected)}`);
        return result;
      };
    const kernels = Object.fromEntries(
      (Object.keys(reference.kernels) as Name[]).map((name) => [name, repeated(name)]),
    );
    return { ...actual, kernels: kernels as unknown as Kernels };
  };
}

function calling(
  { kernels }: Backend,
  name: Name,
  args: readonly number[],
  call: string,
): number | undefined {
  try {
    return (kernels[name] as (...given: readonly number[]) => number | undefined)(...args);
  } catch (error) {
    throw new Difference(`${call}: ${String(error)}`);
  }
}

function firstDifference(memory: Uint8Array, expected: Uint8Array): string {
  const at = memory.findIndex((byte, i) => byte !== expected[i]);
  return `byte ${memory[at]} at ${at}, expected ${expected[at]}`;
}

const RULES: RuleName[] = [
  'bdia',
  'bdia',
  'bdia',
  'none',
  'leapfrog',
  'momentum',
  'coupling',
  'checkpointing',
];

/** Options but for the model's: everything that a run can choose, its ends more often than what
 *  lies between. */
function optionsOf(source: Source): FlatChoices & { batch: number; steps: number } {
  const batch = source.between(1, 4);
  const eighths = source.between(1, 7);
  return {
    batch,
    microBatch: source.pick([1, 2, 3, 4].filter((n) => batch % n === 0)),
    steps: source.pick([4, 1000]),
    seed: source.pick([1, source.u32(), Number.MAX_SAFE_INTEGER]),
    warmup: source.pick([0, 2]),
    decay: source.pick(['cosine', 'constant'] as const),
    learningRate: source.pick([1e-3, 2 ** -source.between(1, 20), 1 - 2 ** -20]),
    weightDecay: source.pick([0, 0.1, 0.4]),
    clip: source.pick([1, 1, 'none', 2 ** source.between(-20, 20)]),
    reversible: source.pick(RULES),
    gammaShift: source.pick([1, 2, 3, 3]),
    momentum: eighths / 8,
    randomMomentum: source.pick([false, true]),
    dropout: source.pick([0, 0, 0.1, 0.8]),
    stochasticDepth: source.pick([0, 0, 0.3, 0.8]),
    fractionBits: source.pick([6, 9, 14, source.between(6, 14)]),
    storeActivations: source.pick([false, false, true]),
    verify: source.pick([true, true, false]),
  };
}

const tokens = (source: Source, n: number, below: number): Int32Array =>
  Int32Array.from({ length: n }, () => source.between(0, below - 1));

interface Run {
  readonly trainer: Pick<Trainer, 'tensors' | 'restore' | 'options'>;
  step(): unknown;
  look(): unknown;
}

/** Rows of a sequence: few, sometimes about a tile or what one exact sum holds. */
const rowsOf = (source: Source): number =>
  source.pick([
    2,
    source.between(2, 12),
    source.between(15, 18),
    source.between(2, 40),
    source.pick([20, 20, 20, 130]),
  ]);

const MODELS: Record<string, (source: Source, makeBackend: MakeBackend) => Run> = {
  /** Tiny, with gains near the ends of their range: gradients with as many digits as there can be.
   */
  corner(source, makeBackend) {
    const context = source.between(1, 3);
    const vocabulary = source.between(2, 4);
    const channels = source.between(4, 12);
    const model = { vocabulary, layers: 2, channels, heads: 1, context, mlpRatio: 1 };
    const batch = 4;
    const trainer = createGpt(
      { model, batch, steps: 9, gammaShift: 3, seed: source.u32() },
      makeBackend,
    );
    const gain = (): number =>
      Math.round((12 + (3.9 * source.between(0, 100)) / 100) * 2 ** 24) * source.pick([1, -1]);
    const batchOf = (): Int32Array => tokens(source, batch * context, vocabulary);
    const step = (): void => {
      const own = trainer
        .tensors()
        .map((t) => (t.name === 'norm.gain' ? { ...t, data: t.data.map(gain) } : t));
      trainer.restore(own, 0);
      trainer.computeGradients({ inputs: batchOf(), targets: batchOf() });
    };
    return {
      trainer,
      step: () => {
        for (let i = 0; i < 8; i++) step();
      },
      look: () => undefined,
    };
  },
  gpt(source, makeBackend) {
    const context = rowsOf(source);
    const vocabulary = source.between(2, 40);
    const more = optionsOf(source);
    const { batch } = more;
    const model = { ...shapeOf(source), context, vocabulary, tied: source.pick([true, false]) };
    const trainer = createGpt({ ...more, model }, makeBackend);
    return {
      trainer,
      step: () =>
        trainer.step({
          inputs: tokens(source, batch * context, vocabulary),
          targets: tokens(source, batch * context, vocabulary),
        }),
      look: () => trainer.predict(tokens(source, source.between(1, context), vocabulary)),
    };
  },
  vit(source, makeBackend) {
    const patch = source.between(1, 4);
    const colours = source.pick([1, 3]);
    const classes = source.between(2, 20);
    const more = optionsOf(source);
    const { batch } = more;
    const width = patch * source.between(1, 4);
    const height = patch * source.between(1, 4);
    const image = width * height * colours;
    const trainer = createVit(
      { ...more, model: { ...shapeOf(source), width, height, colours, classes, patch } },
      { makeBackend },
    );
    const pixels = (n: number): Uint8Array =>
      Uint8Array.from({ length: n * image }, () => source.pick([0, 255, source.between(0, 255)]));
    return {
      trainer,
      step: () => trainer.step({ images: pixels(batch), labels: tokens(source, batch, classes) }),
      look: () => trainer.predict(pixels(1)),
    };
  },
  translator(source, makeBackend) {
    const context = rowsOf(source);
    const vocabulary = source.between(4, 40);
    const more = optionsOf(source);
    const { batch } = more;
    const trainer = createTranslator(
      { ...more, model: { ...shapeOf(source), context, vocabulary } },
      { makeBackend },
    );
    const lengths = (): Int32Array =>
      Int32Array.from({ length: batch }, () =>
        source.pick([1, context, source.between(1, context)]),
      );
    const rows = (): Int32Array => tokens(source, batch * context, vocabulary);
    return {
      trainer,
      step: () =>
        trainer.step({
          source: rows(),
          sourceLengths: lengths(),
          input: rows(),
          target: rows(),
          targetLengths: lengths(),
        }),
      look: () =>
        trainer.predictor(tokens(source, source.between(1, context), vocabulary))(
          tokens(source, source.between(1, context), vocabulary),
        ),
    };
  },
};

function shapeOf(source: Source): {
  layers: number;
  channels: number;
  heads: number;
  mlpRatio: number;
  bias: boolean;
} {
  const heads = source.between(1, 3);
  const size = source.pick([2, 4, 5, 8, source.between(2, 9)]);
  return {
    layers: source.between(1, 4),
    channels: Math.max(4, heads * size),
    heads: heads * size < 4 ? 1 : heads,
    mlpRatio: source.between(1, 4),
    bias: source.pick([false, true]),
  };
}

/** Other numbers in some tensors: corners, zeros, large and small ones. Moments stay such as a run
 *  can have. */
function disturb(source: Source, tensors: readonly NamedTensor[]): NamedTensor[] {
  const factor = source.pick([0, 1, 1, 4, 16, 2 ** 10]);
  const gain = source.pick([1, 1, 13, 15.9, 15.9, 0, 0.01]);
  const signs = source.pick([0, 0, 2, 9]);
  const moments = source.pick([0, 0, 2 ** 20, 2 ** 30]);
  const scales = source.pick([0, 0, -20, 36]);
  const every = source.pick([1, 3]);
  const limited = (v: number): number =>
    Math.max(-WEIGHT_LIMIT, Math.min(WEIGHT_LIMIT, Math.round(v)));
  return tensors.map((t) => {
    if (!isWeight(t)) {
      const low = t.name.startsWith('optimizer.r') ? 0 : -moments;
      return {
        ...t,
        fraction: OPTIMIZER_FRACTION - scales,
        data: Int32Array.from(t.data, () => source.between(low, moments)),
      };
    }
    const isGain = t.name.endsWith('.gain');
    let by = gain;
    if (!isGain) by = source.between(1, every) === 1 ? factor : 1;
    const add = t.name.endsWith('.bias') ? source.pick([0, 2 ** 20, WEIGHT_LIMIT]) : 0;
    return {
      ...t,
      data: t.data.map((v) =>
        limited(
          v * (isGain && source.between(0, signs) === 1 ? -by : by) +
            add * (source.between(-8, 8) / 8),
        ),
      ),
    };
  });
}

const KINDS = ['gpt', 'gpt', 'gpt', 'vit', 'vit', 'translator', 'translator', 'corner'];

/** Trains configuration `number` of `seed`, in lockstep. Throws a Difference that names both. */
export function train(lockstep: Lockstep, seed: number, number: number): string {
  const source = new Source(seed, number);
  const kind = source.pick(KINDS);
  let run: Run | undefined;
  try {
    run = MODELS[kind](source, lockstep.backend);
    const { trainer } = run;
    if (kind !== 'corner' && source.between(0, 2) > 0)
      trainer.restore(disturb(source, trainer.tensors()), 0);
    for (let i = source.between(1, 3); i > 0; i--) run.step();
    run.look();
    return 'trained';
  } catch (error) {
    if (error instanceof OverflowError) return 'overflowed';
    if (error instanceof UsageError && run === undefined) return 'refused';
    throw new Difference(
      `seed ${seed}, configuration ${number} (${kind}): ` +
        `${String(error)}\n${JSON.stringify(run?.trainer.options)}`,
    );
  }
}

// The reversible rules with the choices that their tests go through, and short runs by them.

import { createWasmBackend, type TextBatch, type Trainer } from '../../src/index.ts';
import type { Backend, Kernels } from '../../src/kernels/kernels.ts';
import { momentumBlocks } from '../../src/reversible/momentum.ts';
import { createGpt, type FlatOptions } from './flat.ts';
import { continueTraining, type Small, smallOptions } from './runs.ts';

export type GptTrainer = Trainer<TextBatch>;
/** A rule with its choices. */
export interface Case {
  /** Choices of the rule. */
  given: Small;
  /** States that are compared on the way back, of L blocks. */
  checked: (layers: number) => number;
  /** Most blocks. */
  most: number;
}

const noted = (given: Case['given'], checked: Case['checked'], most = 1024): Case => ({
  given,
  checked,
  most,
});
const ofMomentum = (numerator: number, denominator: number, randomMomentum: boolean): Case =>
  noted(
    { reversible: 'momentum', momentum: numerator / denominator, randomMomentum },
    (layers) => layers,
    momentumBlocks(numerator / denominator),
  );
/** Every reversible rule, with choices that differ in what is kept and undone. */
export const RULES: Record<string, Case> = {
  'bdia, m = 1': noted({ gammaShift: 1 }, (layers) => layers - 1),
  'bdia, m = 2': noted({ gammaShift: 2 }, (layers) => layers - 1),
  leapfrog: noted({ reversible: 'leapfrog' }, (layers) => layers - 1),
  'momentum 0.875': ofMomentum(7, 8, false),
  'momentum 0.5': ofMomentum(1, 2, false),
  'momentum 0.125': ofMomentum(1, 8, false),
  'random momentum 0.5': ofMomentum(1, 2, true),
  'random momentum 0.75': ofMomentum(3, 4, true),
  coupling: noted({ reversible: 'coupling' }, (layers) => layers),
};

/** Strong noise: more than one block in two of the last is left out. */
export const NOISE = { dropout: 0.2, stochasticDepth: 0.6 };
/** Options of a small run by a rule. */
export const optionsOf = ({ given }: Case, more: Small = {}): FlatOptions =>
  smallOptions({ ...given, ...more });

/** The release build with that many bytes. */
export const release = (bytes: number): Backend =>
  createWasmBackend({ build: 'release', pages: Math.ceil(bytes / 65536) });

/** The release build with that many bytes, of which some kernels do something else. */
export const releaseWith =
  (replace: (kernels: Kernels, memory: Backend['memory']) => Partial<Kernels>) =>
  (bytes: number): Backend => {
    const backend = release(bytes);
    const { kernels, memory } = backend;
    return { ...backend, kernels: { ...kernels, ...replace(kernels, memory) } };
  };

/** Lets the state wrap around: every element is pushed to an end of int32, no range is checked. */
export const wrapping = releaseWith((kernels, memory) => ({
  embedding_forward_i32: (...args) => {
    kernels.embedding_forward_i32(...args);
    const [, , , out, rows, columns] = args;
    const state = new Int32Array(memory.buffer, out, rows * columns);
    state.forEach((v, i) => {
      state[i] = (v + (i % 2 ? 1 : -1) * (2 ** 31 - 1000)) | 0;
    });
  },
  // the range check would refuse the step
  bdia_step_i32: (...args) => {
    kernels.bdia_step_i32(...args);
    return 0;
  },
  add_rounded_i32: (...args) => {
    kernels.add_rounded_i32(...args);
    return 0;
  },
}));

/** A trainer after so many steps of its random batches. */
export function steps(trainer: GptTrainer, count: number): GptTrainer {
  continueTraining(trainer, count);
  return trainer;
}

export const weightsAfter = (options: FlatOptions, count: number): Promise<string> =>
  steps(createGpt(options), count).weightsSha256();

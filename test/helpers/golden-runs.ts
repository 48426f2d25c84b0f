// The short training runs whose results are kept in test/golden/runs.json. A result is a function of the options and of nothing
// else, so a difference is a changed specification: it needs a reason in the changelog, and `npm run golden` rewrites the file.

import type { GptTrainer, TrainOptions } from '../../src/index.ts';
import type { Backend } from '../../src/kernels/kernels.ts';
import { randomTokens, smallOptions, train } from './runs.ts';

export interface GoldenRun {
  steps: number;
  /** Mean loss in nats over a fixed sequence of tokens after the last step: an integer divided by an integer, exact in JSON. */
  loss: number;
  weightsSha256: string;
}

/** Options and steps by name. Between them they reach every kernel: both rules, m = 1 and 2, l = 9 and 12, with and without biases,
 *  tied and untied heads, a context beyond one exact sum of 128 products and one that no tile divides. */
export const GOLDEN_OPTIONS: Readonly<Record<string, { options: TrainOptions; steps: number }>> = {
  'bdia': { options: smallOptions(), steps: 8 },
  'none': { options: smallOptions({ reversible: 'none' }), steps: 8 },
  'bdia, m = 2, l = 12, biases, untied head': {
    options: smallOptions({ gammaShift: 2, fractionBits: 12, seed: 2 ** 40 + 1, model: { bias: true, tied: false } }), steps: 8,
  },
  'bdia, context 139, 5 channels a head': {
    options: smallOptions({ batch: 1, steps: 8, model: { vocabulary: 67, layers: 2, channels: 15, heads: 3, context: 139 } }), steps: 4,
  },
};

/** One run by name. makeBackend: as for GptTrainer.create. */
export async function goldenRun(name: string, makeBackend?: (bytes: number) => Backend): Promise<GoldenRun> {
  const { options, steps } = GOLDEN_OPTIONS[name];
  return resultOf(train(options, steps, makeBackend), options, steps);
}

async function resultOf(trainer: GptTrainer, options: TrainOptions, steps: number): Promise<GoldenRun> {
  const { inputs } = randomTokens({ ...options, batch: options.batch + 1 }, 10_000);
  return { steps, loss: trainer.evaluate(inputs), weightsSha256: await trainer.weightsSha256() };
}

/** What test/golden/runs.json holds. */
export async function goldenRuns(): Promise<Record<string, GoldenRun>> {
  const runs: Record<string, GoldenRun> = {};
  for (const name of Object.keys(GOLDEN_OPTIONS)) runs[name] = await goldenRun(name);
  return runs;
}

// Short runs of the vision transformer and the translator by every rule, with noise: their digests
// are kept in test/golden/models.json (npm run golden).

import type { Backend } from '../../src/kernels/kernels.ts';
import type { RuleName } from './flat.ts';
import {
  createTranslator,
  createVit,
  images,
  pairOptions,
  pairs,
  vitOptions,
} from './model-batches.ts';

const STEPS = 3;
const RULES: RuleName[] = ['bdia', 'none', 'coupling', 'momentum', 'leapfrog', 'checkpointing'];
const NOISE = { dropout: 0.1, stochasticDepth: 0.2 };

/** Names of the runs: a model and a rule; 'none' and 'checkpointing' are one in bits. */
export const MODEL_RUNS: readonly string[] = ['vit', 'translator'].flatMap((model) =>
  RULES.map((rule) => `${model}, ${rule}`),
);

/** SHA-256 of the weights after a run. */
export async function modelRun(
  name: string,
  makeBackend?: (bytes: number) => Backend,
): Promise<string> {
  const [model, reversible] = name.split(', ') as [string, RuleName];
  const flat = { reversible, ...NOISE };
  if (model === 'vit') {
    const trainer = createVit(vitOptions(flat), { makeBackend });
    while (trainer.steps < STEPS) trainer.step(images(trainer.steps, 4));
    return trainer.weightsSha256();
  }
  const trainer = createTranslator(pairOptions(flat), { makeBackend });
  while (trainer.steps < STEPS) trainer.step(pairs(trainer.steps, 4));
  return trainer.weightsSha256();
}

/** What test/golden/models.json holds. */
export async function goldenModels(): Promise<Record<string, string>> {
  const runs: Record<string, string> = {};
  for (const name of MODEL_RUNS) runs[name] = await modelRun(name);
  return runs;
}

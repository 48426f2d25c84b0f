// Short runs of the vision transformer and the translator by every rule, with noise: their digests are kept in test/golden/models.json
// (npm run golden).

import { type RuleName, TranslatorTrainer, VitTrainer } from '../../src/all.ts';
import type { Backend } from '../../src/kernels/kernels.ts';
import { images, pairOptions, pairs, vitOptions } from './model-batches.ts';

const STEPS = 3;
const RULES: RuleName[] = ['bdia', 'none', 'coupling', 'momentum', 'leapfrog', 'checkpointing'];
const NOISE = { dropout: 0.1, stochasticDepth: 0.2 };

/** Names of the runs: a model and a rule; 'none' and 'checkpointing' are one in bits. */
export const MODEL_RUNS: readonly string[] = ['vit', 'translator'].flatMap((model) => RULES.map((rule) => `${model}, ${rule}`));

/** SHA-256 of the weights after a run. makeBackend: as for a trainer's create. */
export async function modelRun(name: string, makeBackend?: (bytes: number) => Backend): Promise<string> {
  const [model, reversible] = name.split(', ') as [string, RuleName];
  if (model === 'vit') {
    const trainer = VitTrainer.create(vitOptions({ reversible, ...NOISE }), makeBackend);
    for (let step = 0; step < STEPS; step++) { const { pixels, labels } = images(step, 4); trainer.trainStep(pixels, labels); }
    return trainer.weightsSha256();
  }
  const trainer = TranslatorTrainer.create(pairOptions({ reversible, ...NOISE }), makeBackend);
  for (let step = 0; step < STEPS; step++) trainer.trainStep(pairs(step, 4));
  return trainer.weightsSha256();
}

/** What test/golden/models.json holds. */
export async function goldenModels(): Promise<Record<string, string>> {
  const runs: Record<string, string> = {};
  for (const name of MODEL_RUNS) runs[name] = await modelRun(name);
  return runs;
}

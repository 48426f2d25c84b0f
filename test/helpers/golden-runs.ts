// The short training runs whose results are kept in test/golden/runs.json. A result is a function
// of the options and of nothing else, so a difference is a changed specification: it needs a reason
// in the changelog, and `npm run golden` rewrites the file.

import { Trainer, textWindows } from '../../src/index.ts';
import type { Backend } from '../../src/kernels/kernels.ts';
import { RUNS, randomTokens, smallRun } from '../../src/verify/runs.ts';

export interface GoldenRun {
  steps: number;
  /** Mean loss in nats over a fixed sequence of tokens after the last step: an integer divided by
   *  an integer, exact in JSON. */
  loss: number;
  weightsSha256: string;
}

export { RUNS as GOLDEN_OPTIONS };

/** One run by name. */
export async function goldenRun(
  name: string,
  makeBackend?: (bytes: number) => Backend,
): Promise<GoldenRun> {
  const { run, steps } = RUNS[name];
  const { config, options } = smallRun(run);
  const trainer = Trainer.forTests(options, { makeBackend });
  while (trainer.steps < steps) trainer.step(randomTokens(config, options.batch, trainer.steps));
  const { inputs } = randomTokens(config, options.batch + 1, 10_000);
  const { loss } = trainer.evaluate(textWindows(inputs, config.context));
  return { steps, loss, weightsSha256: await trainer.weightsSha256() };
}

/** What test/golden/runs.json holds. */
export async function goldenRuns(): Promise<Record<string, GoldenRun>> {
  const runs: Record<string, GoldenRun> = {};
  for (const name of Object.keys(RUNS)) runs[name] = await goldenRun(name);
  return runs;
}

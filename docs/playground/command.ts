// The same run on the command line: commands to paste in a clone of the repository.

import { type Settings, warmupOf } from './settings.ts';

/** How the file of a text is called when it is saved. */
export const textFile = ({ text }: Settings): string => `${text}.txt`;
export const CHECKPOINT_FILE = 'checkpoint.safetensors';

const CLI = 'node dist/cli.js train gpt';

/** The whole run anew; with a digest it fails if the weights have another one. */
export function commandOf(settings: Settings, digest?: string): string {
  const { layers, channels, heads, context, batch, rule, seed, steps, learningRate } = settings;
  const words = [
    `--text ${textFile(settings)}`,
    `--layers ${layers} --channels ${channels} --heads ${heads} --context ${context}`,
    `--batch ${batch} --reversible ${rule} --seed ${seed} --steps ${steps}`,
    `--learning-rate ${learningRate} --warmup ${warmupOf(settings)}`,
    ...(digest === undefined ? [] : [`--expect ${digest}`]),
  ];
  return [CLI, ...words].join(' \\\n  ');
}

/** A saved checkpoint goes on to the run's last step. */
export const resumeCommand = (settings: Settings): string =>
  [CLI, `--text ${textFile(settings)}`, `--resume ${CHECKPOINT_FILE} --out run`].join(' \\\n  ');

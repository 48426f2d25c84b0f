// What a run of the page is: everything that decides a bit of its weights.

import type { ImageBatch } from 'retrograd';
import { cosine, type TrainOptions, vit } from 'retrograd';

/** The vision transformer: 4 patches and a class token. */
export const MODEL = {
  width: 8,
  height: 8,
  colours: 1,
  patch: 4,
  classes: 10,
  layers: 2,
  channels: 32,
  heads: 4,
} as const;
export const BATCH = 32;
const RATE = 0.01;

export interface Settings {
  readonly steps: number;
  readonly seed: number;
}
export const DEFAULTS: Settings = { steps: 2000, seed: 1 };
/** Steps that the page offers. */
export const LENGTHS = [500, 1000, 2000, 4000];

/** What a number of an address may be. */
const MOST: Readonly<Record<keyof Settings, number>> = {
  steps: 100_000,
  seed: Number.MAX_SAFE_INTEGER,
};
const LEAST: Readonly<Record<keyof Settings, number>> = { steps: 10, seed: 0 };

/** The options of the library. */
export const optionsOf = ({ steps, seed }: Settings): TrainOptions<ImageBatch> => ({
  model: vit(MODEL),
  batch: BATCH,
  steps,
  seed,
  learningRate: cosine(RATE, { warmup: Math.min(100, Math.floor(steps / 10)) }),
});

/** A run as the address of the page says it, behind the #. */
export const toHash = ({ steps, seed }: Settings): string => `steps=${steps}&seed=${seed}`;

/** What an address says: settings, whether it begins at once, the digest it promises, and what of
 *  it could not be taken, in words. */
export function fromHash(hash: string): {
  settings: Settings;
  starts: boolean;
  digest: string | undefined;
  problems: string[];
} {
  const words = new URLSearchParams(hash.replace(/^#/, ''));
  const settings = { ...DEFAULTS } as { -readonly [K in keyof Settings]: Settings[K] };
  const problems: string[] = [];
  for (const name of ['steps', 'seed'] as const) {
    const word = words.get(name);
    if (word === null) continue;
    const value = Number(word);
    const isRight = word !== '' && Number.isSafeInteger(value);
    if (isRight && value >= LEAST[name] && value <= MOST[name]) settings[name] = value;
    else
      problems.push(
        `${name} in the address is ${word}, expected a whole number from ${LEAST[name]} to ` +
          `${MOST[name]}`,
      );
  }
  const digest = words.get('digest') ?? undefined;
  return { settings, starts: words.get('start') === '1', digest, problems };
}

// What a run of the playground is: everything that decides a bit of its weights but the text, as
// plain numbers and words that fit into an address.

/** The update rules, by the names of the command line. */
export const RULES = ['bdia', 'leapfrog', 'momentum', 'coupling', 'none'] as const;
export type RuleName = (typeof RULES)[number];

/** The texts that can be learned: two that come with the page, and one's own. */
export const TEXTS = ['stories', 'sums', 'own'] as const;
export type TextName = (typeof TEXTS)[number];

/** A run, by the words of the library: L, C, H, T, B and what else decides bits. */
export interface Settings {
  readonly text: TextName;
  readonly layers: number;
  readonly channels: number;
  readonly heads: number;
  readonly context: number;
  readonly batch: number;
  readonly rule: RuleName;
  readonly seed: number;
  readonly steps: number;
  readonly learningRate: number;
}

/** The settings that are numbers. */
export type NumberName = Exclude<keyof Settings, 'text' | 'rule'>;

/** What a number may be. */
export interface Range {
  /** What a reader calls it. */
  readonly label: string;
  readonly values?: readonly number[];
  readonly least: number;
  readonly most: number;
  readonly isWhole: boolean;
}

const whole = (label: string, least: number, most: number, values?: readonly number[]): Range => ({
  label,
  least,
  most,
  isWhole: true,
  ...(values === undefined ? {} : { values }),
});

/** The numbers, in the order in which the page shows them. `values`: the stops of its slider; an
 *  address may have any number between `least` and `most`. */
export const RANGES: Readonly<Record<NumberName, Range>> = {
  layers: whole('layers', 1, 64, [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64]),
  channels: whole('channels', 8, 512, [16, 32, 48, 64, 96, 128, 192, 256, 384, 512]),
  heads: whole('heads', 1, 16, [1, 2, 4, 8, 16]),
  context: whole('context', 4, 1024, [8, 16, 32, 48, 64, 96, 128, 192, 256, 512]),
  batch: whole('batch', 1, 256, [1, 2, 4, 6, 8, 12, 16, 24, 32, 64]),
  steps: whole('steps', 1, 1e6, [50, 100, 200, 400, 600, 1000, 2000, 4000, 8000, 20_000]),
  learningRate: {
    label: 'learning rate',
    least: 0.00001,
    most: 0.1,
    isWhole: false,
    values: [0.0003, 0.0005, 0.001, 0.002, 0.003, 0.004, 0.006, 0.008, 0.01, 0.02],
  },
  seed: whole('seed', 0, Number.MAX_SAFE_INTEGER),
};
export const NUMBERS = Object.keys(RANGES) as NumberName[];

/** What the page begins with: learns to write words in some seconds on one core. */
export const DEFAULTS: Settings = {
  text: 'stories',
  layers: 4,
  channels: 48,
  heads: 4,
  context: 48,
  batch: 8,
  rule: 'bdia',
  seed: 1,
  steps: 600,
  learningRate: 0.008,
};

/** Steps of linear warm-up: a tenth of the run, at most 100. */
export const warmupOf = ({ steps }: Settings): number => Math.min(100, Math.floor(steps / 10));

/** What is wrong with a number, in one sentence; undefined if nothing is. */
export function problemOf(name: NumberName, value: number): string | undefined {
  const { label, least, most, isWhole } = RANGES[name];
  const isRight = isWhole ? Number.isSafeInteger(value) : Number.isFinite(value);
  if (isRight && value >= least && value <= most) return undefined;
  const kind = isWhole ? 'a whole number' : 'a number';
  return `${label} is ${value}, expected ${kind} from ${least} to ${most}`;
}

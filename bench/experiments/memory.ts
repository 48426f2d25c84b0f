// Memory and time of a step at the size that the paper's vision transformer is believed to have,
// for every rule: bytes by purpose of a trainer that made real steps; time against the plain,
// stored step, the two taking turns so that both see the same machine. Wall time needs a machine
// with nothing else to do; processor time is there too, for a look at one that has.

import { setImmediate } from 'node:timers/promises';
import { type ImageBatch, Trainer, vit } from '../../src/cli/library.ts';
import { optionsOf } from '../../src/cli/settings.ts';
import { median } from '../../src/cli/statistics.ts';
import { allThreadsUp } from '../../src/cli/threads.ts';
import { type Cell, deciding, type Experiment, type Found, type Watch } from './experiment.ts';
import { memoryOf } from './measure.ts';
import { cell } from './shared.ts';

const MODEL = {
  width: 32,
  height: 32,
  colours: 3,
  classes: 10,
  patch: 4,
  layers: 6,
  channels: 512,
  heads: 8,
  mlpRatio: 1,
};
const BATCH = 128;
const SIZE = 32 * 32 * 3;
/** Timed steps of each trainer, after one that is not. */
const TIMED = 2;
const PAPER = { plain: '1570.6 MB', coupling: '572.7 MB', bdia: '693.4 MB' };

/** Any images will do: nothing is learnt. A linear congruential generator's high bytes. */
function someImages(batch: number, seed: number): ImageBatch {
  let state = seed >>> 0;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  };
  return {
    images: Uint8Array.from({ length: batch * SIZE }, next),
    labels: Int32Array.from({ length: batch }, () => next() % 10),
  };
}

type Vit = Trainer<ImageBatch>;
type Name = 'ours' | 'plain';
/** Wall and processor time of each step, in milliseconds. */
type Times = Record<Name | `${Name}Processor`, number[]>;

/** The median of the ratios of steps that alternate; 1 if there is nothing beside. */
const ratioOf = (ours: readonly number[], plain: readonly number[]): number =>
  plain.length === 0 ? 1 : median(ours.map((time, i) => time / plain[i]));

/** One step, its times noted but for the first one; its loss. */
function timedStep(trainer: Vit, batch: ImageBatch, name: Name, times: Times): number {
  const start = performance.now();
  const before = process.cpuUsage();
  const { loss, step } = trainer.step(batch);
  const { user, system } = process.cpuUsage(before);
  if (step === 1) return loss;
  times[name].push(performance.now() - start);
  times[`${name}Processor`].push((user + system) / 1000);
  return loss;
}

/** The rule's trainer beside the plain one: times of steps that alternate. */
async function takeTurns(
  ours: Vit,
  plain: Vit | undefined,
  seed: number,
  watch: Watch,
): Promise<Found | undefined> {
  const batch = someImages(ours.options.batch, seed);
  const all = TIMED + 1;
  const times: Times = { ours: [], plain: [], oursProcessor: [], plainProcessor: [] };
  await Promise.all([allThreadsUp(ours), plain === undefined ? undefined : allThreadsUp(plain)]);
  for (let step = 1; step <= all; step++) {
    if (watch.isInterrupted()) return undefined;
    if (plain !== undefined) timedStep(plain, batch, 'plain', times);
    await setImmediate();
    if (watch.isInterrupted()) return undefined;
    const trainLoss = timedStep(ours, batch, 'ours', times);
    watch.point(step / all, { step, trainLoss });
    await setImmediate();
  }
  return {
    ...memoryOf(ours),
    millisecondsPerStep: median(times.ours),
    plainMillisecondsPerStep: plain === undefined ? null : median(times.plain),
    ratio: ratioOf(times.ours, times.plain),
    processorRatio: ratioOf(times.oursProcessor, times.plainProcessor),
    times,
  };
}

export const memory: Experiment = {
  name: 'memory',
  title: 'Memory and time of a training step, every rule',
  data: 'none',
  dataWords: 'random images: nothing is learnt',
  paper: 'peak memory at batch 128 (Table 1)',
  paperSource: 'as reported in machine-written reviews of the second arXiv version, not verified',
  sizes:
    "The size that a third party's replication uses (width 512, 8 heads, MLP width 512, 65 " +
    "tokens); the paper's own is not known to us. " +
    'Weights, gradients, optimizer, states, side bits and workspace are all counted, as in ' +
    'the paper\'s "parameters and training states"; ' +
    "the paper's floats have 32 bits, and what its framework adds is not known.",
  budget: `${TIMED + 1} steps of 128 images, the first not timed`,
  reference: 'bdia',
  cells: [
    cell('plain', 'plain, stored', { reversible: 'none' }, PAPER.plain),
    cell('checkpointing', 'plain, checkpointing', { reversible: 'checkpointing' }),
    cell('bdia', 'BDIA', { reversible: 'bdia' }, PAPER.bdia),
    cell('coupling', 'coupling (RevViT)', { reversible: 'coupling' }, PAPER.coupling),
    cell('momentum', 'momentum 0.875', { reversible: 'momentum', momentum: 0.875 }),
    cell('random-momentum', 'momentum +-0.5', {
      reversible: 'momentum',
      momentum: 0.5,
      randomMomentum: true,
    }),
    cell('leapfrog', 'leapfrog', { reversible: 'leapfrog' }),
  ],
  metrics: [
    { path: 'peakBytes', title: 'peak, MB', as: 'megabytes', better: 'lower' },
    { path: 'plan.bytes.states', title: 'states, MB', as: 'megabytes' },
    { path: 'plan.bytes.sideBits', title: 'side bits, MB', as: 'megabytes' },
    { path: 'plan.bytes.weights', title: 'weights, MB', as: 'megabytes' },
    { path: 'plan.bytes.gradients', title: 'gradients, MB', as: 'megabytes' },
    { path: 'plan.bytes.optimizer', title: 'optimizer, MB', as: 'megabytes' },
    { path: 'plan.bytes.workspace', title: 'workspace, MB', as: 'megabytes' },
    { path: 'millisecondsPerStep', title: 'a step, ms', as: 'milliseconds' },
    { path: 'ratio', title: 'against plain', as: 'ratio', better: 'lower' },
    { path: 'processorRatio', title: 'processor time against plain', as: 'ratio' },
  ],
  charts: [],
  bars: [
    { cell: 'bdia', path: 'peakBytes', atMost: 440e6 },
    { cell: 'bdia', path: 'ratio', atMost: 1.35 },
  ],
  async open(_, scale) {
    const batch = Math.max(1, Math.round(BATCH * Math.min(1, scale)));
    const budget = { model: MODEL, batch, steps: 1000 };
    const checked = (options: Cell['options'], seed: number, threads: number) =>
      optionsOf(vit, { ...budget, seed, threads, ...options });
    return {
      dataSha256: () => null,
      options: ({ options }, seed) => ({
        ...deciding(checked(options, seed, 1)),
        timedSteps: TIMED,
      }),
      async run({ options }, seed, threads, watch) {
        const create = (chosen: Cell['options']): Vit =>
          Trainer.create(checked(chosen, seed, threads));
        const ours = create(options);
        const plain = options.reversible === 'none' ? undefined : create({ reversible: 'none' });
        try {
          return await takeTurns(ours, plain, seed, watch);
        } finally {
          ours.close();
          plain?.close();
        }
      },
    };
  },
};

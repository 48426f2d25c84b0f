// retrograd bench: how fast this machine trains. The matrix product against the peak of its
// instruction, then training steps of a model on made-up data; --profile: kernel by kernel.

import { count, percent, table } from '../format.ts';
import type { SomeKind } from '../kinds/kinds.ts';
import { type CheckedOptions, Trainer } from '../library.ts';
import type { RunValues } from '../options.ts';
import { print, printJson } from '../reporters.ts';
import { settingsOf } from '../settings.ts';
import { median } from '../statistics.ts';
import { status } from '../status.ts';
import { allThreadsUp, threadsText } from '../threads.ts';
import { createPeak } from './peak.ts';
import { type ProductRate, productRate } from './products.ts';
import { createProfile, type ProfileRow } from './profile.ts';

export interface BenchValues extends RunValues {
  profile?: boolean;
  repeat?: number;
}

const SHAPES = [
  [64, 64, 64],
  [512, 512, 512],
  [1024, 128, 512],
] as const;
/** Steps, and milliseconds, before the first that counts: empty caches, the compiler's quick
 *  version, and the compiler at work on the better one, beside which two threads on two processors
 *  take up to a tenth longer. */
const WARM = 3;
const WARM_MILLISECONDS = 1500;
const REPEAT = 10;

/** Shares of 0..1 and rates as people read them. */
const rate = (value: number): string => `${value.toFixed(1)} GMAC/s`;
const inMilliseconds = (value: number): string => `${value.toFixed(value < 10 ? 2 : 1)} ms`;

const BUSY =
  'The machine was busy with other work while it was measured: rates beside the word ' +
  'disturbed say little. ' +
  'Measure again when nothing else runs.';
/** Steps of one length are the rule; when the longest take so much more than the shortest,
 *  something came between. */
const MOST_STEP_SPREAD = 1.5;

/** Whether steps tell of other work: the middle half of them differ too much. */
export function areUneven(milliseconds: readonly number[]): boolean {
  const sorted = [...milliseconds].sort((a, b) => a - b);
  const quarter = Math.floor(sorted.length / 4);
  return sorted[sorted.length - 1 - quarter] / sorted[quarter] > MOST_STEP_SPREAD;
}

function products(json: boolean): number {
  if (!json) status('measuring matrix products ...');
  const peak = createPeak();
  const found = SHAPES.map(([m, n, k]) => productRate(m, n, k, peak));
  const best = median(found.map((one) => one.peak));
  if (!json) status('');
  if (json) for (const one of found) printJson({ event: 'product', ...one });
  else printProducts(found, best);
  return best;
}

function printProducts(found: readonly ProductRate[], best: number): void {
  const rows = found.map(({ m, n, k, rate: own, ofPeak, disturbed }) => [
    `product ${m} x ${n} x ${k}`,
    rate(own),
    disturbed ? 'disturbed' : `${percent(ofPeak)} of the peak`,
  ]);
  print(table([['multiply-accumulates, peak', rate(best), ''], ...rows], [1]));
  if (found.some(({ disturbed }) => disturbed)) print(`\n${BUSY}`);
  print('');
}

/** Milliseconds of `repeat` steps after some that do not count; `begin` is called before the first
 *  that does. */
function times(step: () => unknown, repeat: number, begin: () => void = () => undefined): number[] {
  const end = performance.now() + WARM_MILLISECONDS;
  for (let i = 0; i < WARM || performance.now() < end; i++) step();
  begin();
  return Array.from({ length: repeat }, () => {
    const start = performance.now();
    step();
    return performance.now() - start;
  });
}

const UNEVEN =
  'Steps took unequal time: the machine is busy with other work. Measure again when ' +
  'nothing else runs.';

export async function bench(kind: SomeKind, values: BenchValues): Promise<number> {
  const { json = false, repeat = REPEAT } = values;
  const { options, note } = await kind.planned(values);
  const best = products(json);
  const trainer = Trainer.create(options);
  const { unit, unitsPerStep, step } = kind.madeUp(trainer);
  await allThreadsUp(trainer);
  if (!json) status('measuring training steps ...');
  const { threads, parameters } = trainer;
  const text = threadsText(trainer);
  const found = times(step, repeat);
  trainer.close();
  if (!json) status('');
  const { reversible, batch, model } = settingsOf(options);
  const milliseconds = median(found);
  const shortest = Math.min(...found);
  const longest = Math.max(...found);
  const disturbed = areUneven(found);
  const unitsPerSecond = (unitsPerStep / milliseconds) * 1000;
  if (json) {
    const time = { milliseconds, shortest, longest, disturbed, repeat };
    const what = { threads, parameters, unit, unitsPerSecond, reversible, batch, model };
    printJson({ event: 'step', ...time, ...what });
  } else {
    const { layers, channels, heads } = model;
    print(
      `${kind.title}: ${layers} layers, ${channels} channels, ${heads} heads, ${note}; ` +
        `${kind.batchNote(options)}, ${reversible}, ${text}`,
    );
    print(
      `a training step: ${inMilliseconds(milliseconds)}, median of ${repeat} ` +
        `(${shortest.toFixed(1)} to ${longest.toFixed(1)}); ` +
        `${count(unitsPerSecond)} ${unit} a second`,
    );
    if (disturbed) print(UNEVEN);
  }
  if (values.profile === true) profiled(kind, options, { repeat, best, json });
  return 0;
}

/** No kernel is faster than the peak: then the peak was measured while something else ran. */
const ofPeak = (share: number): string => (share > 1.02 ? 'disturbed' : percent(share));

interface Profiling {
  repeat: number;
  /** GMAC/s. */
  best: number;
  json: boolean;
}

/** One thread's step by kernels, in a run of its own: reading the clock takes time too. */
function profiled(kind: SomeKind, options: CheckedOptions<never>, how: Profiling): void {
  const { repeat, json } = how;
  if (!json) status('measuring every kernel ...');
  const profile = createProfile();
  const { makeBackend } = profile;
  const trainer = Trainer.forTests({ ...options, threads: 1 }, { makeBackend });
  const all = times(kind.madeUp(trainer).step, repeat, profile.clear).reduce((a, b) => a + b, 0);
  if (json) printEvents(profile.rows(), all, repeat);
  else printProfile(profile.rows(), all, how);
}

function printEvents(rows: readonly ProfileRow[], all: number, repeat: number): void {
  for (const { name, calls, milliseconds, macs } of rows)
    printJson({
      event: 'kernel',
      name,
      calls: calls / repeat,
      milliseconds: milliseconds / repeat,
      share: milliseconds / all,
      macs: macs / repeat,
    });
}

function printProfile(rows: readonly ProfileRow[], all: number, { repeat, best }: Profiling): void {
  status('');
  const outside = all - rows.reduce((sum, row) => sum + row.milliseconds, 0);
  print(`\nOne thread, every kernel timed: ${inMilliseconds(all / repeat)} a step.\n`);
  const head = ['kernel', 'calls', 'a step', 'share', 'rate', 'of the peak'];
  const ofKernels = rows.map(({ name, calls, milliseconds, macs }) => {
    const speed = macs / milliseconds / 1e6;
    const rates = macs === 0 ? ['', ''] : [rate(speed), ofPeak(speed / best)];
    const time = inMilliseconds(milliseconds / repeat);
    return [name, count(calls / repeat), time, percent(milliseconds / all), ...rates];
  });
  const time = inMilliseconds(outside / repeat);
  const rest = ['outside kernels', '', time, percent(outside / all), '', ''];
  print(table([head, ...ofKernels, rest], [1, 2, 3, 4, 5]));
}

// retrograd bench: how fast this machine trains. The matrix product against the peak of its
// instruction, then training steps of a model on made-up data; --profile: kernel by kernel.

import { count, percent, table } from '../format.ts';
import type { SomeKind } from '../kinds/kinds.ts';
import { type CheckedOptions, type Int8Build, int8, Trainer } from '../library.ts';
import type { RunValues } from '../options.ts';
import { print, printJson } from '../reporters.ts';
import { operandsOf, settingsOf } from '../settings.ts';
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

function products(build: Int8Build, kernels: string, json: boolean): number {
  if (!json) status('measuring matrix products ...');
  const peak = createPeak();
  const found = SHAPES.map((shape) => productRate(shape, build, peak));
  const best = median(found.map((one) => one.peak));
  if (!json) status('');
  if (json) for (const one of found) printJson({ event: 'product', ...one });
  else printProducts(found, best, kernels);
  return best;
}

function printProducts(found: readonly ProductRate[], best: number, kernels: string): void {
  const rows = found.flatMap(({ m, n, k, rate: own, ofPeak, int8, disturbed }) => {
    const [name, told] = [`product ${m} x ${n} x ${k}`, disturbed ? 'disturbed' : undefined];
    return [
      [name, rate(own), told ?? `${percent(ofPeak)} of the peak`],
      [`${name}, int8`, rate(int8.rate), told ?? `${int8.ofInt16.toFixed(2)} x int16`],
    ];
  });
  print(table([['multiply-accumulates, peak', rate(best), ''], ...rows], [1]));
  print(`\nkernels: ${kernels}`);
  if (found.some(({ disturbed }) => disturbed)) print(`\n${BUSY}`);
  print('');
}

/** Milliseconds of `repeat` steps of each, in turn, after some that do not count; `begin` is called
 *  before the first that does. */
function times(
  steps: readonly (() => unknown)[],
  repeat: number,
  begin: () => void = () => undefined,
): number[][] {
  const end = performance.now() + steps.length * WARM_MILLISECONDS;
  for (let i = 0; i < WARM || performance.now() < end; i++) for (const step of steps) step();
  begin();
  const found = steps.map((): number[] => []);
  for (let i = 0; i < repeat; i++)
    for (const [which, step] of steps.entries()) {
      const start = performance.now();
      step();
      found[which].push(performance.now() - start);
    }
  return found;
}

const UNEVEN =
  'Steps took unequal time: the machine is busy with other work. Measure again when ' +
  'nothing else runs.';

/** Both formats of operands, unless one is asked for. */
const FORMATS = ['int16', 'int8'] as const;

/** A model with one of the formats, and how it was timed. */
type Timed = ReturnType<SomeKind['madeUp']> & {
  note: string;
  trainer: Trainer<never>;
};

/** How steps are timed. */
interface Asked {
  repeat: number;
  json: boolean;
}

async function timedOf(
  kind: SomeKind,
  { options, note }: Awaited<ReturnType<SomeKind['planned']>>,
): Promise<Timed> {
  const trainer = Trainer.create(options);
  await allThreadsUp(trainer);
  return { ...kind.madeUp(trainer), note, trainer };
}

/** What is known of the steps of a model. */
function stepEvent({ trainer, unit, unitsPerStep }: Timed, found: readonly number[]) {
  const { threads, parameters, kernels, options } = trainer;
  const { reversible, batch, operands, model } = settingsOf(options);
  const milliseconds = median(found);
  return {
    event: 'step',
    milliseconds,
    shortest: Math.min(...found),
    longest: Math.max(...found),
    disturbed: areUneven(found),
    repeat: found.length,
    threads,
    parameters,
    unit,
    unitsPerSecond: (unitsPerStep / milliseconds) * 1000,
    reversible,
    batch,
    operands,
    kernels,
    model,
  };
}

/** A line of a step, and a remark on it. */
function printStep(event: ReturnType<typeof stepEvent>): void {
  const { milliseconds, shortest, longest, repeat, unit, unitsPerSecond, operands } = event;
  print(
    `a training step${operands === 'int16' ? '' : `, ${operands}`}: ` +
      `${inMilliseconds(milliseconds)}, median of ${repeat} ` +
      `(${shortest.toFixed(1)} to ${longest.toFixed(1)}); ` +
      `${count(unitsPerSecond)} ${unit} a second`,
  );
  if (event.disturbed) print(UNEVEN);
}

/** By how much the steps of the second model are faster, by the median of their pairs. */
const gain = ([first, second]: readonly number[][]): number =>
  median(first.map((milliseconds, i) => milliseconds / second[i]));

/** Times steps of the models in turn, and says so. */
function steps(kind: SomeKind, models: readonly Timed[], { json, repeat }: Asked): void {
  if (!json) status('measuring training steps ...');
  const found = times(
    models.map(({ step }) => step),
    repeat,
  );
  const events = models.map((model, i) => stepEvent(model, found[i]));
  const ofInt16 = models.length > 1 ? gain(found) : undefined;
  if (json)
    for (const event of events)
      printJson({ ...event, ...(event.operands === 'int8' ? { ofInt16 } : {}) });
  if (json) return;
  status('');
  const [{ trainer, note }] = models;
  const { layers, channels, heads } = events[0].model;
  print(
    `${kind.title}: ${layers} layers, ${channels} channels, ${heads} heads, ${note}; ` +
      `${kind.batchNote(trainer.options)}, ${events[0].reversible}, ${threadsText(trainer)}`,
  );
  for (const event of events) printStep(event);
  if (ofInt16 !== undefined) print(`int8 steps are ${ofInt16.toFixed(2)} x as fast`);
}

export async function bench(kind: SomeKind, values: BenchValues): Promise<number> {
  const { json = false, repeat = REPEAT, operands, kernels } = values;
  const { kernels: words, options: ofInt8 } = int8({ build: kernels });
  const { build } = ofInt8 as { build: Int8Build };
  const formats = operands === undefined ? FORMATS : [operands];
  const planned = await Promise.all(
    formats.map((format) => kind.planned({ ...values, operands: format })),
  );
  const best = products(build, words, json);
  const models = await Promise.all(planned.map((one) => timedOf(kind, one)));
  steps(kind, models, { json, repeat });
  for (const { trainer } of models) trainer.close();
  if (values.profile === true) profiled(kind, planned[0].options, { repeat, best, json });
  return 0;
}

/** No kernel is faster than the peak: then the peak was measured while something else ran. */
const ofPeak = (share: number): string => (share > 1.02 ? 'disturbed' : percent(share));

interface Profiling extends Asked {
  /** GMAC/s. */
  best: number;
}

/** One thread's step by kernels, in a run of its own: reading the clock takes time too. */
function profiled(kind: SomeKind, options: CheckedOptions<never>, how: Profiling): void {
  const { repeat, json } = how;
  if (!json) status('measuring every kernel ...');
  const { build } = operandsOf(options).options as { build?: Int8Build };
  const profile = createProfile(undefined, build);
  const { makeBackend } = profile;
  const trainer = Trainer.forTests({ ...options, threads: 1 }, { makeBackend });
  const [found] = times([kind.madeUp(trainer).step], repeat, profile.clear);
  const all = found.reduce((a, b) => a + b, 0);
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
    const share = name.startsWith('gemm_i8') ? '' : ofPeak(speed / best);
    const rates = macs === 0 ? ['', ''] : [rate(speed), share];
    const time = inMilliseconds(milliseconds / repeat);
    return [name, count(calls / repeat), time, percent(milliseconds / all), ...rates];
  });
  const time = inMilliseconds(outside / repeat);
  const rest = ['outside kernels', '', time, percent(outside / all), '', ''];
  print(table([head, ...ofKernels, rest], [1, 2, 3, 4, 5]));
}

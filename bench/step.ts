// Our side of the training step, memory and profile measurements: answers one request in a fresh
// process (compare/contender.mjs). The library is dist/, as users have it; only the profile wraps
// the kernels of a back end made from src/.
//   {"task": "export", ...}   initial weights as float32, tokens: what the rivals start from
//   {"task": "time", ...}     milliseconds and losses of single steps, and the digest of the
//                             weights after them
//   {"task": "profile", ...}  time and multiply-accumulates inside the gemm kernels, with the peak
//                             loop after every step
//   {"task": "memory", ...}   plan by purpose, and the process after three steps

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createPeak } from '../src/cli/bench/peak.ts';
import { createProfile } from '../src/cli/bench/profile.ts';
import { randomU32 } from '../src/core/random.ts';
import type * as Library from '../src/index.ts';
import type { Backend } from '../src/kernels/kernels.ts';
import { answerOnce } from './compare/contender.mjs';

interface Request {
  task: 'export' | 'time' | 'profile' | 'memory';
  model: Library.GptConfig;
  batch: number;
  reversible?: 'none' | 'bdia';
  operands?: 'int16' | 'int8';
  threads?: number;
  warmup?: number;
  steps?: number;
  folder?: string;
}

// This file runs from build/, one folder below the root like bench/. RETROGRAD_LIBRARY names an
// older build's (bench/all.mjs --before), which may know nothing of operands.
const { Trainer, bdia, constant, gpt, int8, plain, plan }: typeof Library = await import(
  process.env.RETROGRAD_LIBRARY ?? new URL('../dist/index.js', import.meta.url).href
);
const LEARNING_RATE = 1e-3;
const optionsOf = ({
  model,
  batch,
  reversible = 'none',
  operands = 'int16',
  threads = 1,
}: Request): Library.TrainOptions<Library.TextBatch> => ({
  model: gpt({
    ...model,
    rule: reversible === 'bdia' ? bdia() : plain(),
    ...(operands === 'int8' && { operands: int8() }),
  }),
  batch,
  threads,
  steps: 1000,
  learningRate: constant(LEARNING_RATE, { warmup: 0 }),
});

/** B*T tokens and one more: three times of four a function of the token before, else anything. */
function tokensOf({ model: { vocabulary, context }, batch }: Request): Int32Array {
  const tokens = new Int32Array(batch * context + 1);
  for (let i = 1; i < tokens.length; i++)
    tokens[i] =
      randomU32(1, 0, 0, 0, i) % 4 > 0
        ? (tokens[i - 1] * 5 + 7) % vocabulary
        : randomU32(1, 0, 1, 0, i) % vocabulary;
  return tokens;
}

/** Creates a trainer and runs steps on the one batch; the first `warmup` of them untimed. */
async function run(
  request: Request,
  makeBackend?: (bytes: number) => Backend,
  onStep?: (milliseconds: number) => void,
) {
  const { threads = 1, warmup = 3, steps = 8 } = request;
  const tokens = tokensOf(request);
  const n = tokens.length - 1;
  const batch = { inputs: tokens.subarray(0, n), targets: tokens.subarray(1) };
  const trainer = Trainer.forTests(optionsOf(request), { makeBackend });
  const times: number[] = [];
  const losses: number[] = [];
  await trainer.ready();
  if (trainer.threads !== threads)
    throw new Error(`${trainer.threads} of ${threads} threads came up: ${trainer.threadsNote}`);
  for (let i = 0; i < warmup + steps; i++) {
    const start = performance.now();
    const { loss } = trainer.step(batch);
    const passed = performance.now() - start;
    if (i >= warmup) times.push(passed);
    losses.push(loss);
    onStep?.(passed);
  }
  const digest = await trainer.weightsSha256();
  trainer.close();
  return { trainer, times, losses, digest };
}

function exportTask(request: Request): unknown {
  const trainer = Trainer.create(optionsOf(request));
  const weights = trainer.tensors().filter(({ name }) => !name.startsWith('optimizer.'));
  let size = 0;
  const table = weights.map(({ name, shape, data }) => {
    const offset = size;
    size += data.length;
    return { name, shape, offset };
  });
  const values = new Float32Array(size);
  for (const [i, { data, fraction }] of weights.entries())
    values.set(
      Float32Array.from(data, (raw) => raw * 2 ** -fraction),
      table[i].offset,
    );
  const { folder } = request;
  if (folder === undefined) throw new Error('no folder was given');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'weights.f32'), values);
  const { model, batch } = request;
  // Adam's betas are those of src/optim/adamw.ts.
  const adamw = {
    rate: LEARNING_RATE,
    beta1: 1 - 2 ** -3,
    beta2: 1 - 2 ** -7,
    epsilon: 1e-8,
    decay: 0.1,
    clip: 1,
  };
  writeFileSync(
    join(folder, 'task.json'),
    JSON.stringify({ model, batch, adamw, table, tokens: [...tokensOf(request)] }),
  );
  return { parameters: size };
}

async function timeTask(request: Request): Promise<unknown> {
  const { times, losses, digest } = await run(request);
  return { times, losses, digest };
}

/** One timed step: milliseconds of it and of its gemm kernels, what these did, and the peak loop's
 *  rate right after it. */
interface Sample {
  step: number;
  gemm: number;
  calls: number;
  macs: number;
  peak: number;
}
const PEAK_TURNS = 4000;

async function profileTask(request: Request): Promise<unknown> {
  const samples: Sample[] = [];
  const peak = createPeak();
  const profile = createProfile((name) => name.startsWith('gemm_'));
  for (let i = 0; i < 20; i++) peak.run(PEAK_TURNS);
  await run(request, profile.makeBackend, (step) => {
    const sum = (key: 'milliseconds' | 'calls' | 'macs'): number =>
      profile.rows().reduce((all, row) => all + row[key], 0);
    samples.push({
      step,
      gemm: sum('milliseconds'),
      calls: sum('calls'),
      macs: sum('macs'),
      peak: (PEAK_TURNS * peak.macs) / peak.run(PEAK_TURNS) / 1e6,
    });
    profile.clear();
  });
  return { samples: samples.slice(request.warmup) };
}

async function memoryTask(request: Request): Promise<unknown> {
  const before = process.memoryUsage.rss();
  const { trainer } = await run({ ...request, warmup: 0, steps: 3 });
  const { bytes, total, parameters } = plan(optionsOf(request));
  return {
    bytes,
    total,
    parameters,
    heap: trainer.peakBytes,
    processPeak: process.resourceUsage().maxRSS * 1024,
    processBefore: before,
  };
}

const TASKS = { export: exportTask, time: timeTask, profile: profileTask, memory: memoryTask };
await answerOnce<Request>((request) => TASKS[request.task](request));

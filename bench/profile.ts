// Where a training step's time goes: every kernel call timed, its multiply-accumulates or bytes counted, its rate and its share
// of the peak (the dot-product loop of bench/peak.ts). Run: node bench/run.mjs profile [--layers 6 ...] [none]
// --shapes: a row for each shape of matrix product. --vit: a vision transformer on 32 x 32 x 3 images, [--patch 4].

import { GptTrainer, type TrainOptions, VitTrainer } from '../src/all.ts';
import type { Backend, Kernels } from '../src/kernels/kernels.ts';
import { createWasmBackend } from '../src/kernels/wasm.ts';
import { PURPOSE, randomU32 } from '../src/random.ts';

const argument = (name: string, fallback: number): number => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : Number(process.argv[at + 1]);
};
const isVit = process.argv.includes('--vit');
const sizes = { layers: argument('layers', 6), channels: argument('channels', isVit ? 64 : 128), heads: argument('heads', 4) }, batch = argument('batch', isVit ? 32 : 8);
const common = { batch, steps: 1000, reversible: process.argv.includes('none') ? 'none' : 'bdia', verify: !process.argv.includes('--no-verify') } as const;

const shapes = process.argv.includes('--shapes');
interface Row { calls: number; ms: number; macs: number }
const rows = new Map<string, Row>();
/** Multiply-accumulates of a call; 0 for what is not a matrix product. */
const macs: Partial<Record<keyof Kernels, (a: number[]) => number>> = {
  gemm_i16i16i32: (a) => a[6] * a[7] * a[8],
  gemm_i16i16i64: (a) => a[6] * a[7] * a[8],
};

function profiled(bytes: number): Backend {
  const backend = createWasmBackend({ build: 'release', pages: Math.ceil(bytes / 65536) }), kernels: Record<string, unknown> = {};
  for (const name of Object.keys(backend.kernels) as (keyof Kernels)[]) {
    const call = backend.kernels[name] as (...a: number[]) => number;
    if (typeof call !== 'function') continue;
    kernels[name] = (...a: number[]): number => {
      const start = performance.now(), result = call(...a), key = shapes && macs[name] ? `${name} ${a[6]}x${a[8]}x${a[7]}` : name, row = rows.get(key) ?? { calls: 0, ms: 0, macs: 0 };
      row.ms += performance.now() - start;
      row.calls++;
      row.macs += macs[name]?.(a) ?? 0;
      rows.set(key, row);
      return result;
    };
  }
  return { name: 'release', memory: backend.memory, base: backend.base, kernels: kernels as never };
}

interface Stepping { step(): void; model: object }

/** A GPT or a vision transformer on random data, on a backend of `make`'s. */
function stepping(make?: (bytes: number) => Backend): Stepping {
  const random = (n: number, below: number, power: number): number[] =>
    Array.from({ length: n }, (_, i) => Math.floor((randomU32(1, PURPOSE.batch, 0, 0, i) / 2 ** 32) ** power * below));
  if (isVit) {
    const trainer = VitTrainer.create({ ...common, model: { ...sizes, kind: 'vit', width: 32, height: 32, colours: 3, classes: 10, patch: argument('patch', 4) } }, make);
    const images = Uint8Array.from(random(batch * 3072, 256, 1)), labels = Int32Array.from(random(batch, 10, 1));
    return { model: trainer.options.model, step: () => trainer.trainStep(images, labels) };
  }
  const context = argument('context', 128), vocabulary = argument('vocabulary', 96), options: TrainOptions = { ...common, model: { ...sizes, context, vocabulary } };
  const trainer = GptTrainer.create(options, make), tokens = Int32Array.from(random(batch * context + 1, vocabulary, 2));
  return { model: trainer.options.model, step: () => trainer.trainStep(tokens.subarray(0, -1), tokens.subarray(1)) };
}

function run(make?: (bytes: number) => Backend): { ms: number; model: object } {
  const { step, model } = stepping(make), times: number[] = [];
  for (let i = 0; i < 12; i++) {
    if (i === 4) rows.clear();
    const start = performance.now();
    step();
    times.push(performance.now() - start);
  }
  return { ms: times.slice(4).sort((a, b) => a - b)[4], model };
}
const { ms: plain, model } = run(), { ms: timed } = run(profiled), steps = 8;
console.log(`${JSON.stringify(model)} batch ${batch} ${common.reversible}: ${plain.toFixed(1)} ms a step (${timed.toFixed(1)} with timers)`);
let inKernels = 0, gemm = 0, all = 0;
for (const [name, row] of [...rows].sort((a, b) => b[1].ms - a[1].ms)) {
  inKernels += row.ms / steps;
  if (row.macs > 0) { gemm += row.ms / steps; all += row.macs / steps; }
  console.log(`${name.padEnd(34)} ${(row.ms / steps).toFixed(2).padStart(8)} ms ${((100 * row.ms) / steps / timed).toFixed(1).padStart(5)} % ${String(row.calls / steps).padStart(7)} calls ${row.macs ? (row.macs / row.ms / 1e6).toFixed(1).padStart(6) + ' GMAC/s' : ''}`);
}
console.log(`outside kernels ${(timed - inKernels).toFixed(2)} ms; gemm ${((100 * gemm) / timed).toFixed(1)} % of the step; ${(all / 1e9).toFixed(2)} GMAC a step, ${(all / plain / 1e6).toFixed(1)} GMAC/s over the whole step`);

import { test, expect } from 'vitest';
import { GptTrainer, VitTrainer, TranslatorTrainer, planGpt, planVit, planTranslator } from './src/all.ts';
import { createWasmBackend } from './src/kernels/wasm.ts';
import { Arena } from './src/tensor/arena.ts';
import { Updater } from './src/next/optim/updater.ts';
import { adamw } from './src/next/optim/adamw.ts';
import { cosine, constant } from './src/next/optim/schedule.ts';
import { PURPOSE } from './src/random.ts';
import { MASTER_FRACTION } from './src/tensor/formats.ts';
import { Planner } from './src/next/memory/planner.ts';
import { PlannedModel } from './src/next/models/model.ts';
import { gpt } from './src/next/models/gpt.ts';
import { vit } from './src/next/models/vit.ts';
import { translator } from './src/next/models/translator.ts';
import { Run } from './src/next/ops/run.ts';
import { Noise } from './src/next/reversible/noise.ts';
import { bdia } from './src/next/reversible/bdia.ts';
import { plain } from './src/next/reversible/plain.ts';
import { leapfrog } from './src/next/reversible/leapfrog.ts';
import { coupling } from './src/next/reversible/coupling.ts';
import { momentum } from './src/next/reversible/momentum.ts';
const { createHash } = await import('node:crypto');

const ruleOf = (o: any) => ({ bdia: () => bdia({ gammaShift: o.gammaShift }), none: plain, checkpointing: plain, leapfrog, coupling, momentum: () => momentum({ beta: o.momentum, isRandom: o.randomMomentum }) } as any)[o.reversible]();
const make = { gpt, vit, translator } as any;
export function buildNext(kind: string, o: any) {
  const keeps = o.reversible === 'checkpointing' ? 'states' : o.reversible !== 'none' && !o.storeActivations ? 'nothing' : 'activations';
  const go = (arena: Arena) => {
    const at = Planner.create(arena, { rank: 0, threads: 1, sequences: o.microBatch, fraction: o.fractionBits });
    const model = new PlannedModel<any>(at, make[kind](o.model, ruleOf(o)), { keeps: () => keeps as any, noise: new Noise(o), verify: o.verify }, [4, 4]);
    const opt = new Updater(at, adamw({ weightDecay: o.weightDecay }), model.parameters, o.clip);

    return { model, opt };
  };
  const plan = new Arena(0); go(plan);
  const backend = createWasmBackend({ pages: Math.ceil((plan.total + 2 ** 18) / 65536) });
  const arena = new Arena(backend.base);
  const { model, opt } = go(arena);
  const run = new Run(backend);
  const seed = o.seed;
  model.parameters.forEach((p, i) => {
    run.clear(p.slots[0], p.size * 4); run.clear(p.slots[1], p.size * 4);
    if ('value' in p.init) run.view(p.master, p.size).fill(p.init.value * 2 ** MASTER_FRACTION);
    else run.kernels.random_normal_i32(p.master, p.size, i, 0, PURPOSE.weights, seed >>> 0, Math.floor(seed / 2 ** 32), Math.round((p.init.deviation * 2 ** 24 * 2 ** 16) / Math.sqrt((8 * (2 ** 32 - 1)) / 12)));
  });
  const store: any = { all: model.parameters.map((p) => ({ name: p.path, size: p.size, master: p.master, gradient: p.gradient, m: p.slots[0], r: p.slots[1], kind: p.decays ? 'matrix' : 'gain' })) };
  const sha = () => { const h = createHash('sha256'); for (const p of model.parameters) h.update(run.bytes.subarray(p.master, p.master + p.size * 4)); return h.digest('hex'); };
  let steps = 0;
  const step = (batch: any) => {
    const predictions = model.take(batch, o.batch);
    model.resetReconstruction();
    for (const p of model.parameters) run.clear(p.gradient, p.size * 8);
    let loss = 0;
    for (let first = 0; first < o.batch; first += o.microBatch) {
      model.load(run, first, o.microBatch);
      loss += model.accumulate(run, { count: o.microBatch, isTraining: true, seed, step: steps, first, gamma8: 0 }).loss;
    }
    const sch = (o.decay === 'cosine' ? cosine : constant)(o.learningRate, { warmup: o.warmup });
    opt.update(run, { predictions, step: steps, rate: sch.rate(steps, o.steps) }); steps++;
    return loss / 2 ** 16 / predictions;
  };
  return { model, run, step, sha, plan, names: model.parameters.map((p) => p.path) };
}
const rnd = (() => { let s = 12345; return (n: number) => { s = (Math.imul(s, 1103515245) + 12345) >>> 0; return (s >>> 8) % n; }; })();
const ints = (n: number, most: number, low = 0) => Int32Array.from({ length: n }, () => low + rnd(most - low));

const variants: any[] = [];
for (const reversible of ['bdia', 'none', 'checkpointing', 'leapfrog', 'coupling', 'momentum'])
  for (const extra of [{}, { dropout: 0.2, stochasticDepth: 0.4 }]) variants.push({ reversible, ...extra });
variants.push({ reversible: 'bdia', gammaShift: 3, fractionBits: 12, storeActivations: true }, { reversible: 'momentum', randomMomentum: true, momentum: 0.5 }, { reversible: 'bdia', gammaShift: 2, dropout: 0.1 });

test.each(variants)('gpt %j', async (v) => {
  for (const m of [{ bias: true, tied: false }, {}]) for (const layers of [1, 5]) {
    const model = { vocabulary: 37, layers, channels: 24, heads: 3, context: 33, ...m };
    const t = GptTrainer.create({ model, batch: 4, microBatch: 2, steps: 50, learningRate: 0.01, warmup: 2, ...v });
    const n = buildNext('gpt', t.options);
    for (let i = 0; i < 4; i++) {
      const inputs = ints(4 * 33, 37), targets = ints(4 * 33, 37);
      const a = t.trainStep(inputs, targets);
      const loss = n.step({ inputs, targets });
      expect(loss).toBe(a.loss);
    }
    expect(n.sha()).toBe(await t.weightsSha256());
    expect(n.model.reconstruction.mismatchedElements).toBe(0);
    const plan = planGpt(t.options as any);
    expect(n.plan.total).toBeLessThanOrEqual(plan.total);
    const tokens = ints(7, 37);
    const out = n.model.infer(n.run, 0, tokens)!;
    const raw = n.run.view(out.at + 6 * 37 * 4, 37);
    expect(Array.from(raw, (x) => x / 2 ** out.fraction)).toEqual(Array.from(t.logits(tokens)));
  }
});
test.each(variants)('vit %j', async (v) => {
  for (const bias of [true, false]) {
    const model = { kind: 'vit' as const, width: 12, height: 8, colours: 1, classes: 5, patch: 4, layers: 3, channels: 16, heads: 2, bias };
    const t = VitTrainer.create({ model, batch: 4, microBatch: 2, steps: 50, learningRate: 0.01, warmup: 2, ...v });
    const n = buildNext('vit', t.options);
    for (let i = 0; i < 4; i++) {
      const images = Uint8Array.from(ints(4 * 96, 256)), labels = ints(4, 5);
      expect(n.step({ images, labels })).toBe(t.trainStep(images, labels).loss);
    }
    expect(n.sha()).toBe(await t.weightsSha256());
    const plan = planVit(t.options as any);
    console.log(n.plan.total, plan.total, JSON.stringify(n.plan.bytes), JSON.stringify(plan.bytes));
  }
});
test.each(variants)('translator %j', async (v) => {
  for (const bias of [true, false]) {
    const model = { kind: 'translator' as const, vocabulary: 31, layers: 2, channels: 16, heads: 2, context: 9, bias };
    const t = TranslatorTrainer.create({ model, batch: 4, microBatch: 2, steps: 50, learningRate: 0.01, warmup: 2, ...v });
    const n = buildNext('translator', t.options);
    for (let i = 0; i < 4; i++) {
      const batch = { source: ints(36, 31), sourceLengths: ints(4, 9, 1), input: ints(36, 31), target: ints(36, 31), targetLengths: ints(4, 9, 1) };
      expect(n.step(batch)).toBe(t.trainStep(batch).loss);
    }
    expect(n.sha()).toBe(await t.weightsSha256());
    const plan = planTranslator(t.options as any);
    console.log(n.plan.total, plan.total);
  }
});
